using Decant.Core.Templates.Builtins;
using Decant.Core.Templates.Syntax;
using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Rendering;

/// <summary>A macro together with the scope it was defined in; calling it gives what its body prints.</summary>
internal sealed class MacroValue(MacroDefinition macro, Scope definedIn, Evaluator evaluator, Renderer renderer) : CallableValue
{
    public override string Name => macro.Name;

    public override string TypeName => "jinja2.runtime.Macro";

    public MacroDefinition Definition => macro;

    public override TemplateValue Call(RenderContext context, Arguments arguments)
    {
        context.Enter();
        var scope = new Scope(definedIn);
        BindParameters(context, arguments, scope);
        string text = renderer.Capture(macro.Body, scope);
        context.Leave();
        return new StringValue(text);
    }

    private void BindParameters(RenderContext context, Arguments arguments, Scope scope)
    {
        int count = macro.Parameters.Count;
        if (arguments.Positional.Count > count && !macro.UsesVarargs)
            throw context.Error($"macro '{macro.Name}' takes not more than {count} argument(s)");
        for (int i = 0; i < count; i++)
        {
            (string name, Expression? otherwise) = macro.Parameters[i];
            TemplateValue? named = arguments.FindNamed(name);
            if (i < arguments.Positional.Count && named is not null)
                throw context.Error($"macro '{macro.Name}' got multiple values for argument '{name}'");
            TemplateValue? value = i < arguments.Positional.Count ? arguments.Positional[i] : named;
            value ??= otherwise is null ? new UndefinedValue($"parameter '{name}' was not provided") : evaluator.Evaluate(otherwise, scope);
            scope.Set(name, value);
        }
        var further = new DictValue();
        foreach ((string name, TemplateValue value) in arguments.Named)
        {
            if (macro.Parameters.Any(p => p.Name == name) || (macro.UsesCaller && name == "caller"))
                continue;
            if (!macro.UsesKwargs)
                throw context.Error($"macro '{macro.Name}' takes no keyword argument '{name}'");
            context.Set(further, new StringValue(name), value);
        }
        if (macro.UsesCaller)
            scope.Set("caller", arguments.FindNamed("caller") ?? new UndefinedValue("No caller defined"));
        if (macro.UsesVarargs)
            scope.Set("varargs", context.Tuple([.. arguments.Positional.Skip(count)]));
        if (macro.UsesKwargs)
            scope.Set("kwargs", further);
    }
}
