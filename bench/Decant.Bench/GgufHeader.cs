namespace Decant.Bench;

/// <summary>Finds where a GGUF file's tensor data starts, through the product's own reader.</summary>
internal static class GgufHeader
{
    public static long DataOffset(string path)
    {
        using var file = Decant.Core.Files.GgufFile.Open(path);
        return file.DataOffset;
    }
}
