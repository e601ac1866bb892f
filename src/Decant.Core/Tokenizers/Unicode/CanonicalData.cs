using System.Globalization;
using System.Reflection;

namespace Decant.Core.Tokenizers.Unicode;

/// <summary>
/// Canonical decompositions, compositions and combining classes of Unicode 9.0, the version behind the NFC that the reference tokenizers
/// apply; a newer table would give other ids for text with newer letters. Carried here as data (<c>canonical-9.0.txt</c>) because
/// string.Normalize does nothing in invariant-globalization mode and depends on the platform's ICU otherwise.
/// </summary>
internal sealed class CanonicalData
{
    // Hangul syllables are computed (Unicode Standard, section 3.12).
    private const int SyllableBase = 0xAC00;
    private const int LeadBase = 0x1100;
    private const int VowelBase = 0x1161;
    private const int TrailBase = 0x11A7;
    private const int LeadCount = 19;
    private const int VowelCount = 21;
    private const int TrailCount = 28;
    private const int SyllableCount = LeadCount * VowelCount * TrailCount;

    private static readonly Lazy<CanonicalData> loaded = new(() => new CanonicalData());

    private readonly Dictionary<int, (int First, int Second)> decompositions = [];
    private readonly Dictionary<(int First, int Second), int> compositions = [];
    private readonly Dictionary<int, byte> classes = [];
    private readonly HashSet<int> neverComposed = [];
    private readonly HashSet<int> composesWithPrevious = [];

    private CanonicalData()
    {
        using Stream stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("canonical-9.0.txt")
            ?? throw new InvalidOperationException("The resource canonical-9.0.txt is missing from the assembly.");
        using var reader = new StreamReader(stream);
        bool inClasses = false;
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith('#'))
                continue;
            if (line == "classes")
                inClasses = true;
            else
            {
                foreach (string item in line.Split(' '))
                    Read(item, inClasses);
            }
        }
    }

    /// <summary>The tables, read on first use.</summary>
    public static CanonicalData Instance => loaded.Value;

    /// <summary>The canonical combining class; 0 for starters.</summary>
    public int CombiningClass(int codePoint) => codePoint < 0x300 ? 0 : classes.GetValueOrDefault(codePoint);

    /// <summary>True if NFC may change or move this code point, whatever is around it: it is not stable as it stands.</summary>
    public bool MayChange(int codePoint) =>
        codePoint >= 0x300 && (neverComposed.Contains(codePoint) || composesWithPrevious.Contains(codePoint)
            || codePoint is >= VowelBase and < VowelBase + VowelCount or > TrailBase and < TrailBase + TrailCount);

    /// <summary>One step of canonical decomposition; Second is -1 for a singleton.</summary>
    public bool TryDecompose(int codePoint, out int first, out int second)
    {
        (first, second) = (-1, -1);
        if (codePoint < 0xC0)
            return false;
        int syllable = codePoint - SyllableBase;
        if (syllable is >= 0 and < SyllableCount)
        {
            int trail = syllable % TrailCount;
            (first, second) = trail != 0
                ? (codePoint - trail, TrailBase + trail)
                : (LeadBase + syllable / (VowelCount * TrailCount), VowelBase + syllable / TrailCount % VowelCount);
            return true;
        }
        if (!decompositions.TryGetValue(codePoint, out (int First, int Second) pair))
            return false;
        (first, second) = pair;
        return true;
    }

    /// <summary>The primary composite of two code points, or -1.</summary>
    public int Compose(int first, int second)
    {
        if (second < 0x300)
            return -1;
        if (first - LeadBase is >= 0 and < LeadCount and int lead && second - VowelBase is >= 0 and < VowelCount and int vowel)
            return SyllableBase + (lead * VowelCount + vowel) * TrailCount;
        if (first - SyllableBase is >= 0 and < SyllableCount and int syllable && syllable % TrailCount == 0 && second - TrailBase is > 0 and < TrailCount and int trail)
            return first + trail;
        return compositions.TryGetValue((first, second), out int composite) ? composite : -1;
    }

    private void Read(string item, bool inClasses)
    {
        int sign = item.IndexOfAny(['=', ':']);
        ReadOnlySpan<char> left = item.AsSpan(0, sign);
        ReadOnlySpan<char> right = item.AsSpan(sign + 1);
        if (inClasses)
        {
            int dash = left.IndexOf('-');
            int first = Hexadecimal(dash < 0 ? left : left[..dash]);
            int last = dash < 0 ? first : Hexadecimal(left[(dash + 1)..]);
            byte combiningClass = byte.Parse(right, CultureInfo.InvariantCulture);
            for (int codePoint = first; codePoint <= last; codePoint++)
                classes.Add(codePoint, combiningClass);
            return;
        }
        int composed = Hexadecimal(left);
        int plus = right.IndexOf('+');
        (int First, int Second) pair = plus < 0 ? (Hexadecimal(right), -1) : (Hexadecimal(right[..plus]), Hexadecimal(right[(plus + 1)..]));
        decompositions.Add(composed, pair);
        if (item[sign] == '=')
        {
            compositions.Add(pair, composed);
            composesWithPrevious.Add(pair.Second);
        }
        else
            neverComposed.Add(composed);
    }

    private static int Hexadecimal(ReadOnlySpan<char> digits) => int.Parse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
}
