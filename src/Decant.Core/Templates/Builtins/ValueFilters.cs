using Decant.Core.Templates.Printing;
using Decant.Core.Templates.Rendering;
using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Builtins;

/// <summary>Filters on any value.</summary>
internal static class ValueFilters
{
    public static TemplateValue Attr(RenderContext context, TemplateValue self, BoundArguments a) => Members.AttributeAlone(context, self, a.Text(0));

    public static TemplateValue Default(RenderContext context, TemplateValue self, BoundArguments a) =>
        self is UndefinedValue || (a.Flag(1) && !self.IsTrue) ? a[0] ?? StringValue.Empty : self;

    public static TemplateValue String(RenderContext context, TemplateValue self, BoundArguments a) =>
        self is StringValue ? self : context.Text(PythonText.Print(context, self));

    /// <summary>transformers' own <c>tojson</c>: <c>json.dumps</c> without escaping HTML, non-ASCII text kept as it is.</summary>
    public static TemplateValue ToJson(RenderContext context, TemplateValue self, BoundArguments a)
    {
        string? indent = a[1] switch
        {
            null or NoneValue => null,
            StringValue s => s.Text,
            _ => Spaces(context, a.Int(1, 0)),
        };
        string item = indent is null ? ", " : ",";
        string key = ": ";
        if (a[2] is { } separators and not NoneValue)
        {
            List<TemplateValue> parts = Iteration.ToList(context, separators, atMost: 3);
            if (parts is not [StringValue first, StringValue second])
                throw context.Error("tojson: separators must be two strings");
            (item, key) = (first.Text, second.Text);
        }
        return context.Text(JsonText.Write(context, self, new JsonStyle(a.Flag(0), indent, item, key, a.Flag(3))));
    }

    internal static string Spaces(RenderContext context, int count)
    {
        context.Characters(Math.Max(0, count));
        return new string(' ', Math.Max(0, count));
    }
}
