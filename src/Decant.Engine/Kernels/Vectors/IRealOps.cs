namespace Decant.Engine.Kernels.Vectors;

/// <summary>
/// The operations of one vector width that products of matrices need, for single and for double precision: what <see cref="IVectorOps{TVector}"/>
/// adds serves decoders, which compute in single precision.
/// </summary>
/// <typeparam name="TVector">The vector.</typeparam>
/// <typeparam name="TElement"><c>float</c> or <c>double</c>.</typeparam>
internal unsafe interface IRealOps<TVector, TElement>
    where TVector : struct
    where TElement : unmanaged
{
    /// <summary>Elements per vector.</summary>
    static abstract int Lanes { get; }

    /// <summary>True if there are 32 vector registers, so that a tile of 24 accumulators stays in registers.</summary>
    static abstract bool HasManyRegisters { get; }

    /// <summary>Reads <see cref="Lanes"/> elements; no alignment needed.</summary>
    static abstract TVector Load(TElement* source);

    /// <summary>Writes <see cref="Lanes"/> elements.</summary>
    static abstract void Store(TElement* destination, TVector value);

    /// <summary>All lanes alike.</summary>
    static abstract TVector Create(TElement value);

    /// <summary>a + b.</summary>
    static abstract TVector Add(TVector a, TVector b);

    /// <summary>a · b.</summary>
    static abstract TVector Multiply(TVector a, TVector b);

    /// <summary>a · b + c, rounded once.</summary>
    static abstract TVector MultiplyAdd(TVector a, TVector b, TVector c);

    /// <summary>The larger.</summary>
    static abstract TVector Max(TVector a, TVector b);

    /// <summary>|a|.</summary>
    static abstract TVector Abs(TVector a);

    /// <summary>The sum of the lanes, in a fixed order.</summary>
    static abstract TElement Sum(TVector a);
}
