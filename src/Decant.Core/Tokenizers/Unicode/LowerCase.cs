using Decant.Core.Text;

namespace Decant.Core.Tokenizers.Unicode;

/// <summary>
/// Lower case code point by code point, without context (a final sigma is σ), by Unicode 17's full mappings: <see cref="SimpleCase"/>
/// (Unicode 16) and the differences. A test compares every code point with the reference tokenizers.
/// </summary>
internal static class LowerCase
{
    private const int CapitalIWithDot = 0x130;
    private const int CombiningDotAbove = 0x307;

    /// <summary>The lower case of a code point; <paramref name="second"/> is the second code point (only for İ) or -1.</summary>
    public static int Of(int codePoint, out int second)
    {
        second = -1;
        switch (codePoint)
        {
            case CapitalIWithDot:
                second = CombiningDotAbove;
                return 'i';
            case 0xA7CE or 0xA7D2 or 0xA7D4: // Latin additions of Unicode 17
                return codePoint + 1;
            case >= 0x16EA0 and <= 0x16EB8: // Beria Erfe capitals, Unicode 17
                return codePoint + 0x1B;
            default:
                return SimpleCase.Lower(codePoint);
        }
    }
}
