using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Tensors;
using Decant.Testing;

namespace Decant.Core.Tests.Files;

/// <summary>Tensors over 2 GiB and files over 4 GiB, as sparse files: they take no room on the disk.</summary>
public sealed class LargeFileTests : IDisposable
{
    private const long RowLength = 4096;
    private const long RowCount = 300_000;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("gguf")]
    [InlineData("safetensors")]
    public void Rows_past_four_gibibytes_are_read_where_they_lie(string container)
    {
        TensorInfo large = new("large", new TensorShape(RowCount, RowLength), TensorFormats.F32);
        TensorInfo small = new("small", new TensorShape(2, 32), TensorFormats.F16);
        Assert.True(large.ByteCount > 4L << 30);
        string path = folder["large." + container];
        long dataOffset;
        using (FileStream stream = File.Create(path))
        {
            using var header = new HeaderOnly();
            using TensorWriter writer = container == "gguf"
                ? new GgufWriter(header, path, new GgufMetadata(path), [large, small])
                : new SafetensorsWriter(header, path, [large, small], new Dictionary<string, string>());
            Assert.Equal("large", writer.Tensors[0].Name);
            writer.Begin("large");
            header.CopyTo(stream);
            dataOffset = stream.Length;
            stream.SetLength(dataOffset + large.ByteCount + small.ByteCount);
            stream.Position = dataOffset + large.ByteCount - 4;
            stream.Write(BitConverter.GetBytes(42f));
            stream.Write(BitConverter.GetBytes((Half)7));
        }

        using IDisposable file = container == "gguf" ? GgufFile.Open(path) : SafetensorsFile.Open(path);
        MappedTensor? tensor = (file as GgufFile)?.FindTensor("large") ?? ((SafetensorsFile)file).FindTensor("large");
        MappedTensor? behind = (file as GgufFile)?.FindTensor("small") ?? ((SafetensorsFile)file).FindTensor("small");
        float[] row = new float[RowLength];
        tensor!.ReadRows(RowCount - 1, 1, row);
        Assert.Equal(42, row[^1]);
        Assert.Equal(0, row[0]);
        Assert.Equal(7, ReadFirst(behind!));
        Assert.Equal(large.ByteCount, behind!.Address - tensor.Address);

        // More than a span can hold is not handed out in one piece, but can be read.
        Assert.False(tensor.TryGetRows(0, 200_000, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => tensor.TryGetRows(RowCount, 1, out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => tensor.Bytes(large.ByteCount - 3, 4));
        Assert.Equal(42, BitConverter.ToSingle(tensor.Bytes(large.ByteCount - 4, 4)));
    }

    [Fact]
    public void A_vector_of_more_than_two_gibibytes_opens_and_copies_in_pieces()
    {
        const long length = (2L << 30) + 64;
        string path = folder["vector.safetensors"];
        byte[] header = SafetensorsFileTests.WithHeader($$$"""{"v":{"dtype":"U8","shape":[{{{length}}}],"data_offsets":[0,{{{length}}}]}}""", []);
        using (FileStream stream = File.Create(path))
        {
            stream.Write(header);
            stream.SetLength(header.Length + length);
        }
        using SafetensorsFile file = SafetensorsFile.Open(path);
        using var count = new Counting();
        using var writer = new SafetensorsWriter(count, path, file.Tensors.Select(t => t.Info), file.Metadata);
        writer.WriteTensor(file.Tensors[0], TestContext.Current.CancellationToken);
        writer.Complete();
        Assert.Equal(writer.ByteCount, count.Position);
    }

    [Fact]
    public void A_large_file_that_lost_its_end_is_refused()
    {
        string path = folder["large.gguf"];
        byte[] header = new GgufBytes().Header(1, 0).Tensor("t", [RowLength, RowCount], 0, 0).Align(32).ToArray();
        using (FileStream stream = File.Create(path))
        {
            stream.Write(header);
            stream.SetLength(header.Length + 4 * RowLength * RowCount - 1);
        }
        Assert.Contains("truncated", Assert.Throws<BadFileException>(() => GgufFile.Open(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_closed_file_is_not_read()
    {
        string path = folder.Write("a.gguf", GgufFileTests.Whole());
        GgufFile file = GgufFile.Open(path);
        MappedTensor tensor = file.Tensors[0];
        file.Dispose();
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(() => tensor.TryGetRows(0, 1, out _));
        Assert.Throws<ObjectDisposedException>(() => tensor.Address);
    }

    private static float ReadFirst(MappedTensor tensor)
    {
        float[] row = new float[tensor.Info.Shape.RowLength];
        tensor.ReadRows(0, 1, row);
        return row[0];
    }

    /// <summary>Takes what a writer writes before its first tensor.</summary>
    private sealed class HeaderOnly : MemoryStream
    {
        public new void CopyTo(Stream destination) => destination.Write(GetBuffer().AsSpan(0, (int)Length));
    }

    private sealed class Counting : Stream
    {
        private long count;

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => count;

        public override long Position { get => count; set => throw new NotSupportedException(); }

        public override void Write(byte[] buffer, int offset, int length) => count += length;

        public override void Write(ReadOnlySpan<byte> buffer) => count += buffer.Length;

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int length) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
