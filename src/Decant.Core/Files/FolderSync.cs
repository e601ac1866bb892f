using System.Runtime.InteropServices;

namespace Decant.Core.Files;

/// <summary>
/// Makes a rename or deletion in a folder durable: on Unix the folder itself must be synchronised, which .NET offers no call for
/// (its file handles refuse folders). Windows journals renames and needs nothing.
/// </summary>
internal static partial class FolderSync
{
    private const int ReadOnly = 0;

    /// <summary>Synchronises a folder; does nothing where the file system cannot.</summary>
    public static void Synchronize(string folder)
    {
        if (OperatingSystem.IsWindows())
            return;
        int descriptor = Open(folder, ReadOnly);
        if (descriptor < 0)
            return;
        // Some file systems answer EINVAL for folders: the rename then is as durable as they make it.
        _ = Sync(descriptor);
        _ = Close(descriptor);
    }

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync")]
    private static partial int Sync(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
