using System.Globalization;
using System.Text;
using Decant.Core.Templates.Printing;
using Decant.Core.Templates.Rendering;
using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Builtins;

/// <summary>All methods of text. To add one: a line here.</summary>
internal static class StringMethods
{
    private delegate TemplateValue StringBody(RenderContext context, string self, BoundArguments arguments);

    public static Dictionary<string, Builtin> All { get; } = Builtin.Index(
    [
        Of("capitalize", "", (c, s, _) => c.Text(CaseMapping.Capitalize(s))),
        Of("casefold", "", (c, s, _) => c.Text(CaseMapping.Fold(s))),
        Of("center", "width fillchar?", (c, s, a) => new StringValue(TextTrimming.Center(c, s, a.Int(0, 0), Fill(c, a)))),
        Of("count", "sub start? end?", (c, s, a) => Within(c, s, a, (part, _) => TextSearch.CountOf(part, a.Text(0)))),
        Of("endswith", "suffix start? end?", (c, s, a) => Affix(c, s, a, (text, part) => text.EndsWith(part, StringComparison.Ordinal))),
        Of("expandtabs", "tabsize?", ExpandTabs),
        Of("find", "sub start? end?", (c, s, a) => Position(c, s, a, fromRight: false)),
        Of("format", "*", (c, s, a) => BraceFormat.Apply(c, s, a.All)),
        Of("format_map", "mapping", (c, s, a) => BraceFormat.Apply(c, s, new Arguments([], [.. Members.NamedArguments(c, a.Value(0))]))),
        Of("index", "sub start? end?", (c, s, a) => Found(c, Position(c, s, a, fromRight: false))),
        Of("isalnum", "", (_, s, _) => BoolValue.Of(TextSearch.All(s, TextSearch.IsAlphanumeric))),
        Of("isalpha", "", (_, s, _) => BoolValue.Of(TextSearch.All(s, Rune.IsLetter))),
        Of("isascii", "", (_, s, _) => BoolValue.Of(Ascii.IsValid(s))),
        Of("isdecimal", "", (_, s, _) => BoolValue.Of(TextSearch.All(s, TextSearch.IsDigit))),
        Of("isdigit", "", (_, s, _) => BoolValue.Of(TextSearch.All(s, r => TextSearch.IsDigit(r) || IsDigitForm(r)))),
        Of("islower", "", (_, s, _) => BoolValue.Of(ValueTests.IsCase(s, upper: false))),
        Of("isnumeric", "", (_, s, _) => BoolValue.Of(TextSearch.All(s, Rune.IsNumber))),
        Of("isprintable", "", (_, s, _) => BoolValue.Of(s.Length == 0 || TextSearch.All(s, CodePoints.IsPrintable))),
        Of("isspace", "", (_, s, _) => BoolValue.Of(s.Length > 0 && s.All(CodePoints.IsSpace))),
        Of("istitle", "", (_, s, _) => BoolValue.Of(CaseMapping.IsTitle(s))),
        Of("isupper", "", (_, s, _) => BoolValue.Of(ValueTests.IsCase(s, upper: true))),
        Of("join", "iterable", Join),
        Of("ljust", "width fillchar?", (c, s, a) => new StringValue(s + TextTrimming.Repeat(c, Fill(c, a), a.Int(0, 0) - CodePoints.Count(s)))),
        Of("lower", "", (c, s, _) => c.Text(CaseMapping.Lower(s))),
        Of("lstrip", "chars?", (c, s, a) => c.Text(TextTrimming.Trim(s, a.TextOrNone(0), TrimSides.Left))),
        Of("partition", "sep", (c, s, a) => Partition(c, s, a, fromRight: false)),
        Of("removeprefix", "prefix", (c, s, a) => c.Text(s.StartsWith(a.Text(0), StringComparison.Ordinal) ? s[a.Text(0).Length..] : s)),
        Of("removesuffix", "suffix", (c, s, a) => c.Text(s.EndsWith(a.Text(0), StringComparison.Ordinal) ? s[..^a.Text(0).Length] : s)),
        Of("replace", "old new count?", (c, s, a) => TextSearch.Replace(c, s, a.Text(0), a.Text(1), a.Int(2, -1))),
        Of("rfind", "sub start? end?", (c, s, a) => Position(c, s, a, fromRight: true)),
        Of("rindex", "sub start? end?", (c, s, a) => Found(c, Position(c, s, a, fromRight: true))),
        Of("rjust", "width fillchar?", (c, s, a) => new StringValue(TextTrimming.Repeat(c, Fill(c, a), a.Int(0, 0) - CodePoints.Count(s)) + s)),
        Of("rpartition", "sep", (c, s, a) => Partition(c, s, a, fromRight: true)),
        Of("rsplit", "sep? maxsplit?", (c, s, a) => Texts(c, TextSearch.Split(c, s, a.TextOrNone(0), a.Int(1, -1), fromRight: true))),
        Of("rstrip", "chars?", (c, s, a) => c.Text(TextTrimming.Trim(s, a.TextOrNone(0), TrimSides.Right))),
        Of("split", "sep? maxsplit?", (c, s, a) => Texts(c, TextSearch.Split(c, s, a.TextOrNone(0), a.Int(1, -1), fromRight: false))),
        Of("splitlines", "keepends?", (c, s, a) => Texts(c, TextSearch.Lines(s, a.Flag(0)))),
        Of("startswith", "prefix start? end?", (c, s, a) => Affix(c, s, a, (text, part) => text.StartsWith(part, StringComparison.Ordinal))),
        Of("strip", "chars?", (c, s, a) => c.Text(TextTrimming.Trim(s, a.TextOrNone(0), TrimSides.Both))),
        Of("swapcase", "", (c, s, _) => c.Text(CaseMapping.SwapCase(s))),
        Of("title", "", (c, s, _) => c.Text(CaseMapping.Title(s))),
        Of("upper", "", (c, s, _) => c.Text(CaseMapping.Upper(s))),
        Of("zfill", "width", ZeroFill),
    ]);

    private static Builtin Of(string name, string signature, StringBody body) => new(name, signature, (context, self, arguments) =>
    {
        string text = ((StringValue)self).Text;
        context.Scan(text.Length);
        return body(context, text, arguments);
    });

    private static SequenceValue Texts(RenderContext context, List<string> texts)
    {
        context.Characters(texts.Count);
        return context.List([.. texts.Select(t => new StringValue(t))]);
    }

    private static string Fill(RenderContext context, BoundArguments a)
    {
        string fill = a[1] is null ? " " : a.Text(1);
        return CodePoints.Count(fill) == 1 ? fill : throw context.Error("The fill character must be exactly one character long");
    }

    private static StringValue Join(RenderContext context, string self, BoundArguments a)
    {
        List<TemplateValue> items = Iteration.ToList(context, a.Value(0));
        for (int i = 0; i < items.Count; i++)
        {
            if (items[i] is not StringValue)
                throw context.Error($"sequence item {i}: expected str instance, {items[i].TypeName} found");
        }
        context.Characters(items.Sum(i => (long)((StringValue)i).Text.Length) + (self.Length * (long)Math.Max(0, items.Count - 1)));
        return new StringValue(string.Join(self, items.Select(i => ((StringValue)i).Text)));
    }

    /// <summary>Applies to the part that the arguments <c>start</c> and <c>end</c> leave; the second number is where it begins, in code points.</summary>
    private static IntegerValue Within(RenderContext context, string self, BoundArguments a, Func<string, int, int> apply) =>
        Bounds(self, a) is var (part, offset) && part is not null ? new IntegerValue(apply(part, offset)) : new IntegerValue(0);

    private static (string? Part, int Offset) Bounds(string self, BoundArguments a)
    {
        if (a[1] is null or NoneValue && a[2] is null or NoneValue)
            return (self, 0);
        int count = CodePoints.Count(self);
        int start = a[1] is null or NoneValue ? 0 : a.Int(1, 0);
        int end = a[2] is null or NoneValue ? count : a.Int(2, 0);
        start = start < 0 ? Math.Max(0, start + count) : start;
        end = end < 0 ? Math.Max(0, end + count) : Math.Min(end, count);
        return start > end ? (null, 0) : (CodePoints.Substring(self, start, end - start), start);
    }

    private static IntegerValue Position(RenderContext context, string self, BoundArguments a, bool fromRight)
    {
        (string? part, int offset) = Bounds(self, a);
        string wanted = a.Text(0);
        int at = part is null ? -1 : fromRight ? part.LastIndexOf(wanted, StringComparison.Ordinal) : part.IndexOf(wanted, StringComparison.Ordinal);
        return new IntegerValue(at < 0 ? -1 : offset + CodePoints.Count(part![..at]));
    }

    private static IntegerValue Found(RenderContext context, IntegerValue position) =>
        position.Value.Sign < 0 ? throw context.Error("substring not found") : position;

    private static BoolValue Affix(RenderContext context, string self, BoundArguments a, Func<string, string, bool> matches)
    {
        IReadOnlyList<TemplateValue> candidates = a[0] is SequenceValue { Kind: SequenceKind.Tuple } several ? several.Items : [a.Value(0)];
        string? part = Bounds(self, a).Part;
        foreach (TemplateValue candidate in candidates)
        {
            if (candidate is not StringValue affix)
                throw context.Error($"first arg must be str or a tuple of str, not {candidate.TypeName}");
            if (part is not null && matches(part, affix.Text))
                return BoolValue.True;
        }
        return BoolValue.False;
    }

    private static SequenceValue Partition(RenderContext context, string self, BoundArguments a, bool fromRight)
    {
        string separator = a.Text(0);
        if (separator.Length == 0)
            throw context.Error("empty separator");
        int at = fromRight ? self.LastIndexOf(separator, StringComparison.Ordinal) : self.IndexOf(separator, StringComparison.Ordinal);
        context.Characters(self.Length);
        (string before, string middle, string after) = at >= 0
            ? (self[..at], separator, self[(at + separator.Length)..])
            : fromRight ? ("", "", self) : (self, "", "");
        return context.Tuple(new StringValue(before), new StringValue(middle), new StringValue(after));
    }

    private static StringValue ZeroFill(RenderContext context, string self, BoundArguments a)
    {
        bool isSigned = self.Length > 0 && self[0] is '+' or '-';
        string zeros = TextTrimming.Repeat(context, "0", a.Int(0, 0) - CodePoints.Count(self));
        return new StringValue(isSigned ? self[0] + zeros + self[1..] : zeros + self);
    }

    private static StringValue ExpandTabs(RenderContext context, string self, BoundArguments a)
    {
        int size = Math.Max(0, a.Int(0, 8));
        context.Characters(self.Length + (TextSearch.CountOf(self, "\t") * (long)size));
        var result = new StringBuilder(self.Length);
        int column = 0;
        foreach (Rune rune in self.EnumerateRunes())
        {
            if (rune.Value == '\t')
            {
                int blanks = size == 0 ? 0 : size - (column % size);
                result.Append(' ', blanks);
                column += blanks;
                continue;
            }
            result.Append(rune.ToString());
            column = rune.Value is '\n' or '\r' ? 0 : column + 1;
        }
        return new StringValue(result.ToString());
    }

    /// <summary>Superscript, circled and similar digits: digits to Python, though no decimal ones.</summary>
    private static bool IsDigitForm(Rune rune) => Rune.GetUnicodeCategory(rune) == UnicodeCategory.OtherNumber
        && Rune.GetNumericValue(rune) is >= 0 and <= 9 and var value && double.IsInteger(value);
}
