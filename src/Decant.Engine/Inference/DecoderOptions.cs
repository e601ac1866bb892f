using System.Globalization;
using Decant.Core.Errors;

namespace Decant.Engine.Inference;

/// <summary>How a decoder or an encoder is run.</summary>
public sealed record DecoderOptions
{
    /// <summary>Threads; 0 takes all processors.</summary>
    public int ThreadCount { get; init; }

    /// <summary>
    /// Null for the best kernels the processor has; or the level to use (<c>avx512</c>, <c>avxvnni</c>, <c>avx2</c>, <c>vector128</c>, <c>scalar</c>), or
    /// kernels for weights of their formats (<c>avx2-q4_0-int8</c>), or both, separated by commas.
    /// </summary>
    public string? Kernel { get; init; }

    /// <summary>What products are computed in.</summary>
    public DecoderArithmetic Arithmetic { get; init; }

    /// <summary>
    /// How keys and values are kept: <c>F32</c>, <c>F16</c>, <c>BF16</c>, <c>Q8_0</c> or <c>Q4_0</c>; the last two if the model's heads are multiples of 32.
    /// </summary>
    public string KeyValueFormat { get; init; } = "F32";

    /// <summary>Every <see cref="KeyValueFormat"/>, exact ones first.</summary>
    public static IReadOnlyList<string> KeyValueFormats { get; } = [.. KvCache.Formats.Select(format => format.Name)];

    /// <summary>Tokens computed at once when a prompt is read; more is no faster beyond a few hundred and needs more memory.</summary>
    public int BatchLength { get; init; } = 512;

    /// <summary>Where weights lie. A copy costs as much private memory as the file has bytes and a moment at load, and is read faster.</summary>
    public WeightPlacement Weights { get; init; }

    /// <summary>
    /// True to have the code of the first prompt compiled on another thread from the moment the load begins: for programs that wait for a first request, which
    /// is then not the slow one. If the first prompt follows at once it gains nothing and waits a little. What is computed is the same.
    /// </summary>
    public bool WarmsUp { get; init; }

    /// <summary>Told about hidden states and the inputs of matrix products, or null.</summary>
    public IDecoderObserver? Observer { get; init; }

    /// <summary>Throws unless the numbers are within bounds.</summary>
    /// <exception cref="UsageException">One is not.</exception>
    internal void RequireValid()
    {
        if (ThreadCount is < 0 or > WorkerPool.MaximumThreadCount)
            throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"The number of threads must be 1 to {WorkerPool.MaximumThreadCount}, or 0 for all processors, not {ThreadCount}."));
        if (BatchLength < 1)
            throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"The batch length must be at least 1, not {BatchLength}."));
    }
}
