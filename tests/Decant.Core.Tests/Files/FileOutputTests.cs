using Decant.Core.Errors;
using Decant.Core.Files;

namespace Decant.Core.Tests.Files;

public sealed class FileOutputTests : IDisposable
{
    private readonly DirectoryInfo folder = Directory.CreateTempSubdirectory("decant-test-");
    private readonly string path;

    public FileOutputTests() => path = Path.Combine(folder.FullName, "out.gguf");

    public void Dispose() => folder.Delete(recursive: true);

    private string[] Names => [.. folder.EnumerateFileSystemInfos().Select(f => f.Name).Order(StringComparer.Ordinal)];

    private static FileOutput Open(string path, long byteCount, bool overwrite, string[] inputs)
    {
        FileOutput.Check(path, byteCount, overwrite, inputs);
        return FileOutput.Open(path, byteCount, overwrite);
    }

    [Fact]
    public void A_file_gets_its_name_when_it_is_committed()
    {
        using FileOutput output = Open(path, 10, false, []);
        Assert.True(output.Files[0].IsNew);
        output.Files[0].Write(6, "wxyz"u8);
        output.Files[0].Write(0, "abc"u8);
        Assert.Equal([".out.gguf.partial"], Names);
        output.Commit();
        Assert.Equal(["out.gguf"], Names);
        Assert.Equal("abc\0\0\0wxyz"u8.ToArray(), File.ReadAllBytes(path));
    }

    [Fact]
    public void What_was_written_outlives_an_interrupted_run()
    {
        using (FileOutput first = Open(path, 8, false, []))
            first.Files[0].Write(2, "half"u8);
        using FileOutput second = Open(path, 8, false, []);
        Assert.False(second.Files[0].IsNew);
        byte[] bytes = new byte[4];
        second.Files[0].Read(2, bytes);
        Assert.Equal("half"u8.ToArray(), bytes);
        second.Discard();
        Assert.Empty(Names);
    }

    [Fact]
    public void What_has_another_length_is_of_no_use()
    {
        using (FileOutput first = Open(path, 8, false, []))
            first.Files[0].Write(0, "12345678"u8);
        using FileOutput second = Open(path, 6, false, []);
        Assert.True(second.Files[0].IsNew);
        byte[] bytes = [1, 1, 1, 1, 1, 1];
        second.Files[0].Read(0, bytes);
        Assert.Equal(new byte[6], bytes);
    }

    [Fact]
    public void A_link_leads_nobody_astray()
    {
        string victim = Path.Combine(folder.FullName, "victim");
        File.WriteAllText(victim, "mine");
        File.CreateSymbolicLink(ResumableOutput.PartialPath(path), victim);
        Assert.Contains("link", Assert.Throws<BadFileException>(() => Open(path, 4, false, [])).Message, StringComparison.Ordinal);
        Assert.Equal("mine", File.ReadAllText(victim));
    }

    [Fact]
    public void An_existing_file_needs_leave_to_be_replaced()
    {
        File.WriteAllText(path, "mine");
        Assert.Contains("--force", Assert.Throws<UsageException>(() => Open(path, 4, false, [])).Message, StringComparison.Ordinal);
        using FileOutput output = Open(path, 4, true, []);
        output.Files[0].Write(0, "ours"u8);
        Assert.Equal("mine", File.ReadAllText(path));
        output.Commit();
        Assert.Equal("ours", File.ReadAllText(path));
    }

    [Fact]
    public void A_file_that_appears_meanwhile_is_left_alone()
    {
        using FileOutput output = Open(path, 4, false, []);
        File.WriteAllText(path, "mine");
        Assert.Throws<UsageException>(output.Commit);
        Assert.Equal("mine", File.ReadAllText(path));
    }

    [Fact]
    public void An_input_cannot_be_the_output()
    {
        File.WriteAllText(path, "input");
        Assert.Throws<UsageException>(() => Open(path, 4, true, [path]));
        Assert.Equal(["out.gguf"], Names);
    }

    [Fact]
    public void A_disk_without_room_is_said_before_a_byte_is_written()
    {
        var error = Assert.Throws<BadFileException>(() => Open(path, long.MaxValue / 4, false, []));
        Assert.Contains("free", error.Message, StringComparison.Ordinal);
        Assert.Empty(Names);
    }

    [Fact]
    public void A_missing_folder_is_named()
    {
        string missing = Path.Combine(folder.FullName, "no", "out.gguf");
        Assert.Contains("there is no folder", Assert.Throws<BadFileException>(() => Open(missing, 4, false, [])).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_failing_write_is_an_error_that_names_the_output()
    {
        using FileOutput output = Open(path, 4, false, []);
        // No file system holds a byte there.
        var error = Assert.Throws<BadFileException>(() => output.Files[0].Write(long.MaxValue - 1, "x"u8));
        Assert.StartsWith(path, error.Message, StringComparison.Ordinal);
    }
}
