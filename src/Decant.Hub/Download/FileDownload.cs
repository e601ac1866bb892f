using System.Net;
using System.Net.Http.Headers;
using Decant.Core.Errors;
using Decant.Hub.Cache;

namespace Decant.Hub.Download;

/// <summary>
/// Brings one file into the cache. Bytes are appended to <c>HASH.incomplete</c>, which a later run goes on with; the name without the ending is given when
/// length and hash are those that the hub states.
/// </summary>
internal sealed class FileDownload(HubClient client, RepositoryCache cache, Retries retries, TransferMeter meter, HubOptions options, Action<string>? notice)
{
    private const int BufferByteCount = 1 << 17;
    private const int MostWrongHashes = 2;

    /// <summary>Downloads the file unless it is there, and names it in the commit's snapshot.</summary>
    /// <exception cref="BadFileException">It cannot be had, or what comes is not the file; or the disk is full.</exception>
    /// <exception cref="FileChangedException">The server holds another file than its listing says.</exception>
    public async Task RunAsync(HubReference reference, string commit, HubFile file, CancellationToken cancellationToken)
    {
        try
        {
            if (!File.Exists(cache.BlobPath(file.Hash)))
            {
                using IDisposable held = await DownloadLock.TakeAsync(cache.LockPath(file.Hash),
                    () => notice?.Invoke($"{file.Path}: another process is downloading it; waiting."), cancellationToken).ConfigureAwait(false);
                if (!File.Exists(cache.BlobPath(file.Hash)))
                {
                    try
                    {
                        await DownloadAsync(reference, commit, file, cancellationToken).ConfigureAwait(false);
                    }
                    catch
                    {
                        DeleteEmpty(cache.PartPath(file.Hash));
                        throw;
                    }
                }
                else
                {
                    meter.Skip(file.ByteCount);
                }
            }
            else
            {
                meter.Skip(file.ByteCount);
            }
            cache.Link(commit, file.Path, file.Hash);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BadFileException($"{cache.PartPath(file.Hash)}: {file.Path} cannot be written: {e.Message} Free some room, or name another folder with HF_HUB_CACHE; what has been downloaded is kept.", e);
        }
    }

    private async Task DownloadAsync(HubReference reference, string commit, HubFile file, CancellationToken cancellationToken)
    {
        string partPath = cache.PartPath(file.Hash);
        using var hash = new ContentHash(file);
        var part = new FileStream(partPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0, FileOptions.Asynchronous);
        await using (part.ConfigureAwait(false))
        {
            if (part.Length > file.ByteCount)
                part.SetLength(0);
            meter.Skip(part.Length);
            int wrongHashes = 0;
            await retries.RunAsync($"{reference}: {file.Path}", async token =>
            {
                await TransferAsync(reference, commit, file, part, hash, token).ConfigureAwait(false);
                string digits = hash.Digits();
                if (digits == file.Hash)
                    return true;
                meter.Skip(-part.Length);
                part.SetLength(0);
                string wrong = $"its {hash.Kind} is {digits}, the hub states {file.Hash}";
                // The part of an earlier run may have been damaged on the disk; a second time it is the server.
                throw ++wrongHashes < MostWrongHashes
                    ? new TransientFailureException($"{file.Path} arrived damaged: {wrong}")
                    : new BadFileException($"{reference}: {file.Path} arrived damaged {MostWrongHashes} times: {wrong}. It has been deleted. A proxy or mirror on the way may change files.");
            }, () => part.Length, cancellationToken).ConfigureAwait(false);
            part.Flush(flushToDisk: true);
        }
        File.Move(partPath, cache.BlobPath(file.Hash), overwrite: true);
    }

    // There is nothing in it to go on with. The lock is held; what went wrong before is what the user hears of.
    private static void DeleteEmpty(string partPath)
    {
        try
        {
            if (new FileInfo(partPath) is { Exists: true, Length: 0 })
                File.Delete(partPath);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
        }
    }

    private async Task TransferAsync(HubReference reference, string commit, HubFile file, FileStream part, ContentHash hash, CancellationToken cancellationToken)
    {
        if (hash.ByteCount != part.Length)
            await HashPartAsync(part, hash, cancellationToken).ConfigureAwait(false);
        if (part.Length == file.ByteCount && (file.ByteCount > 0 || hash.Digits() == file.Hash))
            return;
        using HubResponse response = await client.OpenAsync(reference, commit, file.Path, part.Length, cancellationToken).ConfigureAwait(false);
        if (response.Hash is { } stated && stated != file.Hash)
            throw new FileChangedException($"{reference}: {file.Path}: the listing states the hash {file.Hash}, the file's own header {stated}");
        HttpResponseMessage message = response.Message;
        if (message.StatusCode == HttpStatusCode.PartialContent)
        {
            CheckRange(message, file, part);
        }
        else
        {
            // The server sends all of it, or knows nothing behind the offset: from the start, then.
            Restart(part, hash);
            if (message.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
                throw new TransientFailureException($"{message.RequestMessage?.RequestUri?.Host} has nothing behind the part of {file.Path} that is there");
        }
        if (message.Content.Headers.ContentLength is { } announced && announced != file.ByteCount - part.Length)
            throw new TransientFailureException($"expected {file.ByteCount - part.Length} bytes, the server announces {announced}");
        await CopyAsync(message, file, part, hash, cancellationToken).ConfigureAwait(false);
    }

    private void CheckRange(HttpResponseMessage message, HubFile file, FileStream part)
    {
        ContentRangeHeaderValue? range = message.Content.Headers.ContentRange;
        if (range?.From == part.Length && (range.Length ?? file.ByteCount) == file.ByteCount)
            return;
        long asked = part.Length;
        meter.Skip(-part.Length);
        part.SetLength(0);
        throw new TransientFailureException($"asked for the bytes from {asked} on, the server sends the range {range?.ToString() ?? "(none)"}");
    }

    private void Restart(FileStream part, ContentHash hash)
    {
        meter.Skip(-part.Length);
        part.SetLength(0);
        hash.Restart();
    }

    private static async Task HashPartAsync(FileStream part, ContentHash hash, CancellationToken cancellationToken)
    {
        hash.Restart();
        part.Position = 0;
        byte[] buffer = new byte[BufferByteCount];
        for (int read; (read = await part.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0;)
            hash.Append(buffer.AsSpan(0, read));
    }

    private async Task CopyAsync(HttpResponseMessage message, HubFile file, FileStream part, ContentHash hash, CancellationToken cancellationToken)
    {
        string host = message.RequestMessage?.RequestUri?.Host ?? "the server";
        part.Position = part.Length;
        byte[] buffer = new byte[BufferByteCount];
        using var stall = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Stream content = await message.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        while (true)
        {
            int read;
            try
            {
                stall.CancelAfter(options.StallTimeout);
                read = await content.ReadAsync(buffer, stall.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
            {
                throw new TransientFailureException(FormattableString.Invariant($"{host} sent nothing for {options.StallTimeout.TotalSeconds:0.#} s"), null, e);
            }
            catch (Exception e) when (e is IOException or HttpRequestException)
            {
                throw new TransientFailureException($"the connection to {host} broke after {part.Length} of {file.ByteCount} bytes of {file.Path}", null, e);
            }
            if (read == 0)
                break;
            if (part.Length + read > file.ByteCount)
            {
                Restart(part, hash);
                throw new TransientFailureException($"expected {file.ByteCount} bytes, the server sends more");
            }
            await part.WriteAsync(buffer.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
            hash.Append(buffer.AsSpan(0, read));
            meter.Add(file.Path, read);
        }
        if (part.Length < file.ByteCount)
            throw new TransientFailureException($"{host} ended after {part.Length} of {file.ByteCount} bytes of {file.Path}");
    }
}

/// <summary>The server's listing and its files disagree: the revision moved in between, or one of them is out of date.</summary>
internal sealed class FileChangedException(string message) : Exception(message);
