using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Decant.Hub.Tests;

/// <summary>A request as the server saw it.</summary>
internal sealed record SeenRequest(bool IsStorage, string Method, string Path, string? Range, string? Authorization);

/// <summary>
/// A server on the loopback address that answers as the hub does: a listing, small files, redirects of large files to another server (another port), ranges.
/// Tests change what it says.
/// </summary>
internal sealed class LoopbackHub : IAsyncDisposable
{
    public const string Commit = "0123456789abcdef0123456789abcdef01234567";

    private readonly WebApplication server;

    private LoopbackHub(WebApplication server) => this.server = server;

    public string Repository { get; set; } = "org/model";

    public string Sha { get; set; } = Commit;

    /// <summary>The files of the repository.</summary>
    public Dictionary<string, byte[]> Files { get; } = [];

    /// <summary>Those kept as large files: known by SHA-256 and redirected to storage.</summary>
    public HashSet<string> Large { get; } = [];

    /// <summary>The hash stated in place of the right one.</summary>
    public Dictionary<string, string> StatedHashes { get; } = [];

    /// <summary>True if the listing has names only, as some mirrors have it.</summary>
    public bool ListsNamesOnly { get; set; }

    /// <summary>Called first; true if it has answered.</summary>
    public Func<HttpContext, string, Task<bool>>? Intercept { get; set; }

    public ConcurrentQueue<SeenRequest> Requests { get; } = [];

    public Uri Endpoint { get; private set; } = null!;

    private Uri Storage { get; set; } = null!;

    public static async Task<LoopbackHub> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(options =>
        {
            options.Listen(IPAddress.Loopback, 0);
            options.Listen(IPAddress.Loopback, 0);
            options.Limits.MinResponseDataRate = null;
        });
        WebApplication server = builder.Build();
        var hub = new LoopbackHub(server);
        server.Run(hub.AnswerAsync);
        await server.StartAsync(TestContext.Current.CancellationToken);
        string[] addresses = [.. server.Urls];
        (hub.Endpoint, hub.Storage) = (new Uri(addresses[0]), new Uri(addresses[1]));
        return hub;
    }

    /// <summary>A small model of safetensors.</summary>
    public LoopbackHub WithModel(int weightByteCount = 300_000)
    {
        Files["config.json"] = """{"model_type":"llama"}"""u8.ToArray();
        Files["tokenizer.json"] = "{}"u8.ToArray();
        Files["tokenizer.model"] = new byte[10];
        Files["README.md"] = "---\nlicense: mit\n---\n"u8.ToArray();
        Files["flax_model.msgpack"] = new byte[10];
        AddLarge("model.safetensors", Noise(weightByteCount, 1));
        return this;
    }

    public void AddLarge(string path, byte[] content)
    {
        Files[path] = content;
        Large.Add(path);
    }

    public static byte[] Noise(int byteCount, int seed)
    {
        byte[] bytes = new byte[byteCount];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public int CountOf(string path) => Requests.Count(request => request.Path.EndsWith("/" + path, StringComparison.Ordinal) && request.IsStorage == Large.Contains(path));

#pragma warning disable CA5350 // Git ids are SHA-1.
    public string HashOf(string path) => StatedHashes.GetValueOrDefault(path) ?? (Large.Contains(path)
        ? Convert.ToHexStringLower(SHA256.HashData(Files[path]))
        : Convert.ToHexStringLower(SHA1.HashData([.. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"blob {Files[path].Length}\0")), .. Files[path]])));
#pragma warning restore CA5350

    public async ValueTask DisposeAsync() => await server.DisposeAsync();

    /// <summary>Sends the first bytes of an answer whose header promises more, and cuts the connection.</summary>
    public static async Task CutAsync(HttpContext context, byte[] content, int sent)
    {
        context.Response.ContentLength = content.Length;
        await context.Response.Body.WriteAsync(content.AsMemory(0, sent));
        await context.Response.Body.FlushAsync();
        // The client has read what was sent before the connection is reset.
        await Task.Delay(50);
        context.Abort();
    }

    /// <summary>Sends content from the offset that the request names.</summary>
    public static async Task SendAsync(HttpContext context, byte[] content, int? cutAfter = null)
    {
        string? range = context.Request.Headers.Range;
        int from = range is null ? 0 : int.Parse(range["bytes=".Length..^1], CultureInfo.InvariantCulture);
        if (range is not null)
        {
            context.Response.StatusCode = from < content.Length ? 206 : 416;
            context.Response.Headers.ContentRange = from < content.Length ? $"bytes {from}-{content.Length - 1}/{content.Length}" : $"bytes */{content.Length}";
            if (from >= content.Length)
                return;
        }
        byte[] rest = content[from..];
        if (cutAfter < rest.Length)
        {
            await CutAsync(context, rest, cutAfter.Value);
            return;
        }
        context.Response.ContentLength = rest.Length;
        if (context.Request.Method != "HEAD")
            await context.Response.Body.WriteAsync(rest);
    }

    private async Task AnswerAsync(HttpContext context)
    {
        bool isStorage = context.Connection.LocalPort == Storage.Port;
        string path = Uri.UnescapeDataString(context.Features.Get<IHttpRequestFeature>()!.RawTarget.Split('?')[0]);
        Requests.Enqueue(new SeenRequest(isStorage, context.Request.Method, path, context.Request.Headers.Range, context.Request.Headers.Authorization));
        if (Intercept is { } intercept && await intercept(context, path))
            return;
        if (!isStorage && path == $"/api/models/{Repository}/revision/main" || path == $"/api/models/{Repository}/revision/{Sha}")
        {
            await context.Response.WriteAsync(Listing().ToJsonString());
            return;
        }
        string prefix = isStorage ? "/storage/" : $"/{Repository}/resolve/{Sha}/";
        string file = path.StartsWith(prefix, StringComparison.Ordinal) ? path[prefix.Length..] : "";
        if (!Files.TryGetValue(file, out byte[]? content))
        {
            context.Response.StatusCode = 404;
            context.Response.Headers["X-Error-Code"] = path.StartsWith("/api/", StringComparison.Ordinal) ? "RepoNotFound" : "EntryNotFound";
            return;
        }
        if (!isStorage)
        {
            context.Response.Headers["X-Repo-Commit"] = Sha;
            if (Large.Contains(file))
            {
                context.Response.StatusCode = 302;
                context.Response.Headers["X-Linked-Etag"] = $"\"{HashOf(file)}\"";
                context.Response.Headers["X-Linked-Size"] = content.Length.ToString(CultureInfo.InvariantCulture);
                context.Response.Headers.Location = new Uri(Storage, "/storage/" + file).AbsoluteUri;
                return;
            }
            context.Response.Headers.ETag = $"W/\"{HashOf(file)}\"";
        }
        else
        {
            // Storage has tags of its own.
            context.Response.Headers.ETag = "\"ffffffffffffffffffffffffffffffffffffffff\"";
        }
        await SendAsync(context, content);
    }

    private JsonObject Listing()
    {
        var siblings = new JsonArray();
        foreach ((string path, byte[] content) in Files)
        {
            var sibling = new JsonObject { ["rfilename"] = path };
            if (!ListsNamesOnly)
            {
                sibling["size"] = content.Length;
                sibling["blobId"] = Large.Contains(path) ? new string('b', 40) : HashOf(path);
                if (Large.Contains(path))
                    sibling["lfs"] = new JsonObject { ["sha256"] = HashOf(path), ["size"] = content.Length, ["pointerSize"] = 130 };
            }
            siblings.Add((JsonNode)sibling);
        }
        return new JsonObject { ["id"] = Repository, ["sha"] = Sha, ["siblings"] = siblings };
    }
}
