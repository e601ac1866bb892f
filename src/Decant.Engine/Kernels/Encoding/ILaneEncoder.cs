using Decant.Engine.Kernels.Encoding.Lanes;

namespace Decant.Engine.Kernels.Encoding;

/// <summary>
/// Encodes one block of a format in every lane, with the steps of the format's scalar definition (<c>Decant.Core.Formats</c>).
/// </summary>
/// <typeparam name="T">The lanes.</typeparam>
internal unsafe interface ILaneEncoder<T>
    where T : unmanaged, ILanes<T>
{
    /// <summary>Elements per block.</summary>
    static abstract int BlockLength { get; }

    /// <summary>Bytes per block.</summary>
    static abstract int BlockByteCount { get; }

    /// <summary>True if the importance path needs the mean square of the whole row.</summary>
    static abstract bool WeighsByRow { get; }

    /// <summary>Encodes.</summary>
    /// <param name="values"><see cref="BlockLength"/> elements.</param>
    /// <param name="importance">Null, or one weight per element.</param>
    /// <param name="rowMeanSquare">Mean of the squares of each lane's row, if <see cref="WeighsByRow"/> and weights are given.</param>
    /// <param name="work"><see cref="LaneMemory.WorkCount"/> vectors to use freely.</param>
    /// <param name="bytes">Receives <see cref="BlockByteCount"/> integers: each lane's bytes, one to a vector; bits above 8 are ignored.</param>
    /// <returns>
    /// A mask of the lanes whose bytes are right. The others met something rare (a number too large to round, a scale that is no
    /// finite half, negative or denormal scales) that only the definition handles as the reference does.
    /// </returns>
    static abstract T Encode(T* values, T* importance, T rowMeanSquare, T* work, T* bytes);
}
