using Decant.Core.Errors;
using Decant.Core.Measurement;

namespace Decant.Hub.Tests;

/// <summary>The cache is the one that Python's tools read and write.</summary>
public sealed class CacheLayoutTests : HubTestCase
{
    [Fact]
    public async Task A_model_is_laid_down_as_huggingface_hub_documents_it()
    {
        Hub.WithModel();
        Hub.Files["additional_chat_templates/rag.jinja"] = "x"u8.ToArray();
        HubModel model = await FetchAsync();
        string snapshot = Path.Combine(Folder, "snapshots", LoopbackHub.Commit);
        Assert.Equal(snapshot, model.Path);
        Assert.Equal(LoopbackHub.Commit, File.ReadAllText(Path.Combine(Folder, "refs", "main")));
        Assert.Equal("../../blobs/" + Hub.HashOf("model.safetensors"), new FileInfo(Path.Combine(snapshot, "model.safetensors")).LinkTarget);
        Assert.Equal("../../blobs/" + Hub.HashOf("config.json"), new FileInfo(Path.Combine(snapshot, "config.json")).LinkTarget);
        Assert.Equal("../../../blobs/" + Hub.HashOf("additional_chat_templates/rag.jinja"), new FileInfo(Path.Combine(snapshot, "additional_chat_templates", "rag.jinja")).LinkTarget);
        Assert.Equal(64, Hub.HashOf("model.safetensors").Length);
        Assert.Equal(40, Hub.HashOf("config.json").Length);
        Assert.Equal(Hub.Files["model.safetensors"], Read(model, "model.safetensors"));
        Assert.True(File.Exists(Path.Combine(Folder, ".no_exist", LoopbackHub.Commit, "generation_config.json")));
        Assert.Equal(0, new FileInfo(Path.Combine(Folder, ".no_exist", LoopbackHub.Commit, "generation_config.json")).Length);
        Assert.True(File.Exists(Path.Combine(Cache.Path, ".locks", "models--org--model", Hub.HashOf("model.safetensors") + ".lock")));
        // Neither other frameworks' weights nor tokenizer files that tokenizer.json stands for.
        Assert.Equal(["README.md", "additional_chat_templates", "config.json", "model.safetensors", "tokenizer.json"],
            Directory.EnumerateFileSystemEntries(snapshot).Select(p => Path.GetFileName(p)).Order(StringComparer.Ordinal));
        Assert.DoesNotContain(Directory.EnumerateFiles(Path.Combine(Folder, "blobs")), path => path.EndsWith(".incomplete", StringComparison.Ordinal));
        Assert.Equal(model.Files.Sum(file => (long)Hub.Files[file].Length), model.ByteCount);
        Assert.Equal(model.ByteCount, model.DownloadedByteCount);
    }

    [Fact]
    public async Task What_is_there_whole_is_used_without_asking()
    {
        Hub.WithModel();
        HubModel first = await FetchAsync();
        Hub.Requests.Clear();
        HubModel second = await FetchAsync();
        Assert.Equal((first.Path, 0), (second.Path, second.DownloadedByteCount));
        Assert.Equal(first.Files.Order(StringComparer.Ordinal), second.Files.Order(StringComparer.Ordinal));
        Assert.Equal(first.ByteCount, second.ByteCount);
        Assert.Empty(Hub.Requests);
        HubModel byCommit = await FetchAsync("hf:org/model@" + LoopbackHub.Commit, update: true);
        Assert.Equal(first.Path, byCommit.Path);
        Assert.Empty(Hub.Requests);
    }

    [Fact]
    public async Task An_update_fetches_what_has_changed_and_keeps_the_old_revision()
    {
        Hub.WithModel();
        HubModel first = await FetchAsync();
        Hub.Sha = new string('a', 40);
        Hub.Files["config.json"] = """{"model_type":"llama","x":1}"""u8.ToArray();
        Assert.Equal(first.Commit, (await FetchAsync()).Commit);
        HubModel second = await FetchAsync(update: true);
        Assert.Equal(Hub.Sha, second.Commit);
        Assert.Equal(Hub.Files["config.json"].Length, second.DownloadedByteCount);
        Assert.Equal(1, Hub.CountOf("model.safetensors"));
        Assert.Equal(Hub.Files["config.json"], Read(second, "config.json"));
        Assert.NotEqual(Read(first, "config.json"), Read(second, "config.json"));
        Assert.Equal(Hub.Sha, File.ReadAllText(Path.Combine(Folder, "refs", "main")));
    }

    [Fact]
    public async Task What_Python_left_is_completed_with_one_question()
    {
        Hub.WithModel();
        // As hf_hub_download leaves it after fetching two files.
        PlacePythonCopy();
        HubModel model = await FetchAsync();
        Assert.Equal(0, Hub.CountOf("model.safetensors"));
        Assert.Equal(Hub.Files["tokenizer.json"].Length + Hub.Files["README.md"].Length, model.DownloadedByteCount);
    }

    [Fact]
    public async Task Without_a_network_a_usable_copy_is_enough()
    {
        Hub.WithModel();
        PlacePythonCopy();
        Options = Options with { Endpoint = new Uri("http://127.0.0.1:9") };
        HubModel model = await FetchAsync();
        Assert.Equal(["config.json", "model.safetensors"], model.Files);
        Assert.Contains(Notices, notice => notice.Contains("using the copy in the cache", StringComparison.Ordinal));
        Assert.Contains("cannot be reached", (await Assert.ThrowsAsync<BadFileException>(() => FetchAsync(update: true))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Offline_nothing_is_asked()
    {
        Hub.WithModel();
        Options = Options with { Offline = true };
        string message = await FailsAsync<BadFileException>();
        Assert.Contains("offline", message, StringComparison.Ordinal);
        Assert.Contains(Folder, message, StringComparison.Ordinal);
        Assert.Empty(Hub.Requests);
        Options = Options with { Offline = false };
        await FetchAsync();
        Hub.Requests.Clear();
        Options = Options with { Offline = true };
        Assert.Equal(0, (await FetchAsync(update: true)).DownloadedByteCount);
        Assert.Empty(Hub.Requests);
        File.Delete(BlobPath("model.safetensors"));
        await FailsAsync<BadFileException>();
    }

    [Fact]
    public async Task Shards_follow_their_index()
    {
        Hub.WithModel();
        Hub.Files.Remove("model.safetensors");
        Hub.Files["model.safetensors.index.json"] = """{"metadata":{},"weight_map":{"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors","c":"model-00001-of-00002.safetensors"}}"""u8.ToArray();
        Hub.AddLarge("model-00001-of-00002.safetensors", LoopbackHub.Noise(1000, 2));
        Hub.AddLarge("model-00002-of-00002.safetensors", LoopbackHub.Noise(2000, 3));
        Hub.AddLarge("model-00003-of-00002.safetensors", LoopbackHub.Noise(2000, 4));
        HubModel model = await FetchAsync();
        Assert.Equal(["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"], model.Files.Where(file => file.Contains("-of-", StringComparison.Ordinal)));
        Assert.Equal(1, Hub.CountOf("model.safetensors.index.json"));
        Hub.Requests.Clear();
        await FetchAsync();
        Assert.Empty(Hub.Requests);
        Hub.Files.Remove("model-00002-of-00002.safetensors");
        File.Delete(Path.Combine(Folder, "blobs", Directory.EnumerateFiles(Path.Combine(Folder, "blobs")).Single(path => new FileInfo(path).Length == 2000)));
        Assert.Contains("model-00002-of-00002.safetensors", await FailsAsync<BadFileException>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_listing_of_names_alone_is_made_up_for_by_asking_for_each_file()
    {
        Hub.WithModel();
        Hub.ListsNamesOnly = true;
        HubModel model = await FetchAsync();
        Assert.Equal(Hub.Files["model.safetensors"], Read(model, "model.safetensors"));
        Assert.Contains(Hub.Requests, request => request.Method == "HEAD");
        // The redirect says all: storage is asked for the content only.
        Assert.DoesNotContain(Hub.Requests, request => request is { Method: "HEAD", IsStorage: true });
    }

    [Fact]
    public async Task Progress_has_bytes_and_pace()
    {
        Hub.WithModel(3_000_000);
        var reports = new List<WorkProgress>();
        HubModel model = await FetchAsync(progress: new Direct(reports.Add));
        Assert.All(reports, report => Assert.Equal(("download", "bytes", model.ByteCount), (report.Stage, report.Unit, report.Total)));
        Assert.Equal(model.ByteCount, reports[^1].Done);
        Assert.Contains(reports, report => report.Rate > 0);
    }

    private sealed class Direct(Action<WorkProgress> report) : IProgress<WorkProgress>
    {
        public void Report(WorkProgress value) => report(value);
    }
}
