namespace Decant.Engine.Measurement;

/// <summary>What holds a speed down.</summary>
public enum RooflineBound
{
    /// <summary>Neither limit is near: what surrounds the products, or how they are made.</summary>
    Neither,

    /// <summary>The processor's arithmetic.</summary>
    Arithmetic,

    /// <summary>Reading memory.</summary>
    Memory,
}

/// <summary>
/// A measured speed beside the two limits of the machine: the roofline model (Williams, Waterman and Patterson 2009). Shares are those of the least work
/// that had to be done, so that doing needless work lowers them.
/// </summary>
/// <param name="OperationsPerSecond">Operations with weights per second.</param>
/// <param name="BytesPerSecond">Bytes of weights, keys and values per second.</param>
/// <param name="ArithmeticShare">The time that the machine's arithmetic needs for the operations, each kind at its own limit, as a share of the time taken.</param>
/// <param name="MemoryShare">The second, divided by what the machine's memory gives. Above 1 for what fits into the processor's caches.</param>
/// <param name="LimitIsOfBytes">True if most operations are products of whole numbers, of 8 or 16 bits, false if most are single precision's.</param>
public sealed record Roofline(double OperationsPerSecond, double BytesPerSecond, double ArithmeticShare, double MemoryShare, bool LimitIsOfBytes)
{
    /// <summary>From this share of a limit on it is the limit that holds the speed down.</summary>
    public const double NearLimit = 0.7;

    /// <summary>The limit that is nearer, if it is near.</summary>
    public RooflineBound Bound => Math.Max(ArithmeticShare, MemoryShare) < NearLimit ? RooflineBound.Neither
        : ArithmeticShare >= MemoryShare ? RooflineBound.Arithmetic : RooflineBound.Memory;

    /// <summary>Compares.</summary>
    /// <param name="work">What had to be done.</param>
    /// <param name="seconds">How long it took; above 0.</param>
    /// <param name="limits">What the machine gives, measured with the same threads and instructions.</param>
    public static Roofline Of(DecoderWork work, double seconds, MachineLimits limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(seconds);
        // A level without products of bytes makes none. A vector has half as many products of 16 bits.
        double whole = limits.ByteOperationsPerSecond > 0 ? work.RoundedOperationCount + work.PairOperationCount : 0;
        double inBytes = whole > 0 ? work.RoundedOperationCount + 2 * work.PairOperationCount : 0;
        double needed = (work.OperationCount - whole) / limits.SingleOperationsPerSecond + (whole > 0 ? inBytes / limits.ByteOperationsPerSecond : 0);
        return new Roofline(
            work.OperationCount / seconds, work.ByteCount / seconds, needed / seconds, work.ByteCount / seconds / limits.MemoryBytesPerSecond, whole > work.OperationCount / 2);
    }
}
