using Decant.Core.Errors;

namespace Decant.Core.Files;

/// <summary>A file being written whose failures, a full disk above all, are errors that name the output.</summary>
/// <param name="inner">The file; disposed with this stream.</param>
/// <param name="path">The output's name in messages.</param>
internal sealed class OutputStream(FileStream inner, string path) : Stream
{
    private bool isDisposed;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => !isDisposed;

    public override long Length => inner.Length;

    public override long Position
    {
        get => inner.Position;
        set => throw new NotSupportedException("Outputs are written front to back.");
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        try
        {
            inner.Write(buffer);
        }
        catch (IOException e)
        {
            throw Failed(e);
        }
    }

    public override void Flush()
    {
        try
        {
            inner.Flush();
        }
        catch (IOException e)
        {
            throw Failed(e);
        }
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Outputs are not read back.");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException("Outputs are written front to back.");

    public override void SetLength(long value) => throw new NotSupportedException("Outputs are written front to back.");

    /// <summary>Closes the file without a word about bytes that could not be written, for outputs that are given up.</summary>
    public void Abandon()
    {
        isDisposed = true;
        try
        {
            inner.Dispose();
        }
        catch (IOException)
        {
            // The file is about to be deleted; flushing it to a full disk fails once more.
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (!disposing || isDisposed)
            return;
        try
        {
            Flush();
        }
        finally
        {
            Abandon();
        }
        base.Dispose(disposing);
    }

    private BadFileException Failed(IOException e) => new($"{path}: the output cannot be written: {e.Message}", e);
}
