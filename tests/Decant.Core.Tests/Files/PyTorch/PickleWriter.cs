using System.Buffers.Binary;
using System.Text;

namespace Decant.Core.Tests.Files.PyTorch;

/// <summary>Writes pickles instruction by instruction, as torch.save's protocol 2 has them, so that tests can also write what it never would.</summary>
internal sealed class PickleWriter
{
    private readonly List<byte> output = [];

    public PickleWriter() => Raw(0x80, 2);

    /// <summary>A dictionary of tensors that each have a storage of their own, in order.</summary>
    public static byte[] Tensors(string storageType, params (string Name, long[] Shape)[] tensors)
    {
        PickleWriter writer = new PickleWriter().Global("collections", "OrderedDict").Raw(')', 'R', '(');
        int key = 0;
        foreach ((string name, long[] shape) in tensors)
            writer.Text(name).Tensor(storageType, $"{key++}", shape.Aggregate(1L, (a, b) => a * b), 0, shape, RowMajor(shape));
        return writer.Raw('u').End();
    }

    public static long[] RowMajor(long[] shape)
    {
        long[] strides = new long[shape.Length];
        long stride = 1;
        for (int i = shape.Length - 1; i >= 0; stride *= shape[i--])
            strides[i] = stride;
        return strides;
    }

    public PickleWriter Raw(params int[] bytes)
    {
        foreach (int value in bytes)
            output.Add((byte)value);
        return this;
    }

    public PickleWriter Global(string module, string name) => Raw('c').Bytes(Encoding.Latin1.GetBytes($"{module}\n{name}\n"));

    public PickleWriter Text(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        return Raw('X').Length(bytes.Length).Bytes(bytes);
    }

    public PickleWriter Integer(long value)
    {
        Raw(0x8a, 8);
        byte[] bytes = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        return Bytes(bytes);
    }

    public PickleWriter Integers(params long[] values)
    {
        Raw('(');
        foreach (long value in values)
            Integer(value);
        return Raw('t');
    }

    public PickleWriter Storage(string type, string key, long count) =>
        Raw('(').Text("storage").Global("torch", type).Text(key).Text("cpu").Integer(count).Raw('t', 'Q');

    public PickleWriter Tensor(string type, string key, long count, long offset, long[] sizes, long[] strides) =>
        Global("torch._utils", "_rebuild_tensor_v2").Raw('(').Storage(type, key, count).Integer(offset).Integers(sizes).Integers(strides)
            .Raw(0x89).Global("collections", "OrderedDict").Raw(')', 'R').Raw('t', 'R');

    public PickleWriter Length(int length)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, length);
        return Bytes(bytes);
    }

    public PickleWriter Bytes(byte[] bytes)
    {
        output.AddRange(bytes);
        return this;
    }

    public byte[] End()
    {
        output.Add((byte)'.');
        return [.. output];
    }
}
