using Decant.Engine.Kernels;

namespace Decant.Engine.Inference;

/// <summary>Room for the logits of a few positions; grows to the largest request and is then kept.</summary>
internal sealed unsafe class LogitsTile : IDisposable
{
    private AlignedBuffer? buffer;

    /// <summary>At least so many elements; a later request may overwrite them.</summary>
    public float* Reserve(long count)
    {
        long byteCount = count * sizeof(float);
        if (buffer is null || buffer.ByteCount < byteCount)
        {
            buffer?.Dispose();
            buffer = null;
            buffer = new AlignedBuffer(byteCount, "The logits", "");
        }
        return buffer.Floats;
    }

    /// <inheritdoc/>
    public void Dispose() => buffer?.Dispose();
}
