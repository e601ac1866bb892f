using System.Net;
using System.Net.Http.Headers;
using System.Security.Authentication;
using System.Text.Json;
using Decant.Core.Errors;

namespace Decant.Hub.Download;

/// <summary>
/// Speaks to the hub: the revision's listing (<c>/api/models/ORG/NAME/revision/REV</c>) and files (<c>/ORG/NAME/resolve/COMMIT/FILE</c>). Redirects are
/// followed here, because the hub describes a large file in the headers of its redirect, and because the token goes to no other server.
/// </summary>
internal sealed class HubClient : IDisposable
{
    private const int MostRedirects = 10;
    private const int LargestListing = 64 << 20;

    private readonly HubOptions options;
    private readonly HttpClient http;

    public HubClient(HubOptions options)
    {
        this.options = options;
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = options.StallTimeout,
            UseCookies = false,
        };
        http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("decant", typeof(HubClient).Assembly.GetName().Version?.ToString(3)));
        // Lengths and ranges are those of the content, not of a compressed form of it.
        http.DefaultRequestHeaders.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
    }

    public void Dispose() => http.Dispose();

    /// <summary>Asks what a revision holds.</summary>
    /// <exception cref="TransientFailureException">It may work later.</exception>
    /// <exception cref="BadFileException">The hub refuses, or knows no such model.</exception>
    public async Task<RepositoryListing> ListAsync(HubReference reference, CancellationToken cancellationToken)
    {
        Uri address = Address($"api/models/{reference.Repository}/revision/{Uri.EscapeDataString(reference.Revision)}?blobs=true");
        using HubResponse response = await SendAsync(reference, null, HttpMethod.Get, address, 0, cancellationToken).ConfigureAwait(false);
        byte[] json = await ReadAsync(response.Message, address, cancellationToken).ConfigureAwait(false);
        try
        {
            return ListingJson.Read(json);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new BadFileException($"{address}: the answer is no listing of a model: {e.Message} Is HF_ENDPOINT a server of the Hugging Face hub?", e);
        }
    }

    /// <summary>Asks for size and hash of a file that the listing does not describe.</summary>
    /// <exception cref="TransientFailureException">It may work later.</exception>
    /// <exception cref="BadFileException">The hub refuses, or does not say.</exception>
    public async Task<HubFile> DescribeAsync(HubReference reference, string commit, string path, CancellationToken cancellationToken)
    {
        Uri address = FileAddress(reference, commit, path);
        using HubResponse response = await SendAsync(reference, path, HttpMethod.Head, address, 0, cancellationToken).ConfigureAwait(false);
        long? length = response.LinkedByteCount ?? response.Message.Content.Headers.ContentLength;
        return response.Hash is { } hash && length is { } byteCount
            ? new HubFile(path, byteCount, hash)
            : throw new BadFileException($"{address}: the server states no {(length is null ? "length" : "hash")} of this file, so a download could not be checked. Is HF_ENDPOINT a server of the Hugging Face hub?");
    }

    /// <summary>Asks for a file's content from an offset on.</summary>
    /// <exception cref="TransientFailureException">It may work later.</exception>
    /// <exception cref="BadFileException">The hub refuses.</exception>
    public Task<HubResponse> OpenAsync(HubReference reference, string commit, string path, long offset, CancellationToken cancellationToken) =>
        SendAsync(reference, path, HttpMethod.Get, FileAddress(reference, commit, path), offset, cancellationToken);

    private Uri FileAddress(HubReference reference, string commit, string path) =>
        Address($"{reference.Repository}/resolve/{commit}/{string.Join('/', path.Split('/').Select(Uri.EscapeDataString))}");

    private Uri Address(string relative) => new($"{options.Endpoint.AbsoluteUri.TrimEnd('/')}/{relative}");

    private async Task<HubResponse> SendAsync(HubReference reference, string? path, HttpMethod method, Uri address, long offset, CancellationToken cancellationToken)
    {
        string? token = options.Token;
        string? linkedHash = null;
        long? linkedByteCount = null;
        Uri current = address;
        for (int hop = 0; hop <= MostRedirects; hop++)
        {
            HttpResponseMessage message = await SendOnceAsync(method, current, token, offset, cancellationToken).ConfigureAwait(false);
            try
            {
                linkedHash ??= HashOf(message, "X-Linked-Etag");
                linkedByteCount ??= long.TryParse(Header(message, "X-Linked-Size"), out long size) && size >= 0 ? size : null;
                if (!IsRedirect(message.StatusCode))
                {
                    // The server that a redirect leads to has tags of its own, which say nothing of the content.
                    string? hash = linkedHash ?? (IsSameServer(current, address) ? HashOf(message, "ETag") : null);
                    if (message.IsSuccessStatusCode || (message.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable && offset > 0))
                        return new HubResponse(message, hash, linkedByteCount);
                    throw Refusals.For(reference, path, current, message, hasToken: token is not null, isHub: IsSameServer(current, address));
                }
                // A description needs no content: what the hub says of a large file stands in its redirect.
                if (method == HttpMethod.Head && linkedHash is not null && linkedByteCount is not null)
                    return new HubResponse(message, linkedHash, linkedByteCount);
                Uri next = new(current, message.Headers.Location ?? throw new BadFileException($"{current}: the server redirects to nowhere."));
                if (next.Scheme is not ("https" or "http") || (current.Scheme == "https" && next.Scheme != "https"))
                    throw new BadFileException($"{current}: the server redirects to {next.GetLeftPart(UriPartial.Path)}, which is no https address.");
                if (!IsSameServer(current, next))
                    token = null;
                current = next;
            }
            catch
            {
                message.Dispose();
                throw;
            }
            message.Dispose();
        }
        throw new BadFileException($"{address}: the server redirects more than {MostRedirects} times.");
    }

    private async Task<HttpResponseMessage> SendOnceAsync(HttpMethod method, Uri address, string? token, long offset, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(method, address);
        if (token is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (offset > 0)
            request.Headers.Range = new RangeHeaderValue(offset, null);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(options.StallTimeout);
        try
        {
            return await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, timeout.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TransientFailureException(FormattableString.Invariant($"{address.Host} did not answer within {options.StallTimeout.TotalSeconds:0.#} s"), null, e);
        }
        catch (HttpRequestException e) when (e.InnerException is AuthenticationException)
        {
            // Asking again changes no certificate.
            throw new BadFileException($"{address.GetLeftPart(UriPartial.Authority)}: the connection is not secure: {Sentence(e)}. A proxy may stand between; its certificate has to be trusted by this system (on Linux SSL_CERT_FILE names a file of certificates).", e);
        }
        catch (HttpRequestException e)
        {
            throw new TransientFailureException($"{address.Host} cannot be reached: {Sentence(e)}", null, e);
        }
    }

    private async Task<byte[]> ReadAsync(HttpResponseMessage message, Uri address, CancellationToken cancellationToken)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timeout.CancelAfter(options.StallTimeout);
        try
        {
            using var whole = new MemoryStream();
            Stream stream = await message.Content.ReadAsStreamAsync(timeout.Token).ConfigureAwait(false);
            byte[] buffer = new byte[1 << 16];
            for (int read; (read = await stream.ReadAsync(buffer, timeout.Token).ConfigureAwait(false)) > 0;)
            {
                whole.Write(buffer, 0, read);
                if (whole.Length > LargestListing)
                    throw BadFileException.Expected(address.ToString(), "answer", $"at most {LargestListing} bytes", "more");
            }
            return whole.ToArray();
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TransientFailureException($"{address.Host} stopped in the middle of its answer", null, e);
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            throw new TransientFailureException($"the connection to {address.Host} broke: {Sentence(e)}", null, e);
        }
    }

    internal static string Sentence(Exception e) => (e.InnerException ?? e).Message.TrimEnd('.');

    private static bool IsRedirect(HttpStatusCode code) => (int)code is 301 or 302 or 303 or 307 or 308;

    private static bool IsSameServer(Uri one, Uri other) => Uri.Compare(one, other, UriComponents.SchemeAndServer, UriFormat.UriEscaped, StringComparison.OrdinalIgnoreCase) == 0;

    private static string? Header(HttpResponseMessage message, string name) => message.Headers.TryGetValues(name, out IEnumerable<string>? values) ? values.First() : null;

    // Tags stand in quotes, perhaps marked as weak.
    private static string? HashOf(HttpResponseMessage message, string name)
    {
        string? tag = Header(message, name)?.Trim();
        if (tag?.StartsWith("W/", StringComparison.Ordinal) == true)
            tag = tag[2..];
        tag = tag?.Trim('"');
        return tag is not null && HubFile.IsHash(tag) ? tag : null;
    }
}

/// <summary>An answer of the hub or of the server that it redirects to.</summary>
/// <param name="Message">The answer; its content is not read yet.</param>
/// <param name="Hash">The hash that the hub states, or null.</param>
/// <param name="LinkedByteCount">The size that the hub states of a large file, or null.</param>
internal sealed record HubResponse(HttpResponseMessage Message, string? Hash, long? LinkedByteCount) : IDisposable
{
    public void Dispose() => Message.Dispose();
}
