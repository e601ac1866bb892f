using Decant.Core.Errors;

namespace Decant.Core.Files;

/// <summary>One file of known length that a later run can go on with.</summary>
public sealed class FileOutput : ResumableOutput
{
    private readonly bool overwrite;

    private FileOutput(string path, bool overwrite, ResumableFile file)
        : base(path, [file])
    {
        this.overwrite = overwrite;
    }

    /// <inheritdoc/>
    public override long ByteCount => new FileInfo(TemporaryPath).Length;

    /// <summary>Says what is wrong with a path before anything is written.</summary>
    /// <param name="path">The final path.</param>
    /// <param name="byteCount">The exact length.</param>
    /// <param name="overwrite">Whether an existing file of the final name may be replaced (<c>--force</c>).</param>
    /// <param name="inputs">Files that are read; the output may be none of them.</param>
    /// <exception cref="UsageException">The output exists, or is an input.</exception>
    /// <exception cref="BadFileException">The folder is missing, or the disk has no room.</exception>
    public static void Check(string path, long byteCount, bool overwrite, IEnumerable<string> inputs)
    {
        AtomicOutput.CheckFile(path, overwrite, inputs);
        string temporary = PartialPath(path);
        AtomicOutput.CheckRoom(path, ParentOf(path), byteCount - (File.Exists(temporary) ? new FileInfo(temporary).Length : 0));
    }

    /// <summary>Opens what an earlier run left, or a new file, after <see cref="Check"/>.</summary>
    /// <param name="path">The final path.</param>
    /// <param name="byteCount">The exact length.</param>
    /// <param name="overwrite">Whether an existing file of the final name may be replaced.</param>
    /// <exception cref="BadFileException">The folder is not writable, another process writes the file, or the file system cannot hold it.</exception>
    public static FileOutput Open(string path, long byteCount, bool overwrite) =>
        new(path, overwrite, ResumableFile.Open(PartialPath(path), path, byteCount));

    /// <inheritdoc/>
    private protected override void SynchronizeRest()
    {
    }

    /// <inheritdoc/>
    private protected override void CheckReplaceable()
    {
        if (!overwrite && File.Exists(FinalPath))
            throw new UsageException($"{FinalPath}: a file of this name appeared while the output was written; it is left alone.");
    }

    /// <inheritdoc/>
    private protected override void Rename() => File.Move(TemporaryPath, FinalPath, overwrite);

    /// <inheritdoc/>
    private protected override void Delete() => File.Delete(TemporaryPath);
}
