using Decant.Core.Errors;

namespace Decant.Hub;

/// <summary>Where models come from, where they are kept, and how patient a download is.</summary>
public sealed record HubOptions
{
    internal static readonly Uri DefaultEndpoint = new("https://huggingface.co");

    /// <summary>The cache: <c>$HF_HUB_CACHE</c>, <c>$HF_HOME/hub</c> or <c>~/.cache/huggingface/hub</c>.</summary>
    public required string CacheFolder { get; init; }

    /// <summary>The server: <c>$HF_ENDPOINT</c>, or the hub itself.</summary>
    public Uri Endpoint { get; init; } = DefaultEndpoint;

    /// <summary>What private and gated models ask for: <c>$HF_TOKEN</c>, or the token that <c>hf auth login</c> keeps; null for none.</summary>
    public string? Token { get; init; }

    /// <summary>True to use the cache alone and no network.</summary>
    public bool Offline { get; init; }

    /// <summary>Files that are fetched at once, 1 or more: small files cost a round trip each, and many servers limit the pace of a connection. Each takes a buffer of 128 KiB.</summary>
    public int MaximumTransferCount { get; init; } = 4;

    /// <summary>Tries of a request before it is given up; a try that brought bytes does not count.</summary>
    public int MaximumAttemptCount { get; init; } = 5;

    /// <summary>The wait before the second try; it doubles from try to try.</summary>
    public TimeSpan FirstRetryDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest wait that a server may ask for; when it asks for more, the download ends and says so.</summary>
    public TimeSpan LongestRetryDelay { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>After so long without a byte a connection counts as lost.</summary>
    public TimeSpan StallTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>What the environment says, by the names that Python's huggingface_hub documents.</summary>
    /// <exception cref="UsageException">HF_ENDPOINT is no address.</exception>
    public static HubOptions FromEnvironment() => From(Environment.GetEnvironmentVariable, Environment.GetFolderPath(Environment.SpecialFolder.UserProfile));

    internal static HubOptions From(Func<string, string?> variable, string userFolder)
    {
        string home = Path(variable, userFolder, "HF_HOME")
            ?? System.IO.Path.Combine(Path(variable, userFolder, "XDG_CACHE_HOME") ?? System.IO.Path.Combine(userFolder, ".cache"), "huggingface");
        string cache = Path(variable, userFolder, "HF_HUB_CACHE") ?? Path(variable, userFolder, "HUGGINGFACE_HUB_CACHE") ?? System.IO.Path.Combine(home, "hub");
        var options = new HubOptions
        {
            CacheFolder = System.IO.Path.GetFullPath(cache),
            Offline = IsTrue(variable("HF_HUB_OFFLINE")) || IsTrue(variable("TRANSFORMERS_OFFLINE")),
            Token = FindToken(variable, userFolder, home),
        };
        return Text(variable, "HF_ENDPOINT") is { } endpoint ? options with { Endpoint = ParseEndpoint(endpoint) } : options;
    }

    private static string? FindToken(Func<string, string?> variable, string userFolder, string home)
    {
        if ((Text(variable, "HF_TOKEN") ?? Text(variable, "HUGGING_FACE_HUB_TOKEN")) is { } given)
            return CheckToken(given, "HF_TOKEN");
        if (IsTrue(variable("HF_HUB_DISABLE_IMPLICIT_TOKEN")))
            return null;
        string path = Path(variable, userFolder, "HF_TOKEN_PATH") ?? System.IO.Path.Combine(home, "token");
        try
        {
            string token = File.Exists(path) ? File.ReadAllText(path).Trim() : "";
            return token.Length == 0 ? null : CheckToken(token, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BadFileException($"{path}: the token cannot be read: {e.Message} Set HF_TOKEN, or HF_HUB_DISABLE_IMPLICIT_TOKEN=1 to do without.", e);
        }
    }

    // A token travels in a header line: anything else in it would end the line or never be a token.
    private static string CheckToken(string token, string origin) => token.All(c => c is > ' ' and <= '~')
        ? token
        : throw new UsageException($"{origin}: a token is one word of letters and digits, as https://huggingface.co/settings/tokens shows it.");

    private static Uri ParseEndpoint(string text) =>
        Uri.TryCreate(text.TrimEnd('/'), UriKind.Absolute, out Uri? uri) && uri.Scheme is "https" or "http" && uri.Query.Length == 0
            ? uri
            : throw new UsageException($"HF_ENDPOINT={text}: expected an address such as https://huggingface.co.");

    private static bool IsTrue(string? value) => value?.Trim().ToUpperInvariant() is "1" or "ON" or "YES" or "TRUE";

    private static string? Text(Func<string, string?> variable, string name) => variable(name)?.Trim() is { Length: > 0 } text ? text : null;

    private static string? Path(Func<string, string?> variable, string userFolder, string name) => Text(variable, name) switch
    {
        null => null,
        "~" => userFolder,
        string path when path.StartsWith("~/", StringComparison.Ordinal) => System.IO.Path.Combine(userFolder, path[2..]),
        string path => path,
    };
}
