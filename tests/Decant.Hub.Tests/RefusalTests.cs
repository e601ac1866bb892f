using Decant.Core.Errors;
using Microsoft.AspNetCore.Http;

namespace Decant.Hub.Tests;

/// <summary>What the hub refuses, what it may be told, and what it may not make a client do.</summary>
public sealed class RefusalTests : HubTestCase
{
    [Theory]
    [InlineData(401, "GatedRepo", "Access to model org/model is restricted.", "gated")]
    [InlineData(403, "GatedRepo", "Awaiting a review.", "Awaiting a review")]
    [InlineData(401, "RepoNotFound", "", "no such model, or it is private")]
    [InlineData(401, "", "Invalid username or password.", "HF_TOKEN")]
    [InlineData(404, "RepoNotFound", "Repository not found", "no such model")]
    [InlineData(404, "RevisionNotFound", "Invalid rev id", "no revision 'main'")]
    [InlineData(403, "", "", "access is refused (127.0.0.1 answered 403)")]
    [InlineData(400, "", "Bad thing", "Bad thing")]
    public async Task Refusals_say_what_to_do(int status, string code, string said, string expected)
    {
        int count = 0;
        Hub.Intercept = (context, _) =>
        {
            count++;
            context.Response.StatusCode = status;
            context.Response.Headers["X-Error-Code"] = code;
            context.Response.Headers["X-Error-Message"] = said;
            return Task.FromResult(true);
        };
        string message = await FailsAsync<BadFileException>();
        Assert.Contains(expected, message, StringComparison.Ordinal);
        Assert.Contains(code == "RevisionNotFound" ? "/org/model/tree/main" : $"answered {status}", message, StringComparison.Ordinal);
        Assert.Equal(1, count);
    }

    [Theory]
    [InlineData(404, "the hub lists config.json and does not give it (127.0.0.1 answered 404)")]
    [InlineData(401, "access to config.json is refused (127.0.0.1 answered 401)")]
    [InlineData(403, "access is refused (127.0.0.1 answered 403)")]
    public async Task A_refused_file_of_a_listed_model_is_no_missing_model(int status, string expected)
    {
        Hub.WithModel();
        Hub.Intercept = (context, path) =>
        {
            bool hit = path.EndsWith("/config.json", StringComparison.Ordinal);
            if (hit)
                context.Response.StatusCode = status;
            return Task.FromResult(hit);
        };
        string message = await FailsAsync<BadFileException>();
        Assert.Contains(expected, message, StringComparison.Ordinal);
        Assert.DoesNotContain("no such model", message, StringComparison.Ordinal);
        Assert.False(File.Exists(PartPath("config.json")), "nothing of it is there to go on with");
    }

    [Theory]
    [InlineData(403)]
    [InlineData(404)]
    public async Task An_expired_address_of_storage_is_asked_for_again(int status)
    {
        Hub.WithModel();
        int asked = 0;
        Hub.Intercept = (context, path) =>
        {
            bool expired = path == "/storage/model.safetensors" && asked++ == 0;
            if (expired)
                context.Response.StatusCode = status;
            return Task.FromResult(expired);
        };
        HubModel model = await FetchAsync();
        Assert.Equal(Hub.Files["model.safetensors"], Read(model, "model.safetensors"));
        Assert.Contains(Notices, notice => notice.Contains($"which the hub redirects to, answered {status}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_server_that_nobody_vouches_for_is_not_spoken_to()
    {
        using var key = System.Security.Cryptography.RSA.Create(2048);
        var request = new System.Security.Cryptography.X509Certificates.CertificateRequest(
            "CN=localhost", key, System.Security.Cryptography.HashAlgorithmName.SHA256, System.Security.Cryptography.RSASignaturePadding.Pkcs1);
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        using var own = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        using var certificate = System.Security.Cryptography.X509Certificates.X509CertificateLoader.LoadPkcs12(own.Export(System.Security.Cryptography.X509Certificates.X509ContentType.Pfx), null);
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        int connections = 0;
        Task server = Task.Run(async () =>
        {
            using System.Net.Sockets.TcpClient client = await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
            connections++;
            await using var stream = new System.Net.Security.SslStream(client.GetStream());
            await Assert.ThrowsAnyAsync<Exception>(async () =>
            {
                await stream.AuthenticateAsServerAsync(certificate);
                await stream.ReadExactlyAsync(new byte[1], TestContext.Current.CancellationToken);
            });
        }, TestContext.Current.CancellationToken);
        Options = Options with { Endpoint = new Uri($"https://localhost:{((System.Net.IPEndPoint)listener.LocalEndpoint).Port}"), Token = "hf_secret" };
        Assert.Contains("not secure", await FailsAsync<BadFileException>(), StringComparison.Ordinal);
        await server;
        Assert.Equal(1, connections);
        Assert.Empty(Notices);
    }

    [Fact]
    public async Task The_token_goes_to_the_hub_and_to_no_other_server()
    {
        Hub.WithModel();
        Options = Options with { Token = "hf_secret" };
        await FetchAsync();
        Assert.All(Hub.Requests, request => Assert.Equal(request.IsStorage ? null : "Bearer hf_secret", request.Authorization));
        Assert.Contains(Hub.Requests, request => request.IsStorage);
    }

    [Fact]
    public async Task A_renamed_model_is_followed_with_the_token()
    {
        Hub.WithModel();
        Options = Options with { Token = "hf_secret" };
        Hub.Intercept = (context, path) =>
        {
            if (!path.Contains("org/old", StringComparison.Ordinal))
                return Task.FromResult(false);
            context.Response.StatusCode = 307;
            context.Response.Headers.Location = path.Replace("org/old", "org/model", StringComparison.Ordinal);
            return Task.FromResult(true);
        };
        HubModel model = await FetchAsync("hf:org/old");
        Assert.Contains("models--org--old", model.Path, StringComparison.Ordinal);
        Assert.All(Hub.Requests.Where(request => !request.IsStorage), request => Assert.Equal("Bearer hf_secret", request.Authorization));
    }

    [Theory]
    [InlineData("file:///etc/passwd", "no https address")]
    [InlineData("/api/models/org/model/revision/main", "more than 10 times")]
    public async Task Redirects_lead_nowhere_else(string location, string expected)
    {
        Hub.Intercept = (context, _) =>
        {
            context.Response.StatusCode = 302;
            context.Response.Headers.Location = location;
            return Task.FromResult(true);
        };
        Assert.Contains(expected, await FailsAsync<BadFileException>(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("<html>captive portal</html>")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"sha":"../../etc","siblings":[]}""")]
    [InlineData("""{"sha":"0123456789abcdef0123456789abcdef01234567"}""")]
    [InlineData("""{"sha":1,"siblings":[]}""")]
    public async Task Answers_that_are_no_listing_are_called_that(string answer)
    {
        Hub.Intercept = async (context, _) =>
        {
            await context.Response.WriteAsync(answer);
            return true;
        };
        Assert.Contains("no listing of a model", await FailsAsync<BadFileException>(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Files_that_would_leave_the_folder_are_never_written()
    {
        Hub.WithModel();
        foreach (string path in new[] { "../evil.gguf", "/etc/evil", "additional_chat_templates/../../evil.jinja", "a\\b.jinja", "additional_chat_templates/c:x.jinja" })
            Hub.Files[path] = new byte[3];
        HubModel model = await FetchAsync();
        Assert.DoesNotContain(model.Files, file => file.Contains("evil", StringComparison.Ordinal) || file.Contains(':', StringComparison.Ordinal));
        Hub.Files.Remove("model.safetensors");
        Hub.Files["model.safetensors.index.json"] = """{"weight_map":{"a":"../../../evil.safetensors"}}"""u8.ToArray();
        Hub.Sha = new string('e', 40);
        Assert.Contains("no index of weights", (await Assert.ThrowsAsync<BadFileException>(() => FetchAsync(update: true))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("not-a-hash")]
    [InlineData("../../../../0000000000000000000000000000000")]
    [InlineData("ABCDEF6789abcdef0123456789abcdef01234567")]
    public async Task A_file_without_a_hash_to_check_is_not_fetched(string hash)
    {
        Hub.WithModel();
        Hub.StatedHashes["config.json"] = hash;
        Assert.Contains("states no hash", await FailsAsync<BadFileException>(), StringComparison.Ordinal);
    }
}
