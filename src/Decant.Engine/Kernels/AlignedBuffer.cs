using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Decant.Core.Errors;
using Decant.Engine.Measurement;

namespace Decant.Engine.Kernels;

/// <summary>Native memory aligned to cache lines; does not move and counts as private memory. Not cleared unless asked.</summary>
internal sealed unsafe class AlignedBuffer : IDisposable
{
    /// <summary>Alignment in bytes: a cache line, and the widest vector.</summary>
    public const int Alignment = 64;

    // Smaller requests are not worth reading the system's files for.
    private const long CheckedByteCount = 16 << 20;

    private byte* pointer;

    /// <summary>Allocates.</summary>
    /// <param name="byteCount">How many bytes.</param>
    /// <param name="purpose">What it is for, as the message of a failure says: "the key-value cache".</param>
    /// <param name="hint">What the user can do about too little memory.</param>
    /// <param name="clear">True to fill with zeros.</param>
    /// <exception cref="LimitNotMetException">That much memory is not available.</exception>
    public AlignedBuffer(long byteCount, string purpose, string hint, bool clear = false)
    {
        ByteCount = byteCount;
        // Operating systems promise memory they do not have and stop the program when it is touched; so the size is compared first.
        if (byteCount >= CheckedByteCount && SystemMemory.AvailableByteCount is var available && byteCount > available)
            throw TooLittle(byteCount, available, purpose, hint, null);
        try
        {
            bool isLarge = byteCount >= LargePages.WorthwhileByteCount;
            pointer = (byte*)NativeMemory.AlignedAlloc((nuint)Math.Max(byteCount, Alignment), isLarge ? (nuint)LargePages.PageByteCount : Alignment);
            if (isLarge)
                LargePages.AskFor(pointer, byteCount);
        }
        catch (OutOfMemoryException exception)
        {
            throw TooLittle(byteCount, SystemMemory.AvailableByteCount, purpose, hint, exception);
        }
        if (clear)
            NativeMemory.Clear(pointer, (nuint)byteCount);
    }

    /// <summary>Frees the memory if it was not disposed.</summary>
    ~AlignedBuffer() => Free();

    /// <summary>The size.</summary>
    public long ByteCount { get; }

    /// <summary>The first byte.</summary>
    public byte* Pointer => pointer;

    /// <summary>The first element as single precision.</summary>
    public float* Floats => (float*)pointer;

    /// <summary>Makes sure that working memory is large enough; its content is lost when it grows.</summary>
    /// <param name="buffer">Replaced if it is smaller than <paramref name="byteCount"/>.</param>
    /// <param name="byteCount">How many bytes at least.</param>
    /// <param name="purpose">As for the constructor.</param>
    /// <param name="hint">As for the constructor.</param>
    /// <returns>The first byte.</returns>
    public static byte* Reserve(
        [NotNull] ref AlignedBuffer? buffer, long byteCount, string purpose = "Working memory", string hint = "Use a smaller batch.")
    {
        if (buffer is null || buffer.ByteCount < byteCount)
        {
            buffer?.Dispose();
            buffer = null;
            buffer = new AlignedBuffer(byteCount, purpose, hint);
        }
        return buffer.Pointer;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Free();
        GC.SuppressFinalize(this);
    }

    private static LimitNotMetException TooLittle(long needed, long available, string purpose, string hint, Exception? inner)
    {
        string cause = SystemMemory.AddressSpaceIsLimited ? " within the limit of this process's address space (ulimit -v)" : "";
        // A system may refuse what looks free: the room is in pieces, or promised to others.
        string found = needed > available
            ? FormattableString.Invariant($"{available / 1048576.0:0} MiB are available{cause}")
            : $"the system gave none{cause}";
        return new LimitNotMetException(FormattableString.Invariant($"{purpose} needs {needed / 1048576.0:0} MiB and {found}. {hint}"), inner);
    }

    private void Free()
    {
        if (pointer == null)
            return;
        NativeMemory.AlignedFree(pointer);
        pointer = null;
    }
}
