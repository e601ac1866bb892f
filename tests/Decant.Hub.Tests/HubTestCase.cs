using Decant.Core.Measurement;
using Decant.Testing;

namespace Decant.Hub.Tests;

/// <summary>A server and an empty cache for one test, with waits short enough for tests.</summary>
public abstract class HubTestCase : IAsyncLifetime
{
    private protected LoopbackHub Hub { get; private set; } = null!;

    private protected TemporaryFolder Cache { get; } = new();

    private protected HubOptions Options { get; set; } = null!;

    private protected List<string> Notices { get; } = [];

    private protected string Folder => Path.Combine(Cache.Path, "models--org--model");

    public async ValueTask InitializeAsync()
    {
        Hub = await LoopbackHub.StartAsync();
        Options = new HubOptions
        {
            CacheFolder = Cache.Path,
            Endpoint = Hub.Endpoint,
            FirstRetryDelay = TimeSpan.FromMilliseconds(1),
            StallTimeout = TimeSpan.FromSeconds(5),
            MaximumAttemptCount = 3,
        };
    }

    public async ValueTask DisposeAsync()
    {
        await Hub.DisposeAsync();
        Cache.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected Task<HubModel> FetchAsync(string name = "hf:org/model", bool update = false, IProgress<WorkProgress>? progress = null, CancellationToken? token = null) =>
        new HubModels(Options).FetchAsync(HubReference.Parse(name), update, progress, Note, token ?? TestContext.Current.CancellationToken);

    // Several transfers may have something to say at once.
    private void Note(string notice)
    {
        lock (Notices)
            Notices.Add(notice);
    }

    private protected byte[] Read(HubModel model, string file)
    {
        using FileStream stream = File.OpenRead(Path.Combine(Folder, "snapshots", model.Commit, file));
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private protected async Task<string> FailsAsync<T>(string name = "hf:org/model")
        where T : Exception => (await Assert.ThrowsAsync<T>(() => FetchAsync(name))).Message;

    private protected string PartPath(string file) => Path.Combine(Folder, "blobs", Hub.HashOf(file) + ".incomplete");

    private protected string BlobPath(string file) => Path.Combine(Folder, "blobs", Hub.HashOf(file));

    /// <summary>As huggingface_hub's hf_hub_download leaves a model after two files: usable, but further files may exist.</summary>
    private protected void PlacePythonCopy(string revision = "main")
    {
        string reference = Path.Combine(Folder, "refs", revision);
        Directory.CreateDirectory(Path.GetDirectoryName(reference)!);
        File.WriteAllText(reference, LoopbackHub.Commit);
        Place("config.json");
        Place("model.safetensors");
    }

    private protected void Place(string file)
    {
        string blob = BlobPath(file);
        Directory.CreateDirectory(Path.GetDirectoryName(blob)!);
        File.WriteAllBytes(blob, Hub.Files[file]);
        string link = Path.Combine(Folder, "snapshots", LoopbackHub.Commit, file);
        Directory.CreateDirectory(Path.GetDirectoryName(link)!);
        File.CreateSymbolicLink(link, "../../blobs/" + Hub.HashOf(file));
    }
}
