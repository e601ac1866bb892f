using Decant.Core.Templates.Rendering;
using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Builtins;

/// <summary>Filters that apply another filter or a test to every item, one at a time as items are taken.</summary>
internal static class SelectionFilters
{
    public static TemplateValue Map(RenderContext context, TemplateValue self, BoundArguments a)
    {
        if (HasNothing(self))
            return context.Generator([]);
        Func<TemplateValue, TemplateValue> function = MapFunction(context, a.All);
        return context.Generator(Iteration.Items(context, self).Select(item =>
        {
            context.Step();
            return function(item);
        }));
    }

    public static TemplateValue Select(RenderContext context, TemplateValue self, BoundArguments a) => Choose(context, self, a.All, byAttribute: false, keep: true);

    public static TemplateValue Reject(RenderContext context, TemplateValue self, BoundArguments a) => Choose(context, self, a.All, byAttribute: false, keep: false);

    public static TemplateValue SelectAttr(RenderContext context, TemplateValue self, BoundArguments a) => Choose(context, self, a.All, byAttribute: true, keep: true);

    public static TemplateValue RejectAttr(RenderContext context, TemplateValue self, BoundArguments a) => Choose(context, self, a.All, byAttribute: true, keep: false);

    private static Func<TemplateValue, TemplateValue> MapFunction(RenderContext context, Arguments arguments)
    {
        if (arguments.Positional.Count == 0)
        {
            TemplateValue attribute = arguments.FindNamed("attribute") ?? throw context.Error("map requires a filter argument");
            if (arguments.Named.Any(n => n.Key is not ("attribute" or "default")))
                throw context.Error("map got an unexpected keyword argument");
            return AttributePath.Getter(context, attribute, arguments.FindNamed("default"));
        }
        string name = Name(context, arguments.Positional[0]);
        Builtin filter = Filters.Find(name) ?? throw context.Error(Filters.Unknown(name));
        Arguments rest = arguments.Skip(1);
        return item => filter.Invoke(context, item, rest);
    }

    // Jinja looks at nothing else of an empty value or none: `tools | map(attribute="name")` is empty without tools.
    private static bool HasNothing(TemplateValue self) => self is not GeneratorValue && !self.IsTrue;

    private static GeneratorValue Choose(RenderContext context, TemplateValue self, Arguments arguments, bool byAttribute, bool keep)
    {
        if (HasNothing(self))
            return context.Generator([]);
        Func<TemplateValue, TemplateValue> subject = item => item;
        if (byAttribute)
        {
            if (arguments.Positional.Count == 0)
                throw context.Error("Missing parameter for attribute name");
            subject = AttributePath.Getter(context, arguments.Positional[0]);
            arguments = arguments.Skip(1);
        }
        Func<TemplateValue, bool> holds = Condition(context, arguments);
        return context.Generator(Iteration.Items(context, self).Where(item =>
        {
            context.Step();
            return holds(subject(item)) == keep;
        }));
    }

    private static Func<TemplateValue, bool> Condition(RenderContext context, Arguments arguments)
    {
        if (arguments.Positional.Count == 0)
            return value => value.IsTrue;
        string name = Name(context, arguments.Positional[0]);
        Builtin test = ValueTests.Find(name) ?? throw context.Error(ValueTests.Unknown(name));
        Arguments rest = arguments.Skip(1);
        return value => test.Invoke(context, value, rest).IsTrue;
    }

    private static string Name(RenderContext context, TemplateValue value) => value is StringValue s
        ? s.Text
        : throw context.Error($"the name of a filter or test must be a string, got {value.TypeName}");
}
