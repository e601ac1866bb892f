using Decant.Engine.Kernels;

namespace Decant.Engine.Inference;

/// <summary>Room for the logits of a few positions; grows to the largest request and is then kept.</summary>
internal sealed unsafe class LogitsTile : IDisposable
{
    private AlignedBuffer? buffer;

    /// <summary>At least so many elements; a later request may overwrite them.</summary>
    public float* Reserve(long count) => (float*)AlignedBuffer.Reserve(ref buffer, count * sizeof(float), "The logits", "");

    /// <inheritdoc/>
    public void Dispose() => buffer?.Dispose();
}
