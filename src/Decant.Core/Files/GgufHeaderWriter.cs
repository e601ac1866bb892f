using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Decant.Core.Errors;
using Decant.Core.Tensors;

namespace Decant.Core.Files;

/// <summary>Builds everything before the tensor data of a GGUF file of version 3.</summary>
internal static class GgufHeaderWriter
{
    private const uint Version = 3;

    /// <summary>Header bytes without the padding before the data, and each tensor's offset from the start of the data.</summary>
    /// <exception cref="NotSupportedModelException">A tensor that GGUF cannot hold.</exception>
    /// <exception cref="ArgumentException">A value of another .NET type than declared.</exception>
    public static (ReadOnlyMemory<byte> Bytes, long[] Offsets) Build(GgufMetadata metadata, IReadOnlyList<TensorInfo> tensors, long alignment)
    {
        var output = new ArrayBufferWriter<byte>(1 << 16);
        output.Write("GGUF"u8);
        WriteNumber(output, Version);
        WriteNumber(output, (ulong)tensors.Count);
        WriteNumber(output, (ulong)metadata.Entries.Count);
        foreach ((string key, GgufValue value) in metadata.Entries)
        {
            WriteString(output, key);
            WriteNumber(output, (uint)value.Type);
            WriteValue(output, key, value);
        }
        long[] offsets = new long[tensors.Count];
        long offset = 0;
        for (int i = 0; i < tensors.Count; i++)
        {
            offsets[i] = offset;
            WriteTensorInfo(output, metadata.Location, tensors[i], offset);
            offset = GgufFile.AlignUp(checked(offset + tensors[i].ByteCount), alignment);
        }
        return (output.WrittenMemory, offsets);
    }

    private static void WriteTensorInfo(ArrayBufferWriter<byte> output, string location, TensorInfo tensor, long offset)
    {
        if (GgufText.Encode(tensor.Name).Length > GgufLimits.WrittenNameByteCount)
        {
            throw new NotSupportedModelException($"{location}: tensor {tensor.Name}: its name is longer than {GgufLimits.WrittenNameByteCount} bytes, "
                + "with which llama.cpp would refuse the whole file. Write a Hugging Face folder instead.");
        }
        if (tensor.Shape.Rank > GgufLimits.Rank)
            throw new NotSupportedModelException($"{location}: tensor {tensor}: GGUF holds at most {GgufLimits.Rank} dimensions. Write a Hugging Face folder instead.");
        int type = tensor.Format.GgmlType ?? throw new NotSupportedModelException($"{location}: tensor {tensor}: GGUF has no type {tensor.Format}. Choose another type for it.");
        WriteString(output, tensor.Name);
        WriteNumber(output, (uint)tensor.Shape.Rank);
        for (int i = tensor.Shape.Rank - 1; i >= 0; i--)
            WriteNumber(output, (ulong)tensor.Shape[i]);
        WriteNumber(output, (uint)type);
        WriteNumber(output, (ulong)offset);
    }

    private static void WriteValue(ArrayBufferWriter<byte> output, string key, GgufValue value)
    {
        switch (value.Type, value.Value)
        {
            case (GgufValueType.UInt8, byte v):
                WriteByte(output, v);
                break;
            case (GgufValueType.Int8, sbyte v):
                WriteByte(output, (byte)v);
                break;
            case (GgufValueType.UInt16, ushort v):
                WriteNumbers<ushort>(output, [v]);
                break;
            case (GgufValueType.Int16, short v):
                WriteNumbers<short>(output, [v]);
                break;
            case (GgufValueType.UInt32, uint v):
                WriteNumber(output, v);
                break;
            case (GgufValueType.Int32, int v):
                WriteNumber(output, (uint)v);
                break;
            case (GgufValueType.Float32, float v):
                WriteNumbers<float>(output, [v]);
                break;
            case (GgufValueType.Bool, bool v):
                WriteByte(output, v ? (byte)1 : (byte)0);
                break;
            case (GgufValueType.String, string v):
                WriteString(output, v);
                break;
            case (GgufValueType.UInt64, ulong v):
                WriteNumber(output, v);
                break;
            case (GgufValueType.Int64, long v):
                WriteNumber(output, (ulong)v);
                break;
            case (GgufValueType.Float64, double v):
                WriteNumbers<double>(output, [v]);
                break;
            case (GgufValueType.Array, Array v) when value.ElementType is { } element:
                WriteNumber(output, (uint)element);
                WriteNumber(output, (ulong)v.Length);
                WriteElements(output, key, element, v);
                break;
            default:
                throw Mismatch(key, value.Type, value.Value);
        }
    }

    private static void WriteElements(ArrayBufferWriter<byte> output, string key, GgufValueType element, Array values)
    {
        // The runtime lets sbyte[] pass as byte[] (and so on) in a pattern; the element type decides, and both have the same bits.
        switch (element, values)
        {
            case (GgufValueType.UInt8, byte[] v):
                output.Write(v);
                break;
            case (GgufValueType.Int8, sbyte[] v):
                output.Write(MemoryMarshal.AsBytes(v.AsSpan()));
                break;
            case (GgufValueType.UInt16, ushort[] v):
                WriteNumbers<ushort>(output, v);
                break;
            case (GgufValueType.Int16, short[] v):
                WriteNumbers<short>(output, v);
                break;
            case (GgufValueType.UInt32, uint[] v):
                WriteNumbers<uint>(output, v);
                break;
            case (GgufValueType.Int32, int[] v):
                WriteNumbers<int>(output, v);
                break;
            case (GgufValueType.Float32, float[] v):
                WriteNumbers<float>(output, v);
                break;
            case (GgufValueType.Bool, bool[] v):
                foreach (bool b in v)
                    WriteByte(output, b ? (byte)1 : (byte)0);
                break;
            case (GgufValueType.String, string[] v):
                foreach (string s in v)
                    WriteString(output, s);
                break;
            case (GgufValueType.UInt64, ulong[] v):
                WriteNumbers<ulong>(output, v);
                break;
            case (GgufValueType.Int64, long[] v):
                WriteNumbers<long>(output, v);
                break;
            case (GgufValueType.Float64, double[] v):
                WriteNumbers<double>(output, v);
                break;
            case (GgufValueType.Array, GgufValue[] v):
                foreach (GgufValue inner in v)
                {
                    if (inner.Type != GgufValueType.Array)
                        throw Mismatch(key, GgufValueType.Array, inner.Value);
                    WriteValue(output, key, inner);
                }
                break;
            default:
                throw Mismatch(key, element, values);
        }
    }

    private static void WriteByte(ArrayBufferWriter<byte> output, byte value)
    {
        output.GetSpan(1)[0] = value;
        output.Advance(1);
    }

    private static void WriteNumber(ArrayBufferWriter<byte> output, uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(output.GetSpan(4), value);
        output.Advance(4);
    }

    private static void WriteNumber(ArrayBufferWriter<byte> output, ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(output.GetSpan(8), value);
        output.Advance(8);
    }

    private static void WriteNumbers<T>(ArrayBufferWriter<byte> output, ReadOnlySpan<T> values)
        where T : unmanaged => output.Write(MemoryMarshal.AsBytes(values));

    private static void WriteString(ArrayBufferWriter<byte> output, string text)
    {
        byte[] bytes = GgufText.Encode(text);
        WriteNumber(output, (ulong)bytes.Length);
        output.Write(bytes);
    }

    private static ArgumentException Mismatch(string key, GgufValueType type, object value) =>
        new($"Metadata key {key}: the value is declared {type} but is of .NET type {value.GetType().Name}.");
}
