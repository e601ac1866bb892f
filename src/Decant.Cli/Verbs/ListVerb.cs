using System.CommandLine;
using System.Text.Json.Nodes;
using Decant.Cli.Output;
using Decant.Cli.Running;
using Decant.Compression.Methods.Mixtures;
using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Formats;
using Decant.Engine.Kernels;
using Spectre.Console;

namespace Decant.Cli.Verbs;

/// <summary><c>decant list</c>: what this build knows.</summary>
internal sealed class ListVerb : Verb
{
    private readonly Argument<string> kind = new("KIND") { Description = string.Join(", ", kinds.Select(k => k.Name)) };

    private readonly Option<bool> all = new("--all") { Description = "Kernels: also those that this processor lacks or never chooses" };

    // What can be listed, all of it if that is asked for. A row: name, then facts under snake_case keys.
    private static readonly IReadOnlyList<(string Name, Func<bool, IEnumerable<JsonObject>> Items)> kinds =
    [
        ("methods", _ => []),
        ("formats", _ => Formats()),
        ("architectures", _ => Architectures()),
        ("tasks", _ => []),
        ("kernels", Kernels),
        ("devices", _ => []),
    ];

    public override string Name => "list";

    public override string Description => "List methods, formats, architectures, tasks, kernels or devices";

    public override IReadOnlyList<(string Command, string Meaning)> Examples =>
    [
        ("decant list formats", "Every type for compress --to, and every storage format: bits per weight, whether it can be written"),
        ("decant list kernels", "Kernel levels, and for every format the kernels that this processor chooses"),
        ("decant list kernels --all --json", "Every kernel of the ordered list, as JSON"),
    ];

    public override void Declare(Command command)
    {
        command.Add(kind);
        command.Add(all);
    }

    public override ExitCode Run(VerbRun run)
    {
        string wanted = run.Get(kind);
        (string name, Func<bool, IEnumerable<JsonObject>> list) = kinds.FirstOrDefault(k => k.Name.Equals(wanted, StringComparison.OrdinalIgnoreCase));
        if (name is null)
            throw new UsageException($"there is no list of '{wanted}'.{NearestName.Hint(wanted, kinds.Select(k => k.Name))} Known: {string.Join(", ", kinds.Select(k => k.Name))}.");
        JsonObject[] items = [.. list(run.Get(all))];
        run.Emit(
            () => new JsonObject { ["kind"] = name, ["items"] = new JsonArray([.. items]) },
            console => Print(console, name, items));
        return ExitCode.Done;
    }

    private static void Print(IAnsiConsole console, string name, JsonObject[] items)
    {
        if (items.Length == 0)
        {
            console.WriteLine($"This version of Decant has no {name} yet.");
            return;
        }
        // Items of one list may be of several kinds, each with facts of its own.
        bool isFirst = true;
        foreach (IGrouping<string?, JsonObject> kind in items.GroupBy(item => (string?)item["kind"]))
        {
            if (!isFirst)
                console.WriteLine();
            isFirst = false;
            string[] columns = [.. kind.First().Select(property => property.Key).Where(key => key != "kind")];
            var table = new TextTable([kind.Key ?? "name", .. columns.Skip(1).Select(column => column.Replace('_', ' '))]);
            foreach (JsonObject item in kind)
                table.AddRow([.. columns.Select(column => Cell(item[column]))]);
            console.Write(table);
        }
    }

    private static string Cell(JsonNode? value) => value switch
    {
        null => "-",
        JsonArray array => string.Join(", ", array.Select(Cell)),
        JsonValue scalar when scalar.TryGetValue(out bool flag) => flag ? "yes" : "no",
        JsonValue scalar when scalar.TryGetValue(out double number) => number.ToString("0.####", System.Globalization.CultureInfo.InvariantCulture),
        _ => value.ToString(),
    };

    private static IEnumerable<JsonObject> Formats() => FileTypes.All.Select(type => new JsonObject
    {
        ["name"] = type.Name,
        ["kind"] = "type",
        ["also_called"] = Names(type.Aliases),
        ["number"] = type.Number,
        ["about"] = type.Summary,
    }).Concat(TensorFormats.All.Select(format => new JsonObject
    {
        ["name"] = format.Name,
        ["kind"] = "storage",
        ["bits_per_weight"] = format.BitsPerWeight,
        ["block_length"] = format.BlockLength,
        ["block_bytes"] = format.BlockByteCount,
        ["writable"] = format.CanEncode,
        ["uses_importance"] = format.UsesImportance,
        ["gguf"] = format.GgmlType is not null,
        ["safetensors"] = format.SafetensorsType is not null,
    }));

    private static IEnumerable<JsonObject> Architectures() => ArchitectureRegistry.All.Select(architecture => new JsonObject
    {
        ["name"] = architecture.Name,
        ["model_types"] = Names(architecture.ModelTypes),
        ["gguf"] = architecture.GgufName,
    });

    private static IEnumerable<JsonObject> Kernels(bool all) => KernelCatalog.All.Select(kernel => new JsonObject
    {
        ["name"] = kernel.Level,
        ["kind"] = "level",
        ["supported"] = kernel.IsSupported,
        ["int8"] = Names(kernel.IntegerFormats),
        ["int8_few_tokens_only"] = Names(kernel.FewTokenFormats),
        ["products"] = Names(kernel.ProductFormats),
        ["encoders"] = Names(kernel.EncoderFormats),
    }).Concat((all ? KernelCatalog.Products : KernelCatalog.Chosen).Select(kernel => new JsonObject
    {
        ["name"] = kernel.Name,
        ["kind"] = "kernel",
        ["level"] = kernel.Level,
        ["format"] = kernel.Format,
        ["arithmetic"] = EngineOptions.NameOf(kernel.Arithmetic),
        ["tokens"] = Names(kernel.Tokens),
        ["reads"] = Names(kernel.Reads),
        ["rows_side_by_side"] = kernel.RowsSideBySide,
        ["supported"] = kernel.IsSupported,
        ["chosen_for"] = Names(kernel.ChosenFor),
    }));

    private static JsonArray Names(IEnumerable<string> names) => new([.. names.Select(name => JsonValue.Create(name))]);
}
