using System.Text.Json.Nodes;
using Decant.Cli.Running;
using Decant.Compression.Methods.Mixtures;
using Decant.Compression.Pipeline;

namespace Decant.Cli.Output;

/// <summary>
/// Tensors whose rows the asked type cannot hold. A model has hundreds of matrices of few shapes, so they are told by shape and not one by one.
/// </summary>
internal static class Fallbacks
{
    /// <summary>Tells them, then the other notices.</summary>
    public static void Notify(VerbRun run, CompressionPlan plan, IReadOnlyList<string> notices)
    {
        foreach (IGrouping<(string Wanted, int Block, long RowLength, string Stored), TensorChoice> group in Groups(plan))
        {
            string which = group.Count() == 1 ? group.First().Source.Name : $"{group.Count()} tensors ({group.First().Source.Name}, …)";
            run.Notice($"{which}: rows of {group.Key.RowLength} are no multiple of {group.Key.Wanted}'s {group.Key.Block}; stored as {group.Key.Stored}, as llama.cpp does");
        }
        foreach (string notice in OtherNotices(plan, notices))
            run.Notice(notice);
    }

    /// <summary>The notices that are not about fallbacks.</summary>
    public static IEnumerable<string> OtherNotices(CompressionPlan plan, IReadOnlyList<string> notices)
    {
        HashSet<string?> fallbacks = [.. plan.Tensors.Select(tensor => tensor.Notice)];
        return notices.Where(notice => !fallbacks.Contains(notice));
    }

    public static JsonArray ToJson(CompressionPlan plan) => new([.. Groups(plan).Select(group => (JsonNode)new JsonObject
    {
        ["wanted"] = group.Key.Wanted,
        ["stored"] = group.Key.Stored,
        ["row_length"] = group.Key.RowLength,
        ["tensors"] = new JsonArray([.. group.Select(tensor => (JsonNode)tensor.Source.Name)]),
    })]);

    private static IEnumerable<IGrouping<(string Wanted, int Block, long RowLength, string Stored), TensorChoice>> Groups(CompressionPlan plan) =>
        plan.Tensors.Where(tensor => tensor.Reason == ChoiceReason.Fallback)
            .GroupBy(tensor => (tensor.Wanted.Name, tensor.Wanted.BlockLength, tensor.Source.Shape.RowLength, tensor.Target.Name));
}
