using System.Text;
using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers.PreTokenizers.Patterns;

/// <summary>
/// Writes a regular expression of the reference tokenizers (Oniguruma, Ruby's syntax) for .NET's engine: groups, quantifiers and anchors as .NET spells them, everything
/// that stands for one code point by a function of the caller.
/// </summary>
/// <param name="pattern">The expression.</param>
internal sealed class OnigurumaPattern(string pattern)
{
    private const int DeepestGroup = 200;

    private static readonly CodePointSet lineFeed = CodePointSet.Of('\n');
    private static readonly CodePointSet lineBreaks = CodePointSet.Of((0xA, 0xD), (0x85, 0x85), (0x2028, 0x2029));

    private static readonly (string Opening, string Written)[] openings =
        [("(?:", "(?:"), ("(?=", "(?="), ("(?!", "(?!"), ("(?<=", "(?<="), ("(?<!", "(?<!"), ("(?>", "(?>")];

    /// <summary>The expression for .NET.</summary>
    /// <param name="write">Spells a set of code points as something that matches one character.</param>
    /// <exception cref="FormatException">It uses something that is not known here; the message says what.</exception>
    public string Translate(Func<CodePointSet, string> write) => new Translation(pattern, write).Run();

    // An open group: where it starts, what held before it, and whether it ends with the one around it (a flag without a group of its own).
    private readonly record struct Group(int Start, bool IgnoresCase, bool DotIsAll, bool EndsWithOuter);

    private sealed class Translation(string pattern, Func<CodePointSet, string> write)
    {
        private readonly OnigurumaReader reader = new(pattern);
        private readonly StringBuilder output = new();
        private readonly Stack<Group> groups = new();
        // Where what a quantifier would repeat starts in the output; -1: there is nothing.
        private int atom = -1;
        private bool ignoresCase;
        private bool dotIsAll;

        public string Run()
        {
            int start = 0;
            try
            {
                while (!reader.IsAtEnd)
                {
                    start = reader.Position;
                    TranslateNext();
                }
                CloseImplied();
                return groups.Count == 0 ? output.ToString() : throw new FormatException("a group that is not closed");
            }
            catch (FormatException e)
            {
                throw new FormatException($"{e.Message}, at character {start + 1}: {PatternExcerpt.Of(pattern, start)}", e);
            }
        }

        private void TranslateNext()
        {
            if (reader.Take("("))
                OpenGroup();
            else if (reader.Take(")"))
                CloseGroup();
            else if (reader.Take("|"))
                WriteAnchor("|");
            else if (reader.Take("^"))
                WriteAnchor($"(?<!{write(lineFeed.Complement())})");
            else if (reader.Take("$"))
                WriteAnchor($"(?!{write(lineFeed.Complement())})");
            else if (reader.IsAt("*") || reader.IsAt("+") || reader.IsAt("?"))
                Quantify(((char)reader.TakeCodePoint()).ToString(), isInterval: false);
            else if (reader.IsAt("{") && Interval() is { } interval)
                Quantify(interval, isInterval: true);
            else if (reader.Take("["))
                WriteAtom(reader.TakeSet(ignoresCase));
            else if (reader.Take("."))
                WriteAtom(dotIsAll ? CodePointSet.All : lineFeed.Complement());
            else if (reader.Take("\\"))
                TranslateEscape();
            else
                WriteFolded(CodePointSet.Of(reader.TakeCodePoint()));
        }

        private void WriteFolded(CodePointSet set) => WriteAtom(ignoresCase ? CaseFolding.Close(set) : set);

        private void WriteAtom(CodePointSet set) => WriteAtom(write(set));

        private void WriteAtom(string text)
        {
            atom = output.Length;
            output.Append(text);
        }

        private void WriteAnchor(string text)
        {
            output.Append(text);
            atom = -1;
        }

        private void TranslateEscape()
        {
            string word = write(CodePointProperties.Word);
            if (reader.Take("b"))
                WriteAnchor($"(?:(?<={word})(?!{word})|(?<!{word})(?={word}))");
            else if (reader.Take("B"))
                WriteAnchor($"(?:(?<={word})(?={word})|(?<!{word})(?!{word}))");
            else if (reader.Take("A"))
                WriteAnchor(@"\A");
            else if (reader.Take("z"))
                WriteAnchor(@"\z");
            else if (reader.Take("Z"))
                WriteAnchor($"(?={write(lineFeed)}?\\z)");
            else if (reader.Take("R"))
                WriteAtom($"(?>{write(CodePointSet.Of('\r'))}{write(lineFeed)}|{write(lineBreaks)})");
            else if (reader.Take("N"))
                WriteAtom(lineFeed.Complement());
            else if (reader.Take("O"))
                WriteAtom(CodePointSet.All);
            else
                TranslateEscapedCharacter();
        }

        // Classes are not folded outside brackets.
        private void TranslateEscapedCharacter()
        {
            CodePointSet set = reader.TakeEscape(isInSet: false);
            if (set.Ranges is [var (first, last)] && first == last)
                WriteFolded(set);
            else
                WriteAtom(set);
        }

        private void OpenGroup()
        {
            reader.Position--;
            foreach ((string opening, string written) in openings)
            {
                if (reader.Take(opening))
                {
                    Open(written, endsWithOuter: false);
                    return;
                }
            }
            if (reader.Take("(?#"))
            {
                reader.TakeThrough(')');
                return;
            }
            if (reader.Take("(?<"))
            {
                reader.TakeThrough('>');
                Open("(?:", endsWithOuter: false);
                return;
            }
            if (!reader.Take("(?"))
            {
                reader.Take("(");
                Open("(?:", endsWithOuter: false);
                return;
            }
            OpenFlags();
        }

        // (?i:…), (?im-x:…), and (?i), which holds to the end of the group around it.
        private void OpenFlags()
        {
            (bool folds, bool all, bool isOn) = (ignoresCase, dotIsAll, true);
            while (!reader.IsAt(":") && !reader.IsAt(")"))
            {
                int flag = reader.TakeCodePoint();
                if (flag == '-')
                    isOn = false;
                else if (flag == 'i')
                    folds = isOn;
                else if (flag == 'm')
                    all = isOn;
                else if (flag != 'x' || isOn)
                    throw new FormatException($"the group '(?{char.ConvertFromUtf32(flag)}'");
            }
            Open("(?:", endsWithOuter: !reader.Take(":"));
            reader.Take(")");
            (ignoresCase, dotIsAll) = (folds, all);
        }

        private void Open(string written, bool endsWithOuter)
        {
            if (groups.Count >= DeepestGroup)
                throw new FormatException($"more than {DeepestGroup} groups within each other");
            groups.Push(new Group(output.Length, ignoresCase, dotIsAll, endsWithOuter));
            WriteAnchor(written);
        }

        private void CloseGroup()
        {
            CloseImplied();
            if (groups.Count == 0)
                throw new FormatException("a bracket that closes nothing");
            Close();
        }

        private void CloseImplied()
        {
            while (groups.TryPeek(out Group group) && group.EndsWithOuter)
                Close();
        }

        private void Close()
        {
            Group group = groups.Pop();
            output.Append(')');
            (atom, ignoresCase, dotIsAll) = (group.Start, group.IgnoresCase, group.DotIsAll);
        }

        private void Quantify(string quantifier, bool isInterval)
        {
            if (atom < 0)
                throw new FormatException($"'{quantifier}' behind nothing");
            output.Append(quantifier);
            if (reader.Take("?"))
            {
                output.Append('?');
            }
            else if (reader.Take("+"))
            {
                // Behind an interval it is a quantifier like any other, and takes the whole as often as it can.
                output.Insert(atom, isInterval ? "(?:" : "(?>").Append(isInterval ? ")+" : ")");
            }
            // What is repeated can be repeated again.
            output.Insert(atom, "(?:").Append(')');
        }

        // {3}, {1,3}, {1,}, {,3}; null if the brace is a character.
        private string? Interval()
        {
            int end = pattern.IndexOf('}', reader.Position);
            ReadOnlySpan<char> inner = end < 0 ? "" : pattern.AsSpan(reader.Position + 1, end - reader.Position - 1);
            if (inner.IsEmpty || inner is "," || inner.ContainsAnyExceptInRange(',', '9') || inner.ContainsAnyInRange('-', '/') || inner.Count(',') > 1)
                return null;
            reader.Position = end + 1;
            return inner[0] == ',' ? $"{{0{inner}}}" : $"{{{inner}}}";
        }
    }
}
