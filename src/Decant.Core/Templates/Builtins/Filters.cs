namespace Decant.Core.Templates.Builtins;

/// <summary>All filters. To add one: a line here, and its body in the file of its kind.</summary>
internal static class Filters
{
    private static readonly Dictionary<string, Builtin> byName = Builtin.Index(
    [
        new("abs", "", NumberFilters.Abs),
        new("attr", "name", ValueFilters.Attr),
        new("batch", "linecount fill_with?", SequenceFilters.Batch),
        new("capitalize", "", TextFilters.Capitalize),
        new("center", "width?", TextFilters.Center),
        new("count", "", SequenceFilters.Length),
        new("d", "default_value? boolean?", ValueFilters.Default),
        new("default", "default_value? boolean?", ValueFilters.Default),
        new("dictsort", "case_sensitive? by? reverse?", SortFilters.DictSort),
        new("e", "", TextFilters.Escape),
        new("escape", "", TextFilters.Escape),
        new("first", "", SequenceFilters.First),
        new("float", "default?", NumberFilters.ToFloat),
        new("forceescape", "", TextFilters.ForceEscape),
        new("format", "*", TextFilters.Format),
        new("groupby", "attribute default? case_sensitive?", SortFilters.GroupBy),
        new("indent", "width? first? blank?", TextFilters.Indent),
        new("int", "default? base?", NumberFilters.ToInteger),
        new("items", "", SequenceFilters.Items),
        new("join", "d? attribute?", SequenceFilters.Join),
        new("last", "", SequenceFilters.Last),
        new("length", "", SequenceFilters.Length),
        new("list", "", SequenceFilters.List),
        new("lower", "", TextFilters.Lower),
        new("map", "*", SelectionFilters.Map),
        new("max", "case_sensitive? attribute?", SortFilters.Max),
        new("min", "case_sensitive? attribute?", SortFilters.Min),
        new("reject", "*", SelectionFilters.Reject),
        new("rejectattr", "*", SelectionFilters.RejectAttr),
        new("replace", "old new count?", TextFilters.Replace),
        new("reverse", "", SequenceFilters.Reverse),
        new("round", "precision? method?", NumberFilters.Round),
        new("safe", "", TextFilters.Safe),
        new("select", "*", SelectionFilters.Select),
        new("selectattr", "*", SelectionFilters.SelectAttr),
        new("slice", "slices fill_with?", SequenceFilters.Slice),
        new("sort", "reverse? case_sensitive? attribute?", SortFilters.Sort),
        new("string", "", ValueFilters.String),
        new("striptags", "", TextFilters.StripTags),
        new("sum", "attribute? start?", SequenceFilters.Sum),
        new("title", "", TextFilters.Title),
        new("tojson", "ensure_ascii? indent? separators? sort_keys?", ValueFilters.ToJson),
        new("trim", "chars?", TextFilters.Trim),
        new("truncate", "length? killwords? end? leeway?", TextFilters.Truncate),
        new("unique", "case_sensitive? attribute?", SortFilters.Unique),
        new("upper", "", TextFilters.Upper),
        new("urlencode", "", TextFilters.UrlEncode),
        new("wordcount", "", TextFilters.WordCount),
        new("xmlattr", "autospace?", TextFilters.XmlAttr),
    ]);

    /// <summary>Filters of Jinja that no chat template has been seen to need.</summary>
    private static readonly HashSet<string> unsupported = new(StringComparer.Ordinal) { "filesizeformat", "pprint", "random", "urlize", "wordwrap" };

    public static Builtin? Find(string name) => byName.GetValueOrDefault(name);

    /// <summary>The error of using a filter that is not there.</summary>
    public static string Unknown(string name) => unsupported.Contains(name) ? $"the filter '{name}' is not supported" : $"No filter named '{name}'.";
}
