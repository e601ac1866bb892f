using Decant.Core.Errors;
using Decant.Testing;

namespace Decant.Hub.Tests;

/// <summary>The environment variables of huggingface_hub.</summary>
public sealed class HubOptionsTests
{
    [Theory]
    [InlineData("", "/home/u/.cache/huggingface/hub")]
    [InlineData("XDG_CACHE_HOME=/x", "/x/huggingface/hub")]
    [InlineData("XDG_CACHE_HOME=/x HF_HOME=/h", "/h/hub")]
    [InlineData("HF_HOME=~/h", "/home/u/h/hub")]
    [InlineData("HF_HOME=/h HF_HUB_CACHE=/c", "/c")]
    [InlineData("HF_HOME=/h HUGGINGFACE_HUB_CACHE=/old", "/old")]
    public void The_cache_is_found(string variables, string expected) => Assert.Equal(expected, From(variables).CacheFolder);

    [Theory]
    [InlineData("HF_HUB_OFFLINE=1", true)]
    [InlineData("HF_HUB_OFFLINE=true", true)]
    [InlineData("TRANSFORMERS_OFFLINE=YES", true)]
    [InlineData("HF_HUB_OFFLINE=0", false)]
    [InlineData("", false)]
    public void Offline_is_asked_for(string variables, bool expected) => Assert.Equal(expected, From(variables).Offline);

    [Fact]
    public void The_token_comes_from_the_environment_or_its_file()
    {
        using var folder = new TemporaryFolder();
        folder.Write("token", "hf_file\n");
        Assert.Equal("hf_file", From($"HF_HOME={folder.Path}").Token);
        Assert.Equal("hf_env", From($"HF_HOME={folder.Path} HF_TOKEN=hf_env").Token);
        Assert.Equal("hf_file", From($"HF_TOKEN_PATH={folder["token"]}").Token);
        Assert.Null(From($"HF_HOME={folder.Path} HF_HUB_DISABLE_IMPLICIT_TOKEN=1").Token);
        Assert.Null(From($"HF_HOME={folder.Path}/none").Token);
        folder.Write("token", "two words\r\nX-Evil: 1");
        string message = Assert.Throws<UsageException>(() => From($"HF_HOME={folder.Path}")).Message;
        Assert.DoesNotContain("Evil", message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_endpoint_is_an_address()
    {
        Assert.Equal("https://huggingface.co/", From("").Endpoint.AbsoluteUri);
        Assert.Equal("https://mirror.example/hf", From("HF_ENDPOINT=https://mirror.example/hf/").Endpoint.AbsoluteUri);
        foreach (string wrong in new[] { "mirror.example", "ftp://mirror.example", "file:///x" })
            Assert.Throws<UsageException>(() => From("HF_ENDPOINT=" + wrong));
    }

    private static HubOptions From(string variables)
    {
        var set = variables.Split(' ', StringSplitOptions.RemoveEmptyEntries).ToDictionary(v => v.Split('=')[0], v => v.Split('=', 2)[1]);
        return HubOptions.From(set.GetValueOrDefault, "/home/u");
    }
}
