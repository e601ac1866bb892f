namespace Decant.Engine.Inference;

/// <summary>Where weights lie while a model runs.</summary>
public enum WeightPlacement
{
    /// <summary>In the checkpoint's memory map: no private memory, and a model larger than memory runs.</summary>
    Mapped,

    /// <summary>In private memory of large pages, arranged as kernels read them fastest; the map's pages are let go.</summary>
    Copied,

    /// <summary>Copied with <see cref="DecoderArithmetic.Fast"/> if four fifths of the free memory hold a copy, else mapped.</summary>
    Automatic,
}
