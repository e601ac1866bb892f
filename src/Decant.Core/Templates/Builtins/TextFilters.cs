using System.Buffers;
using System.Globalization;
using System.Text;
using Decant.Core.Templates.Printing;
using Decant.Core.Templates.Rendering;
using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Builtins;

/// <summary>Filters on text; any other value is printed first, as in Jinja.</summary>
internal static class TextFilters
{
    /// <summary>Jinja's policy <c>truncate.leeway</c>.</summary>
    private const int truncateLeeway = 5;

    private static readonly SearchValues<char> notInNames = SearchValues.Create(" \t\n\r\f/>=");

    public static TemplateValue Upper(RenderContext context, TemplateValue self, BoundArguments a) => context.Text(CaseMapping.Upper(Input(context, self)));

    public static TemplateValue Lower(RenderContext context, TemplateValue self, BoundArguments a) => context.Text(CaseMapping.Lower(Input(context, self)));

    public static TemplateValue Capitalize(RenderContext context, TemplateValue self, BoundArguments a) =>
        context.Text(CaseMapping.Capitalize(Input(context, self)));

    /// <summary>Words begin after white space, a hyphen or an opening bracket; unlike <c>str.title</c> an apostrophe ends none.</summary>
    public static TemplateValue Title(RenderContext context, TemplateValue self, BoundArguments a)
    {
        string text = Input(context, self);
        var result = new StringBuilder(text.Length);
        for (int i = 0; i < text.Length;)
        {
            bool separates = SeparatesWords(text[i]);
            int end = i;
            while (end < text.Length && SeparatesWords(text[end]) == separates)
                end++;
            string part = text[i..end];
            int first = separates ? 0 : CodePoints.LengthAt(part, 0);
            result.Append(separates ? part : CaseMapping.Upper(part[..first]) + CaseMapping.Lower(part[first..]));
            i = end;
        }
        return context.Text(result.ToString());
    }

    public static TemplateValue Trim(RenderContext context, TemplateValue self, BoundArguments a) =>
        context.Text(TextTrimming.Trim(Input(context, self), a.TextOrNone(0), TrimSides.Both));

    public static TemplateValue Replace(RenderContext context, TemplateValue self, BoundArguments a) => TextSearch.Replace(
        context,
        Input(context, self),
        PythonText.Print(context, a.Value(0)),
        PythonText.Print(context, a.Value(1)),
        a[2] is null or NoneValue ? -1 : a.Int(2, -1));

    public static TemplateValue Center(RenderContext context, TemplateValue self, BoundArguments a) =>
        new StringValue(TextTrimming.Center(context, Input(context, self), a.Int(0, 80), " "));

    public static TemplateValue Indent(RenderContext context, TemplateValue self, BoundArguments a)
    {
        // The one filter of text that prints nothing first: it adds a line end to what it is given.
        if (self is UndefinedValue undefined)
            throw context.Error(undefined);
        if (self is not StringValue)
            throw context.Error($"unsupported operand type(s) for +=: '{self.TypeName}' and 'str'");
        string indentation = a[0] is StringValue s ? s.Text : ValueFilters.Spaces(context, a.Int(0, 4));
        List<string> lines = TextSearch.Lines(Input(context, self) + "\n", keepEnds: false);
        context.Characters(lines.Sum(l => l.Length + 1L) + (indentation.Length * (long)lines.Count));
        var result = new StringBuilder();
        for (int i = 0; i < lines.Count; i++)
        {
            if (i > 0)
                result.Append('\n');
            bool isIndented = i == 0 ? a.Flag(1) : a.Flag(2) || lines[i].Length > 0;
            result.Append(isIndented ? indentation : "").Append(lines[i]);
        }
        return new StringValue(result.ToString());
    }

    public static TemplateValue Truncate(RenderContext context, TemplateValue self, BoundArguments a)
    {
        int count = Iteration.Count(context, self) ?? throw context.Error($"object of type '{self.TypeName}' has no len()");
        string text = Input(context, self);
        int length = a.Int(0, 255);
        string end = a.TextOrNone(2) ?? "...";
        int leeway = a[3] is null or NoneValue ? truncateLeeway : a.Int(3, 0);
        int kept = length - CodePoints.Count(end);
        if (kept < 0 || leeway < 0)
            throw context.Error($"truncate: expected length >= {CodePoints.Count(end)} and leeway >= 0");
        if (count <= length + (long)leeway)
            return self;
        if (self is not StringValue)
            throw context.Error($"a value of type '{self.TypeName}' cannot be truncated");
        string result = CodePoints.Substring(text, 0, kept);
        int blank = a.Flag(1) ? -1 : result.LastIndexOf(' ');
        return context.Text((blank < 0 ? result : result[..blank]) + end);
    }

    public static TemplateValue WordCount(RenderContext context, TemplateValue self, BoundArguments a)
    {
        int count = 0;
        bool inWord = false;
        foreach (Rune rune in Input(context, self).EnumerateRunes())
        {
            bool belongs = rune.Value == '_' || TextSearch.IsAlphanumeric(rune);
            if (belongs && !inWord)
                count++;
            inWord = belongs;
        }
        return new IntegerValue(count);
    }

    public static TemplateValue Format(RenderContext context, TemplateValue self, BoundArguments a)
    {
        if (a.All.Positional.Count > 0 && a.All.Named.Count > 0)
            throw context.Error("can't handle positional and keyword arguments at the same time");
        return PercentFormat.Apply(context, Input(context, self), a.All.Named.Count > 0 ? ToDict(context, a.All) : context.Tuple(a.All.Positional));
    }

    public static TemplateValue Escape(RenderContext context, TemplateValue self, BoundArguments a) => self is StringValue { IsMarkup: true }
        ? self
        : ForceEscape(context, self, a);

    public static TemplateValue ForceEscape(RenderContext context, TemplateValue self, BoundArguments a)
    {
        string text = Input(context, self);
        context.Characters(text.Length * 5L);
        return new StringValue(HtmlText.Escape(text), isMarkup: true);
    }

    public static TemplateValue Safe(RenderContext context, TemplateValue self, BoundArguments a) => new StringValue(Input(context, self), isMarkup: true);

    public static TemplateValue StripTags(RenderContext context, TemplateValue self, BoundArguments a) => context.Text(HtmlText.StripTags(Input(context, self)));

    /// <summary>Percent-encoded text; of a mapping or pairs, a query string.</summary>
    public static TemplateValue UrlEncode(RenderContext context, TemplateValue self, BoundArguments a)
    {
        if (self is StringValue || !Iteration.IsIterable(self))
            return context.Text(Quote(context, Input(context, self), "/"));
        IEnumerable<(TemplateValue, TemplateValue)> pairs = self is DictValue dict
            ? dict.Entries.Select(e => (e.Key, e.Value))
            : Iteration.ToList(context, self).Select(p => Iteration.ToList(context, p) is [var key, var value] ? (key, value) : throw context.Error("urlencode needs pairs"));
        return context.Text(string.Join('&', pairs.Select(p => $"{QueryPart(context, p.Item1)}={QueryPart(context, p.Item2)}")));
    }

    /// <summary>Attributes of an XML element; none and undefined are left out.</summary>
    public static TemplateValue XmlAttr(RenderContext context, TemplateValue self, BoundArguments a)
    {
        var result = new StringBuilder();
        foreach ((TemplateValue key, TemplateValue value) in DictMethods.Mapping(context, self).Entries)
        {
            if (value is NoneValue or UndefinedValue)
                continue;
            string name = PythonText.Print(context, key);
            if (name.AsSpan().IndexOfAny(notInNames) >= 0)
                throw context.Error($"Invalid character in attribute name: '{name}'");
            string text = HtmlText.Escape(PythonText.Print(context, value));
            context.Characters(text.Length + name.Length + 4L);
            result.Append(CultureInfo.InvariantCulture, $"{(result.Length == 0 ? "" : " ")}{HtmlText.Escape(name)}=\"{text}\"");
        }
        bool spaced = a.Flag(0, otherwise: true) && result.Length > 0;
        return new StringValue(spaced ? " " + result : result.ToString());
    }

    internal static DictValue ToDict(RenderContext context, Arguments arguments)
    {
        var dict = new DictValue();
        foreach ((string name, TemplateValue value) in arguments.Named)
            context.Set(dict, new StringValue(name), value);
        return dict;
    }

    /// <summary>The filtered value as text, paid for as something looked at.</summary>
    private static string Input(RenderContext context, TemplateValue value)
    {
        string text = PythonText.Print(context, value);
        context.Scan(text.Length);
        return text;
    }

    private static bool SeparatesWords(char c) => c is '-' or '(' or '{' or '[' or '<' || CodePoints.IsSpace(c);

    private static string QueryPart(RenderContext context, TemplateValue value) =>
        Quote(context, PythonText.Print(context, value), "").Replace("%20", "+", StringComparison.Ordinal);

    private static string Quote(RenderContext context, string text, string safe)
    {
        context.Characters(text.Length * 3L);
        var result = new StringBuilder(text.Length);
        foreach (byte b in Encoding.UTF8.GetBytes(text))
        {
            char c = (char)b;
            if (char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-' or '~' || safe.Contains(c, StringComparison.Ordinal))
                result.Append(c);
            else
                result.Append(CultureInfo.InvariantCulture, $"%{b:X2}");
        }
        return result.ToString();
    }
}
