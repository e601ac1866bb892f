using System.Globalization;

namespace Decant.Core.Tokenizers.Models;

/// <summary>The names of byte tokens under byte fallback: <c>&lt;0x00&gt;</c> to <c>&lt;0xFF&gt;</c>.</summary>
internal static class ByteTokens
{
    /// <summary>The name of a byte.</summary>
    public static string NameOf(int value) => string.Create(CultureInfo.InvariantCulture, $"<0x{value:X2}>");

    /// <summary>The byte a token is named after.</summary>
    /// <returns>False if it is no name of a byte.</returns>
    public static bool TryParse(ReadOnlySpan<char> name, out byte value)
    {
        value = 0;
        return name.Length == 6 && name.StartsWith("<0x") && name[5] == '>'
            && byte.TryParse(name[3..5], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
    }

    /// <summary>The ids of the 256 byte tokens, −1 where one is missing.</summary>
    public static int[] Find(ModelVocabulary vocabulary)
    {
        int[] ids = new int[256];
        for (int value = 0; value < ids.Length; value++)
            ids[value] = vocabulary.FindId(NameOf(value)) ?? -1;
        return ids;
    }
}
