namespace Decant.Engine.Kernels;

/// <summary>Memory that one thread uses within a kernel; grows to the largest request and is then kept.</summary>
internal sealed unsafe class Scratch : IDisposable
{
    private AlignedBuffer? buffer;

    /// <summary>At least so many elements, with unknown content. A second request may overwrite the first.</summary>
    public float* Floats(long count) => (float*)AlignedBuffer.Reserve(ref buffer, count * sizeof(float));

    /// <inheritdoc/>
    public void Dispose() => buffer?.Dispose();
}
