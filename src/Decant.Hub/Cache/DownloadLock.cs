namespace Decant.Hub.Cache;

/// <summary>
/// Keeps two processes from downloading the same content at once. A file opened for itself alone is locked with flock on Unix and by the
/// system on Windows, as Python's filelock does it, so that its processes are kept out too; a process that dies lets go.
/// </summary>
internal static class DownloadLock
{
    private static readonly TimeSpan interval = TimeSpan.FromMilliseconds(100);

    // How the runtime reports a lock that another holds: errno EWOULDBLOCK of Linux and of macOS, and ERROR_SHARING_VIOLATION.
    private static readonly int[] heldElsewhere = [11, 35, unchecked((int)0x80070020)];

    /// <summary>Waits for the lock.</summary>
    /// <param name="path">The lock file; it stays.</param>
    /// <param name="waiting">Called once if another process holds it.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The lock, given back by disposing it.</returns>
    public static async Task<IDisposable> TakeAsync(string path, Action waiting, CancellationToken cancellationToken)
    {
        for (bool told = false; ; told = true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
            }
            catch (IOException e) when (heldElsewhere.Contains(e.HResult))
            {
                if (!told)
                    waiting();
            }
            await Task.Delay(interval, cancellationToken).ConfigureAwait(false);
        }
    }
}
