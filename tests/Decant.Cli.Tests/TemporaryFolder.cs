namespace Decant.Cli.Tests;

/// <summary>A folder of a test's own, deleted with everything in it.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public TemporaryFolder() => Directory.CreateDirectory(Path);

    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"decant-cli-{Guid.NewGuid():N}");

    /// <summary>The path of a file in the folder.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>The names of everything in the folder, hidden files included.</summary>
    public IEnumerable<string> Names => Directory.GetFileSystemEntries(Path).Select(entry => System.IO.Path.GetFileName(entry)).Order(StringComparer.Ordinal);

    /// <summary>Writes a text file.</summary>
    public string Write(string name, string text)
    {
        File.WriteAllText(this[name], text);
        return this[name];
    }

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

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
