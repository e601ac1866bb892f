using Decant.Cli.Models;
using Decant.Core.Files;
using Decant.Core.Tensors;
using Spectre.Console;

namespace Decant.Cli.Output;

/// <summary>What <c>inspect</c> prints: one screen of 80 columns.</summary>
internal static class InspectText
{
    private const int MostTypes = 4;

    public static void Print(IAnsiConsole console, ModelSummary summary, TokenizerSummary? tokenizer, IReadOnlyList<Ability> abilities, bool listTensors)
    {
        console.Write(TextOutput.CreateFacts(Facts(summary, tokenizer, abilities)));
        console.WriteLine();
        var types = new TextTable("type", ">tensors", ">parameters", ">bytes", ">bits/weight");
        // A table with one row for all that does not fit.
        int shown = summary.Types.Count <= MostTypes ? MostTypes : MostTypes - 1;
        foreach (TypeShare share in summary.Types.Take(shown))
            AddRow(types, share.Format.Name, share.TensorCount, share.ParameterCount, share.ByteCount);
        TypeShare[] others = [.. summary.Types.Skip(shown)];
        if (others.Length > 0)
            AddRow(types, $"{others.Length} others", others.Sum(s => s.TensorCount), others.Sum(s => s.ParameterCount), others.Sum(s => s.ByteCount));
        console.Write(types);
        if (!listTensors)
            return;
        console.WriteLine();
        var rows = new TextTable("tensor", "shape", "type", ">bytes");
        foreach (TensorData tensor in summary.Source.Tensors)
            rows.AddRow(tensor.Info.Name, tensor.Info.Shape.ToString(), tensor.Info.Format.Name, Quantities.Count(tensor.Info.ByteCount));
        console.Write(rows);
    }

    private static void AddRow(TextTable table, string name, int tensors, long parameters, long bytes) => table.AddRow(
        name, Quantities.Count(tensors), Quantities.Count(parameters), Quantities.Count(bytes), Quantities.Fixed(parameters == 0 ? 0 : 8.0 * bytes / parameters, 2));

    private static IEnumerable<(string, string)> Facts(ModelSummary summary, TokenizerSummary? tokenizer, IReadOnlyList<Ability> abilities)
    {
        yield return ("model", summary.Name ?? summary.Argument);
        if (summary.Name is not null)
            yield return ("", summary.Argument);
        yield return ("family", summary.Model is null ? $"{summary.Family}, which Decant cannot use" : $"{summary.Family}, {summary.Kind}");
        if (summary.UnsupportedReason is { } reason)
            yield return ("", reason.Replace(summary.Source.Location + Path.DirectorySeparatorChar, "", StringComparison.Ordinal));
        yield return ("parameters", Parameters(summary));
        yield return ("size", FormattableString.Invariant(
            $"{Quantities.Bytes(summary.ByteCount)} in {Container(summary)}, {8.0 * summary.ByteCount / Math.Max(1, summary.ParameterCount):F2} bits per weight"));
        if (summary.Model is { } model)
        {
            foreach ((string, string) fact in LayoutSummary.Facts(model.Spec))
                yield return fact;
        }
        yield return ("tokenizer", tokenizer switch
        {
            null => "none: verbs that read or write text cannot use this model",
            { UnsupportedReason: { } why } => $"{tokenizer.Kind}, which Decant cannot use: {why}",
            _ => $"{tokenizer.Model} ({tokenizer.Kind}), {Quantities.Count(tokenizer.VocabularyCount ?? 0)} tokens{(tokenizer.AddsBos == true ? ", begins texts with its BOS token" : "")}",
        });
        yield return ("chat template", summary.ChatTemplates switch
        {
            [] => "none",
            ["default"] => "there is one",
            var names => string.Join(", ", names),
        });
        yield return ("licence", summary.License ?? "not stated");
        Ability[] can = [.. abilities.Where(ability => ability.Obstacle is null)];
        yield return ("can", can.Length == 0 ? "only be inspected" : Names(can));
        // Of a model that is not understood it is said above.
        IEnumerable<Ability> cannot = abilities.Where(ability => ability.Obstacle is not null && summary.Model is not null);
        foreach (IGrouping<string, Ability> group in cannot.GroupBy(ability => ability.Obstacle!))
            yield return ("cannot", $"{Names([.. group])}: {group.Key}");
    }

    private static string Container(ModelSummary summary) => summary.Source switch
    {
        { Gguf: not null } => "GGUF",
        PyTorchModelSource => "PyTorch files",
        _ => "safetensors",
    };

    private static string Names(IReadOnlyList<Ability> abilities)
    {
        string verbs = string.Join(", ", abilities.Where(ability => !ability.IsOutput).Select(ability => ability.Name));
        string outputs = string.Join(" or ", abilities.Where(ability => ability.IsOutput).Select(ability => ability.Name == "gguf" ? "GGUF" : "a Hugging Face folder"));
        return outputs.Length == 0 ? verbs : $"{verbs}{(verbs.Length == 0 ? "" : "; ")}compress and convert to {outputs}";
    }

    private static string Parameters(ModelSummary summary)
    {
        string text = $"{Quantities.Parameters(summary.ParameterCount)} ({Quantities.Count(summary.ParameterCount)})";
        if (summary.ActiveParameterCount is { } active)
            text += $", {Quantities.Parameters(active)} active per token";
        if (summary.Embedding is not { } embedding)
            return text;
        double share = (double)embedding.ElementCount / Math.Max(1, summary.ParameterCount);
        return $"{text}, {Quantities.Percent(share)} in the embedding ({string.Join(" × ", embedding.Dimensions.Select(d => Quantities.Count(d)))})";
    }
}
