using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Rendering;

/// <summary>Names of one level: reading goes outwards, setting stays here. Loop bodies, macros and <c>with</c> have their own.</summary>
internal sealed class Scope(Scope? parent)
{
    private Dictionary<string, TemplateValue>? names;

    public TemplateValue? Find(string name)
    {
        for (Scope? scope = this; scope is not null; scope = scope.Parent)
        {
            if (scope.names is not null && scope.names.TryGetValue(name, out TemplateValue? value))
                return value;
        }
        return null;
    }

    public void Set(string name, TemplateValue value) => (names ??= new Dictionary<string, TemplateValue>(StringComparer.Ordinal))[name] = value;

    private Scope? Parent { get; } = parent;
}
