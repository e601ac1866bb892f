using Decant.Core.Architectures;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Errors;
using Decant.Engine.Inference;

namespace Decant.Cli.Models;

/// <summary>A thing that Decant can do with some models.</summary>
/// <param name="Name">The verb, or the container that is written.</param>
/// <param name="Obstacle">Why it cannot be done with this one, or null if it can.</param>
/// <param name="IsOutput">True if the name is that of a container that 'compress' and 'convert' write, false if it is a verb.</param>
internal sealed record Ability(string Name, string? Obstacle, bool IsOutput = false);

/// <summary>What Decant can do with a model: found out from its spec, its tokenizer and what the converters say, never from its family's name.</summary>
internal static class ModelAbilities
{
    // What 'compress' and 'convert' can write.
    private const string ToGguf = "gguf";
    private const string ToFolder = "hf";

    /// <summary>Every ability with its obstacle. Describing outputs reads no weights.</summary>
    public static IReadOnlyList<Ability> Of(ModelSummary summary, TokenizerSummary? tokenizer)
    {
        string? noTokenizer = tokenizer switch
        {
            null => "it has no tokenizer",
            { UnsupportedReason: not null } => "its tokenizer is not supported",
            _ => null,
        };
        if (summary.Model is not { } model)
            return [new Ability("tokenize", noTokenizer), .. ((string[])["run", "chat", "eval", "imatrix", "bench", "logits", ToGguf, ToFolder]).Select(name => new Ability(name, "the model is not supported", name is ToGguf or ToFolder))];
        string? noKind = LanguageModels.ContinuesText(model) ? null : $"an {summary.Kind} continues no text";
        string? noText = noKind ?? noTokenizer;
        return
        [
            new Ability("run", noText),
            new Ability("chat", noText ?? (summary.ChatTemplates.Count == 0 ? "it has no chat template" : null)),
            new Ability("eval", noText),
            new Ability("imatrix", noText),
            new Ability("bench", noKind),
            new Ability("logits", model is EncoderModel or EncoderDecoderModel ? null : noKind),
            new Ability("tokenize", noTokenizer),
            new Ability(ToGguf, ObstacleOf(model, () => GgufExport.Describe(model)), IsOutput: true),
            new Ability(ToFolder, ObstacleOf(model, () => HuggingFaceExport.Describe(model)), IsOutput: true),
        ];
    }

    private static string? ObstacleOf(Model model, Action describe)
    {
        try
        {
            describe();
            return null;
        }
        catch (DecantException error)
        {
            // The model is named above.
            string location = model.Source.Location + ": ";
            return error.Message.StartsWith(location, StringComparison.Ordinal) ? error.Message[location.Length..] : error.Message;
        }
    }
}
