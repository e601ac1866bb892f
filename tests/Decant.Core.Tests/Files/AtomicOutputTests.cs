using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Tensors;
using Decant.Testing;

namespace Decant.Core.Tests.Files;

public class AtomicOutputTests
{
    [Fact]
    public void A_file_has_its_name_only_after_commit()
    {
        using var folder = new TemporaryFolder();
        using (AtomicOutput output = AtomicOutput.ForFile(folder["a.gguf"], overwrite: false, []))
        {
            output.OpenFile().Write("content"u8);
            output.Synchronize();
            Assert.False(File.Exists(folder["a.gguf"]));
            Assert.Equal("content", File.ReadAllText(output.TemporaryPath));
            Assert.StartsWith(".a.gguf.partial-", Path.GetFileName(output.TemporaryPath), StringComparison.Ordinal);
            output.Commit();
        }
        Assert.Equal("content", File.ReadAllText(folder["a.gguf"]));
        Assert.Single(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void Nothing_is_left_without_commit_and_an_existing_file_stays()
    {
        using var folder = new TemporaryFolder();
        folder.Write("old.gguf", "old"u8);
        using (AtomicOutput output = AtomicOutput.ForFile(folder["old.gguf"], overwrite: true, []))
            output.OpenFile().Write("new"u8);
        Assert.Equal("old", File.ReadAllText(folder["old.gguf"]));
        Assert.Single(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void What_a_killed_process_left_goes_a_day_later_and_nothing_else_does()
    {
        using var folder = new TemporaryFolder();
        string[] names = [".a.gguf.partial-01234567", ".a.gguf.partial-89abcdef", ".a.gguf.partial-01234567-old", ".b.gguf.partial-01234567", ".a.gguf.partial"];
        foreach (string name in names)
        {
            folder.Write(name, "left"u8);
            if (name != names[1])
                File.SetLastWriteTimeUtc(folder[name], DateTime.UtcNow.AddDays(-2));
        }
        using (AtomicOutput.ForFile(folder["a.gguf"], overwrite: false, []))
        {
        }
        Assert.Equal(names[1..].Order(StringComparer.Ordinal), Directory.GetFileSystemEntries(folder.Path).Select(p => Path.GetFileName(p)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void An_existing_file_is_replaced_only_when_asked()
    {
        using var folder = new TemporaryFolder();
        folder.Write("a.gguf", "old"u8);
        UsageException error = Assert.Throws<UsageException>(() => AtomicOutput.ForFile(folder["a.gguf"], overwrite: false, []));
        Assert.Contains("--force", error.Message, StringComparison.Ordinal);
        using (AtomicOutput output = AtomicOutput.ForFile(folder["a.gguf"], overwrite: true, []))
        {
            output.OpenFile().Write("new"u8);
            output.Commit();
        }
        Assert.Equal("new", File.ReadAllText(folder["a.gguf"]));
    }

    [Fact]
    public void A_file_that_appears_meanwhile_is_left_alone()
    {
        using var folder = new TemporaryFolder();
        using AtomicOutput output = AtomicOutput.ForFile(folder["a.gguf"], overwrite: false, []);
        folder.Write("a.gguf", "other"u8);
        Assert.Throws<UsageException>(output.Commit);
        Assert.Equal("other", File.ReadAllText(folder["a.gguf"]));
    }

    [Fact]
    public void The_output_may_not_be_an_input_whatever_way_it_is_spelt()
    {
        using var folder = new TemporaryFolder();
        string input = folder.Write("in.gguf", "source"u8);
        File.CreateSymbolicLink(folder["link.gguf"], input);
        Directory.CreateDirectory(folder["sub"]);
        foreach (string path in (string[])[input, folder["sub/../in.gguf"], folder["link.gguf"]])
            Assert.Throws<UsageException>(() => AtomicOutput.ForFile(path, overwrite: true, [input]));
        Assert.Equal("source", File.ReadAllText(input));
    }

    [Fact]
    public void Too_little_room_is_said_before_anything_is_written()
    {
        using var folder = new TemporaryFolder();
        BadFileException error = Assert.Throws<BadFileException>(() => AtomicOutput.ForFile(folder["a"], overwrite: false, [], byteCount: 1L << 60));
        Assert.Contains("free", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void A_missing_or_unwritable_folder_is_a_clear_error()
    {
        using var folder = new TemporaryFolder();
        Assert.Throws<BadFileException>(() => AtomicOutput.ForFile(folder["none/a.gguf"], overwrite: false, []));
        Assert.SkipUnless(OperatingSystem.IsLinux(), "/proc is a folder that nobody, root included, can write to");
        Assert.Throws<BadFileException>(() => AtomicOutput.ForFile("/proc/a.gguf", overwrite: false, []));
    }

    [Fact]
    public void A_full_disk_is_a_clear_error()
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "needs /dev/full");
        var info = new TensorInfo("a", new TensorShape(1 << 20), TensorFormats.F32);
        BadFileException error = Assert.Throws<BadFileException>(() =>
        {
            using var output = new OutputStream(new FileStream("/dev/full", FileMode.Open, FileAccess.Write), "out.gguf");
            using var writer = new GgufWriter(output, "out.gguf", new GgufMetadata("out.gguf"), [info]);
            writer.Begin("a");
            writer.Write(new byte[4 << 20]);
            writer.Complete();
        });
        Assert.Contains("out.gguf", error.Message, StringComparison.Ordinal);

        // Less than a buffer is only written when the stream is closed.
        Assert.Throws<BadFileException>(() =>
        {
            using var output = new OutputStream(new FileStream("/dev/full", FileMode.Open, FileAccess.Write), "out.json");
            output.Write("{}"u8);
        });
    }
}
