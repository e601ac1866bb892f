using Decant.Core.Errors;
using Decant.Core.Formats;

namespace Decant.Engine.Kernels;

/// <summary>
/// Decodes stored rows to single precision as fast as the processor allows, bit for bit as <see cref="TensorFormat.DecodeRow"/> does. Holds no
/// state: one serves all threads.
/// </summary>
public sealed unsafe class RowDecoder
{
    private readonly WeightKernel kernel;

    private RowDecoder(TensorFormat format, WeightKernel kernel)
    {
        Format = format;
        this.kernel = kernel;
    }

    /// <summary>What the rows are stored as.</summary>
    public TensorFormat Format { get; }

    /// <summary>Instruction set and format, as in <c>avx512-q4_k</c>.</summary>
    public string Name => kernel.Name;

    /// <summary>The decoder of a format.</summary>
    /// <param name="format">Any format.</param>
    /// <param name="level">Null for the best, or the name of an instruction set: <c>avx512</c>, <c>avx2</c>, <c>vector128</c>, <c>scalar</c>.</param>
    /// <exception cref="UsageException">There is no such level, or the processor lacks it.</exception>
    public static RowDecoder For(TensorFormat format, string? level = null) => new(format, KernelList.Choose(format, InstructionSet.Find(level)));

    /// <summary>Decodes whole rows that lie one after another.</summary>
    /// <param name="source">A whole number of blocks.</param>
    /// <param name="destination">Exactly as many elements as the blocks hold.</param>
    /// <exception cref="ArgumentException">The lengths do not fit.</exception>
    public void DecodeRows(ReadOnlySpan<byte> source, Span<float> destination)
    {
        if (source.Length % Format.BlockByteCount != 0 || (long)source.Length / Format.BlockByteCount * Format.BlockLength != destination.Length)
            throw new ArgumentException($"{Format}: {source.Length} bytes do not hold {destination.Length} elements.");
        fixed (byte* from = source)
        fixed (float* to = destination)
            kernel.Decode(from, to, destination.Length);
    }
}
