using Decant.Compression.Methods.Mixtures;
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
    [Trait("Category", "Slow")]
    [MemberData(nameof(Shapes))]
    public void Every_file_type_gives_every_tensor_the_type_and_bytes_of_llama_cpp(string shape)
    {
        WholeFileFixture fixture = WholeFileFixture.Read(shape);
        var model = new MixtureModel("llama", fixture.LayerCount, fixture.HeadCount, fixture.KeyValueHeadCount, 0);
        TensorInfo[] infos = [.. fixture.Tensors.Select(t => t.Info)];
        Dictionary<string, MemoryTensor> tensors = fixture.Tensors.ToDictionary(t => t.Info.Name);
        var crcs = new Dictionary<(string Name, string Format, bool HasImportance), uint>();
        int fileCount = 0;
        foreach (string fileName in fixture.FileNames)
        {
            bool hasImportance = fileName.EndsWith("+imatrix", StringComparison.Ordinal);
            FileType type = FileTypes.Get(fileName.Split('+')[0]);
            Assert.Equal(fixture.FileTypeNumber(fileName), type.Number);
            var chooser = new MixtureChooser(type, model, hasImportance);
            IReadOnlyList<TensorChoice> choices = chooser.Choose(infos);
            chooser.RequireImportance(choices, _ => hasImportance);
            Dictionary<string, TensorChoice> byName = choices.ToDictionary(c => c.Source.Name);
            int tensorCount = 0;
            foreach ((string name, string expectedType, uint crc) in fixture.Expected(fileName))
            {
                TensorChoice choice = byName[name];
                Assert.True(expectedType == choice.Target.Name, $"{fileName} {name}: expected {expectedType}, got {choice.Target}");
                if (!crcs.TryGetValue((name, choice.Target.Name, hasImportance), out uint got))
                    crcs.Add((name, choice.Target.Name, hasImportance), got = Crc32.Of(Encode(tensors[name], choice, hasImportance)));
                Assert.True(crc == got, $"{fileName} {name}: bytes differ");
                tensorCount++;
            }
            Assert.Equal(7 * fixture.LayerCount + 2, tensorCount);
            fileCount++;
        }
        Assert.Equal(41, fileCount);
    }

    private static byte[] Encode(MemoryTensor tensor, TensorChoice choice, bool hasImportance)
    {
        byte[] bytes = new byte[choice.TargetByteCount];
        int rowLength = (int)tensor.Info.Shape.RowLength;
        float[] row = new float[rowLength];
        float[] importance = hasImportance ? WholeFileFixture.Importance(tensor.Info) ?? [] : [];
        int rowByteCount = (int)choice.Target.RowByteCount(rowLength);
        for (int r = 0; r < tensor.Info.Shape.RowCount; r++)
        {
            tensor.ReadRows(r, 1, row);
            choice.Target.EncodeRow(row, importance, bytes.AsSpan(r * rowByteCount, rowByteCount));
        }
        return bytes;
    }
}
