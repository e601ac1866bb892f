using Decant.Compression.Pipeline;
using System.Globalization;
using System.Runtime.InteropServices;
using Decant.Core.Files;

namespace Decant.Compression.Verification;

/// <summary>Compares GGUF metadata key by key.</summary>
internal static class MetadataComparison
{
    /// <summary>Keys that follow from the tensor types and the file, not from the model.</summary>
    private static readonly string[] fileKeys = ["general.file_type", "general.quantization_version", "general.alignment"];

    /// <summary>Keys that other quantizers add.</summary>
    private static readonly string[] addedPrefixes = [PlannedFile.ImportanceKeyPrefix, "split."];

    /// <summary>Checks that the output has the expected keys, each with an equal value of the same type.</summary>
    /// <param name="expected">The metadata the output should have.</param>
    /// <param name="got">The metadata it has.</param>
    /// <param name="ignoreFileKeys">True if the expected metadata is the source's, so that keys about tensor types may differ.</param>
    public static VerifyCheck Check(GgufMetadata expected, GgufMetadata got, bool ignoreFileKeys)
    {
        string? failure = FirstDifference(expected, got, ignoreFileKeys);
        return failure is null
            ? new VerifyCheck("metadata", true, $"{got.Entries.Count} keys are equal")
            : new VerifyCheck("metadata", false, failure);
    }

    /// <summary>
    /// Compares what two converters agree to write: the architecture's own keys and the vocabulary, where both have them. Names, licences and the keys
    /// each program adds for itself may differ.
    /// </summary>
    public static VerifyCheck CheckShared(GgufMetadata expected, GgufMetadata got)
    {
        string architecture = expected.GetString("general.architecture");
        if (got.FindString("general.architecture") is var other && other != architecture)
            return new VerifyCheck("metadata", false, $"key general.architecture: expected {architecture}, got {other ?? "nothing"}");
        int compared = 0;
        foreach ((string key, GgufValue value) in expected.Entries)
        {
            bool isShared = key.StartsWith(architecture + ".", StringComparison.Ordinal) || key is "tokenizer.ggml.tokens" or "tokenizer.ggml.merges";
            if (!isShared || got.Find(key) is not { } theirs)
                continue;
            compared++;
            if (!HaveEqualValues(value, theirs))
                return new VerifyCheck("metadata", false, $"key {key}: expected {Show(value)}, got {Show(theirs)}");
        }
        return new VerifyCheck("metadata", true, $"{compared} keys of the architecture and vocabulary are equal");
    }

    /// <summary>Converters choose different integer types for one number.</summary>
    private static bool HaveEqualValues(GgufValue left, GgufValue right) =>
        AreEqual(left, right)
        || (left.Value is not Array && right.Value is not Array && left.Type != GgufValueType.Float32 && right.Type != GgufValueType.Float32 && Show(left) == Show(right));

    private static string? FirstDifference(GgufMetadata expected, GgufMetadata got, bool ignoreFileKeys)
    {
        foreach ((string key, GgufValue value) in expected.Entries)
        {
            if (ignoreFileKeys && IsAboutTheFile(key))
                continue;
            if (got.Find(key) is not { } other)
                return $"key {key} is missing";
            if (!AreEqual(value, other))
                return $"key {key}: expected {Show(value)}, got {Show(other)}";
        }
        foreach ((string key, _) in got.Entries)
        {
            if (expected.Find(key) is null && !(ignoreFileKeys && IsAboutTheFile(key)))
                return $"key {key} is not in the source";
        }
        return null;
    }

    private static bool IsAboutTheFile(string key) =>
        fileKeys.Contains(key) || addedPrefixes.Any(prefix => key.StartsWith(prefix, StringComparison.Ordinal));

    /// <summary>Equal type and bits.</summary>
    internal static bool AreEqual(GgufValue left, GgufValue right)
    {
        if (left.Type != right.Type || left.ElementType != right.ElementType)
            return false;
        return (left.Value, right.Value) switch
        {
            (GgufValue[] a, GgufValue[] b) => a.Length == b.Length && a.Zip(b).All(pair => AreEqual(pair.First, pair.Second)),
            (string[] a, string[] b) => a.AsSpan().SequenceEqual(b),
            (float[] a, float[] b) => MemoryMarshal.AsBytes(a.AsSpan()).SequenceEqual(MemoryMarshal.AsBytes(b.AsSpan())),
            (int[] a, int[] b) => a.AsSpan().SequenceEqual(b),
            (Array a, Array b) => a.Length == b.Length && a.Cast<object>().SequenceEqual(b.Cast<object>()),
            (float a, float b) => BitConverter.SingleToInt32Bits(a) == BitConverter.SingleToInt32Bits(b),
            (double a, double b) => BitConverter.DoubleToInt64Bits(a) == BitConverter.DoubleToInt64Bits(b),
            var (a, b) => a.Equals(b),
        };
    }

    private static string Show(GgufValue value)
    {
        string text = value.Value is Array array
            ? $"an array of {array.Length} {value.ElementType}"
            : Convert.ToString(value.Value, CultureInfo.InvariantCulture) ?? "";
        return text.Length > 60 ? text[..60] + "…" : text;
    }
}
