using System.Text.Json.Nodes;
using Decant.Core.Architectures;
using Decant.Core.Errors;

namespace Decant.Core.Tests.Architectures;

/// <summary>Keys that published checkpoints have beside those of the architecture: none that changes no logits may be refused, and none that would may be passed over.</summary>
public sealed class PublishedConfigKeyTests
{
    [Fact]
    public void Every_published_config_is_read_and_has_the_published_number_of_parameters()
    {
        var wrongs = new List<string>();
        foreach ((string model, long? parameters, string config) in PublishedDecoderConfigs.All.AddRange(PublishedOtherConfigs.All))
        {
            try
            {
                long listed = Read(config).ListTensors().Sum(tensor => tensor.Shape.ElementCount);
                if (parameters is { } published && published != listed)
                    wrongs.Add($"{model}: {listed} parameters, published {published}");
            }
            catch (Exception error) when (error is BadFileException or NotSupportedModelException)
            {
                wrongs.Add($"{model}: {error.Message}");
            }
        }
        Assert.True(wrongs.Count == 0, string.Join('\n', wrongs));
    }

    /// <summary>Keys that the reference does not read either, or that published configs have at one value alone: another value says another computation than Decant's.</summary>
    [Theory]
    [InlineData("galactica-125m", "learned_embeddings", "false")]
    [InlineData("galactica-125m", "scale_embeddings", "true")]
    [InlineData("falcon-11B", "ff_factor", "3")]
    [InlineData("stablelm-3b-4e1t", "rotary_scaling_factor", "2")]
    [InlineData("gemma-2-9b", "sliding_window_size", "1024")]
    [InlineData("gemma-3-270m", "_sliding_window_pattern", "5")]
    public void Other_values_than_the_published_are_refused_by_name(string model, string key, string value)
    {
        JsonObject config = Published(model);
        config[key] = JsonNode.Parse(value);
        Exception? error = Record.Exception(() => Read(config.ToJsonString()));
        Assert.True(error is BadFileException or NotSupportedModelException, error?.ToString() ?? "not refused");
        Assert.Contains($"config.json: {key}: ", error!.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(6, null)]
    [InlineData(null, 6)]
    [InlineData(6, 6)]
    [InlineData(3, 3)]
    public void Gemma_3_takes_its_period_from_either_spelling(int? older, int? newer)
    {
        JsonObject config = Published("gemma-3-270m");
        config.Remove("layer_types");
        config["sliding_window_pattern"] = older;
        config["_sliding_window_pattern"] = newer;
        var spec = (DecoderSpec)Read(config.ToJsonString());
        Assert.Equal(18 / (older ?? newer), spec.Layers.Count(layer => layer.Attention.Window is null));
    }

    private static JsonObject Published(string model) => (JsonObject)JsonNode.Parse(PublishedDecoderConfigs.All.Single(config => config.Model == model).Config)!;

    private static ModelSpec Read(string config) => ArchitectureRegistry.ReadConfig("config.json", (JsonObject)JsonNode.Parse(config)!).Spec;
}
