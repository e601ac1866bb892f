using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Testing;

namespace Decant.Core.Tests.Files;

public class FolderOutputTests
{
    private static readonly (string, long)[] weights = [("one.bin", 4), ("two.bin", 6)];

    [Fact]
    public void A_folder_gets_its_name_when_it_is_committed()
    {
        using var folder = new TemporaryFolder();
        using FolderOutput output = Open(folder["model"]);
        output.Files[1].Write(2, "abcd"u8);
        Write(output, "config.json", "{}");
        Assert.Equal([".model.partial"], folder.Names);
        Assert.Equal(12, output.ByteCount);
        output.Commit();
        Assert.Equal(["model"], folder.Names);
        Assert.Equal("\0\0abcd"u8.ToArray(), File.ReadAllBytes(folder["model/two.bin"]));
        Assert.Equal("{}", File.ReadAllText(folder["model/config.json"]));
    }

    [Fact]
    public void What_was_written_outlives_an_interrupted_run_and_what_is_not_of_it_goes()
    {
        using var folder = new TemporaryFolder();
        using (FolderOutput first = Open(folder["model"]))
        {
            Assert.All(first.Files, file => Assert.True(file.IsNew));
            first.Files[0].Write(0, "1234"u8);
            Write(first, "tokenizer.json", "old");
        }
        Directory.CreateDirectory(folder[".model.partial/stray"]);
        using (FolderOutput second = FolderOutput.Open(folder["model"], [("one.bin", 4), ("two.bin", 5)], overwrite: false))
        {
            Assert.Equal([false, true], second.Files.Select(file => file.IsNew));
            byte[] bytes = new byte[4];
            second.Files[0].Read(0, bytes);
            Assert.Equal("1234"u8.ToArray(), bytes);
            Assert.Equal(["one.bin", "two.bin"], Directory.GetFileSystemEntries(second.TemporaryPath).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal));
            second.Discard();
        }
        Assert.Empty(folder.Names);
    }

    [Fact]
    public void Nobody_is_led_astray_by_a_link()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["precious"]);
        folder.Write("precious/diary", "mine"u8);
        Directory.CreateSymbolicLink(folder[".model.partial"], folder["precious"]);
        Assert.Contains("link", Assert.Throws<BadFileException>(() => Open(folder["model"])).Message, StringComparison.Ordinal);
        Assert.Equal("mine", File.ReadAllText(folder["precious/diary"]));
    }

    [Fact]
    public void Nor_by_a_link_in_place_of_a_file()
    {
        using var folder = new TemporaryFolder();
        string victim = folder.Write("victim", "mine"u8);
        Directory.CreateDirectory(folder[".model.partial"]);
        File.CreateSymbolicLink(folder[".model.partial/one.bin"], victim);
        Assert.Contains("link", Assert.Throws<BadFileException>(() => Open(folder["model"])).Message, StringComparison.Ordinal);
        Assert.Equal("mine", File.ReadAllText(victim));
    }

    [Fact]
    public void What_Decant_does_not_write_is_not_deleted()
    {
        using var folder = new TemporaryFolder();
        WriteModel(folder["model"], overwrite: false);
        // What the test's weights are called is nothing that Decant writes.
        File.Delete(folder["model/one.bin"]);
        File.Delete(folder["model/two.bin"]);
        folder.Write("model/notes.txt", "mine"u8);
        Assert.Contains("notes.txt", Assert.Throws<UsageException>(() => Open(folder["model"], overwrite: true)).Message, StringComparison.Ordinal);
        File.Delete(folder["model/notes.txt"]);
        WriteModel(folder["model"], overwrite: true);
    }

    [Fact]
    public void What_a_killed_run_put_aside_comes_back_or_goes()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder[".model.replaced"]);
        folder.Write(".model.replaced/config.json", "old"u8);
        Assert.Throws<UsageException>(() => Open(folder["model"]));
        Assert.Equal("old", File.ReadAllText(folder["model/config.json"]));

        Directory.CreateDirectory(folder[".model.replaced"]);
        folder.Write(".model.replaced/config.json", "older"u8);
        using FolderOutput output = Open(folder["model"], overwrite: true);
        Write(output, "config.json", "new");
        output.Commit();
        Assert.Equal(["model"], folder.Names);
        Assert.Equal("new", File.ReadAllText(folder["model/config.json"]));
    }

    [Fact]
    public void A_folder_that_holds_an_input_is_no_output()
    {
        using var folder = new TemporaryFolder();
        string input = folder.Write("in.gguf", "source"u8);
        Assert.Throws<UsageException>(() => FolderOutput.Check(folder.Path, 1, overwrite: true, [input]));
        Assert.Throws<UsageException>(() => FolderOutput.Check(folder.Path, 1, overwrite: true, [folder.Path + "/"]));
        Assert.Throws<UsageException>(() => FolderOutput.Check(input, 1, overwrite: true, []));
    }

    [Fact]
    public void A_folder_replaces_an_empty_one_or_on_request_a_model_folder_but_nothing_else()
    {
        using var folder = new TemporaryFolder();
        Directory.CreateDirectory(folder["empty"]);
        WriteModel(folder["empty"], overwrite: false);
        Assert.Throws<UsageException>(() => WriteModel(folder["empty"], overwrite: false));
        File.Delete(folder["empty/one.bin"]);
        File.Delete(folder["empty/two.bin"]);
        WriteModel(folder["empty"], overwrite: true);
        Assert.Equal("{}", File.ReadAllText(folder["empty/config.json"]));

        Directory.CreateDirectory(folder["home/documents"]);
        File.WriteAllText(folder["home/config.json"], "precious");
        Assert.Throws<UsageException>(() => WriteModel(folder["home"], overwrite: true));
        Assert.Equal("precious", File.ReadAllText(folder["home/config.json"]));
        Assert.Equal(2, Directory.GetFileSystemEntries(folder.Path).Length);
    }

    [Fact]
    public void Too_little_room_and_a_missing_folder_are_said_before_anything_is_written()
    {
        using var folder = new TemporaryFolder();
        Assert.Contains("free", Assert.Throws<BadFileException>(() => FolderOutput.Check(folder["a"], 1L << 60, overwrite: false, [])).Message, StringComparison.Ordinal);
        Assert.Contains("there is no folder", Assert.Throws<BadFileException>(() => FolderOutput.Check(folder["none/a"], 1, overwrite: false, [])).Message, StringComparison.Ordinal);
        Assert.Empty(folder.Names);
    }

    [Fact]
    public void A_place_that_cannot_be_written_is_a_clear_error()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "/proc is a folder that nobody, root included, can write to");
        Assert.Contains("/proc/model", Assert.Throws<BadFileException>(() => FolderOutput.Open("/proc/model", weights, overwrite: false)).Message, StringComparison.Ordinal);
    }

    private static FolderOutput Open(string path, bool overwrite = false)
    {
        FolderOutput.Check(path, 10, overwrite, []);
        return FolderOutput.Open(path, weights, overwrite);
    }

    private static void Write(FolderOutput output, string name, string text)
    {
        using var writer = new StreamWriter(output.CreateFile(name));
        writer.Write(text);
    }

    private static void WriteModel(string path, bool overwrite)
    {
        using FolderOutput output = Open(path, overwrite);
        Write(output, "config.json", "{}");
        output.Commit();
    }
}
