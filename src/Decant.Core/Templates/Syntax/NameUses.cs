namespace Decant.Core.Templates.Syntax;

/// <summary>Names that the macros being parsed mention: <c>caller</c>, <c>varargs</c> and <c>kwargs</c> change what a macro accepts.</summary>
internal sealed class NameUses
{
    private readonly Stack<HashSet<string>> macros = new();

    public void Add(string name)
    {
        if (name is "caller" or "varargs" or "kwargs" && macros.TryPeek(out HashSet<string>? current))
            current.Add(name);
    }

    public void EnterMacro() => macros.Push(new HashSet<string>(StringComparer.Ordinal));

    /// <summary>The names of the macro that ends; they count for the one around it as well.</summary>
    public HashSet<string> LeaveMacro()
    {
        HashSet<string> used = macros.Pop();
        if (macros.TryPeek(out HashSet<string>? outer))
            outer.UnionWith(used);
        return used;
    }
}
