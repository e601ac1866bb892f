namespace Decant.Testing;

/// <summary>A folder of its own for one test, deleted at the end.</summary>
public sealed class TemporaryFolder : IDisposable
{
    /// <summary>The folder.</summary>
    public string Path { get; } = Directory.CreateTempSubdirectory("decant-test-").FullName;

    /// <summary>The path of an entry of the folder.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

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
