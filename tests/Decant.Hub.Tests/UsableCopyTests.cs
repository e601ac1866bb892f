using Decant.Core.Errors;
using Microsoft.AspNetCore.Http;

namespace Decant.Hub.Tests;

/// <summary>A hub that refuses or talks nonsense does not keep anybody from the copy that lies in the cache.</summary>
public sealed class UsableCopyTests : HubTestCase
{
    [Theory]
    [InlineData(401, "GatedRepo", "gated")]
    [InlineData(401, "RepoNotFound", "no such model, or it is private")]
    [InlineData(403, "GatedRepo", "gated")]
    [InlineData(403, "", "access is refused")]
    [InlineData(404, "RepoNotFound", "no such model")]
    [InlineData(404, "RevisionNotFound", "no revision 'main'")]
    [InlineData(400, "", "answered 400")]
    [InlineData(503, "", "503")]
    [InlineData(429, "", "429")]
    public async Task A_refusal_is_told_and_the_copy_is_used(int status, string code, string reason)
    {
        Hub.WithModel();
        PlacePythonCopy();
        Answer(status, code);
        HubModel model = await FetchAsync();
        Assert.Equal((LoopbackHub.Commit, 0), (model.Commit, model.DownloadedByteCount));
        Assert.Equal(["config.json", "model.safetensors"], model.Files);
        AssertTold(reason);
        Assert.Single(Hub.Requests);
    }

    [Theory]
    [InlineData(200, "no listing of a model")]
    [InlineData(302, "more than 10 times")]
    public async Task A_login_page_is_told_and_the_copy_is_used(int status, string reason)
    {
        Hub.WithModel();
        PlacePythonCopy();
        Hub.Intercept = async (context, _) =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.Location = "/login";
            await context.Response.WriteAsync("<html><body>Log in</body></html>");
            return true;
        };
        Assert.Equal(LoopbackHub.Commit, (await FetchAsync()).Commit);
        AssertTold(reason);
    }

    [Theory]
    [InlineData("v1.0")]
    [InlineData("refs/pr/1")]
    [InlineData(LoopbackHub.Commit)]
    public async Task A_revision_that_cannot_be_asked_for_is_what_it_was_when_it_was_asked_for_last(string revision)
    {
        Hub.WithModel();
        PlacePythonCopy(revision == LoopbackHub.Commit ? "main" : revision);
        Answer(404, "RevisionNotFound");
        Assert.Equal(LoopbackHub.Commit, (await FetchAsync("hf:org/model@" + revision)).Commit);
        AssertTold($"no revision '{revision}'");
        // Of another one nothing is known.
        Assert.Contains("no revision 'other'", await FailsAsync<BadFileException>("hf:org/model@other"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_side_file_that_cannot_be_had_does_not_keep_the_copy_from_being_used()
    {
        Hub.WithModel();
        PlacePythonCopy();
        Hub.Intercept = (context, path) =>
        {
            bool refused = path.EndsWith("/tokenizer.json", StringComparison.Ordinal);
            if (refused)
                context.Response.StatusCode = 403;
            return Task.FromResult(refused);
        };
        Assert.Equal(["config.json", "model.safetensors"], (await FetchAsync()).Files);
        AssertTold("access is refused");
    }

    [Fact]
    public async Task A_cache_that_cannot_be_written_is_good_enough_for_reading()
    {
        Hub.WithModel();
        PlacePythonCopy();
        // The part's name is taken by a folder: nothing can be written there.
        Directory.CreateDirectory(PartPath("tokenizer.json"));
        Assert.Equal(LoopbackHub.Commit, (await FetchAsync()).Commit);
        AssertTold("cannot be written");
    }

    [Fact]
    public async Task Whoever_asks_for_an_update_is_told_that_there_is_none_and_that_there_is_a_copy()
    {
        Hub.WithModel();
        PlacePythonCopy();
        Answer(401, "GatedRepo");
        string message = (await Assert.ThrowsAsync<BadFileException>(() => FetchAsync(update: true))).Message;
        Assert.Contains("gated", message, StringComparison.Ordinal);
        Assert.Contains("copy (commit 0123456) lies in the cache", message, StringComparison.Ordinal);
        Assert.Empty(Notices);
    }

    [Theory]
    [InlineData("config.json")]
    [InlineData("model.safetensors")]
    public async Task Half_a_copy_is_none(string missing)
    {
        Hub.WithModel();
        PlacePythonCopy();
        File.Delete(BlobPath(missing));
        Answer(401, "GatedRepo");
        string message = await FailsAsync<BadFileException>();
        Assert.Contains("HF_TOKEN", message, StringComparison.Ordinal);
        Assert.DoesNotContain("copy", message, StringComparison.Ordinal);
        Assert.Empty(Notices);
    }

    private void Answer(int status, string code) => Hub.Intercept = (context, _) =>
    {
        context.Response.StatusCode = status;
        context.Response.Headers["X-Error-Code"] = code;
        return Task.FromResult(true);
    };

    private void AssertTold(string reason)
    {
        string notice = Assert.Single(Notices);
        Assert.Contains(reason, notice, StringComparison.Ordinal);
        Assert.Contains("sing the copy in the cache (commit 0123456).", notice, StringComparison.Ordinal);
    }
}
