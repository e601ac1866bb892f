using System.Collections.Concurrent;
using System.Runtime.InteropServices;

namespace Decant.Testing;

/// <summary>
/// The compiled reference: functions of llama.cpp's <c>libggml-base</c> that encode and decode rows. Every member skips the running
/// test where the library is absent.
/// </summary>
public static class GgmlBase
{
    /// <summary>GGML_TYPE_COUNT of llama.cpp v0.5.0; the library does not tell, and reads past its table for a larger number.</summary>
    private const int TypeCount = 43;

    private static readonly Lazy<nint> library = new(() => NativeLibrary.Load(Peer.RequireGgmlBase()));
    private static readonly ConcurrentDictionary<string, Delegate> functions = new();

    private delegate nint TypeName(int type);

    private delegate long TypeNumber(int type);

    private delegate nuint QuantizeChunk(int type, float[] source, byte[] destination, long start, long rowCount, long rowLength, float[]? importance);

    private delegate void QuantizeRow(float[] source, byte[] destination, long count);

    private delegate void DequantizeRow(byte[] source, float[] destination, long count);

    /// <summary>True if the library has a function of this name.</summary>
    public static bool Has(string function)
    {
        Peer.RequireGgmlBase();
        return NativeLibrary.TryGetExport(library.Value, function, out _);
    }

    /// <summary>All types in use: number, name as ggml spells it, elements and bytes of a block.</summary>
    public static IReadOnlyList<(int Type, string Name, long BlockLength, long BlockByteCount)> Types()
    {
        var types = new List<(int, string, long, long)>();
        for (int type = 0; type < TypeCount; type++)
        {
            // Numbers of removed types have blocks of no elements.
            long length = Function<TypeNumber>("ggml_blck_size")(type);
            string name = Marshal.PtrToStringUTF8(Function<TypeName>("ggml_type_name")(type))!;
            if (length > 0)
                types.Add((type, name, length, Function<TypeNumber>("ggml_type_size")(type)));
        }
        return types;
    }

    /// <summary>Converts 16-bit floats with <c>ggml_fp16_to_fp32_row</c> and its like.</summary>
    public static float[] Widen(string function, byte[] row)
    {
        var values = new float[row.Length / 2];
        Function<DequantizeRow>(function)(row, values, values.Length);
        return values;
    }

    /// <summary>Encodes one row with <c>ggml_quantize_chunk</c>, as <c>llama-quantize</c> does.</summary>
    /// <param name="ggmlType">The number of the type.</param>
    /// <param name="row">A whole number of blocks.</param>
    /// <param name="importance">Null or one weight per element.</param>
    /// <param name="byteCount">The size of the encoded row.</param>
    public static byte[] Quantize(int ggmlType, float[] row, float[]? importance, int byteCount)
    {
        var bytes = new byte[byteCount];
        nuint written = Function<QuantizeChunk>("ggml_quantize_chunk")(ggmlType, row, bytes, 0, 1, row.Length, importance);
        return written == (nuint)byteCount
            ? bytes
            : throw new InvalidOperationException($"type {ggmlType}: {written} bytes written, {byteCount} expected");
    }

    /// <summary>Encodes one row with <c>quantize_row_NAME_ref</c>, for types that <c>ggml_quantize_chunk</c> does not know.</summary>
    public static byte[] QuantizeReference(string name, float[] row, int byteCount)
    {
        var bytes = new byte[byteCount];
        Function<QuantizeRow>($"quantize_row_{name}_ref")(row, bytes, row.Length);
        return bytes;
    }

    /// <summary>Decodes one row with <c>dequantize_row_NAME</c>.</summary>
    public static float[] Dequantize(string name, byte[] row, int elementCount)
    {
        var values = new float[elementCount];
        Function<DequantizeRow>($"dequantize_row_{name}")(row, values, elementCount);
        return values;
    }

    /// <summary>A format's name as these functions spell it: <c>q4_K</c>, <c>iq4_nl</c>.</summary>
    public static string Spell(string format) =>
        format.EndsWith("_K", StringComparison.Ordinal) ? format[..^1].ToLowerInvariant() + "K" : format.ToLowerInvariant();

    private static T Function<T>(string name)
        where T : Delegate
    {
        Peer.RequireGgmlBase();
        return (T)functions.GetOrAdd(name, n => Marshal.GetDelegateForFunctionPointer<T>(NativeLibrary.GetExport(library.Value, n)));
    }
}
