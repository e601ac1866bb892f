using System.Buffers.Binary;
using System.Text;
using System.Text.RegularExpressions;
using Decant.Engine.Kernels;
using Decant.Testing;

namespace Decant.Cli.Tests;

/// <summary>What this machine or the model cannot do: one clear message, the documented exit code, and no trace of the program's inside.</summary>
public sealed class RefusalTests
{
    private const int Usage = 2;
    private const int LimitNotMet = 6;

    // The most that the reader of the format takes.
    private const int LongestContext = 1 << 28;

    public static TheoryData<string, string, string> Options => new()
    {
        { "run", "--kernel avx9", "There is no kernel or kernel level 'avx9'." },
        { "run", "--kernel avx2-q4_0-int9", "Did you mean 'avx2-q4_0-int8'?" },
        { "run", "--arithmetic float --kernel vector128-q8_0-int8", "Kernel 'vector128-q8_0-int8' rounds activations to 8 bits, and this is to be computed in single precision. Allow it with --arithmetic fast, or force 'vector128-q8_0'." },
        { "bench", "--arithmetic float --kernel scalar,vector128-q4_0-int8", "Kernel 'vector128-q4_0-int8' rounds activations" },
        { "run", "--kernel scalar,scalar", "Two kernel levels are named" },
        { "run", "--cache-type q3_0", "--cache-type takes: f32, f16" },
        { "run", "--threads 0", "--threads must be between 1 and 64, not 0." },
        { "run", "--threads -3", "--threads must be between 1 and 64, not -3." },
        { "run", "--threads 1000", "--threads must be between 1 and 64, not 1000." },
        { "run", "--threads 1.5", "--threads takes a whole number" },
        { "run", "--context 99999999999", "--context takes a whole number of at most 2147483647, not '99999999999'." },
        { "run", "--temperature warm", "--temperature takes a number, not 'warm'." },
        { "run", "--context 100000", "longer than the 512 tokens the model takes" },
        { "run", "--context 0", "--context must be at least 1" },
        { "run", "--batch 0", "--batch must be at least 1" },
        { "bench", "-p 100000", "the model takes 512 tokens" },
        { "bench", "-p 0", "-p must be at least 1" },
        { "bench", "-d 100000", "the model takes 512 tokens" },
        { "bench", "-d 512", "the model takes 512 tokens" },
        { "bench", "-d 510 -n 5", "the model takes 512 tokens" },
    };

    [Theory]
    [MemberData(nameof(Options))]
    public void Options_that_cannot_be_met_are_usage_errors(string verb, string options, string expected)
    {
        string[] prompt = verb == "run" ? ["Once upon a time"] : [];
        AssertRefused(Usage, expected, [verb, SharedModels.Stories, .. prompt, .. options.Split(' ')]);
    }

    [Fact]
    public void A_kernel_level_that_the_processor_lacks_is_refused_with_those_it_has()
    {
        string[] lacking = [.. KernelCatalog.All.Where(kernels => !kernels.IsSupported).Select(kernels => kernels.Level)];
        Assert.SkipWhen(lacking.Length == 0, "This processor runs every level.");
        string expected = $"It runs: {string.Join(", ", KernelCatalog.SupportedLevels)}.";
        foreach (string level in lacking)
        {
            CommandRun run = AssertRefused(Usage, $"This processor lacks the instructions of kernel level '{level}'. {expected}", ["run", SharedModels.Stories, "Hello", "--kernel", level]);
            Assert.DoesNotContain(level, expected, StringComparison.Ordinal);
            Assert.Equal(run.Error, CommandRun.Of("bench", SharedModels.Stories, "--kernel", level).Error);
        }
    }

    [Fact]
    public void A_prompt_without_tokens_is_refused() => AssertRefused(Usage, "the prompt has no tokens", ["run", SharedModels.SmolLm, ""]);

    [Fact]
    public void A_conversation_longer_than_the_model_takes_is_refused() =>
        AssertRefused(Usage, "--context 100000 is longer than the 8192 tokens the model takes", ["chat", SharedModels.SmolLm, "--context", "100000"]);

    [Theory]
    [InlineData("--context 268000000", "F16", "(--context).")]
    [InlineData("--context 268000000 --cache-type f32", "F32", "(--context) or a smaller type for keys and values (--cache-type f16, bf16).")]
    public void Keys_and_values_that_do_not_fit_into_memory_say_what_they_need_and_what_lowers_it(string options, string type, string ways)
    {
        // 5 layers of 4 heads of 8 keys and 8 values.
        long needed = 268_000_000L * 5 * 4 * 16 * (type == "F32" ? 4 : 2);
        Assert.SkipWhen(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes >= needed, "This machine has memory for any cache that the test could ask for.");
        using var folder = new TemporaryFolder();
        string model = folder["endless.gguf"];
        File.WriteAllBytes(model, WithContextLength(File.ReadAllBytes(SharedModels.Stories), LongestContext));
        CommandRun run = AssertRefused(LimitNotMet, $"The key-value cache ({type}) for 268000000 tokens needs ", ["run", model, "Hello", .. options.Split(' ')]);
        Assert.Matches($@"needs {needed / 1048576.0:0} MiB and \d+ MiB are available\. Use a shorter context {Regex.Escape(ways)}", run.Error);
    }

    public static TheoryData<string, string> WaysToLogits => new()
    {
        { "run", "Once --weights map" },
        { "run", "Once --arithmetic float --temperature 0.8 --weights copy" },
        { "chat", "--temperature 0" },
        { "bench", "-p 4 -n 2 -r 1" },
        { "logits", "--ids IDS -o OUTPUT" },
        { "eval", "--text TEXT --context 8 --tokens 16" },
    };

    [Theory]
    [MemberData(nameof(WaysToLogits))]
    public void A_model_that_computes_no_numbers_is_refused_with_tensor_and_row(string verb, string options)
    {
        using var folder = new TemporaryFolder();
        folder.CopyFrom(SharedModels.StoriesFolder);
        folder.Write("chat_template.jinja", "{{ messages[0].content }}");
        string ids = folder.Write("ids.txt", "1 2 3"), text = folder.Write("text.txt", "Once upon a time there was a little girl. She had a dog. They played in the park."), output = folder["l.safetensors"];
        string tensor = Damage(folder["model.safetensors"], row: 3);
        string[] words = [.. options.Split(' ').Select(word => word switch { "IDS" => ids, "TEXT" => text, "OUTPUT" => output, _ => word })];
        CommandRun run = CommandRun.WithInput("Once\n", [verb, folder.Path, .. words, "--quiet"]);
        Assert.True(run.ExitCode == 5, $"{run.ExitCode}: {run.Error}{run.Output}");
        Assert.Contains("The file is damaged: ", run.Error, StringComparison.Ordinal);
        Assert.Contains($"{tensor}, row 3, column 2 is NaN.", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("l.safetensors", folder.Names);
    }

    // One element of a matrix that every token passes becomes NaN.
    private static string Damage(string path, int row)
    {
        const string Name = "model.layers.2.mlp.down_proj.weight";
        byte[] file = File.ReadAllBytes(path);
        int headerLength = (int)BinaryPrimitives.ReadInt64LittleEndian(file);
        using System.Text.Json.JsonDocument header = System.Text.Json.JsonDocument.Parse(file.AsMemory(8, headerLength));
        System.Text.Json.JsonElement entry = header.RootElement.GetProperty(Name);
        int elementByteCount = entry.GetProperty("dtype").GetString() == "F32" ? 4 : 2;
        int rowLength = entry.GetProperty("shape")[1].GetInt32();
        int at = 8 + headerLength + entry.GetProperty("data_offsets")[0].GetInt32() + (row * rowLength + 2) * elementByteCount;
        // All bits of the exponent and more: NaN in single and in both half precisions.
        file.AsSpan(at, elementByteCount).Fill(0x7F);
        file[at + elementByteCount - 2] = 0xFF;
        File.WriteAllBytes(path, file);
        return Name;
    }

    private static CommandRun AssertRefused(int code, string expected, string[] args)
    {
        CommandRun run = CommandRun.Of(args);
        Assert.True(run.ExitCode == code, $"{string.Join(' ', args)}: {run.ExitCode} {run.Error}");
        Assert.Empty(run.Output);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.StartsWith("decant: ", run.Error, StringComparison.Ordinal);
        Assert.Single(run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("System.", run.Error, StringComparison.Ordinal);
        return run;
    }

    // A key, its type (4 bytes; an unsigned number of 32 bits), and the number.
    internal static byte[] WithContextLength(byte[] file, int length)
    {
        byte[] key = Encoding.UTF8.GetBytes("llama.context_length");
        int at = file.AsSpan().IndexOf(key);
        Assert.True(at > 0);
        BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(at + key.Length + 4), length);
        return file;
    }
}
