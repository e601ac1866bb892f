using System.Diagnostics;
using System.Text.Json;
using Decant.Testing;

namespace Decant.Long.Tests;

/// <summary>A 4B-shaped file of 8 GB through the whole job: exact plan, bounded private memory, the same bytes after a kill.</summary>
public sealed class UserSizeTests
{
    private const long MemoryBound = 1_500_000_000;
    private const long RoomNeeded = 22_000_000_000;

    private static readonly string[] shape =
        ["custom", "--hidden", "2560", "--layers", "36", "--heads", "32", "--kv", "8", "--inter", "9728", "--vocab", "151936"];

    [Fact]
    public void A_4B_model_is_planned_to_the_byte_compressed_in_bounded_memory_and_resumed_with_the_same_bytes()
    {
        Assert.SkipWhen(new DriveInfo(Path.GetTempPath()).AvailableFreeSpace < RoomNeeded, "needs 22 GB of free space");
        using var folder = new TemporaryFolder();
        string input = folder["in.gguf"], whole = folder["whole.gguf"], resumed = folder["resumed.gguf"];
        MadeModel.Make(input, shape);
        long planned = Succeed("plan", input, "--to", "q4_k_m").GetProperty("bytes_out").GetInt64();

        JsonElement report = Succeed("compress", input, "-o", whole, "--to", "q4_k_m");
        Assert.Equal(planned, new FileInfo(whole).Length);
        Assert.True(report.GetProperty("verify").GetProperty("passed").GetBoolean());
        Assert.InRange(report.GetProperty("peak_memory_bytes").GetInt64(), 1, MemoryBound);

        KillOnceTensorsAreDone(folder, BuiltProgram.StartInfo("compress", input, "-o", resumed, "--to", "q4_k_m", "--no-verify", "--quiet"));
        Assert.False(File.Exists(resumed));
        JsonElement second = Succeed("compress", input, "-o", resumed, "--to", "q4_k_m", "--no-verify");
        Assert.True(second.GetProperty("resumed_tensors").GetInt32() > 0);
        Assert.Equal(Hash(whole), Hash(resumed));
        File.Delete(input);
        File.Delete(resumed);

        string wholeFolder = folder["whole"], resumedFolder = folder["resumed"];
        Succeed("convert", whole, "-o", wholeFolder, "--no-verify");
        KillOnceTensorsAreDone(folder, BuiltProgram.StartInfo("convert", whole, "-o", resumedFolder, "--no-verify", "--quiet"));
        Assert.False(Directory.Exists(resumedFolder));
        JsonElement again = Succeed("convert", whole, "-o", resumedFolder, "--no-verify");
        Assert.True(again.GetProperty("resumed_tensors").GetInt32() > 0);
        string[] names = [.. Directory.GetFiles(wholeFolder).Select(path => Path.GetFileName(path))];
        Assert.Contains("model-00002-of-00002.safetensors", names);
        Assert.All(names, name => Assert.Equal(Hash(Path.Combine(wholeFolder, name)), Hash(Path.Combine(resumedFolder, name))));
    }

    private static JsonElement Succeed(params string[] args)
    {
        (int exitCode, string output, string error) = BuiltProgram.Run(BuiltProgram.StartInfo([.. args, "--json", "--quiet"]));
        Assert.True(exitCode == 0, $"decant {string.Join(' ', args)} ended with {exitCode}: {error}");
        using JsonDocument document = JsonDocument.Parse(output);
        return document.RootElement.Clone();
    }

    private static void KillOnceTensorsAreDone(TemporaryFolder folder, ProcessStartInfo start)
    {
        using Process process = Process.Start(start)!;
        string journal = folder[start.ArgumentList.Contains("convert") ? ".resumed.partial.journal" : ".resumed.gguf.partial.journal"];
        while (!File.Exists(journal) || new FileInfo(journal).Length < 1000)
        {
            Assert.False(process.HasExited, "ended before it could be killed");
            Thread.Sleep(50);
        }
        process.Kill();
        process.WaitForExit();
    }

    private static string Hash(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(stream));
    }
}
