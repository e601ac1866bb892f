using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Bench;

/// <summary>Compares two GGUF files tensor by tensor: name, shape, type and bytes. Their order may differ, for llama.cpp sorts by layer.</summary>
internal static class TensorComparison
{
    /// <summary>"211 of 272": how many of the second file's tensors the first has with equal bytes.</summary>
    public static string Describe(string ours, string theirs)
    {
        using IModelSource left = ModelSources.Open(ours), right = ModelSources.Open(theirs);
        int same = right.Tensors.Count(tensor => left.FindTensor(tensor.Info.Name) is { } other && AreEqual(tensor, other));
        return $"{same} of {Math.Max(left.Tensors.Count, right.Tensors.Count)}";
    }

    private static bool AreEqual(TensorData a, TensorData b)
    {
        if (a.Info.Shape != b.Info.Shape || a.Info.Format != b.Info.Format)
            return false;
        int rowsPerStep = (int)Math.Max(1, (1 << 20) / a.Info.RowByteCount);
        for (long row = 0; row < a.Info.Shape.RowCount; row += rowsPerStep)
        {
            int count = (int)Math.Min(rowsPerStep, a.Info.Shape.RowCount - row);
            if (!a.TryGetRows(row, count, out ReadOnlySpan<byte> left) || !b.TryGetRows(row, count, out ReadOnlySpan<byte> right) || !left.SequenceEqual(right))
                return false;
        }
        return true;
    }
}
