using System.Globalization;
using Decant.Core.Errors;
using Decant.Core.Formats;

namespace Decant.Core.Tensors;

/// <summary>
/// Weights that <see cref="TernaryTensor"/> rounds to another matrix of −s, 0 and s: its values times the share of all elements that those other than zero are, turned
/// over. Their mean magnitude is s, and each is at least that far from zero. As F32. A matrix that went through a quantized type may have lost digits: values within a
/// quarter of s count as it. The matrix is read three times when the first row is asked for.
/// </summary>
internal sealed class TernarySourceTensor : ComputedTensor
{
    private const float Tolerance = 0.25f;

    private readonly TensorData source;
    private readonly Lazy<(float Scale, float Magnitude)> written;

    /// <summary>Takes a ternary matrix, under its own name.</summary>
    public TernarySourceTensor(TensorData source)
        : base(new TensorInfo(source.Info.Name, source.Info.Shape, TensorFormats.F32))
    {
        this.source = source;
        written = new Lazy<(float, float)>(() => Measure(source));
    }

    /// <inheritdoc/>
    /// <exception cref="NotSupportedModelException">The matrix is not ternary.</exception>
    public override void ReadRows(long firstRow, int rowCount, Span<float> destination)
    {
        (float scale, float magnitude) = written.Value;
        source.ReadRows(firstRow, rowCount, destination);
        foreach (ref float value in destination[..checked((int)(rowCount * Info.Shape.RowLength))])
            value = MathF.Abs(value) <= scale / 2 ? 0 : MathF.CopySign(magnitude, value);
    }

    /// <inheritdoc/>
    public override void ReleaseRows(long firstRow, long rowCount) => source.ReleaseRows(firstRow, rowCount);

    private static (float Scale, float Magnitude) Measure(TensorData tensor)
    {
        float largest = 0;
        Visit(tensor, row =>
        {
            foreach (float value in row)
                largest = MathF.Max(largest, MathF.Abs(value));
        });
        if (!float.IsFinite(largest))
            throw new NotSupportedModelException($"{tensor.Info}: expected finite numbers, got others.");
        double sum = 0;
        long count = 0;
        Visit(tensor, row =>
        {
            foreach (float value in row)
            {
                if (MathF.Abs(value) <= largest / 2)
                    continue;
                sum += MathF.Abs(value);
                count++;
            }
        });
        if (count == 0)
            return (0, 0);
        float scale = (float)(sum / count);
        Visit(tensor, row =>
        {
            foreach (float value in row)
            {
                float magnitude = MathF.Abs(value);
                if (!(MathF.Min(magnitude, MathF.Abs(magnitude - scale)) <= Tolerance * scale))
                    throw NotTernary(tensor, value, scale);
            }
        });
        return (scale, (float)(scale * ((double)tensor.Info.Shape.ElementCount / count)));
    }

    private static NotSupportedModelException NotTernary(TensorData tensor, float value, float scale) => new(string.Create(
        CultureInfo.InvariantCulture,
        $"{tensor.Info}: expected three values, -{scale}, 0 and {scale}, to which weights of this kind of model are rounded, got {value}. No Hugging Face folder can be written from such a matrix; try a file with less rounding, or the folder it was made from."));

    private static void Visit(TensorData tensor, Action<float[]> visit)
    {
        float[] row = new float[checked((int)tensor.Info.Shape.RowLength)];
        for (long i = 0; i < tensor.Info.Shape.RowCount; i++)
        {
            tensor.ReadRows(i, 1, row);
            visit(row);
        }
    }
}
