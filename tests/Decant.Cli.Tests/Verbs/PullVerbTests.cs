using System.Diagnostics;
using System.Text.Json;
using Decant.Hub.Tests;
using Decant.Testing;

namespace Decant.Cli.Tests.Verbs;

/// <summary>Models of the hub, as the built program takes them from a server on the loopback address.</summary>
public sealed class PullVerbTests : IAsyncLifetime
{
    private readonly TemporaryFolder folder = new();
    private LoopbackHub hub = null!;

    public async ValueTask InitializeAsync()
    {
        hub = await LoopbackHub.StartAsync();
        foreach (string path in Directory.EnumerateFiles(SharedModels.StoriesFolder))
        {
            using FileStream stream = File.OpenRead(path);
            byte[] bytes = new byte[stream.Length];
            await stream.ReadExactlyAsync(bytes, TestContext.Current.CancellationToken);
            if (path.EndsWith(".safetensors", StringComparison.Ordinal))
                hub.AddLarge(Path.GetFileName(path), bytes);
            else
                hub.Files[Path.GetFileName(path)] = bytes;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await hub.DisposeAsync();
        folder.Dispose();
    }

    [Fact]
    public void Compress_takes_a_model_of_the_hub_as_it_takes_its_folder()
    {
        CommandRun run = Run("compress", "hf:org/model", "-o", folder["hub.gguf"], "--to", "q8_0", "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        CommandRun.Succeed("compress", SharedModels.StoriesFolder, "-o", folder["local.gguf"], "--to", "q8_0", "--json");
        Assert.Equal(File.ReadLines(folder["local.gguf"], System.Text.Encoding.Latin1), File.ReadLines(folder["hub.gguf"], System.Text.Encoding.Latin1));
        // Lengths are those of the files, not of the links to them.
        Assert.True(run.Json.GetProperty("bytes_in").GetInt64() > hub.Files["model.safetensors"].Length);
        int requests = hub.Requests.Count;
        Assert.True(requests > 3);

        // The second time nothing is asked, and offline works.
        Assert.Equal(0, Run("inspect", "hf:org/model").ExitCode);
        CommandRun tokens = Run("tokenize", "hf:org/model", "--text", folder.Write("t.txt", "Once upon a time"), "--offline");
        Assert.True(tokens.ExitCode == 0, tokens.Error);
        Assert.Equal(requests, hub.Requests.Count);
    }

    [Fact]
    public void Pull_asks_for_news_and_says_where_the_model_lies()
    {
        JsonElement first = Run("pull", "hf:org/model", "--json").Json;
        Assert.Equal(first.GetProperty("bytes").GetInt64(), first.GetProperty("downloaded_bytes").GetInt64());
        Assert.Equal(LoopbackHub.Commit, first.GetProperty("commit").GetString());
        Assert.True(File.Exists(Path.Combine(first.GetProperty("path").GetString()!, "config.json")));
        hub.Sha = new string('a', 40);
        hub.Files["README.md"] = "---\nlicense: mit\n---\n"u8.ToArray();
        CommandRun second = Run("pull", "hf:org/model");
        Assert.Contains(hub.Sha, second.Output, StringComparison.Ordinal);
        Assert.Equal("mit", Run("inspect", "hf:org/model", "--json").Json.GetProperty("license").GetString());
    }

    [Fact]
    public void What_a_browser_shows_is_understood_and_a_bare_name_is_asked_about()
    {
        CommandRun pasted = Run("inspect", new Uri(hub.Endpoint, "/org/model/tree/main?library=transformers").AbsoluteUri, "--json");
        Assert.True(pasted.ExitCode == 0, pasted.Error);
        Assert.Contains("hf:org/model is in the cache now", pasted.Error, StringComparison.Ordinal);
        Assert.Equal(0, Run("pull", "hf:org/model/tree/main").ExitCode);
        CommandRun bare = Run("inspect", "org/model");
        Assert.Equal(3, bare.ExitCode);
        Assert.Contains("no such file or folder. A model of the Hugging Face hub is written hf:org/model.", bare.Error, StringComparison.Ordinal);
        CommandRun page = Run("inspect", "https://example.com/org/model");
        Assert.Equal(2, page.ExitCode);
        Assert.Contains("Write hf:ORG/NAME", page.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Refusals_end_with_their_exit_codes()
    {
        CommandRun unknown = Run("run", "hf:org/other", "x");
        Assert.Equal(3, unknown.ExitCode);
        Assert.Contains("hf:org/other: there is no such model", unknown.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", unknown.Error, StringComparison.Ordinal);
        Assert.Equal(2, Run("run", "hf:org/model/x.gguf", "x").ExitCode);
        Assert.Equal(2, Run("run", "hf:/", "x").ExitCode);
        Assert.Equal(3, Run("run", "hf:org/model", "x", "--offline").ExitCode);
    }

    [Fact]
    public async Task Ctrl_C_keeps_what_has_arrived()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are sent with kill");
        var arrived = new TaskCompletionSource();
        byte[] weights = hub.Files["model.safetensors"];
        hub.Intercept = async (context, path) =>
        {
            if (!path.StartsWith("/storage/", StringComparison.Ordinal) || context.Request.Headers.Range.Count > 0)
                return false;
            context.Response.ContentLength = weights.Length;
            await context.Response.Body.WriteAsync(weights.AsMemory(0, 100_000));
            await context.Response.Body.FlushAsync();
            await Task.Delay(300);
            arrived.TrySetResult();
            await Task.Delay(TimeSpan.FromSeconds(30), context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            return true;
        };
        using Process process = Process.Start(StartInfo("pull", "hf:org/model"))!;
        await arrived.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        using (Process kill = Process.Start("kill", ["-TERM", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]))
            await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal(130, process.ExitCode);
        JsonElement next = Run("pull", "hf:org/model", "--json").Json;
        Assert.Equal(weights.Length - 100_000, next.GetProperty("downloaded_bytes").GetInt64());
        Assert.Contains(hub.Requests, request => request.Range == "bytes=100000-");
    }

    private CommandRun Run(params string[] args) => CommandRun.OfProcess(StartInfo(args));

    private ProcessStartInfo StartInfo(params string[] args)
    {
        ProcessStartInfo start = CommandRun.StartInfo(args);
        start.Environment["HF_ENDPOINT"] = hub.Endpoint.AbsoluteUri;
        start.Environment["HF_HUB_CACHE"] = folder["cache"];
        foreach (string name in new[] { "HF_HOME", "HF_TOKEN", "HF_HUB_OFFLINE", "HTTP_PROXY", "http_proxy" })
            start.Environment.Remove(name);
        return start;
    }
}
