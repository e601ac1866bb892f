namespace Decant.Compression.Pipeline;

/// <summary>Takes the bytes of converted tensors. Called from several threads at once, in any order.</summary>
internal interface IConversionSink
{
    /// <summary>Stores a piece of a tensor.</summary>
    /// <param name="tensorIndex">Index in the list of conversions.</param>
    /// <param name="offset">Where the piece starts within the tensor, in bytes.</param>
    /// <param name="bytes">The piece.</param>
    void Write(int tensorIndex, long offset, ReadOnlySpan<byte> bytes);

    /// <summary>Says that all pieces of a tensor have been stored; called once for each.</summary>
    /// <param name="tensorIndex">Index in the list of conversions.</param>
    /// <param name="checksum">The tensor's <see cref="ChunkChecksum"/>.</param>
    void Finish(int tensorIndex, uint checksum);
}
