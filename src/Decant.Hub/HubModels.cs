using System.Text.Json;
using Decant.Core.Errors;
using Decant.Core.Measurement;
using Decant.Hub.Cache;
using Decant.Hub.Download;
using Decant.Hub.Naming;

namespace Decant.Hub;

/// <summary>Finds models of the Hugging Face hub in the local cache, and brings there what is missing.</summary>
public sealed class HubModels(HubOptions options)
{
    private const int ShortCommitLength = 7;

    /// <summary>
    /// Makes sure that a model lies in the cache. A revision that is there whole is used as it is, without asking the hub; what is missing is downloaded, and an
    /// interrupted download goes on where it ended. Only files that are read are fetched. A copy that can be used, though the hub may know more of it, is used
    /// with a notice where the hub cannot be asked or refuses; that of a branch or tag is the commit that it stood for when it was last asked for.
    /// </summary>
    /// <param name="reference">The model.</param>
    /// <param name="update">True to ask the hub what the revision stands for now, even if the cache has it whole.</param>
    /// <param name="progress">How far the download is, or null.</param>
    /// <param name="notice">Called with things worth knowing, as full sentences, or null.</param>
    /// <param name="cancellationToken">Stops it; what has arrived stays for the next time.</param>
    /// <exception cref="UsageException">The repository holds several models and the reference names none, or names a file that is not there.</exception>
    /// <exception cref="BadFileException">The model cannot be had: no such model, no access, no network, a damaged download, a full disk.</exception>
    /// <exception cref="NotSupportedModelException">The repository holds no weights that can be read.</exception>
    public async Task<HubModel> FetchAsync(
        HubReference reference,
        bool update = false,
        IProgress<WorkProgress>? progress = null,
        Action<string>? notice = null,
        CancellationToken cancellationToken = default)
    {
        var cache = new RepositoryCache(options.CacheFolder, reference.Repository);
        CachedModel? cached = FindCached(cache, reference);
        if (options.Offline)
        {
            return cached is { IsUsable: true } ? Describe(cache, cached.Commit, cached.Files, 0) : throw new BadFileException(
                $"{reference}: the model is not (or not wholly) in the cache {cache.Folder}, and nothing is downloaded offline. Leave out --offline (HF_HUB_OFFLINE), or set HF_HUB_CACHE to the folder that has it.");
        }
        // A commit's files never change.
        if (cached is { IsComplete: true } && (!update || HubReference.IsCommit(reference.Revision)))
            return Describe(cache, cached.Commit, cached.Files, 0);
        using var client = new HubClient(options);
        for (bool isSecond = false; ; isSecond = true)
        {
            try
            {
                // Without the network a usable model is enough, and then nobody should wait for it.
                var listingRetries = new Retries(cached is { IsUsable: true } && !update ? options with { MaximumAttemptCount = 1 } : options, notice);
                RepositoryListing listing = await listingRetries.RunAsync(reference.ToString(), token => client.ListAsync(reference, token), () => 0, cancellationToken).ConfigureAwait(false);
                return await FetchAsync(client, cache, reference, listing, progress, notice, cancellationToken).ConfigureAwait(false);
            }
            catch (BadFileException e) when (cached is { IsUsable: true })
            {
                return UseCopy(cache, reference, cached, update, e, notice);
            }
            catch (FileChangedException e)
            {
                // The revision may have moved between the listing and the file.
                if (!isSecond)
                    continue;
                var failure = new BadFileException(e.Message + ". Try again later, or another server (HF_ENDPOINT).", e);
                return cached is { IsUsable: true } ? UseCopy(cache, reference, cached, update, failure, notice) : throw failure;
            }
        }
    }

    /// <summary>
    /// The copy in the cache in place of what the hub does not give: no access (any more), no answer, a login page, a damaged download. Whoever asks for an
    /// update has not got it and is told that there is a copy.
    /// </summary>
    private static HubModel UseCopy(RepositoryCache cache, HubReference reference, CachedModel cached, bool update, BadFileException failure, Action<string>? notice)
    {
        string commit = cached.Commit[..ShortCommitLength];
        if (update)
            throw new BadFileException($"{failure.Message} A usable copy (commit {commit}) lies in the cache; other commands use it.", failure);
        notice?.Invoke(failure.InnerException is TransientFailureException transient
            ? $"{reference}: {transient.Message}; using the copy in the cache (commit {commit})."
            : $"{failure.Message} Using the copy in the cache (commit {commit}).");
        return Describe(cache, cached.Commit, cached.Files, 0);
    }

    private static CachedModel? FindCached(RepositoryCache cache, HubReference reference)
    {
        try
        {
            return CachedModel.Find(cache, reference);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BadFileException($"{cache.Folder}: the cache cannot be read: {e.Message} HF_HUB_CACHE names another folder.", e);
        }
    }

    private async Task<HubModel> FetchAsync(
        HubClient client,
        RepositoryCache cache,
        HubReference reference,
        RepositoryListing listing,
        IProgress<WorkProgress>? progress,
        Action<string>? notice,
        CancellationToken cancellationToken)
    {
        FileSelection selection = FileSelection.Choose(reference, [.. listing.Files.Keys]);
        cache.Create();
        var retries = new Retries(options, notice);
        List<HubFile> files = await DescribeAsync(client, retries, reference, listing, selection.Files, cancellationToken).ConfigureAwait(false);
        long received = 0;
        if (selection.Index is { } indexPath)
        {
            HubFile index = files.Single(file => file.Path == indexPath);
            received += await DownloadAsync(client, cache, retries, reference, listing.Commit, [index], null, notice, cancellationToken).ConfigureAwait(false);
            IReadOnlyList<string> shards = ReadIndex(cache, reference, listing, index);
            files.AddRange(await DescribeAsync(client, retries, reference, listing, shards, cancellationToken).ConfigureAwait(false));
        }
        received += await DownloadAsync(client, cache, retries, reference, listing.Commit, files, progress, notice, cancellationToken).ConfigureAwait(false);
        Guard(cache, () =>
        {
            foreach (string name in (string[])[.. ModelFileNames.SideFiles, .. ModelFileNames.OlderTokenizerFiles, .. ModelFileNames.Weights.SelectMany(w => new[] { w.Single, w.Index })])
            {
                if (!listing.Files.ContainsKey(name))
                    cache.WriteMissing(listing.Commit, name);
            }
            cache.WriteReference(reference.Revision, listing.Commit);
        });
        return Describe(cache, listing.Commit, [.. files.Select(file => file.Path)], received);
    }

    private static async Task<List<HubFile>> DescribeAsync(HubClient client, Retries retries, HubReference reference, RepositoryListing listing, IReadOnlyList<string> paths, CancellationToken cancellationToken)
    {
        var files = new List<HubFile>();
        foreach (string path in paths)
        {
            files.Add(listing.Files[path] ?? await retries.RunAsync($"{reference}: {path}",
                token => client.DescribeAsync(reference, listing.Commit, path, token), () => 0, cancellationToken).ConfigureAwait(false));
        }
        return files;
    }

    private static IReadOnlyList<string> ReadIndex(RepositoryCache cache, HubReference reference, RepositoryListing listing, HubFile index)
    {
        string path = cache.FindFile(listing.Commit, index.Path) ?? throw new BadFileException($"{cache.SnapshotFolder(listing.Commit)}: {index.Path} was deleted while the model was downloaded.");
        try
        {
            IReadOnlyList<string> shards = CachedModel.ShardsOf(path);
            return shards.FirstOrDefault(shard => !listing.Files.ContainsKey(shard)) is { } missing
                ? throw new BadFileException($"{reference}: {index.Path} names {missing}, which the repository lacks.")
                : shards;
        }
        catch (JsonException e)
        {
            throw new BadFileException($"{reference}: {index.Path} is no index of weights: {e.Message}", e);
        }
    }

    private async Task<long> DownloadAsync(
        HubClient client,
        RepositoryCache cache,
        Retries retries,
        HubReference reference,
        string commit,
        IReadOnlyList<HubFile> files,
        IProgress<WorkProgress>? progress,
        Action<string>? notice,
        CancellationToken cancellationToken)
    {
        CheckRoom(cache, reference, files);
        var meter = new TransferMeter(progress, files.Sum(file => file.ByteCount), TimeProvider.System);
        var download = new FileDownload(client, cache, retries, meter, options, notice);
        // Content that has several names is fetched once, not waited for.
        var parallel = new ParallelOptions { MaxDegreeOfParallelism = options.MaximumTransferCount, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(files.GroupBy(file => file.Hash, StringComparer.Ordinal), parallel, async (sameContent, token) =>
        {
            foreach (HubFile file in sameContent)
                await download.RunAsync(reference, commit, file, token).ConfigureAwait(false);
        }).ConfigureAwait(false);
        return meter.ReceivedByteCount;
    }

    /// <summary>Says before a download that it will not fit, rather than hours later.</summary>
    private static void CheckRoom(RepositoryCache cache, HubReference reference, IReadOnlyList<HubFile> files)
    {
        long needed = 0;
        foreach (HubFile file in files.DistinctBy(f => f.Hash))
        {
            var part = new FileInfo(cache.PartPath(file.Hash));
            if (!File.Exists(cache.BlobPath(file.Hash)))
                needed += Math.Max(0, file.ByteCount - (part.Exists ? part.Length : 0));
        }
        long room;
        try
        {
            room = new DriveInfo(cache.Folder).AvailableFreeSpace;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // Some mounts do not say; writing will tell.
            return;
        }
        if (room < needed)
            throw new BadFileException($"{reference}: the download needs {ByteCountText.Of(needed)}, the disk of {cache.Folder} has {ByteCountText.Of(room)} free. Free some room, or name another folder with HF_HUB_CACHE.");
    }

    private static HubModel Describe(RepositoryCache cache, string commit, IReadOnlyList<string> files, long received)
    {
        string folder = cache.SnapshotFolder(commit);
        IReadOnlyList<string> gguf = [.. files.Where(ModelFileNames.IsGguf)];
        string path = folder;
        if (gguf.Count > 0)
        {
            path = Path.Combine(folder, gguf[0]);
        }
        else if (Directory.EnumerateFiles(folder, "*.gguf").Any())
        {
            // Somebody fetched GGUF files too: the folder alone would not say which model is meant.
            string weights = files.FirstOrDefault(file => file.EndsWith(".index.json", StringComparison.Ordinal)) ?? files.Last(file => !ModelFileNames.SideFiles.Contains(file));
            path = Path.Combine(folder, weights);
        }
        return new HubModel(path, commit, files, files.Sum(file => cache.ByteCountOf(commit, file)), received);
    }

    private static void Guard(RepositoryCache cache, Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BadFileException($"{cache.Folder}: the cache cannot be written: {e.Message}", e);
        }
    }
}
