namespace Decant.Core.Formats;

/// <summary>
/// Base of the formats that store a row as blocks with scales of their own: a subclass says how one block is decoded and encoded.
/// </summary>
public abstract class BlockFormat : TensorFormat
{
    /// <summary>True if the importance path weighs elements by the mean square of the whole row, not of their block.</summary>
    protected virtual bool WeighsByRow => false;

    /// <inheritdoc/>
    public sealed override void DecodeRow(ReadOnlySpan<byte> source, Span<float> destination)
    {
        CheckDecode(source, destination);
        for (int block = 0; block * BlockLength < destination.Length; block++)
        {
            DecodeBlock(
                source.Slice(block * BlockByteCount, BlockByteCount),
                destination.Slice(block * BlockLength, BlockLength));
        }
    }

    /// <inheritdoc/>
    public sealed override void EncodeRow(ReadOnlySpan<float> source, ReadOnlySpan<float> importance, Span<byte> destination)
    {
        if (!CanEncode)
            throw new NotSupportedException($"{Name} can be read but not written.");
        CheckEncode(source, importance, destination);
        if (!UsesImportance)
            importance = default;
        float rowMeanSquare = WeighsByRow && !importance.IsEmpty ? MeanSquare(source) : 0;
        for (int block = 0; block * BlockLength < source.Length; block++)
        {
            EncodeBlock(
                source.Slice(block * BlockLength, BlockLength),
                importance.IsEmpty ? default : importance.Slice(block * BlockLength, BlockLength),
                rowMeanSquare,
                destination.Slice(block * BlockByteCount, BlockByteCount));
        }
    }

    /// <summary>Decodes one block.</summary>
    /// <param name="block"><see cref="TensorFormat.BlockByteCount"/> bytes.</param>
    /// <param name="values"><see cref="TensorFormat.BlockLength"/> elements.</param>
    protected abstract void DecodeBlock(ReadOnlySpan<byte> block, Span<float> values);

    /// <summary>Encodes one block; every byte is written.</summary>
    /// <param name="values"><see cref="TensorFormat.BlockLength"/> elements.</param>
    /// <param name="importance">Empty (always, unless <see cref="TensorFormat.UsesImportance"/>), or one weight per element.</param>
    /// <param name="rowMeanSquare">Mean of the squares of the whole row, if <see cref="WeighsByRow"/> and weights are given; else 0.</param>
    /// <param name="block"><see cref="TensorFormat.BlockByteCount"/> bytes.</param>
    protected virtual void EncodeBlock(
        ReadOnlySpan<float> values, ReadOnlySpan<float> importance, float rowMeanSquare, Span<byte> block) =>
        throw new NotSupportedException($"{Name} can be read but not written.");

    /// <summary>Mean of the squares, summed in order in single precision: the last bit decides near-ties of the searches.</summary>
    internal static float MeanSquare(ReadOnlySpan<float> values) => SumOfSquares(values) / values.Length;

    /// <summary>Sum of the squares, in order, in single precision.</summary>
    internal static float SumOfSquares(ReadOnlySpan<float> values)
    {
        float sum = 0;
        foreach (float value in values)
            sum += value * value;
        return sum;
    }

    /// <summary>
    /// The weight of each element's squared error in the searches: <c>importance * sqrt(meanSquare + x²)</c>. The root makes a
    /// large element count for more than the input statistics alone would.
    /// </summary>
    internal static void WeighElements(ReadOnlySpan<float> values, ReadOnlySpan<float> importance, float meanSquare, Span<float> weights)
    {
        for (int i = 0; i < values.Length; i++)
            weights[i] = importance[i] * MathF.Sqrt(meanSquare + values[i] * values[i]);
    }

    /// <summary>The element of largest magnitude, sign included; of equals the first; 0 for a block of zeros.</summary>
    internal static float SignedMaximum(ReadOnlySpan<float> values)
    {
        float largest = 0, signed = 0;
        foreach (float value in values)
        {
            if (MathF.Abs(value) > largest)
            {
                largest = MathF.Abs(value);
                signed = value;
            }
        }
        return signed;
    }
}
