using Decant.Engine.Kernels.Encoding.Lanes;

namespace Decant.Engine.Kernels.Encoding;

/// <summary>How the working memory of one call is divided; it lies on the stack, aligned to the widest vector.</summary>
internal static unsafe class LaneMemory
{
    /// <summary>Vectors that an encoder may use for weights, codes and sums.</summary>
    public const int WorkCount = 384;

    /// <summary>Vectors for the elements of a block, and as many for their importance weights.</summary>
    public const int ValueCount = 256;

    /// <summary>Vectors for the bytes of a block, and for the words they are joined to.</summary>
    public const int ByteCount = 256, WordCount = ByteCount / 4;

    /// <summary>Vectors in all: elements, weights, work, bytes, words, and words turned back into rows.</summary>
    public const int TotalCount = 2 * ValueCount + WorkCount + ByteCount + 2 * WordCount;

    /// <summary>Widest vector.</summary>
    public const int Alignment = 64;

    /// <summary>The first aligned address of some memory.</summary>
    public static T* Align<T>(byte* memory)
        where T : unmanaged, ILanes<T> => (T*)(((nuint)memory + (Alignment - 1)) & ~(nuint)(Alignment - 1));
}
