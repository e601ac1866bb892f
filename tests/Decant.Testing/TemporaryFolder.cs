namespace Decant.Testing;

/// <summary>A folder of its own for one test, deleted at the end.</summary>
public sealed class TemporaryFolder : IDisposable
{
    /// <summary>The folder.</summary>
    public string Path { get; } = Directory.CreateTempSubdirectory("decant-test-").FullName;

    /// <summary>The path of an entry of the folder.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>The names of everything in the folder, hidden files included, in ordinal order.</summary>
    public string[] Names => [.. Directory.EnumerateFileSystemEntries(Path).Select(p => System.IO.Path.GetFileName(p)).Order(StringComparer.Ordinal)];

    /// <summary>Writes a text file and returns its path.</summary>
    public string Write(string name, string text) => Write(name, System.Text.Encoding.UTF8.GetBytes(text));

    /// <summary>Copies the files of another folder.</summary>
    public TemporaryFolder CopyFrom(string folder)
    {
        foreach (string file in Directory.GetFiles(folder))
        {
            File.Copy(file, this[System.IO.Path.GetFileName(file)]);
            File.SetAttributes(this[System.IO.Path.GetFileName(file)], FileAttributes.Normal);
        }
        return this;
    }

    /// <summary>Writes a file and returns its path.</summary>
    public string Write(string name, ReadOnlySpan<byte> content)
    {
        // A new file, not one cut to nothing: some file systems wait for the disk when a cut file is closed.
        File.Delete(this[name]);
        using var stream = new FileStream(this[name], FileMode.CreateNew);
        stream.Write(content);
        return stream.Name;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // A test may move the folder away.
        }
    }
}
