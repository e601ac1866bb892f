using System.Text;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Tensors;
using Decant.Testing;

namespace Decant.Core.Tests.Files;

public sealed class GgufFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>Each kind of damage and a word its message must hold.</summary>
    public static TheoryData<string, byte[], string> Damaged => new()
    {
        { "empty", [], "empty" },
        { "three bytes", "GGU"u8.ToArray(), "no GGUF file" },
        { "wrong magic", new GgufBytes().Raw("GGML"u8).U32(3).U64(0).U64(0).ToArray(), "47474D4C" },
        { "header cut", new GgufBytes().Raw("GGUF"u8).U32(3).U64(0).ToArray(), "truncated" },
        { "absurd tensor count", new GgufBytes().Header(1UL << 62, 0).ToArray(), "number of tensors" },
        { "absurd key count", new GgufBytes().Header(0, ulong.MaxValue).ToArray(), "number of metadata keys" },
        { "more keys than bytes", new GgufBytes().Header(0, 1000).Key("a", 0).U8(1).ToArray(), "number of metadata keys" },
        { "absurd key length", new GgufBytes().Header(0, 1).U64(1UL << 40).Raw(new byte[64]).ToArray(), "metadata key 0" },
        { "absurd string length", new GgufBytes().Header(0, 1).Key("k", 8).U64(1UL << 50).Raw(new byte[64]).ToArray(), "metadata key k" },
        { "string past the end", new GgufBytes().Header(0, 1).Key("k", 8).U64(1000).Raw(new byte[64]).ToArray(), "truncated" },
        { "absurd array length", new GgufBytes().Header(0, 1).Key("k", 9).U32(4).U64(1UL << 61).Raw(new byte[64]).ToArray(), "array length of metadata key k" },
        { "array longer than the file", new GgufBytes().Header(0, 1).Key("k", 9).U32(10).U64(9).Raw(new byte[64]).ToArray(), "array length of metadata key k" },
        { "unknown value type", new GgufBytes().Header(0, 1).Key("k", 13).Raw(new byte[16]).ToArray(), "type 13" },
        { "unknown element type", new GgufBytes().Header(0, 1).Key("k", 9).U32(99).U64(1).Raw(new byte[16]).ToArray(), "type 99" },
        { "a boolean of 2", new GgufBytes().Header(0, 1).Key("k", 7).U8(2).Raw(new byte[16]).ToArray(), "boolean" },
        { "arrays nested too deep", Nested(20), "deep" },
        { "the same key twice", new GgufBytes().Header(0, 2).Key("k", 0).U8(1).Key("k", 0).U8(1).ToArray(), "metadata key k" },
        { "alignment 0", new GgufBytes().Header(0, 1).Key("general.alignment", 4).U32(0).ToArray(), "power of two" },
        { "alignment 48", new GgufBytes().Header(0, 1).Key("general.alignment", 4).U32(48).ToArray(), "power of two" },
        { "alignment of a gigabyte", new GgufBytes().Header(0, 1).Key("general.alignment", 4).U32(1 << 30).ToArray(), "power of two" },
        { "alignment as text", new GgufBytes().Header(0, 1).Key("general.alignment", 8).Text("32").ToArray(), "general.alignment" },
        { "the same tensor twice", Tensors(("t", [8], 0, 0), ("t", [8], 0, 32)), "tensor t" },
        { "five dimensions", Tensors(("t", [1, 1, 1, 1, 1], 0, 0)), "4 dimensions" },
        { "a negative dimension", Tensors(("t", [ulong.MaxValue], 0, 0)), "tensor t" },
        { "dimensions whose product overflows", Tensors(("t", [1UL << 32, 1UL << 32], 0, 0)), "tensor t" },
        { "bytes that overflow", Tensors(("t", [1UL << 62], 28, 0)), "tensor t" },
        { "a row that is no whole number of blocks", Tensors(("t", [31], 2, 0)), "Q4_0" },
        { "an offset past the end", Tensors(("t", [8], 0, 1UL << 40)), "offset" },
        { "an offset that overflows", Tensors(("t", [8], 0, 0x7FFF_FFFF_FFFF_FFE0)), "offset" },
        { "a negative offset", Tensors(("t", [8], 0, ulong.MaxValue - 31)), "offset" },
        { "an offset off the alignment", Tensors(("t", [8], 0, 4)), "multiple of 32" },
        { "data past the end", Tensors(("t", [1024], 0, 0)), "truncated" },
        { "overlapping tensors", Tensors(("a", [16], 0, 0), ("b", [8], 0, 32)), "Overlapping" },
    };

    /// <summary>Dimensions as the file lists them (innermost first), the number of the type, and what is expected and got.</summary>
    public static TheoryData<ulong[], uint, string, string> ImpossibleShapes => new()
    {
        { [31], 2, "rows of whole blocks of 32 elements", "the shape [31] of type Q4_0" },
        { [576, 32], 12, "rows of whole blocks of 256 elements", "the shape [32, 576] of type Q4_K" },
        { [8, ulong.MaxValue], 0, "dimensions from 0 to 2^63 - 1", "the shape [-1, 8] of type F32" },
        { [ulong.MaxValue - 31], 2, "dimensions from 0 to 2^63 - 1", "the shape [-32] of type Q4_0" },
        { [1UL << 32, 1UL << 32], 0, "at most 8 dimensions and fewer than 2^63 elements and bytes", "the shape [4294967296, 4294967296] of type F32" },
        { [], 8, "rows of whole blocks of 32 elements", "the shape [] of type Q8_0" },
        { [1UL << 62], 28, "at most 8 dimensions and fewer than 2^63 elements and bytes", "the shape [4611686018427387904] of type F64" },
    };

    [Theory]
    [MemberData(nameof(ImpossibleShapes))]
    public void An_impossible_shape_is_named_with_file_tensor_and_what_would_be_possible(ulong[] dimensions, uint type, string expected, string got)
    {
        string path = folder.Write("a.gguf", Tensors(("blk.0.ffn_up.weight", dimensions, type, 0)));
        BadFileException error = Assert.Throws<BadFileException>(() => GgufFile.Open(path));
        Assert.Equal($"{path}: tensor blk.0.ffn_up.weight: expected {expected}, got {got}. The header is damaged.", error.Message);
    }

    [Theory]
    [MemberData(nameof(Damaged))]
    public void A_damaged_file_gets_an_error_that_says_what_is_wrong(string kind, byte[] content, string word)
    {
        string path = folder.Write("a.gguf", content);
        BadFileException error = Assert.Throws<BadFileException>(() => GgufFile.Open(path));
        Assert.StartsWith(path, error.Message, StringComparison.Ordinal);
        // What .NET says about its own arguments is no message for users.
        Assert.DoesNotContain("(Parameter", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("Arithmetic operation", error.Message, StringComparison.Ordinal);
        Assert.True(error.Message.Contains(word, StringComparison.Ordinal), $"{kind}: {error.Message}");
        Assert.Throws<BadFileException>(() => ModelSources.Open(path));
    }

    [Fact]
    public void Names_in_messages_cannot_drive_a_terminal_or_fill_it()
    {
        string name = "\u001b[2J" + new string('x', 60_000);
        string path = folder.Write("a.gguf", new GgufBytes().Header(0, 2).Key(name, 0).U8(1).Key(name, 0).U8(1).ToArray());
        string message = Assert.Throws<BadFileException>(() => GgufFile.Open(path)).Message;
        Assert.DoesNotContain('\u001b', message);
        Assert.InRange(message.Length, 100, 5000);
    }

    [Theory]
    [InlineData(1u, "version 1")]
    [InlineData(4u, "version 4")]
    [InlineData(0x0300_0000u, "big-endian")]
    public void Versions_of_other_times_are_named(uint version, string word)
    {
        string path = folder.Write("a.gguf", new GgufBytes().Header(0, 0, version).ToArray());
        NotSupportedModelException error = Assert.Throws<NotSupportedModelException>(() => GgufFile.Open(path));
        Assert.Contains(word, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(4u)]
    [InlineData(31u)]
    [InlineData(37u)]
    [InlineData(999u)]
    [InlineData(uint.MaxValue)]
    public void Types_that_ggml_lacks_are_named(uint type)
    {
        string path = folder.Write("a.gguf", Tensors(("t", [32], type, 0)));
        NotSupportedModelException error = Assert.Throws<NotSupportedModelException>(() => GgufFile.Open(path));
        Assert.Contains($"type {type}", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_cut_anywhere_is_an_error_and_a_whole_one_is_none()
    {
        // llama.cpp pads the last tensor too, but reads files without that padding, as we do.
        byte[] whole = Whole()[..^32];
        for (int length = 0; length < whole.Length; length++)
        {
            string path = folder.Write("cut.gguf", whole.AsSpan(0, length));
            Assert.Throws<BadFileException>(() => GgufFile.Open(path));
        }
        using GgufFile file = GgufFile.Open(folder.Write("whole.gguf", whole));
        Assert.Equal(2, file.Tensors.Count);
    }

    [Fact]
    public void Every_value_type_and_nested_arrays_are_read_and_written_back()
    {
        byte[] whole = Whole();
        using GgufFile file = GgufFile.Open(folder.Write("a.gguf", whole));
        Assert.Equal(
            ["UInt8", "Int8", "UInt16", "Int16", "UInt32", "Int32", "Float32", "Bool", "String", "Array", "UInt64", "Int64", "Float64"],
            file.Metadata.Entries.Take(13).Select(e => e.Value.Type.ToString()));
        Assert.Equal(-2, file.Metadata.GetInteger("k.1"));
        Assert.Equal("Grüße", file.Metadata.GetString("k.8"));
        var nested = (GgufValue[])file.Metadata.Find("k.9")!.Value;
        Assert.Equal(["a", "", "c"], (string[])nested[0].Value);
        Assert.Equal([true, false], (bool[])nested[1].Value);
        Assert.Equal(double.NegativeInfinity, file.Metadata.GetNumber("k.12"));
        Assert.Equal(new TensorShape(2, 4), file.FindTensor("b")!.Info.Shape);
        Assert.Equal(64, file.Alignment);

        using var copy = new MemoryStream();
        using var writer = new GgufWriter(copy, "copy.gguf", file.Metadata, [.. file.Tensors.Select(t => t.Info)]);
        foreach (MappedTensor tensor in file.Tensors)
            writer.WriteTensor(tensor, TestContext.Current.CancellationToken);
        writer.Complete();
        Assert.Equal(whole, copy.ToArray());
    }

    [Fact]
    public void Strings_that_are_no_utf8_survive_a_rewrite()
    {
        byte[][] texts = [[0xFF, 0x41, 0xC3], [0xED, 0xA0, 0x80], [0xF0, 0x9F, 0x98], [.. "\U0001F600"u8, 0x80], [0xC0, 0x80, 0x00]];
        var bytes = new GgufBytes().Header(0, 1).Key("tokens", 9).U32(8).U64((ulong)texts.Length);
        foreach (byte[] text in texts)
            bytes.U64((ulong)text.Length).Raw(text);
        byte[] whole = bytes.Align(32).ToArray();
        using GgufFile file = GgufFile.Open(folder.Write("a.gguf", whole));
        using var copy = new MemoryStream();
        using var writer = new GgufWriter(copy, "copy.gguf", file.Metadata, []);
        writer.Complete();
        Assert.Equal(whole, copy.ToArray());
        Assert.Throws<ArgumentException>(() => GgufText.Encode("\uD800"));
    }

    [Fact]
    public void A_large_vocabulary_costs_its_strings_and_no_more()
    {
        const int count = 100_000;
        var bytes = new GgufBytes().Header(0, 1).Key("tokens", 9).U32(8).U64(count);
        for (int i = 0; i < count; i++)
            bytes.Text($"token{i:D5}");
        string path = folder.Write("a.gguf", bytes.ToArray());
        long before = GC.GetAllocatedBytesForCurrentThread();
        using GgufFile file = GgufFile.Open(path);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal("token99999", file.Metadata.FindStrings("tokens")![^1]);
        // A string of ten characters takes 48 bytes, its place in the array 8.
        Assert.InRange(allocated, 56 * count, 58 * count);
    }

    [Fact]
    public void Version_2_files_are_read()
    {
        byte[] whole = Whole();
        whole[4] = 2;
        using GgufFile file = GgufFile.Open(folder.Write("a.gguf", whole));
        Assert.Equal(2u, file.Version);
    }

    [Fact]
    public void The_writer_refuses_what_gguf_or_llama_cpp_cannot_hold()
    {
        var metadata = new GgufMetadata("x.gguf");
        TensorInfo Info(string name, params long[] shape) => new(name, new TensorShape(shape), TensorFormats.F32);
        Assert.Throws<NotSupportedModelException>(() => new GgufWriter(Stream.Null, "x", metadata, [Info(new string('n', 64), 1)]));
        Assert.Throws<NotSupportedModelException>(() => new GgufWriter(Stream.Null, "x", metadata, [Info("t", 1, 1, 1, 1, 1)]));
        Assert.Throws<ArgumentException>(() => new GgufWriter(Stream.Null, "x", metadata, [Info("t", 1), Info("t", 1)]));
        Assert.Throws<NotSupportedModelException>(() => new GgufWriter(Stream.Null, "x", metadata, [new("t", new(1), TensorFormats.FindByName("F8_E4M3")!)]));
        metadata.Set("k", new GgufValue(GgufValueType.UInt32, 1));
        Assert.Throws<ArgumentException>(() => new GgufWriter(Stream.Null, "x", metadata, []));
    }

    [Fact]
    public void The_writer_holds_its_caller_to_the_header()
    {
        TensorInfo info = new("t", new TensorShape(8), TensorFormats.F32);
        using var writer = new GgufWriter(Stream.Null, "x", new GgufMetadata("x"), [info]);
        Assert.Throws<ArgumentException>(() => writer.Write(new byte[1]));
        Assert.Throws<InvalidOperationException>(() => writer.Begin("other"));
        Assert.Throws<InvalidOperationException>(writer.Complete);
        writer.Begin("t");
        writer.Write(new byte[31]);
        Assert.Throws<ArgumentException>(() => writer.Write(new byte[2]));
        Assert.Throws<InvalidOperationException>(writer.Complete);
        writer.Write(new byte[1]);
        writer.Complete();
    }

    [Theory]
    [InlineData("missing", "Download")]
    [InlineData("number", "split.no")]
    [InlineData("count", "split.count")]
    [InlineData("total", "split.tensors.count")]
    [InlineData("duplicate", "tensor a")]
    [InlineData("renamed", "file name")]
    public void A_split_whose_files_do_not_fit_together_is_refused(string damage, string word)
    {
        Write(1, 0, 2, damage == "total" ? 7 : 2, "a");
        if (damage != "missing")
            Write(2, damage == "number" ? 0 : 1, damage == "count" ? 3 : 2, 2, damage == "duplicate" ? "a" : "b");
        string first = folder["m-00001-of-00002.gguf"];
        if (damage == "renamed")
        {
            File.Move(first, folder["m.gguf"]);
            first = folder["m.gguf"];
        }
        BadFileException error = Assert.Throws<BadFileException>(() => GgufModelSource.Open(first));
        Assert.Contains(word, error.Message, StringComparison.Ordinal);

        void Write(int number, int splitNumber, int count, int total, string tensor)
        {
            var metadata = new GgufMetadata("m");
            metadata.Set("split.no", new GgufValue(GgufValueType.UInt16, (ushort)splitNumber));
            metadata.Set("split.count", new GgufValue(GgufValueType.UInt16, (ushort)count));
            metadata.Set("split.tensors.count", GgufValue.From(total));
            using FileStream stream = File.Create(folder[$"m-0000{number}-of-00002.gguf"]);
            using var writer = new GgufWriter(stream, "m", metadata, [new(tensor, new(8), TensorFormats.F32)]);
            writer.WriteTensor(MemoryTensor.FromValues(tensor, new(8), new float[8]), TestContext.Current.CancellationToken);
            writer.Complete();
        }
    }

    /// <summary>A sound file with every value type, alignment 64 and two tensors.</summary>
    internal static byte[] Whole()
    {
        GgufBytes bytes = new GgufBytes().Header(2, 14)
            .Key("k.0", 0).U8(200).Key("k.1", 1).U8(0xFE).Key("k.2", 2).Raw([1, 2]).Key("k.3", 3).Raw([0xFF, 0xFF])
            .Key("k.4", 4).U32(uint.MaxValue).Key("k.5", 5).U32(uint.MaxValue).Key("k.6", 6).U32(0x7FC0_1234).Key("k.7", 7).U8(1)
            .Key("k.8", 8).Text("Grüße");
        bytes.Key("k.9", 9).U32(9).U64(3)
            .U32(8).U64(3).Text("a").Text("").Text("c")
            .U32(7).U64(2).U8(1).U8(0)
            .U32(9).U64(1).U32(3).U64(2).Raw([1, 0, 0xFF, 0xFF]);
        bytes.Key("k.10", 10).U64(ulong.MaxValue).Key("k.11", 11).U64(ulong.MaxValue).Key("k.12", 12).U64(0xFFF0_0000_0000_0000)
            .Key("general.alignment", 4).U32(64);
        return bytes.Tensor("a", [3], 0, 0).Tensor("b", [4, 2], 0, 64).Align(64)
            .Raw(Encoding.ASCII.GetBytes("abcdefghijkl")).Align(64).Raw(new byte[32]).Align(64).ToArray();
    }

    private static byte[] Tensors(params (string Name, ulong[] Dimensions, uint Type, ulong Offset)[] tensors)
    {
        GgufBytes bytes = new GgufBytes().Header((ulong)tensors.Length, 0);
        foreach ((string name, ulong[] dimensions, uint type, ulong offset) in tensors)
            bytes.Tensor(name, dimensions, type, offset);
        return bytes.Align(32).Raw(new byte[96]).ToArray();
    }

    private static byte[] Nested(int depth)
    {
        GgufBytes bytes = new GgufBytes().Header(0, 1).Key("k", 9);
        for (int i = 0; i < depth; i++)
            bytes.U32(9).U64(1);
        return bytes.U32(0).U64(1).U8(1).ToArray();
    }
}
