using System.Globalization;
using Decant.Core.Errors;
using Microsoft.AspNetCore.Http;

namespace Decant.Hub.Tests;

/// <summary>Servers that drop connections, lie about lengths, serve a wrong hash, ignore ranges.</summary>
public sealed class DownloadFaultTests : HubTestCase
{
    private const string Weights = "model.safetensors";

    private string[] Ranges => [.. Hub.Requests.Where(r => r.IsStorage).Select(r => r.Range ?? "")];

    [Fact]
    public async Task A_dropped_connection_is_taken_up_where_it_ended()
    {
        Hub.WithModel();
        int count = 0;
        OnWeights(async context =>
        {
            // More drops than tries: each brings bytes, so none counts.
            await LoopbackHub.SendAsync(context, Hub.Files[Weights], ++count <= 6 ? 40_000 : null);
            return true;
        });
        HubModel model = await FetchAsync();
        Assert.Equal(Hub.Files[Weights], Read(model, Weights));
        Assert.Equal(7, count);
        Assert.Equal(["", "bytes=40000-", "bytes=80000-"], Ranges[..3]);
        Assert.Equal(model.ByteCount, model.DownloadedByteCount);
    }

    [Fact]
    public async Task A_server_that_gives_nothing_is_given_up_and_what_there_is_stays()
    {
        Hub.WithModel();
        int count = 0;
        OnWeights(async context =>
        {
            await LoopbackHub.SendAsync(context, Hub.Files[Weights], ++count == 1 ? 40_000 : 0);
            return true;
        });
        string message = await FailsAsync<BadFileException>();
        Assert.Contains("hf:org/model: model.safetensors", message, StringComparison.Ordinal);
        Assert.Contains("run the command again", message, StringComparison.Ordinal);
        Assert.Equal(40_000, new FileInfo(PartPath(Weights)).Length);
        Hub.Intercept = null;
        Hub.Requests.Clear();
        HubModel model = await FetchAsync();
        Assert.Equal(["bytes=40000-"], Ranges);
        Assert.Equal(Hub.Files[Weights], Read(model, Weights));
        Assert.Equal(260_000, model.DownloadedByteCount);
    }

    [Fact]
    public async Task A_server_that_ignores_ranges_starts_anew()
    {
        Hub.WithModel();
        int count = 0;
        OnWeights(async context =>
        {
            context.Request.Headers.Range = default;
            await LoopbackHub.SendAsync(context, Hub.Files[Weights], ++count == 1 ? 100_000 : null);
            return true;
        });
        HubModel model = await FetchAsync();
        Assert.Equal(["", "bytes=100000-"], Ranges);
        Assert.Equal(Hub.Files[Weights], Read(model, Weights));
    }

    [Theory]
    [InlineData("bytes 0-299999/300000")]
    [InlineData("bytes 100000-299999/400000")]
    [InlineData("")]
    public async Task A_wrong_range_is_not_pasted_to_the_part(string range)
    {
        Hub.WithModel();
        Part(Hub.Files[Weights][..100_000]);
        int count = 0;
        OnWeights(async context =>
        {
            if (count++ > 0)
                return false;
            context.Response.StatusCode = 206;
            if (range.Length > 0)
                context.Response.Headers.ContentRange = range;
            context.Response.ContentLength = 200_000;
            await context.Response.Body.WriteAsync(new byte[200_000]);
            return true;
        });
        HubModel model = await FetchAsync();
        Assert.Equal(Hub.Files[Weights], Read(model, Weights));
        Assert.Equal(["bytes=100000-", ""], Ranges);
    }

    [Fact]
    public async Task A_part_longer_than_the_file_or_of_other_content_is_dropped()
    {
        Hub.WithModel();
        Part(new byte[400_000]);
        Assert.Equal(Hub.Files[Weights], Read(await FetchAsync(), Weights));
        Assert.Equal([""], Ranges);
        File.Delete(BlobPath(Weights));
        Hub.Requests.Clear();
        Notices.Clear();
        Part(new byte[100_000]);
        Assert.Equal(Hub.Files[Weights], Read(await FetchAsync(), Weights));
        Assert.Equal(["bytes=100000-", ""], Ranges);
        Assert.Contains(Notices, notice => notice.Contains("arrived damaged", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_part_that_is_whole_needs_no_request()
    {
        Hub.WithModel();
        Part(Hub.Files[Weights]);
        Assert.Equal(Hub.Files[Weights], Read(await FetchAsync(), Weights));
        Assert.Empty(Ranges);
    }

    [Theory]
    [InlineData(-1000, "announces 299000")]
    [InlineData(1000, "announces 301000")]
    public async Task A_length_that_is_not_the_listings_is_refused(int difference, string expected)
    {
        Hub.WithModel();
        OnWeights(async context =>
        {
            await LoopbackHub.SendAsync(context, new byte[300_000 + difference]);
            return true;
        });
        string message = await FailsAsync<BadFileException>();
        Assert.Contains("expected 300000 bytes", message, StringComparison.Ordinal);
        Assert.Contains(expected, message, StringComparison.Ordinal);
        Assert.False(File.Exists(BlobPath(Weights)));
        Assert.Equal(3, Ranges.Length);
    }

    [Fact]
    public async Task More_bytes_than_there_should_be_without_an_announced_length_are_refused()
    {
        Hub.WithModel();
        OnWeights(async context =>
        {
            for (int i = 0; i < 4; i++)
            {
                await context.Response.Body.WriteAsync(new byte[100_000]);
                await context.Response.Body.FlushAsync();
            }
            return true;
        });
        Assert.Contains("the server sends more", await FailsAsync<BadFileException>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fewer_bytes_than_announced_are_no_file()
    {
        Hub.WithModel();
        OnWeights(async context =>
        {
            // Without a length the end of a short answer looks like the end of the file.
            context.Request.Headers.Range = default;
            await context.Response.Body.WriteAsync(Hub.Files[Weights].AsMemory(0, 200_000));
            return true;
        });
        Assert.Contains("200000 of 300000", await FailsAsync<BadFileException>(), StringComparison.Ordinal);
        Assert.False(File.Exists(BlobPath(Weights)));
    }

    [Theory]
    [InlineData(Weights, "SHA-256")]
    [InlineData("tokenizer.json", "git id")]
    public async Task Content_of_another_hash_never_gets_its_name(string file, string kind)
    {
        Hub.WithModel();
        Hub.Intercept = async (context, path) =>
        {
            bool hit = path.EndsWith(Hub.Large.Contains(file) ? "/storage/" + file : "/resolve/" + Hub.Sha + "/" + file, StringComparison.Ordinal);
            if (hit)
                await LoopbackHub.SendAsync(context, new byte[Hub.Files[file].Length]);
            return hit;
        };
        string message = await FailsAsync<BadFileException>();
        Assert.Contains(kind, message, StringComparison.Ordinal);
        Assert.Contains(Hub.HashOf(file), message, StringComparison.Ordinal);
        Assert.False(File.Exists(BlobPath(file)));
        Assert.False(File.Exists(Path.Combine(Folder, "snapshots", Hub.Sha, file)));
        Assert.False(File.Exists(PartPath(file)), "nothing of it is kept");
    }

    [Fact]
    public async Task Damage_on_the_way_is_mended_by_a_second_try()
    {
        Hub.WithModel();
        int count = 0;
        OnWeights(async context =>
        {
            byte[] content = [.. Hub.Files[Weights]];
            content[123_456] ^= (byte)(count++ == 0 ? 1 : 0);
            await LoopbackHub.SendAsync(context, content);
            return true;
        });
        Assert.Equal(Hub.Files[Weights], Read(await FetchAsync(), Weights));
        Assert.Equal(2, count);
    }

    [Fact]
    public async Task A_header_that_states_another_hash_than_the_listing_means_the_listing_is_read_again()
    {
        Hub.WithModel();
        byte[] old = Hub.Files[Weights];
        string oldHash = Hub.HashOf(Weights);
        int listings = 0;
        Hub.Intercept = (_, path) =>
        {
            if (path.StartsWith("/api/", StringComparison.Ordinal))
                Hub.StatedHashes[Weights] = listings++ == 0 ? oldHash : "";
            if (path.StartsWith("/org/", StringComparison.Ordinal))
            {
                // The file changes between the first listing and the first download.
                Hub.Files[Weights] = LoopbackHub.Noise(300_000, 9);
                Hub.StatedHashes.Remove(Weights);
            }
            if (listings > 1)
                Hub.StatedHashes.Remove(Weights);
            return Task.FromResult(false);
        };
        HubModel model = await FetchAsync();
        Assert.Equal(2, listings);
        Assert.NotEqual(old, Read(model, Weights));
        Assert.Equal(Hub.Files[Weights], Read(model, Weights));
        Assert.False(File.Exists(Path.Combine(Folder, "blobs", oldHash)));
    }

    [Fact]
    public async Task A_silent_server_is_left()
    {
        Hub.WithModel();
        Options = Options with { StallTimeout = TimeSpan.FromMilliseconds(200) };
        int count = 0;
        OnWeights(async context =>
        {
            if (count++ > 0)
                return false;
            context.Response.ContentLength = 300_000;
            await context.Response.Body.WriteAsync(Hub.Files[Weights].AsMemory(0, 1000));
            await context.Response.Body.FlushAsync();
            await Task.Delay(TimeSpan.FromSeconds(20), context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            return true;
        });
        Assert.Equal(Hub.Files[Weights], Read(await FetchAsync(), Weights));
        Assert.Equal("bytes=1000-", Ranges[1]);
        Assert.Contains(Notices, notice => notice.Contains("sent nothing for 0.2 s", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Cancelling_leaves_a_part_that_the_next_run_goes_on_with()
    {
        Hub.WithModel();
        using var cancel = new CancellationTokenSource();
        OnWeights(async context =>
        {
            context.Response.ContentLength = 300_000;
            await context.Response.Body.WriteAsync(Hub.Files[Weights].AsMemory(0, 50_000));
            await context.Response.Body.FlushAsync();
            for (int i = 0; i < 200 && !(File.Exists(PartPath(Weights)) && new FileInfo(PartPath(Weights)).Length == 50_000); i++)
                await Task.Delay(10);
            await cancel.CancelAsync();
            await Task.Delay(TimeSpan.FromSeconds(20), context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            return true;
        });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => FetchAsync(token: cancel.Token));
        Assert.Equal(50_000, new FileInfo(PartPath(Weights)).Length);
        Hub.Intercept = null;
        Hub.Requests.Clear();
        Assert.Equal(Hub.Files[Weights], Read(await FetchAsync(), Weights));
        Assert.Equal(["bytes=50000-"], Ranges);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(502)]
    [InlineData(503)]
    [InlineData(429)]
    public async Task Busy_servers_are_asked_again(int status)
    {
        Hub.WithModel();
        int count = 0;
        Hub.Intercept = (context, _) =>
        {
            if (count++ >= 2)
                return Task.FromResult(false);
            context.Response.StatusCode = status;
            return Task.FromResult(true);
        };
        await FetchAsync();
        Assert.Equal(2, Notices.Count);
        count = -100;
        Cache.Dispose();
        string message = await FailsAsync<BadFileException>();
        Assert.Contains(status.ToString(CultureInfo.InvariantCulture), message, StringComparison.Ordinal);
        Assert.Equal(-97, count);
    }

    [Fact]
    public async Task The_server_says_how_long_to_wait()
    {
        Hub.WithModel();
        int count = 0;
        Hub.Intercept = (context, _) =>
        {
            if (count++ > 0)
                return Task.FromResult(false);
            context.Response.StatusCode = 429;
            context.Response.Headers.RetryAfter = "1";
            return Task.FromResult(true);
        };
        long start = TimeProvider.System.GetTimestamp();
        await FetchAsync();
        Assert.InRange(TimeProvider.System.GetElapsedTime(start).TotalSeconds, 1.0, 20);
        count = 0;
        Hub.Intercept = (context, _) =>
        {
            count++;
            context.Response.StatusCode = 429;
            context.Response.Headers.RetryAfter = "7200";
            return Task.FromResult(true);
        };
        Cache.Dispose();
        string message = await FailsAsync<BadFileException>();
        Assert.Contains("120 minutes", message, StringComparison.Ordinal);
        Assert.Equal(1, count);
    }

    [Fact]
    public async Task Two_downloads_of_the_same_file_share_one_transfer()
    {
        Hub.WithModel();
        OnWeights(async _ =>
        {
            await Task.Delay(500);
            return false;
        });
        HubModel[] models = await Task.WhenAll(FetchAsync(), FetchAsync());
        Assert.Equal(models[0].Path, models[1].Path);
        Assert.Single(Ranges);
        Assert.Equal(Hub.Files[Weights], Read(models[0], Weights));
        Assert.Contains(Notices, notice => notice.Contains("another process", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_cache_that_cannot_be_written_says_so()
    {
        Hub.WithModel();
        File.WriteAllText(Folder, "in the way");
        Assert.Contains("HF_HUB_CACHE", await FailsAsync<BadFileException>(), StringComparison.Ordinal);
        File.Delete(Folder);
        // The name of the part is taken by a folder: the write itself fails.
        Directory.CreateDirectory(PartPath(Weights));
        string message = await FailsAsync<BadFileException>();
        Assert.Contains("cannot be written", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_disk_without_room_is_noticed_before()
    {
        Hub.WithModel();
        Hub.Intercept = async (context, path) =>
        {
            if (!path.StartsWith("/api/", StringComparison.Ordinal))
                return false;
            await context.Response.WriteAsync($$$"""{"sha":"{{{Hub.Sha}}}","siblings":[{"rfilename":"config.json","size":10,"blobId":"{{{new string('c', 40)}}}"},{"rfilename":"model.safetensors","size":4000000000000000,"lfs":{"sha256":"{{{new string('d', 64)}}}"}}]}""");
            return true;
        };
        string message = await FailsAsync<BadFileException>();
        Assert.Contains("the download needs 4000.0 TB", message, StringComparison.Ordinal);
    }

    private void Part(byte[] content)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(PartPath(Weights))!);
        File.WriteAllBytes(PartPath(Weights), content);
    }

    private void OnWeights(Func<HttpContext, Task<bool>> answer) =>
        Hub.Intercept = async (context, path) => path == "/storage/" + Weights && await answer(context);
}
