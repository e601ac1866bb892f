using System.Buffers.Binary;
using System.Text;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Files.PyTorch;
using Decant.Core.Tensors;
using Decant.Testing;

namespace Decant.Core.Tests.Files.PyTorch;

/// <summary>Weights as torch.save writes them: what is read, and what is refused before anything comes of it.</summary>
public sealed class PyTorchFileTests : IDisposable
{
    /// <summary>
    /// What CPython's pickler writes for a state dictionary (its classes made to look like torch's), protocol 2 and 4: a matrix, a transposed view of it, its tail, a
    /// bfloat16 parameter, a scalar of 64-bit integers, the matrix again under another name, and the attribute _metadata.
    /// </summary>
    private const string Protocol2 = "gAJjY29sbGVjdGlvbnMKT3JkZXJlZERpY3QKcQApUnEBKFgIAAAAYS53ZWlnaHRxAmN0b3JjaC5fdXRpbHMKX3JlYnVpbGRfdGVuc29yX3YyCnEDKChYBwAAAHN0b3JhZ2VxBGN0b3JjaApGbG9hdFN0b3JhZ2UKcQVYAQAAADBxBlgDAAAAY3B1cQdLBnRxCFFLAEsCSwOGcQlLA0sBhnEKiWgAKVJxC3RxDFJxDVgMAAAAYS50cmFuc3Bvc2VkcQ5oAygoaARoBWgGaAdLBnRxD1FLAEsDSwKGcRBLAUsDhnERiWgAKVJxEnRxE1JxFFgGAAAAYS50YWlscRVoAygoaARoBWgGaAdLBnRxFlFLBEsChXEXSwGFcRiJaAApUnEZdHEaUnEbWAgAAABiLndlaWdodHEcY3RvcmNoLl91dGlscwpfcmVidWlsZF9wYXJhbWV0ZXIKcR1oAygoaARjdG9yY2gKQkZsb2F0MTZTdG9yYWdlCnEeWAEAAAAxcR9oB0sEdHEgUUsASwJLAoZxIUsCSwGGcSKJaAApUnEjdHEkUnEliGgAKVJxJodxJ1JxKFgFAAAAc3RlcHNxKWgDKChoBGN0b3JjaApMb25nU3RvcmFnZQpxKlgBAAAAMnEraAdLAXRxLFFLACkpiWgAKVJxLXRxLlJxL1gEAAAAdGllZHEwaA11fXExWAkAAABfbWV0YWRhdGFxMmgAKVJxMyhYAAAAAHE0fXE1WAcAAAB2ZXJzaW9ucTZLAXNYAQAAAGFxN31xOGg2SwFzdXNiLg==";

    private const string Protocol4 = "gASV6gEAAAAAAACMC2NvbGxlY3Rpb25zlIwLT3JkZXJlZERpY3SUk5QpUpQojAhhLndlaWdodJSMDHRvcmNoLl91dGlsc5SMEl9yZWJ1aWxkX3RlbnNvcl92MpSTlCgojAdzdG9yYWdllIwFdG9yY2iUjAxGbG9hdFN0b3JhZ2WUk5SMATCUjANjcHWUSwZ0lFFLAEsCSwOGlEsDSwGGlIloAilSlHSUUpSMDGEudHJhbnNwb3NlZJRoBygoaAhoC2gMaA1LBnSUUUsASwNLAoaUSwFLA4aUiWgCKVKUdJRSlIwGYS50YWlslGgHKChoCGgLaAxoDUsGdJRRSwRLAoWUSwGFlIloAilSlHSUUpSMCGIud2VpZ2h0lGgFjBJfcmVidWlsZF9wYXJhbWV0ZXKUk5RoBygoaAhoCYwPQkZsb2F0MTZTdG9yYWdllJOUjAExlGgNSwR0lFFLAEsCSwKGlEsCSwGGlIloAilSlHSUUpSIaAIpUpSHlFKUjAVzdGVwc5RoBygoaAhoCYwLTG9uZ1N0b3JhZ2WUk5SMATKUaA1LAXSUUUsAKSmJaAIpUpR0lFKUjAR0aWVklGgTdX2UjAlfbWV0YWRhdGGUaAIpUpQojACUfZSMB3ZlcnNpb26USwFzjAFhlH2UaD9LAXN1c2Iu";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(Protocol2)]
    [InlineData(Protocol4)]
    public void What_a_real_pickler_writes_is_read(string pickle)
    {
        byte[][] storages = [Floats(0, 1, 2, 3, 4, 5), [0x80, 0x3f, 0, 0x40, 0x40, 0x40, 0x80, 0x40], [7, 0, 0, 0, 0, 0, 0, 0]];
        using PyTorchFile file = Open(TorchArchive.Of(Convert.FromBase64String(pickle), storages));
        Assert.Equal(
            ["a.weight F32 [2, 3]", "a.transposed F32 [3, 2]", "a.tail F32 [2]", "b.weight BF16 [2, 2]", "steps I64 []", "tied F32 [2, 3]"],
            file.Tensors.Select(t => t.Info.ToString()));
        Assert.Equal([0f, 1, 2, 3, 4, 5], Values(file.Tensors[0]));
        Assert.Equal([0f, 3, 1, 4, 2, 5], Values(file.Tensors[1]));
        Assert.Equal([4f, 5], Values(file.Tensors[2]));
        Assert.Equal([1f, 2, 3, 4], Values(file.Tensors[3]));
        Assert.Equal([7f], Values(file.Tensors[4]));
        Assert.Equal([0f, 1, 2, 3, 4, 5], Values(file.Tensors[5]));
        // Views of the file, not copies; content lies where torch aligns it.
        Assert.True(file.Tensors[0].TryGetRows(1, 1, out ReadOnlySpan<byte> row));
        Assert.Equal(12, row.Length);
        Assert.Equal(0, ((MappedTensor)file.Tensors[0]).Offset % 64);
    }

    [Theory]
    [InlineData("archive", false, "")]
    [InlineData("pytorch_model", true, "")]
    [InlineData("", false, "a comment, in which PK\u0005\u0006 may stand")]
    public void Every_form_of_the_archive_is_read(string root, bool wide, string comment)
    {
        byte[] pickle = PickleWriter.Tensors("FloatStorage", ("w", [2, 2]));
        TorchArchive archive = new TorchArchive { Root = root, IsWide = wide, Comment = comment }.Add("data.pkl", pickle).Add("data/0", Floats(1, 2, 3, 4));
        using PyTorchFile file = Open(archive);
        Assert.Equal([1f, 2, 3, 4], Values(file.Tensors.Single()));
    }

    [Theory]
    [InlineData("HalfStorage", "F16", 2)]
    [InlineData("DoubleStorage", "F64", 8)]
    [InlineData("CharStorage", "I8", 1)]
    [InlineData("ShortStorage", "I16", 2)]
    [InlineData("IntStorage", "I32", 4)]
    [InlineData("ByteStorage", "U8", 1)]
    [InlineData("BoolStorage", "BOOL", 1)]
    public void Every_type_of_storage_has_its_format(string storage, string format, int byteCount)
    {
        using PyTorchFile file = Open(TorchArchive.Of(PickleWriter.Tensors(storage, ("w", [3])), new byte[3 * byteCount]));
        Assert.Equal(format, file.Tensors.Single().Info.Format.Name);
    }

    public static TheoryData<string, string> Refusals => new()
    {
        { "os system", "'os.system'" },
        { "posix system", "'posix.system'" },
        { "builtins eval", "'builtins.eval'" },
        { "torch._utils _rebuild_sparse_tensor", "_rebuild_sparse_tensor" },
        { "torch load", "'torch.load'" },
        { "stack global", "'builtins.exec'" },
        { "inst", "'os.system'" },
        { "obj", "Obj" },
        { "newobj", "NewObj" },
        { "ext", "Ext1" },
        { "unknown opcode", "0xFE" },
        { "protocol", "protocol 9" },
        { "build", "sets attributes" },
        { "no dictionary", "something else than a dictionary" },
        { "nested", "training checkpoint" },
        { "number", "'step' is no tensor" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public void What_a_model_does_not_need_is_refused_by_name(string kind, string expected)
    {
        // The command would leave a file if anything were executed.
        string trace = folder["executed"];
        PickleWriter writer = new();
        byte[] pickle = kind switch
        {
            "stack global" => writer.Text("builtins").Text("exec").Raw(0x93, '(').Text("x").Raw('t', 'R').End(),
            "inst" => writer.Raw('(').Text($"touch {trace}").Raw('i').Bytes("os\nsystem\n"u8.ToArray()).End(),
            "obj" => writer.Raw('(').Global("collections", "OrderedDict").Raw('o').End(),
            "newobj" => writer.Global("collections", "OrderedDict").Raw(')', 0x81).End(),
            "ext" => writer.Raw(0x82, 1).End(),
            "unknown opcode" => writer.Raw(0xFE).End(),
            "protocol" => writer.Raw(0x80, 9).End(),
            "build" => writer.Raw(']', '}', 'b').End(),
            "no dictionary" => writer.Raw(']').End(),
            "nested" => writer.Raw('}').Text("state_dict").Raw('}', 's').End(),
            "number" => writer.Raw('}').Text("step").Integer(3).Raw('s').End(),
            _ => writer.Global(kind.Split(' ')[0], kind.Split(' ')[1]).Raw('(').Text($"touch {trace}").Raw('t', 'R').End(),
        };
        string message = Assert.Throws<NotSupportedModelException>(() => Open(TorchArchive.Of(pickle))).Message;
        Assert.Contains(expected, message, StringComparison.Ordinal);
        Assert.Contains(folder["model.bin"], message, StringComparison.Ordinal);
        Assert.False(File.Exists(trace));
    }

    public static TheoryData<string, string> DamagedPickles => new()
    {
        { "empty", "0 are left" },
        { "cut text", "are left" },
        { "no value", "missing on the stack" },
        { "no mark", "mark is missing" },
        { "below mark", "missing on the stack" },
        { "unknown memo", "never kept" },
        { "odd dictionary", "key without a value" },
        { "append to nothing", "expected a list" },
        { "long integer", "100 bytes" },
        { "huge text", "a length of" },
        { "no line end", "without an end" },
        { "no utf8", "not UTF-8" },
        { "call a value", "no function" },
        { "call a storage type", "no function (torch.FloatStorage)" },
        { "tensor of nothing", "other arguments" },
        { "sizes of text", "not as many whole numbers" },
        { "many dimensions", "dimensions" },
        { "no storage", "something else than a storage" },
        { "storage of a function", "something else than a storage" },
    };

    [Theory]
    [MemberData(nameof(DamagedPickles))]
    public void A_damaged_pickle_says_where(string kind, string expected)
    {
        PickleWriter writer = new();
        byte[] pickle = kind switch
        {
            "empty" => [],
            "cut text" => writer.Raw('X').Length(1000).End(),
            "no value" => writer.Raw('0').End(),
            "no mark" => writer.Raw('t').End(),
            "below mark" => writer.Raw('N', 'N', '(', 0x86).End(),
            "unknown memo" => writer.Raw('h', 5).End(),
            "odd dictionary" => writer.Raw('}', '(', 'N', 'u').End(),
            "append to nothing" => writer.Raw('}', 'N', 'a').End(),
            "long integer" => writer.Raw(0x8a, 100).Bytes(new byte[100]).End(),
            "huge text" => writer.Raw(0x8d).Bytes([255, 255, 255, 255, 255, 255, 255, 127]).End(),
            "no line end" => writer.Raw('c').Bytes(new byte[3000]).End(),
            "no utf8" => writer.Raw('X').Length(1).Raw(0xFF).End(),
            "call a value" => writer.Text("x").Raw(')', 'R').End(),
            "call a storage type" => writer.Global("torch", "FloatStorage").Raw(')', 'R').End(),
            "tensor of nothing" => writer.Global("torch._utils", "_rebuild_tensor_v2").Raw(')', 'R').End(),
            "sizes of text" => writer.Global("torch._utils", "_rebuild_tensor_v2").Raw('(').Storage("FloatStorage", "0", 1).Integer(0).Raw('(').Text("1").Raw('t').Integers(1).Raw('t', 'R').End(),
            "many dimensions" => writer.Tensor("FloatStorage", "0", 1, 0, new long[9], new long[9]).End(),
            "no storage" => writer.Integers(1, 2).Raw('Q').End(),
            "storage of a function" => writer.Raw('(').Text("storage").Global("collections", "OrderedDict").Text("0").Text("cpu").Integer(1).Raw('t', 'Q').End(),
            _ => throw new InvalidOperationException(kind),
        };
        Assert.Contains(expected, Assert.Throws<BadFileException>(() => Open(TorchArchive.Of(pickle))).Message, StringComparison.Ordinal);
    }

    public static TheoryData<long, long, long[], long[], string> BadViews => new()
    {
        // elements stated, offset, sizes, strides; the storage has 8
        { 8, 0, [3, 3], [3, 1], "elements 0 to 7" },
        { 8, 7, [2], [1], "elements 0 to 7" },
        { 8, long.MaxValue, [2], [1], "elements 0 to 7" },
        { 8, 0, [2, 2], [long.MaxValue, 1], "elements 0 to 7" },
        { 9, 0, [9], [1], "9 elements" },
        { long.MaxValue, 0, [2], [1], "elements of F32" },
        { -1, 0, [1], [1], "-1 elements" },
        { 8, -1, [2], [1], "from 0 on" },
        { 8, 4, [2], [-1], "from 0 on" },
        { 8, 0, [-2], [1], "dimensions" },
        { 8, 0, [long.MaxValue, long.MaxValue], [1, 1], "2^63" },
    };

    [Theory]
    [MemberData(nameof(BadViews))]
    public void A_view_stays_in_its_storage(long count, long offset, long[] sizes, long[] strides, string expected)
    {
        byte[] pickle = new PickleWriter().Raw('}').Text("w").Tensor("FloatStorage", "0", count, offset, sizes, strides).Raw('s').End();
        string message = Assert.Throws<BadFileException>(() => Open(TorchArchive.Of(pickle, new byte[32]))).Message;
        Assert.Contains(expected, message, StringComparison.Ordinal);
        Assert.Contains("tensor w", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(new long[] { 2, 2 }, new long[] { 0, 1 })]
    [InlineData(new long[] { 2, 2 }, new long[] { 1, 1 })]
    [InlineData(new long[] { 2, 2 }, new long[] { 4, 1 })]
    [InlineData(new long[] { 2, 2, 2 }, new long[] { 1, 2, 4 })]
    public void Views_that_overlap_or_leave_gaps_are_refused(long[] sizes, long[] strides)
    {
        byte[] pickle = new PickleWriter().Raw('}').Text("w").Tensor("FloatStorage", "0", 8, 0, sizes, strides).Raw('s').End();
        Assert.Contains("contiguous", Assert.Throws<NotSupportedModelException>(() => Open(TorchArchive.Of(pickle, new byte[32]))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Empty_tensors_and_dimensions_of_one_are_plain()
    {
        byte[] pickle = new PickleWriter().Raw('}')
            .Text("none").Tensor("FloatStorage", "0", 8, 8, [0, 3], [3, 1]).Raw('s')
            .Text("row").Tensor("FloatStorage", "0", 8, 4, [1, 4], [99, 1]).Raw('s')
            .Text("row").Tensor("FloatStorage", "0", 8, 0, [1, 4], [99, 1]).Raw('s').End();
        using PyTorchFile file = Open(TorchArchive.Of(pickle, Floats(1, 2, 3, 4, 5, 6, 7, 8)));
        Assert.Equal(["none F32 [0, 3]", "row F32 [1, 4]"], file.Tensors.Select(t => t.Info.ToString()));
        // The last of two values counts, as in Python.
        Assert.Equal([1f, 2, 3, 4], Values(file.Tensors[1]));
    }

    [Theory]
    [InlineData("nesting")]
    [InlineData("memo")]
    [InlineData("copies")]
    [InlineData("sizes")]
    public void Hostile_pickles_end_soon(string kind)
    {
        const int Count = 1_000_000;
        PickleWriter writer = new();
        switch (kind)
        {
            case "nesting":
                writer.Bytes(Enumerable.Repeat((byte)'(', Count).ToArray()).Bytes(Enumerable.Repeat((byte)'t', Count).ToArray());
                break;
            case "memo":
                writer.Raw('N');
                for (int i = 0; i < Count; i++)
                    writer.Raw(0x94);
                break;
            case "copies":
                // One list of many pairs, made into a dictionary again and again.
                writer.Raw(']', '(');
                for (int i = 0; i < 100_000; i++)
                    writer.Raw('N', 'N', 0x86);
                writer.Raw('e', 'q', 0, '0').Global("collections", "OrderedDict").Raw('q', 1, '0');
                for (int i = 0; i < Count; i++)
                    writer.Raw('h', 1, 'h', 0, 0x85, 'R', '0');
                break;
            default:
                writer.Raw('(').Bytes(Enumerable.Repeat((byte)'N', 100_000).ToArray()).Raw('t', 'q', 0, '0').Storage("FloatStorage", "0", 1).Raw('q', 2, '0').Global("torch._utils", "_rebuild_tensor_v2").Raw('q', 1, '0');
                for (int i = 0; i < Count; i++)
                    writer.Raw('h', 1, '(', 'h', 2, 'K', 0, 'h', 0, 'h', 0, 't', 'R', '0');
                break;
        }
        long start = TimeProvider.System.GetTimestamp();
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.ThrowsAny<DecantException>(() => Open(TorchArchive.Of(writer.End(), new byte[4])));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1L << 30);
        Assert.InRange(TimeProvider.System.GetElapsedTime(start).TotalSeconds, 0, 20);
    }

    // 0x1950a86a20f9469cfc6c, with its instruction and length.
    private static ReadOnlySpan<byte> LegacyNumber => [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

    [Theory]
    [InlineData("compressed", "compressed")]
    [InlineData("encrypted", "encrypted")]
    [InlineData("big endian", "byte order")]
    [InlineData("script", "TorchScript")]
    [InlineData("legacy", "before version 1.6")]
    [InlineData("legacy 4", "before version 1.6")]
    [InlineData("legacy 0", "before version 1.6")]
    public void Archives_of_another_kind_are_called_by_their_name(string kind, string expected)
    {
        byte[] pickle = PickleWriter.Tensors("FloatStorage", ("w", [1]));
        byte[] bytes = kind switch
        {
            "compressed" => new TorchArchive { Method = 8 }.Add("data.pkl", pickle).ToBytes(),
            "encrypted" => new TorchArchive { Flags = 1 }.Add("data.pkl", pickle).ToBytes(),
            "big endian" => new TorchArchive().Add("data.pkl", pickle).Add("byteorder", "big"u8.ToArray()).ToBytes(),
            "script" => new TorchArchive().Add("data.pkl", pickle).Add("constants.pkl", pickle).ToBytes(),
            "legacy" => [0x80, 0x02, .. LegacyNumber, (byte)'.', 0x80, 2, (byte)'M'],
            "legacy 4" => [0x80, 0x04, 0x95, 13, 0, 0, 0, 0, 0, 0, 0, .. LegacyNumber, (byte)'.', 0x80, 4, (byte)'M'],
            _ => "L119547037146038801333356L\n.I1001\n."u8.ToArray(),
        };
        Assert.Contains(expected, Assert.Throws<NotSupportedModelException>(() => PyTorchFile.Open(folder.Write("model.bin", bytes))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Archives_that_lie_are_refused()
    {
        byte[] whole = TorchArchive.Of(PickleWriter.Tensors("FloatStorage", ("w", [4])), Floats(1, 2, 3, 4)).ToBytes();
        Fails("nothing like it"u8.ToArray(), "zip archive");
        Fails(new TorchArchive().Add("x", [1]).ToBytes(), "one data.pkl");
        Fails(new TorchArchive { Root = "" }.Add("data.pkl", [1]).Add("b/data.pkl", [1]).ToBytes(), "one data.pkl");
        Fails(new TorchArchive().Add("data.pkl", [1]).Add("data.pkl", [1]).ToBytes(), "each entry once");
        Fails(TorchArchive.Of(PickleWriter.Tensors("FloatStorage", ("w", [4]))).ToBytes(), "the storage data/0");
        for (int length = 0; length < whole.Length; length += 7)
            Fails(whole[..Math.Max(1, length)], "");
        int directory = whole.AsSpan().IndexOf("PK\u0001\u0002"u8);
        Fails(Changed(whole, directory + 42, uint.MaxValue - 1), "header of");
        Fails(Changed(whole, directory + 24, 0x7fffffff), "compressed");
        Fails(Changed(Changed(whole, directory + 20, 0x7fffffff), directory + 24, 0x7fffffff), "a file of");
        Fails(Changed(whole, directory + 42, uint.MaxValue), "64-bit sizes");
        Fails(Changed(whole, whole.Length - 6, uint.MaxValue), "64-bit directory");
        Fails(Changed(whole, whole.Length - 6, 1), "");

        void Fails(byte[] bytes, string expected)
        {
            DecantException error = Assert.ThrowsAny<DecantException>(() => PyTorchFile.Open(folder.Write("model.bin", bytes)).Dispose());
            Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Random_damage_never_escapes()
    {
        byte[] whole = TorchArchive.Of(Convert.FromBase64String(Protocol2), Floats(0, 1, 2, 3, 4, 5), new byte[8], new byte[8]).ToBytes();
        var random = new Random(5);
        for (int i = 0; i < 3000; i++)
        {
            byte[] damaged = [.. whole];
            for (int change = random.Next(1, 4); change > 0; change--)
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            try
            {
                using PyTorchFile file = PyTorchFile.Open(folder.Write("model.bin", damaged));
                foreach (TensorData tensor in file.Tensors)
                    Values(tensor);
            }
            catch (DecantException)
            {
            }
        }
    }

    private PyTorchFile Open(TorchArchive archive) => PyTorchFile.Open(folder.Write("model.bin", archive.ToBytes()));

    private static byte[] Changed(byte[] bytes, int offset, uint value)
    {
        byte[] changed = [.. bytes];
        BinaryPrimitives.WriteUInt32LittleEndian(changed.AsSpan(offset), value);
        return changed;
    }

    private static byte[] Floats(params float[] values)
    {
        byte[] bytes = new byte[4 * values.Length];
        for (int i = 0; i < values.Length; i++)
            BinaryPrimitives.WriteSingleLittleEndian(bytes.AsSpan(4 * i), values[i]);
        return bytes;
    }

    private static float[] Values(TensorData tensor)
    {
        float[] values = new float[tensor.Info.Shape.ElementCount];
        if (values.Length > 0)
            tensor.ReadRows(0, (int)tensor.Info.Shape.RowCount, values);
        return values;
    }
}
