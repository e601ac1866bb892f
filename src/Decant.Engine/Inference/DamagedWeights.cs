using System.Globalization;
using Decant.Core.Architectures;
using Decant.Core.Formats;
using Decant.Core.Tensors;

namespace Decant.Engine.Inference;

/// <summary>Looks for the weight that spoilt a computation, once it is known that one was: reads the whole model.</summary>
internal static class DamagedWeights
{
    private const int ElementsAtOnce = 1 << 16;

    /// <summary>Names the first value that is NaN or infinite with its tensor, row and column, as a sentence; null if all are finite.</summary>
    public static string? Find(Model model, CancellationToken cancellationToken)
    {
        float[] values = [];
        foreach (TensorData tensor in model.Tensors.Values)
        {
            int rowLength = checked((int)tensor.Info.Shape.RowLength);
            int most = Math.Max(1, ElementsAtOnce / Math.Max(1, rowLength));
            if (values.Length < most * rowLength)
                values = new float[most * rowLength];
            for (long row = 0; row < tensor.Info.Shape.RowCount; row += most)
            {
                cancellationToken.ThrowIfCancellationRequested();
                Span<float> read = values.AsSpan(0, (int)Math.Min(most, tensor.Info.Shape.RowCount - row) * rowLength);
                tensor.ReadRows(row, read.Length / Math.Max(1, rowLength), read);
                int bad = RowCheck.FirstNonFinite(read);
                if (bad >= 0)
                {
                    return string.Create(CultureInfo.InvariantCulture,
                        $"The file is damaged: {tensor.Info.Name}, row {row + bad / rowLength}, column {bad % rowLength} is {read[bad]}. Make or fetch it anew.");
                }
            }
        }
        return null;
    }
}
