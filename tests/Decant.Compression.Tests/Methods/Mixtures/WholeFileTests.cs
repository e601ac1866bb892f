using Decant.Testing;
using Decant.Compression.Calibration;
using Decant.Compression.Methods.Mixtures;
using Decant.Compression.Pipeline;
using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Compression.Tests.Methods.Mixtures;

public class WholeFileTests
{
    public static TheoryData<string> Shapes => [.. WholeFileFixture.ShapeNames];

    [Theory]
    [MemberData(nameof(Shapes))]
    public void The_generated_inputs_are_those_of_the_fixture(string shape)
    {
        WholeFileFixture fixture = WholeFileFixture.Read(shape);
        Dictionary<string, MemoryTensor> tensors = fixture.Tensors.ToDictionary(t => t.Info.Name);
        int checkedCount = 0;
        foreach ((string name, uint crc) in fixture.Inputs)
        {
            Assert.True(tensors[name].TryGetRows(0, (int)tensors[name].Info.Shape.RowCount, out ReadOnlySpan<byte> bytes));
            Assert.True(crc == Crc32.Of(bytes), name);
            checkedCount++;
        }
        Assert.Equal(7 * fixture.LayerCount + 2, checkedCount);
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Every_file_type_gives_every_tensor_the_type_and_bytes_of_llama_cpp(string shape)
    {
        WholeFileFixture fixture = WholeFileFixture.Read(shape);
        using var folder = new TemporaryFolder();
        TestModels.WriteFixture(folder["in.gguf"], fixture);
        using IModelSource source = ModelSources.Open(folder["in.gguf"]);
        var importance = new ImportanceMatrix(
            "fixture",
            [.. fixture.Tensors.Select(t => t.Info).Where(i => WholeFileFixture.Importance(i) is not null).Select(i => new ImportanceEntry(i.Name, (int)i.Shape.RowLength, WholeFileFixture.Importance(i)!, [1]))],
            [], 1, 512);
        int fileCount = 0;
        foreach (string fileName in fixture.FileNames)
        {
            FileType type = FileTypes.Get(fileName.Split('+')[0]);
            bool hasImportance = fileName.EndsWith("+imatrix", StringComparison.Ordinal);
            CompressionPlan plan = CompressionPlan.Create(source, new CompressionRequest { Type = type, Importance = hasImportance ? importance : null });
            string output = folder["out.gguf"];
            CompressJob.Run(plan, new CompressOptions { OutputPath = output, Overwrite = true, Verify = false }, cancellationToken: TestContext.Current.CancellationToken);
            using IModelSource result = ModelSources.Open(output);
            Assert.Equal(fixture.FileTypeNumber(fileName), result.Gguf!.GetInteger("general.file_type"));
            int tensorCount = 0;
            foreach ((string name, string expectedType, uint crc) in fixture.Expected(fileName))
            {
                TensorData tensor = result.FindTensor(name)!;
                Assert.True(expectedType == tensor.Info.Format.Name, $"{fileName} {name}: expected {expectedType}, got {tensor.Info.Format}");
                Assert.True(tensor.TryGetRows(0, (int)tensor.Info.Shape.RowCount, out ReadOnlySpan<byte> bytes) && crc == Crc32.Of(bytes), $"{fileName} {name}: bytes differ");
                tensorCount++;
            }
            Assert.Equal(7 * fixture.LayerCount + 2, tensorCount);
            fileCount++;
        }
        Assert.Equal(41, fileCount);
    }
}
