using Decant.Testing;
using System.Text;
using Decant.Compression.Calibration;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Tensors;

namespace Decant.Compression.Tests.Calibration;

public sealed class ImportanceMatrixFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private static ImportanceMatrix Sample() => new(
        "sample",
        [
            new ImportanceEntry("blk.0.ffn_up_exps.weight", 3, [1, 2, 3, 0, 0, 0], [4, 0]),
            new ImportanceEntry("blk.0.attn_q.weight", 4, [8, 4, 2, 1], [2]),
        ],
        ["a.txt", "b.txt"], 5, 512);

    private string Write(ImportanceMatrix matrix)
    {
        string path = folder["imatrix.gguf"];
        ImportanceMatrixFile.Write(path, matrix, true, []);
        return path;
    }

    private static byte[] LegacyBytes(Action<BinaryWriter>? end = null)
    {
        var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream);
        writer.Write(1);
        byte[] name = Encoding.UTF8.GetBytes("blk.0.attn_q.weight");
        writer.Write(name.Length);
        writer.Write(name);
        writer.Write(2);
        writer.Write(4);
        foreach (float value in (float[])[8, 4, 2, 1])
            writer.Write(value);
        end?.Invoke(writer);
        return stream.ToArray();
    }

    [Fact]
    public void Files_read_back_and_equal_matrices_give_equal_bytes()
    {
        string path = Write(Sample());
        ImportanceMatrix read = ImportanceMatrixFile.Read(path);
        Assert.Equal(["blk.0.attn_q.weight", "blk.0.ffn_up_exps.weight"], read.Entries.Select(e => e.Name));
        Assert.Equal([4f, 0f], read.Entries[1].Counts);
        Assert.Equal(3, read.Entries[1].ColumnCount);
        Assert.Equal(["a.txt", "b.txt"], read.Datasets);
        Assert.Equal((5, 512), (read.ChunkCount, read.ChunkSize));
        byte[] first = File.ReadAllBytes(path);
        Assert.Equal(first, File.ReadAllBytes(Write(read)));
    }

    [Fact]
    public void Weights_are_mean_squares_and_an_expert_that_was_never_chosen_gets_ones()
    {
        ImportanceMatrix matrix = Sample();
        Assert.Equal([0.25f, 0.5f, 0.75f, 1, 1, 1], matrix.WeightsFor(new TensorInfo("blk.0.ffn_up_exps.weight", new TensorShape(2, 7, 3), TensorFormats.F32))!);
        Assert.Equal([4f, 2f, 1f, 0.5f], matrix.WeightsFor(new TensorInfo("blk.0.attn_q.weight", new TensorShape(9, 4), TensorFormats.F32))!);
        Assert.Null(matrix.WeightsFor(new TensorInfo("blk.1.attn_q.weight", new TensorShape(9, 4), TensorFormats.F32)));
        Assert.Throws<BadFileException>(() => matrix.WeightsFor(new TensorInfo("blk.0.attn_q.weight", new TensorShape(9, 8), TensorFormats.F32)));
    }

    [Fact]
    public void Legacy_files_are_read_with_and_without_their_ending()
    {
        string path = folder["imatrix.dat"];
        File.WriteAllBytes(path, LegacyBytes());
        ImportanceMatrix matrix = ImportanceMatrixFile.Read(path);
        Assert.Equal([4f, 2f, 1f, 0.5f], matrix.WeightsFor(new TensorInfo("blk.0.attn_q.weight", new TensorShape(9, 4), TensorFormats.F32))!);
        File.WriteAllBytes(path, LegacyBytes(writer =>
        {
            writer.Write(7);
            writer.Write(5);
            writer.Write("x.txt"u8);
        }));
        matrix = ImportanceMatrixFile.Read(path);
        Assert.Equal(7, matrix.ChunkCount);
        Assert.Equal(["x.txt"], matrix.Datasets);
    }

    [Fact]
    public void A_model_is_no_importance_matrix()
    {
        string path = folder["model.gguf"];
        TestModels.WriteGguf(path, TestModels.LlamaMetadata(1, 256, 4, 4, 256), [MemoryTensor.FromValues("output_norm.weight", new TensorShape(4), [1, 1, 1, 1])]);
        Assert.Contains("decant imatrix", Assert.Throws<BadFileException>(() => ImportanceMatrixFile.Read(path)).Message, StringComparison.Ordinal);
        Assert.Throws<BadFileException>(() => ImportanceMatrixFile.Read(folder["none.gguf"]));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(-1f)]
    public void Values_that_cannot_be_sums_of_squares_are_refused(float value)
    {
        string path = Write(new ImportanceMatrix("x", [new ImportanceEntry("blk.0.attn_q.weight", 2, [1, value], [1])], [], 1, 1));
        Assert.Contains("blk.0.attn_q.weight", Assert.Throws<BadFileException>(() => ImportanceMatrixFile.Read(path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Damaged_files_end_in_a_documented_error(bool legacy)
    {
        byte[] sound = legacy ? LegacyBytes(w => { w.Write(7); w.Write(1); w.Write((byte)'x'); }) : File.ReadAllBytes(Write(Sample()));
        var random = new Random(3);
        string path = folder["damaged"];
        int refused = 0;
        for (int i = 0; i < 3000; i++)
        {
            byte[] bytes = [.. sound];
            if (i < sound.Length)
            {
                bytes = bytes[..i];
            }
            else
            {
                for (int change = random.Next(1, 5); change > 0; change--)
                    bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }
            File.WriteAllBytes(path, bytes);
            try
            {
                ImportanceMatrixFile.Read(path);
            }
            catch (DecantException)
            {
                refused++;
            }
        }
        Assert.True(refused > 500, $"{refused} refused");
    }
}
