using System.Text.Json;
using Decant.Testing;

namespace Decant.Long.Tests;

/// <summary>Perplexity over 39 windows beside llama.cpp on the same weights.</summary>
public sealed class WholeTextTests
{
    // Both compute in single precision, in another order of sums.
    private const double SingleTolerance = 1e-5;

    // llama.cpp rounds activations to 8 bits where the file is quantized.
    private const double EightBitTolerance = 0.01;

    [Fact]
    public void Perplexity_of_the_F32_form_is_llama_cpps_and_of_the_file_within_a_hundredth()
    {
        string model = SharedFiles.Require("models", "smollm2-135m", "smollm2-135m-q8_0.gguf");
        string text = SharedFiles.Require("data", "wikitext-2", "test.txt");
        using var folder = new TemporaryFolder();
        string single = folder["f32.gguf"];
        Peer.Run(["quantize", model, single, "F32", "2"]);
        double ours = OurPerplexity(model, text);
        double theirs = PeerPerplexity(single, text, new Dictionary<string, string> { ["PEER_KV"] = "f32", ["PEER_FA"] = "off" });
        Assert.Equal(theirs, ours, SingleTolerance * theirs);
        Assert.Equal(PeerPerplexity(model, text, null), ours, EightBitTolerance * ours);
    }

    private static double OurPerplexity(string model, string text)
    {
        (int exitCode, string output, string error) = BuiltProgram.Run(BuiltProgram.StartInfo(
            "eval", model, "--text", text, "--protocol", "llama.cpp", "--context", "512", "--chunks", "39", "--json", "--quiet"));
        Assert.True(exitCode == 0, error);
        using JsonDocument document = JsonDocument.Parse(output);
        return document.RootElement.GetProperty("perplexity").GetProperty("value").GetDouble();
    }

    private static double PeerPerplexity(string model, string text, IReadOnlyDictionary<string, string>? environment)
    {
        string output = Peer.Run(["ppl", model, text, "2", "512", "39"], environment);
        using JsonDocument document = JsonDocument.Parse(output.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]);
        return document.RootElement.GetProperty("ppl").GetDouble();
    }
}
