using Decant.Testing;
using System.Diagnostics;
using System.Text.Json;
using Decant.Cli.Verbs;

namespace Decant.Cli.Tests;

/// <summary>The built program itself: what a test inside one process cannot see.</summary>
public sealed class ProgramTests
{
    // Well above what an orderly end takes on a busy machine, far below what the work would.
    private static readonly TimeSpan promptly = TimeSpan.FromSeconds(10);

    [Fact]
    public void The_program_starts_and_says_its_version()
    {
        CommandRun run = CommandRun.OfProcess("--version");
        Assert.Equal(0, run.ExitCode);
        Assert.StartsWith("decant ", run.Output, StringComparison.Ordinal);
        Assert.Empty(run.Error);
    }

    [Fact]
    public void Exit_codes_and_messages_reach_the_shell()
    {
        Assert.Equal(2, CommandRun.OfProcess("nonsense").ExitCode);
        CommandRun bad = CommandRun.OfProcess("inspect", "no-such-model", "--json");
        Assert.Equal(3, bad.ExitCode);
        Assert.Equal(3, bad.Json.GetProperty("error").GetProperty("exit_code").GetInt32());
        Assert.Contains("no-such-model", bad.Error, StringComparison.Ordinal);
        Assert.Equal(0, CommandRun.OfProcess("list", "formats", "--json").ExitCode);
    }

    [Fact]
    public void Stack_traces_are_for_those_who_ask()
    {
        Assert.DoesNotContain("   at ", CommandRun.OfProcess("inspect", "no-such-model").Error, StringComparison.Ordinal);
        ProcessStartInfo start = CommandRun.StartInfo("inspect", "no-such-model");
        start.Environment["DECANT_DEBUG"] = "1";
        Assert.Contains("   at ", CommandRun.OfProcess(start).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Text_is_UTF_8_whatever_the_locale()
    {
        ProcessStartInfo start = CommandRun.StartInfo("tokenize", SharedModels.Stories, "--text", "-", "--json");
        start.Environment["LC_ALL"] = "C";
        start.StandardInputEncoding = start.StandardOutputEncoding = new System.Text.UTF8Encoding(false);
        using Process process = Process.Start(start)!;
        process.StandardInput.Write("Äpfel 🍏");
        process.StandardInput.Close();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        using JsonDocument document = JsonDocument.Parse(output);
        Assert.Contains("Äpfel 🍏", document.RootElement.GetProperty("decoded").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_pipe_is_no_model_and_is_not_waited_for()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "pipes are made by mkfifo");
        using var folder = new TemporaryFolder();
        using (Process make = Process.Start("mkfifo", [folder["model.gguf"]]))
            make.WaitForExit();
        using Process process = Process.Start(CommandRun.StartInfo("inspect", folder["model.gguf"]))!;
        bool ended = process.WaitForExit(promptly);
        if (!ended)
            process.Kill();
        Assert.True(ended, "waits for a writer");
        Assert.Equal(3, process.ExitCode);
    }

    [Theory]
    [InlineData("INT")]
    [InlineData("TERM")]
    public async Task A_signal_ends_compress_promptly_with_130_and_no_output(string signal)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are sent by kill");
        using var folder = new TemporaryFolder();
        ProcessStartInfo start = CommandRun.StartInfo("compress", SharedModels.SmolLm, "-o", folder["small.gguf"], "--to", "q4_k_m", "--threads", "1");
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        WaitForHiddenFile(folder, process);
        long sent = Stopwatch.GetTimestamp();
        Signal(process, signal);
        Assert.True(process.WaitForExit(promptly), "still running");
        Assert.True(Stopwatch.GetElapsedTime(sent) < promptly);
        Assert.Equal(130, process.ExitCode);
        Assert.Contains("cancelled", await error, StringComparison.Ordinal);
        Assert.DoesNotContain("small.gguf", folder.Names);
        Assert.DoesNotContain("small.gguf.report.json", folder.Names);
        if (signal == "INT")
        {
            // What was finished is kept for the same command.
            JsonElement document = CommandRun.Succeed("compress", SharedModels.SmolLm, "-o", folder["small.gguf"], "--to", "q4_k_m", "--no-verify", "--json").Json;
            Assert.Equal(new FileInfo(folder["small.gguf"]).Length, document.GetProperty("planned").GetProperty("bytes").GetInt64());
            Assert.Equal(["small.gguf", "small.gguf.report.json"], folder.Names);
        }
    }

    [Theory]
    [InlineData("run", "Once upon a time")]
    [InlineData("eval", "--text", "-")]
    public async Task A_tokenizer_that_is_still_being_read_is_not_waited_for(string verb, params string[] options)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "pipes are made by mkfifo");
        using TemporaryFolder model = new TemporaryFolder().CopyFrom(SharedModels.StoriesFolder);
        string tokenizer = model["tokenizer.json"];
        File.Delete(tokenizer);
        // Whoever opens it waits for a writer.
        using (Process make = Process.Start("mkfifo", [tokenizer]))
            make.WaitForExit();
        using var cancellation = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        Task<CommandRun> run = Task.Run(() => CommandRun.Of([verb, model.Path, .. options], "Once upon a time", cancellation.Token), TestContext.Current.CancellationToken);
        bool ended = await Task.WhenAny(run, Task.Delay(promptly, TestContext.Current.CancellationToken)) == run;
        // Lets the reader go; opened for both, it waits for nobody itself.
        await using (FileStream writer = File.Open(tokenizer, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
            await writer.FlushAsync(TestContext.Current.CancellationToken);
        Assert.True(ended, "waits for the tokenizer");
        Assert.Equal(130, (await run).ExitCode);
    }

    [Theory]
    [InlineData("tokenize")]
    [InlineData("eval")]
    public async Task A_verb_that_leaves_nothing_behind_is_not_waited_for_when_it_cannot_hear(string verb)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "pipes are made by mkfifo");
        using var folder = new TemporaryFolder();
        string text = folder["text.txt"];
        // A text that does not come stands for a disk that does not answer.
        using (Process make = Process.Start("mkfifo", [text]))
            make.WaitForExit();
        using Process process = Process.Start(CommandRun.StartInfo(verb, SharedModels.Stories, "--text", text))!;
        process.StandardInput.Close();
        Task<string> error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await Task.Delay(1000, TestContext.Current.CancellationToken);
        Signal(process, "INT");
        bool ended = process.WaitForExit(promptly);
        if (!ended)
            process.Kill();
        Assert.True(ended, "still running");
        Assert.Equal(130, process.ExitCode);
        Assert.Contains("decant: cancelled", await error, StringComparison.Ordinal);
    }

    [Fact]
    public void Verbs_that_write_files_are_those_with_an_output()
    {
        // 'plan' only asks where the output would go.
        string[] expected = [.. VerbList.All.Where(verb => verb.Name != "plan" && CommandRun.Succeed(verb.Name, "--help").Output.Contains("--output", StringComparison.Ordinal)).Select(verb => verb.Name)];
        Assert.NotEmpty(expected);
        Assert.Equal(expected, VerbList.All.Where(verb => verb.Create().WritesFiles).Select(verb => verb.Name));
    }

    [Fact]
    public void A_chat_that_waits_for_a_line_ends_at_a_signal()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are sent by kill");
        using TemporaryFolder model = new TemporaryFolder().CopyFrom(SharedModels.StoriesFolder);
        model.Write("chat_template.jinja", "{{ messages[0].content }}");
        using Process process = Process.Start(CommandRun.StartInfo("chat", model.Path, "-n", "4"))!;
        process.StandardInput.WriteLine("Once upon a time");
        process.StandardInput.Flush();
        Assert.NotNull(process.StandardOutput.ReadLine());
        Signal(process, "INT");
        Assert.True(process.WaitForExit(promptly), "still running");
        Assert.Equal(130, process.ExitCode);
    }

    [Fact]
    public void A_full_disk_is_a_bad_file_and_leaves_nothing()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the limit is set by bash");
        using var folder = new TemporaryFolder();
        // A limit on the size of files stands for the full disk: writing fails in the middle.
        ProcessStartInfo program = CommandRun.StartInfo("compress", SharedModels.Stories, "-o", folder["small.gguf"], "--to", "f16", "--no-verify");
        var start = new ProcessStartInfo("bash") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add("trap '' XFSZ; ulimit -f 200; exec \"$0\" \"$@\"");
        start.ArgumentList.Add(program.FileName);
        foreach (string argument in program.ArgumentList)
            start.ArgumentList.Add(argument);
        // The runtime's own temporary mappings are larger than the limit.
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
        CommandRun run = CommandRun.OfProcess(start);
        Assert.True(run.ExitCode == 3, $"{run.ExitCode}: {run.Error}");
        Assert.Contains("small.gguf", run.Error, StringComparison.Ordinal);
        Assert.Empty(folder.Names);
    }

    [Theory]
    [InlineData("run", "-n", "2")]
    [InlineData("inspect")]
    public void A_file_that_the_address_space_cannot_hold_is_a_matter_of_memory(string verb, params string[] options)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the limit is set by bash");
        using var folder = new TemporaryFolder();
        using (FileStream file = File.Create(folder["vast.gguf"]))
        {
            file.Write(File.ReadAllBytes(SharedModels.Stories));
            // Without blocks on the disk.
            file.SetLength(1L << 40);
        }
        CommandRun run = WithinAddresses([verb, folder["vast.gguf"], .. verb == "run" ? ["Hello"] : Array.Empty<string>(), .. options]);
        Assert.True(run.ExitCode == 6, $"{run.ExitCode}: {run.Error}");
        Assert.Contains("vast.gguf: the file needs 1048576 MiB of address space to be mapped", run.Error, StringComparison.Ordinal);
        Assert.Contains("ulimit -v", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Memory_that_a_limit_of_addresses_denies_is_not_called_available()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "the limit is set by bash");
        // Keys and values of 5 layers, 4 heads and 16 elements in single precision: 7 GiB.
        const int Context = 5_872_026;
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder["endless.gguf"], RefusalTests.WithContextLength(File.ReadAllBytes(SharedModels.Stories), Context));
        CommandRun run = WithinAddresses(["run", folder["endless.gguf"], "Hello", "-n", "2", "--cache-type", "f32", "--context", Context.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        Assert.True(run.ExitCode == 6, $"{run.ExitCode}: {run.Error}");
        System.Text.RegularExpressions.Match found = System.Text.RegularExpressions.Regex.Match(
            run.Error, @"needs (\d+) MiB and (\d+) MiB are available within the limit of this process's address space \(ulimit -v\)\. Use a shorter context");
        Assert.True(found.Success, run.Error);
        Assert.True(long.Parse(found.Groups[1].ValueSpan) > long.Parse(found.Groups[2].ValueSpan), run.Error);
    }

    /// <summary>Runs the built program with at most 8 GB of addresses, of which the runtime takes some by itself.</summary>
    private static CommandRun WithinAddresses(string[] args)
    {
        ProcessStartInfo program = CommandRun.StartInfo(args);
        var start = new ProcessStartInfo("bash") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in (string[])["-c", "ulimit -v 8000000; exec \"$0\" \"$@\"", program.FileName, .. program.ArgumentList])
            start.ArgumentList.Add(argument);
        start.Environment["DOTNET_GCHeapHardLimit"] = "0x20000000";
        return CommandRun.OfProcess(start);
    }

    private static void WaitForHiddenFile(TemporaryFolder folder, Process process)
    {
        long start = Stopwatch.GetTimestamp();
        while (!folder.Names.Any(name => name.StartsWith('.')))
        {
            Assert.False(process.HasExited, "ended before it wrote anything");
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromMinutes(1), "nothing is written");
            Thread.Sleep(20);
        }
    }

    private static void Signal(Process process, string name)
    {
        using Process kill = Process.Start("kill", ["-" + name, process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
    }
}
