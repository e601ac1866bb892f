using System.Buffers.Binary;
using System.Text;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Tensors;
using Decant.Testing;

namespace Decant.Core.Tests.Files;

public sealed class SafetensorsFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    /// <summary>Headers with 16 bytes of data behind them, and a word the message must hold.</summary>
    public static TheoryData<string, string> Damaged => new()
    {
        { "", "{" },
        { "[]", "{" },
        { "{", "JSON" },
        { "{} {}", "JSON" },
        { """{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},}""", "JSON" },
        { """{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}x""", "JSON" },
        { """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}""", "tensor a" },
        { """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"\u0061":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}""", "tensor a" },
        { """{"a":{"dtype":"F32","dtype":"F32","shape":[4],"data_offsets":[0,16]}}""", "dtype once" },
        { """{"a":{"dtype":"F32","shape":[4],"shape":[4],"data_offsets":[0,16]}}""", "shape once" },
        { """{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16],"more":1}}""", "field more" },
        { """{"a":{"dtype":"F32","shape":[4]}}""", "fewer" },
        { """{"a":[0,16]}""", "tensor a" },
        { """{"a":{"dtype":7,"shape":[4],"data_offsets":[0,16]}}""", "dtype" },
        { """{"a":{"dtype":"F32","shape":4,"data_offsets":[0,16]}}""", "shape" },
        { """{"a":{"dtype":"F32","shape":[4.0],"data_offsets":[0,16]}}""", "integers" },
        { """{"a":{"dtype":"F32","shape":["4"],"data_offsets":[0,16]}}""", "integers" },
        { """{"a":{"dtype":"F32","shape":[-4],"data_offsets":[0,16]}}""", "integers" },
        { """{"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,16]}}""", "integers" },
        { """{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,16]}}""", "tensor a" },
        { """{"a":{"dtype":"F64","shape":[4611686018427387904],"data_offsets":[0,16]}}""", "tensor a" },
        { """{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,4],"data_offsets":[0,16]}}""", "at most 8" },
        { """{"a":{"dtype":"F32","shape":[4],"data_offsets":[0]}}""", "[start, end]" },
        { """{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16,32]}}""", "at most 2" },
        { """{"a":{"dtype":"F32","shape":[4],"data_offsets":[16,0]}}""", "[start, end]" },
        { """{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,12]}}""", "16 bytes for F32" },
        { """{"a":{"dtype":"F64","shape":[4],"data_offsets":[0,16]}}""", "32 bytes for F64" },
        { """{"a":{"dtype":"F32","shape":[8],"data_offsets":[0,32]}}""", "truncated" },
        { """{"a":{"dtype":"F32","shape":[4],"data_offsets":[9223372036854775791,9223372036854775807]}}""", "truncated" },
        { """{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "nothing behind" },
        { """{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}""", "holes" },
        { """{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]},"b":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}""", "Overlapping" },
        { """{"__metadata__":{"a":1},"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}""", "__metadata__ a" },
        { """{"__metadata__":{"a":"1","a":"2"},"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}""", "__metadata__ a" },
        { """{"__metadata__":{},"__metadata__":{},"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}""", "__metadata__" },
        { """{"a":{"dtype":"F32","shape":[[[[[[4]]]]]],"data_offsets":[0,16]}}""", "shape" },
        { "{\"\\ud800\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}}", "JSON" },
    };

    [Theory]
    [MemberData(nameof(Damaged))]
    public void A_damaged_header_gets_an_error_that_says_what_is_wrong(string header, string word)
    {
        string path = folder.Write("a.safetensors", WithHeader(header, new byte[16]));
        BadFileException error = Assert.Throws<BadFileException>(() => SafetensorsFile.Open(path));
        Assert.StartsWith(path, error.Message, StringComparison.Ordinal);
        // What .NET says about its own arguments is no message for users.
        Assert.DoesNotContain("(Parameter", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("Arithmetic operation", error.Message, StringComparison.Ordinal);
        Assert.True(error.Message.Contains(word, StringComparison.Ordinal), error.Message);
    }

    [Fact]
    public void Absurd_header_lengths_and_other_files_are_refused()
    {
        foreach (ulong length in (ulong[])[ulong.MaxValue, 1UL << 63, 100_000_001, 1000])
        {
            byte[] bytes = new byte[64];
            BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);
            string path = folder.Write("a.safetensors", bytes);
            Assert.Contains("header length", Assert.Throws<BadFileException>(() => SafetensorsFile.Open(path)).Message, StringComparison.Ordinal);
        }
        Assert.Throws<BadFileException>(() => SafetensorsFile.Open(folder.Write("b.safetensors", [])));
        Assert.Throws<BadFileException>(() => SafetensorsFile.Open(folder.Write("c.safetensors", "PK"u8)));
        Assert.Throws<BadFileException>(() => SafetensorsFile.Open(folder.Path));
        Assert.Throws<BadFileException>(() => SafetensorsFile.Open(folder["none.safetensors"]));
    }

    [Fact]
    public void Dtypes_that_are_not_known_are_named()
    {
        string path = folder.Write("a.safetensors", WithHeader("""{"a":{"dtype":"C64","shape":[2],"data_offsets":[0,16]}}""", new byte[16]));
        NotSupportedModelException error = Assert.Throws<NotSupportedModelException>(() => SafetensorsFile.Open(path));
        Assert.Contains("C64", error.Message, StringComparison.Ordinal);
        Assert.Contains("BF16", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_cut_anywhere_is_an_error_and_a_whole_one_is_none()
    {
        byte[] whole = Whole();
        for (int length = 0; length < whole.Length; length++)
        {
            string path = folder.Write("cut.safetensors", whole.AsSpan(0, length));
            Assert.Throws<BadFileException>(() => SafetensorsFile.Open(path));
        }
        using SafetensorsFile file = SafetensorsFile.Open(folder.Write("whole.safetensors", whole));
        Assert.Equal(12, file.Tensors.Count);
    }

    [Fact]
    public void Every_dtype_scalars_and_empty_tensors_are_written_and_read_back()
    {
        string[] types = [.. TensorFormats.All.Select(f => f.SafetensorsType!).Where(t => t is not null)];
        Assert.Equal(12, types.Length);
        using SafetensorsFile file = SafetensorsFile.Open(folder.Write("a.safetensors", Whole()));
        Assert.Equal(types.Order(), file.Tensors.Select(t => t.Info.Format.SafetensorsType!).Order());
        Assert.Equal("pt", file.Metadata["format"]);
        Assert.Equal("weird \u2028 é \"quoted\" \U0001F600", file.Metadata["note"]);
        Assert.Equal(1, file.FindTensor("t.F32")!.Info.Shape.ElementCount);
        Assert.Equal(0, file.FindTensor("t.BF16")!.Info.ByteCount);
    }

    [Fact]
    public void Equal_tensors_give_equal_bytes_in_whatever_order_they_are_listed()
    {
        Assert.Equal(Whole(), Whole(reverse: true));
        Assert.Equal(0, BinaryPrimitives.ReadInt64LittleEndian(Whole()) % 8);
    }

    [Fact]
    public void Block_formats_are_refused() =>
        Assert.Throws<NotSupportedModelException>(() => new SafetensorsWriter(
            Stream.Null, "x", [new("t", new(32), TensorFormats.FindByName("Q4_0")!)], new Dictionary<string, string>()));

    /// <summary>A sound file with every dtype, a scalar, an empty tensor and odd strings.</summary>
    internal static byte[] Whole(bool reverse = false)
    {
        IEnumerable<TensorInfo> infos = TensorFormats.All.Where(f => f.SafetensorsType is not null).Select(f => new TensorInfo(
            $"t.{f.SafetensorsType}", f.SafetensorsType switch { "F32" => new TensorShape(), "BF16" => new TensorShape(0, 4), _ => new TensorShape(2, 3) }, f));
        using var stream = new MemoryStream();
        var metadata = new Dictionary<string, string> { ["format"] = "pt", ["note"] = "weird \u2028 é \"quoted\" \U0001F600" };
        using var writer = new SafetensorsWriter(stream, "x", reverse ? infos.Reverse() : infos, metadata);
        foreach (TensorInfo info in writer.Tensors)
            writer.WriteTensor(new MemoryTensor(info, new byte[info.ByteCount]));
        writer.Complete();
        return stream.ToArray();
    }

    internal static byte[] WithHeader(string header, ReadOnlySpan<byte> data)
    {
        byte[] json = Encoding.UTF8.GetBytes(header);
        byte[] bytes = new byte[8 + json.Length + data.Length];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, json.Length);
        json.CopyTo(bytes, 8);
        data.CopyTo(bytes.AsSpan(8 + json.Length));
        return bytes;
    }
}
