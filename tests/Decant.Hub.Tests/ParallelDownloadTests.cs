using Decant.Core.Errors;
using Decant.Core.Measurement;

namespace Decant.Hub.Tests;

/// <summary>Shards are fetched a few at once.</summary>
public sealed class ParallelDownloadTests : HubTestCase
{
    private const int ShardCount = 6;

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task No_more_files_at_once_than_allowed_and_all_of_them_whole(int most)
    {
        WithShards();
        Options = Options with { MaximumTransferCount = most };
        int now = 0, highest = 0;
        var gate = new Lock();
        Hub.Intercept = async (_, path) =>
        {
            if (!path.StartsWith("/storage/", StringComparison.Ordinal))
                return false;
            lock (gate)
                highest = Math.Max(highest, ++now);
            await Task.Delay(100);
            lock (gate)
                now--;
            return false;
        };
        var reports = new List<WorkProgress>();
        HubModel model = await FetchAsync(progress: new Recorder(reports));
        Assert.Equal(most, highest);
        for (int i = 1; i <= ShardCount; i++)
            Assert.Equal(Hub.Files[Shard(i)], Read(model, Shard(i)));
        Assert.Equal(model.ByteCount, model.DownloadedByteCount);
        Assert.Equal(reports.Select(report => report.Done).Order(), reports.Select(report => report.Done));
        Assert.Equal(reports[^1].Total, reports[^1].Done);
    }

    [Fact]
    public async Task One_that_fails_ends_the_others_and_their_parts_are_gone_on_with()
    {
        WithShards();
        Hub.Intercept = async (context, path) =>
        {
            if (path == "/storage/" + Shard(2))
            {
                // The others have begun by then.
                await Task.Delay(300);
                context.Response.StatusCode = 403;
                return true;
            }
            if (!path.StartsWith("/storage/", StringComparison.Ordinal))
                return false;
            context.Response.ContentLength = Hub.Files[Path.GetFileName(path)].Length;
            await context.Response.Body.WriteAsync(Hub.Files[Path.GetFileName(path)].AsMemory(0, 20_000));
            await context.Response.Body.FlushAsync();
            await Task.Delay(TimeSpan.FromSeconds(20), context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            return true;
        };
        Assert.Contains("which the hub redirects to, answered 403", await FailsAsync<BadFileException>(), StringComparison.Ordinal);
        Assert.Equal(20_000, new FileInfo(PartPath(Shard(1))).Length);
        Assert.Equal(20_000, new FileInfo(PartPath(Shard(3))).Length);
        Hub.Intercept = null;
        Hub.Requests.Clear();
        HubModel model = await FetchAsync();
        Assert.Contains(Hub.Requests, request => request.Path == "/storage/" + Shard(3) && request.Range == "bytes=20000-");
        for (int i = 1; i <= ShardCount; i++)
            Assert.Equal(Hub.Files[Shard(i)], Read(model, Shard(i)));
    }

    [Fact]
    public async Task Equal_content_is_fetched_once_and_nobody_is_said_to_wait()
    {
        WithShards();
        for (int i = 2; i <= ShardCount; i++)
            Hub.Files[Shard(i)] = Hub.Files[Shard(1)];
        HubModel model = await FetchAsync();
        Assert.Single(Hub.Requests, request => request.Path.StartsWith("/storage/model-", StringComparison.Ordinal));
        Assert.Equal(Hub.Files[Shard(1)], Read(model, Shard(ShardCount)));
        Assert.Empty(Notices);
    }

    private static string Shard(int number) => $"model-0000{number}-of-0000{ShardCount}.safetensors";

    private void WithShards()
    {
        Hub.WithModel();
        Hub.Files.Remove("model.safetensors");
        string map = string.Join(',', Enumerable.Range(1, ShardCount).Select(i => $"\"t{i}\":\"{Shard(i)}\""));
        Hub.Files["model.safetensors.index.json"] = System.Text.Encoding.UTF8.GetBytes("{\"weight_map\":{" + map + "}}");
        for (int i = 1; i <= ShardCount; i++)
            Hub.AddLarge(Shard(i), LoopbackHub.Noise(100_000 + i, i));
    }

    private sealed class Recorder(List<WorkProgress> reports) : IProgress<WorkProgress>
    {
        public void Report(WorkProgress value) => reports.Add(value);
    }
}
