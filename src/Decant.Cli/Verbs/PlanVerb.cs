using System.CommandLine;
using System.Text.Json.Nodes;
using Decant.Cli.Models;
using Decant.Cli.Output;
using Decant.Cli.Running;
using Decant.Compression.Methods.Mixtures;
using Decant.Compression.Pipeline;
using Decant.Compression.Pipeline.Estimates;
using Decant.Core.Errors;
using Decant.Core.Files;
using Spectre.Console;

namespace Decant.Cli.Verbs;

/// <summary><c>decant plan</c>: what compress would do, from headers alone.</summary>
internal sealed class PlanVerb : Verb
{
    private readonly Argument<string> model = ModelArgument.Create();
    private readonly CompressionInputs inputs = new();
    private readonly Option<string> output = OutputOptions.CreateOutput("Where the output would go: a folder is planned if the name does not end in .gguf (default: GGUF)", required: false);
    private readonly Option<bool> noVerify = new("--no-verify") { Description = "Plan without the verification that compress ends with" };
    private readonly Option<bool> tensors = new("--tensors") { Description = "List every tensor with the type it would get" };

    public override string Name => "plan";

    public override string Description => "Say what compress would do: bytes, types, memory, time; of the model only headers are read";

    public override IReadOnlyList<(string Command, string Meaning)> Examples =>
    [
        ("decant plan model.gguf --to q4_k_m", "The exact size of the file, and which types its tensors get"),
        ("decant plan model-folder --to q4_0 --tensors --json", "Tensor by tensor, as JSON"),
    ];

    public override void Declare(Command command)
    {
        command.Add(model);
        inputs.Declare(command);
        command.Add(output);
        command.Add(noVerify);
        command.Add(tensors);
    }

    public override ExitCode Run(VerbRun run)
    {
        using IModelSource source = ModelLocation.Open(run, run.Get(model));
        OutputContainer container = run.Get(output) is { } path ? OutputContainers.ForPath(path) : OutputContainer.Gguf;
        CompressionPlan plan = CompressionPlan.Create(source, inputs.Read(run, container));
        Fallbacks.Notify(run, plan, plan.Notices);
        PlanEstimate estimate = CompressionInputs.Estimate(run, plan, run.Get(output), verify: !run.Get(noVerify));
        bool listTensors = run.Get(tensors);
        run.Emit(() => ToJson(run, plan, estimate, listTensors), console => Print(console, plan, estimate, listTensors));
        return ExitCode.Done;
    }

    private JsonObject ToJson(VerbRun run, CompressionPlan plan, PlanEstimate estimate, bool listTensors)
    {
        var document = new JsonObject
        {
            ["model"] = run.Get(model),
            ["type"] = plan.Request.Type.Name,
            ["container"] = plan.Request.Container == OutputContainer.Gguf ? "gguf" : "hugging_face",
            ["bytes_in"] = plan.SourceTensorByteCount,
            ["bytes_out"] = plan.OutputByteCount,
            ["parameters"] = plan.WeightCount,
            ["bits_per_weight"] = plan.BitsPerWeight,
            ["seconds"] = estimate.Total.TotalSeconds,
            ["hash_seconds"] = estimate.Hash.TotalSeconds,
            ["encode_seconds"] = estimate.Encode.TotalSeconds,
            ["sync_seconds"] = estimate.Synchronize.TotalSeconds,
            ["verify_seconds"] = estimate.Verify.TotalSeconds,
            ["peak_memory_bytes"] = estimate.PeakMemoryByteCount,
            ["types"] = new JsonArray([.. Types(plan).Select(share => (JsonNode)new JsonObject
            {
                ["type"] = share.Type,
                ["tensors"] = share.Tensors,
                ["bytes"] = share.Bytes,
            })]),
            ["fallbacks"] = Fallbacks.ToJson(plan),
            ["notices"] = new JsonArray([.. Fallbacks.OtherNotices(plan, plan.Notices).Select(notice => (JsonNode)notice)]),
        };
        if (listTensors)
        {
            document["tensors"] = new JsonArray([.. plan.Tensors.Select(choice => (JsonNode)new JsonObject
            {
                ["name"] = choice.Source.Name,
                ["shape"] = new JsonArray([.. choice.Source.Shape.Dimensions.Select(d => (JsonNode)d)]),
                ["from"] = choice.Source.Format.Name,
                ["to"] = choice.Target.Name,
                ["reason"] = Reason(choice),
                ["bytes"] = choice.TargetByteCount,
            })]);
        }
        return document;
    }

    private static void Print(IAnsiConsole console, CompressionPlan plan, PlanEstimate estimate, bool listTensors)
    {
        console.Write(TextOutput.CreateFacts(
        [
            ("output", FormattableString.Invariant(
                $"{Quantities.Count(plan.OutputByteCount)} bytes ({Quantities.Bytes(plan.OutputByteCount)}) from {Quantities.Bytes(plan.SourceTensorByteCount)}, {plan.BitsPerWeight:F2} bits per weight")),
            ("time", FormattableString.Invariant(
                $"about {Quantities.Duration(estimate.Total)} on this machine with the source in the system's cache: encode {estimate.Encode.TotalSeconds:F1} s, hashes {estimate.Hash.TotalSeconds:F1} s, disk {estimate.Synchronize.TotalSeconds:F1} s, verify {estimate.Verify.TotalSeconds:F1} s")),
            ("memory", $"about {Quantities.Bytes(estimate.PeakMemoryByteCount)} private at most"),
        ]));
        console.WriteLine();
        var types = new TextTable("type", ">tensors", ">bytes");
        foreach ((string type, int count, long bytes) in Types(plan))
            types.AddRow(type, Quantities.Count(count), Quantities.Count(bytes));
        console.Write(types);
        if (!listTensors)
            return;
        console.WriteLine();
        var rows = new TextTable("tensor", "shape", "from", "to", "why", ">bytes");
        foreach (TensorChoice choice in plan.Tensors)
            rows.AddRow(choice.Source.Name, choice.Source.Shape.ToString(), choice.Source.Format.Name, choice.Target.Name, Reason(choice), Quantities.Count(choice.TargetByteCount));
        console.Write(rows);
    }

    private static IEnumerable<(string Type, int Tensors, long Bytes)> Types(CompressionPlan plan) =>
        plan.Tensors.GroupBy(choice => choice.Target.Name)
            .Select(group => (group.Key, group.Count(), group.Sum(choice => choice.TargetByteCount)))
            .OrderByDescending(share => share.Item3).ThenBy(share => share.Key, StringComparer.Ordinal);

    private static string Reason(TensorChoice choice) => choice.Reason switch
    {
        ChoiceReason.Untouched => "untouched",
        ChoiceReason.Fallback => "fallback",
        ChoiceReason.Override => "override",
        _ => "mixture",
    };
}
