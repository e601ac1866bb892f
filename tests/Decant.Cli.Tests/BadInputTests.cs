using System.Text;
using System.Text.Json;
using Decant.Testing;

namespace Decant.Cli.Tests;

/// <summary>Damaged and unknown models: every verb that opens one ends with a documented code and a message that names the file.</summary>
public sealed class BadInputTests
{
    private const int BadFile = 3;
    private const int NotSupported = 4;

    public static TheoryData<string, int, string> Files => new()
    {
        { "empty", BadFile, "" },
        { "text", BadFile, "" },
        { "truncated header", BadFile, "" },
        { "truncated data", BadFile, "" },
        { "wrong magic", BadFile, "" },
        { "future version", NotSupported, "99" },
        { "absurd tensor count", BadFile, "" },
        { "absurd key count", BadFile, "" },
        { "absurd string length", BadFile, "" },
        { "unknown architecture", NotSupported, "lloma" },
        { "unknown tokenizer", NotSupported, "lloma" },
    };

    [Theory]
    [MemberData(nameof(Files))]
    public void A_bad_file_is_named_and_no_bug(string damage, int code, string expected)
    {
        using var folder = new TemporaryFolder();
        string path = folder["bad.gguf"];
        Damage(SharedModels.Stories, path, damage);
        string[][] commands =
        [
            ["run", path, "Hello"],
            ["eval", path, "--text", SharedModels.StoryText],
            ["eval", SharedModels.Stories, "--against", path, "--text", SharedModels.StoryText],
            ["tokenize", path, "--text", SharedModels.StoryText],
            ["imatrix", path, "--text", SharedModels.StoryText, "-o", folder["i.gguf"]],
            ["chat", path],
        ];
        // Verbs that need no tokenizer, and those that need no architecture.
        if (damage != "unknown tokenizer")
            commands = [.. commands, ["bench", path], ["convert", path, "-o", folder["out"]], ["logits", path, "--ids", folder.Write("ids.txt", "1 2"), "-o", folder["l.safetensors"]]];
        if (damage == "unknown architecture")
            commands = [.. commands.Where(command => command[0] is not ("tokenize" or "chat"))];
        if (!damage.StartsWith("unknown", StringComparison.Ordinal))
            commands = [.. commands, ["inspect", path], ["plan", path, "--to", "q4_0"], ["compress", path, "-o", folder["out.gguf"], "--to", "q4_0"], ["verify", path, "--against", SharedModels.Stories]];
        foreach (string[] command in commands)
        {
            CommandRun run = CommandRun.Of([.. command, "--json"]);
            Assert.True(run.ExitCode == code, $"{damage}, {command[0]}: {run.ExitCode} {run.Error}");
            Assert.Contains("bad.gguf", run.Error, StringComparison.Ordinal);
            Assert.Contains(expected, run.Error, StringComparison.Ordinal);
            Assert.Equal(code, run.Json.GetProperty("error").GetProperty("exit_code").GetInt32());
        }
        Assert.DoesNotContain(folder.Names, name => name.StartsWith("out", StringComparison.Ordinal) || name.StartsWith('.') || name is "i.gguf" or "l.safetensors");
    }

    [Fact]
    public void A_damaged_source_is_never_verified_or_compressed()
    {
        using var folder = new TemporaryFolder();
        Damage(SharedModels.Stories, folder["bad.gguf"], "truncated data");
        Assert.Equal(BadFile, CommandRun.Of("verify", SharedModels.Stories, "--against", folder["bad.gguf"]).ExitCode);
    }

    public static TheoryData<string, int, string> Folders => new()
    {
        { "no config", BadFile, "config.json" },
        { "config is no JSON", BadFile, "config.json" },
        { "no weights", BadFile, "model.safetensors" },
        { "missing shard", BadFile, "model-00002-of-00002.safetensors" },
        { "unknown model type", NotSupported, "frobnicator" },
        { "pickle", BadFile, "zip archive" },
        { "old pickle", NotSupported, "before version 1.6" },
        { "truncated weights", BadFile, "model.safetensors" },
        { "missing key", BadFile, "num_hidden_layers" },
        { "unknown activation", NotSupported, "frobnicate" },
    };

    [Theory]
    [MemberData(nameof(Folders))]
    public void A_bad_folder_is_named_with_what_is_wrong(string damage, int code, string expected)
    {
        using TemporaryFolder folder = new TemporaryFolder().CopyFrom(SharedModels.StoriesFolder);
        string config = File.ReadAllText(folder["config.json"]);
        string weights = folder["model.safetensors"];
        switch (damage)
        {
            case "no config":
                File.Delete(folder["config.json"]);
                break;
            case "config is no JSON":
                folder.Write("config.json", config[..^20]);
                break;
            case "no weights":
                File.Delete(weights);
                break;
            case "missing shard":
                File.Delete(weights);
                folder.Write("model.safetensors.index.json", """{"weight_map": {"model.norm.weight": "model-00002-of-00002.safetensors"}}""");
                break;
            case "unknown model type":
                folder.Write("config.json", config.Replace("\"llama\"", "\"frobnicator\"", StringComparison.Ordinal));
                break;
            case "pickle":
                File.Move(weights, folder["pytorch_model.bin"]);
                break;
            case "old pickle":
                File.Delete(weights);
                folder.Write("pytorch_model.bin", [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, (byte)'.']);
                break;
            case "truncated weights":
                using (FileStream file = File.OpenWrite(weights))
                    file.SetLength(file.Length - 100);
                break;
            case "missing key":
                folder.Write("config.json", config.Replace("num_hidden_layers", "number_of_layers", StringComparison.Ordinal));
                break;
            case "unknown activation":
                folder.Write("config.json", config.Replace("\"silu\"", "\"frobnicate\"", StringComparison.Ordinal));
                break;
        }
        CommandRun run = CommandRun.Of("run", folder.Path, "Hello");
        Assert.True(run.ExitCode == code, $"{damage}: {run.ExitCode} {run.Error}");
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.Contains(folder.Path, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Paths_that_lead_nowhere_say_what_to_try()
    {
        foreach (string verb in new[] { "inspect", "bench" })
        {
            Assert.Equal(BadFile, CommandRun.Of(verb, "no-such-model.gguf").ExitCode);
            CommandRun hub = CommandRun.Of(verb, "hf:ORG/NAME-THAT-NOBODY-HAS", "--offline");
            Assert.Equal(BadFile, hub.ExitCode);
            Assert.Contains("hf:ORG/NAME", hub.Error, StringComparison.Ordinal);
        }
        string config = Path.Combine(SharedFiles.Require("fixtures", "architectures", "llama"), "config.json");
        CommandRun wrong = CommandRun.Of("inspect", config);
        Assert.Equal(BadFile, wrong.ExitCode);
        Assert.Contains("folder", wrong.Error, StringComparison.Ordinal);
    }

    private static void Damage(string source, string path, string damage)
    {
        byte[] bytes = ReadAll(source);
        // Header: magic, version (4), tensor count (8), key count (8), then the first key's length.
        switch (damage)
        {
            case "empty":
                bytes = [];
                break;
            case "text":
                bytes = Encoding.UTF8.GetBytes("This is no model.");
                break;
            case "truncated header":
                bytes = bytes[..100];
                break;
            case "truncated data":
                bytes = bytes[..(bytes.Length / 2)];
                break;
            case "wrong magic":
                bytes[3] = (byte)'X';
                break;
            case "future version":
                bytes[4] = 99;
                break;
            case "absurd tensor count":
                bytes.AsSpan(8, 7).Fill(0xFF);
                break;
            case "absurd key count":
                bytes.AsSpan(16, 7).Fill(0xFF);
                break;
            case "absurd string length":
                bytes.AsSpan(24, 7).Fill(0xFF);
                break;
            case "unknown architecture":
                ReplaceValue(bytes, "general.architecture");
                break;
            case "unknown tokenizer":
                ReplaceValue(bytes, "tokenizer.ggml.model");
                break;
        }
        using FileStream file = File.Create(path);
        file.Write(bytes);
    }

    // The string value "llama" of a key becomes "lloma".
    private static void ReplaceValue(byte[] bytes, string key)
    {
        int at = bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(key));
        int value = bytes.AsSpan(at).IndexOf("llama"u8);
        bytes[at + value + 2] = (byte)'o';
    }

    private static byte[] ReadAll(string path)
    {
        using FileStream file = File.OpenRead(path);
        byte[] bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }
}
