using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Decant.Cli.Models;
using Decant.Cli.Output;
using Decant.Cli.Running;
using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tensors;
using Spectre.Console;

namespace Decant.Cli.Verbs;

/// <summary><c>decant inspect</c>: what a model is, from its headers.</summary>
internal sealed class InspectVerb : Verb
{
    private readonly Argument<string> model = ModelArgument.Create();
    private readonly Option<bool> tensors = new("--tensors") { Description = "List every tensor with shape, type and bytes" };

    public override string Name => "inspect";

    public override string Description => "Say what a model is: family, parameters, layout, types, tokenizer, licence";

    public override IReadOnlyList<(string Command, string Meaning)> Examples =>
    [
        ("decant inspect model.gguf", "One screen; only headers are read"),
        ("decant inspect model-folder --tensors", "With every tensor"),
    ];

    public override void Declare(Command command)
    {
        command.Add(model);
        command.Add(tensors);
    }

    public override ExitCode Run(VerbRun run)
    {
        using IModelSource source = ModelLocation.Open(run, run.Get(model));
        // A large vocabulary takes as long as everything else together.
        Task<TokenizerSummary?> readingTokenizer = Task.Run(() => TokenizerSummary.Of(source), run.CancellationToken);
        ModelSummary summary = ModelSummary.Of(source);
        TokenizerSummary? tokenizer = readingTokenizer.GetAwaiter().GetResult();
        foreach (string notice in summary.Model?.Notices ?? [])
            run.Notice(notice);
        bool listTensors = run.Get(tensors);
        run.Emit(() => ToJson(summary, tokenizer, listTensors), console => Print(console, summary, tokenizer, listTensors));
        return ExitCode.Done;
    }

    private static JsonObject ToJson(ModelSummary summary, TokenizerSummary? tokenizer, bool listTensors)
    {
        var document = new JsonObject
        {
            ["model"] = summary.Source.Location,
            ["container"] = summary.Container,
            ["family"] = summary.Family,
            ["supported"] = summary.Model is not null,
            ["unsupported_reason"] = summary.UnsupportedReason,
            ["name"] = summary.Name,
            ["license"] = summary.License,
            ["parameters"] = new JsonObject
            {
                ["total"] = summary.ParameterCount,
                ["active"] = summary.ActiveParameterCount ?? summary.ParameterCount,
                ["embedding"] = summary.EmbeddingParameterCount,
            },
            ["bytes"] = summary.ByteCount,
            ["bits_per_weight"] = summary.ParameterCount == 0 ? 0 : 8.0 * summary.ByteCount / summary.ParameterCount,
            ["layout"] = summary.Decoder is { } understood ? Layout(understood) : null,
            ["types"] = new JsonArray([.. summary.Types.Select(share => new JsonObject
            {
                ["type"] = share.Format.Name,
                ["tensors"] = share.TensorCount,
                ["parameters"] = share.ParameterCount,
                ["bytes"] = share.ByteCount,
                ["bits_per_weight"] = share.BitsPerWeight,
            })]),
            ["tokenizer"] = tokenizer is null ? null : new JsonObject
            {
                ["kind"] = tokenizer.Kind,
                ["model"] = tokenizer.Model,
                ["vocabulary_size"] = tokenizer.VocabularyCount,
                ["adds_bos"] = tokenizer.AddsBos,
                ["unsupported_reason"] = tokenizer.UnsupportedReason,
            },
            ["chat_templates"] = new JsonArray([.. summary.ChatTemplates.Select(name => JsonValue.Create(name))]),
        };
        if (listTensors)
        {
            document["tensors"] = new JsonArray([.. summary.Source.Tensors.Select(tensor => new JsonObject
            {
                ["name"] = tensor.Info.Name,
                ["shape"] = new JsonArray([.. tensor.Info.Shape.Dimensions.Select(d => JsonValue.Create(d))]),
                ["type"] = tensor.Info.Format.Name,
                ["bytes"] = tensor.Info.ByteCount,
            })]);
        }
        return document;
    }

    private static JsonObject Layout(DecoderSpec spec)
    {
        AttentionSpec attention = spec.Layers[0].Attention;
        FeedForwardSpec feedForward = spec.Layers[0].FeedForward;
        return new JsonObject
        {
            ["layers"] = spec.Layers.Length,
            ["hidden_size"] = spec.HiddenSize,
            ["vocabulary_size"] = spec.VocabularySize,
            ["context_length"] = spec.ContextLength,
            ["tied_embeddings"] = spec.Head.Tied,
            ["heads"] = attention.HeadCount,
            ["key_value_heads"] = attention.KeyValueHeadCount,
            ["head_size"] = attention.HeadSize,
            ["window"] = spec.Layers.Select(layer => layer.Attention.Window).FirstOrDefault(window => window is not null),
            ["windowed_layers"] = spec.Layers.Count(layer => layer.Attention.Window is not null),
            ["rope_base"] = attention.Rope?.Base,
            ["rope_scaling"] = attention.Rope is { } rope ? ScalingName(rope.Scaling) : null,
            ["feed_forward_size"] = feedForward.Width,
            ["experts"] = feedForward.Experts?.Count,
            ["experts_used"] = feedForward.Experts?.UsedCount,
        };
    }

    private static void Print(IAnsiConsole console, ModelSummary summary, TokenizerSummary? tokenizer, bool listTensors)
    {
        console.Write(TextOutput.CreateFacts(Facts(summary, tokenizer)));
        console.WriteLine();
        Table types = TextOutput.CreateTable("type", ">tensors", ">parameters", ">bytes", ">bits/weight");
        foreach (TypeShare share in summary.Types)
        {
            types.AddTextRow(share.Format.Name, Quantities.Count(share.TensorCount), Quantities.Count(share.ParameterCount), Quantities.Count(share.ByteCount),
                Quantities.Fixed(share.BitsPerWeight, 2));
        }
        console.Write(types);
        if (!listTensors)
            return;
        console.WriteLine();
        Table rows = TextOutput.CreateTable("tensor", "shape", "type", ">bytes");
        foreach (TensorData tensor in summary.Source.Tensors)
            rows.AddTextRow(tensor.Info.Name, tensor.Info.Shape.ToString(), tensor.Info.Format.Name, Quantities.Count(tensor.Info.ByteCount));
        console.Write(rows);
    }

    private static IEnumerable<(string, string)> Facts(ModelSummary summary, TokenizerSummary? tokenizer)
    {
        string container = summary.Container == "gguf" ? "GGUF" : "Hugging Face";
        yield return ("model", summary.Name is { } name ? $"{name}  ({summary.Source.Location}, {container})" : $"{summary.Source.Location}  ({container})");
        yield return ("family", summary.Model is null ? $"{summary.Family}, which Decant cannot run" : summary.Family);
        if (summary.UnsupportedReason is { } reason)
            yield return ("", reason);
        yield return ("parameters", Parameters(summary));
        yield return ("size", FormattableString.Invariant(
            $"{Quantities.Bytes(summary.ByteCount)} of tensors, {8.0 * summary.ByteCount / Math.Max(1, summary.ParameterCount):F2} bits per weight"));
        if (summary.Decoder is { } spec)
        {
            yield return ("context", $"{Quantities.Count(spec.ContextLength)} tokens");
            yield return ("blocks", $"{spec.Layers.Length} of width {Quantities.Count(spec.HiddenSize)}{(spec.Head.Tied ? ", head tied to the embedding" : "")}");
            yield return ("attention", Attention(spec));
            yield return ("feed-forward", FeedForward(spec.Layers[0].FeedForward));
        }
        yield return ("tokenizer", tokenizer switch
        {
            null => "none: verbs that read or write text cannot use this model",
            { UnsupportedReason: { } why } => $"{tokenizer.Kind}, which Decant cannot use: {why}",
            _ => $"{tokenizer.Kind}, {tokenizer.Model}, {Quantities.Count(tokenizer.VocabularyCount ?? 0)} tokens{(tokenizer.AddsBos == true ? ", begins texts with its BOS token" : "")}",
        });
        yield return ("chat template", summary.ChatTemplates.Count == 0 ? "none" : string.Join(", ", summary.ChatTemplates));
        yield return ("licence", summary.License ?? "not stated");
    }

    private static string Parameters(ModelSummary summary)
    {
        string text = $"{Quantities.Parameters(summary.ParameterCount)} ({Quantities.Count(summary.ParameterCount)})";
        if (summary.ActiveParameterCount is { } active)
            text += $", {Quantities.Parameters(active)} used for a token";
        return summary.EmbeddingParameterCount is { } embedding ? $"{text}, {Quantities.Percent((double)embedding / summary.ParameterCount)} in the embedding" : text;
    }

    private static string Attention(DecoderSpec spec)
    {
        AttentionSpec attention = spec.Layers[0].Attention;
        string heads = attention.KeyValueHeadCount == attention.HeadCount
            ? $"{attention.HeadCount} heads of {attention.HeadSize}"
            : $"{attention.HeadCount} heads of {attention.HeadSize} on {attention.KeyValueHeadCount} key-value heads";
        string positions = attention.Rope is { } rope
            ? string.Create(CultureInfo.InvariantCulture, $", rotary base {rope.Base:0.##}{(rope.Scaling is RopeScaling.NoScaling ? "" : $" ({ScalingName(rope.Scaling)})")}")
            : spec.Embedding.LearnedPositionCount is { } count ? $", {Quantities.Count(count)} learned positions" : "";
        int windowed = spec.Layers.Count(layer => layer.Attention.Window is not null);
        string window = windowed == 0 ? "" : $", window {spec.Layers.First(l => l.Attention.Window is not null).Attention.Window} in {windowed} of {spec.Layers.Length} blocks";
        return heads + positions + window;
    }

    private static string FeedForward(FeedForwardSpec feedForward)
    {
        string text = $"{Quantities.Count(feedForward.Width)} wide, {(feedForward.Gated ? "gated " : "")}{feedForward.Activation}";
        return feedForward.Experts is { } experts ? $"{experts.UsedCount} of {experts.Count} experts, each {text}" : text;
    }

    private static string ScalingName(RopeScaling scaling) => scaling switch
    {
        RopeScaling.NoScaling => "none",
        RopeScaling.Linear => "linear",
        RopeScaling.DynamicNtk => "dynamic",
        RopeScaling.Llama3 => "llama3",
        RopeScaling.Yarn => "yarn",
        RopeScaling.LongRope => "longrope",
        RopeScaling.FrequencyDivisors => "frequency divisors",
        _ => scaling.GetType().Name,
    };
}
