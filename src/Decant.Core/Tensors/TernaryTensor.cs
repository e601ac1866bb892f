using Decant.Core.Formats;

namespace Decant.Core.Tensors;

/// <summary>
/// Another matrix rounded as BitNet b1.58 rounds weights (Ma et al. 2024), as F32: s · clamp(round(w / s), −1, 1) for s the mean of the absolute values of the whole
/// matrix, at least 1e-5. In single precision, as in transformers' <c>AutoBitLinear</c> and llama.cpp's converter. The matrix is read once for its mean when the first
/// row is asked for.
/// </summary>
public sealed class TernaryTensor : ComputedTensor
{
    /// <summary>What the reference divides by at least.</summary>
    public const float SmallestScale = 1e-5f;

    private readonly TensorData source;
    private readonly Lazy<float> scale;

    /// <summary>Rounds a matrix, under its own name.</summary>
    public TernaryTensor(TensorData source)
        : base(new TensorInfo(source.Info.Name, source.Info.Shape, TensorFormats.F32))
    {
        this.source = source;
        scale = new Lazy<float>(() => 1 / MathF.Max(MeanMagnitude(source), SmallestScale));
    }

    /// <inheritdoc/>
    public override void ReadRows(long firstRow, int rowCount, Span<float> destination)
    {
        float factor = scale.Value;
        source.ReadRows(firstRow, rowCount, destination);
        foreach (ref float value in destination[..checked((int)(rowCount * Info.Shape.RowLength))])
            value = Math.Clamp(MathF.Round(value * factor), -1, 1) / factor;
    }

    /// <inheritdoc/>
    public override void ReleaseRows(long firstRow, long rowCount) => source.ReleaseRows(firstRow, rowCount);

    private static float MeanMagnitude(TensorData tensor)
    {
        float[] row = new float[checked((int)tensor.Info.Shape.RowLength)];
        double sum = 0;
        for (long i = 0; i < tensor.Info.Shape.RowCount; i++)
        {
            tensor.ReadRows(i, 1, row);
            foreach (float value in row)
                sum += Math.Abs(value);
        }
        return (float)(sum / tensor.Info.Shape.ElementCount);
    }
}
