using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Compression.Tests;

/// <summary>Compares two GGUF files tensor by tensor.</summary>
internal static class ComparedFiles
{
    /// <summary>Asserts that both files have the same tensors with the same shapes, types and bytes; returns how many.</summary>
    public static int AssertSameTensors(string expectedPath, string gotPath, string label)
    {
        using IModelSource expected = ModelSources.Open(expectedPath);
        using IModelSource got = ModelSources.Open(gotPath);
        Assert.Equal(expected.Tensors.Count, got.Tensors.Count);
        foreach (TensorData tensor in expected.Tensors)
        {
            TensorData? other = got.FindTensor(tensor.Info.Name);
            Assert.True(other is not null, $"{label}: {tensor.Info.Name} is missing");
            Assert.True(tensor.Info.Shape == other.Info.Shape, $"{label}: expected {tensor.Info}, got {other.Info}");
            Assert.True(tensor.Info.Format == other.Info.Format, $"{label}: expected {tensor.Info}, got {other.Info}");
            for (long row = 0; row < tensor.Info.Shape.RowCount; row += 256)
            {
                int count = (int)Math.Min(256, tensor.Info.Shape.RowCount - row);
                Assert.True(tensor.TryGetRows(row, count, out ReadOnlySpan<byte> left) && other.TryGetRows(row, count, out ReadOnlySpan<byte> right) && left.SequenceEqual(right),
                    $"{label}: {tensor.Info.Name}: rows {row} to {row + count - 1} differ");
            }
        }
        return expected.Tensors.Count;
    }
}
