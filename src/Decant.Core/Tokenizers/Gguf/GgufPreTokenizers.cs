using System.Text.Json.Nodes;
using Decant.Core.Errors;
using Decant.Core.Tokenizers.Models;
using Decant.Core.Tokenizers.Normalizers;
using Decant.Core.Tokenizers.PreTokenizers;

namespace Decant.Core.Tokenizers.Gguf;

/// <summary>
/// What a <c>tokenizer.ggml.pre</c> name stands for. GGUF has no keys for these, so both programs that read a file must know the name.
/// </summary>
/// <param name="Name">The name written to files.</param>
/// <param name="Aliases">Other names with the same rules.</param>
/// <param name="Normalizer">Rewrites text, if anything does.</param>
/// <param name="PreTokenizer">Cuts text into words.</param>
/// <param name="IgnoresMerges">True if a whole word that is a token is that token.</param>
/// <param name="AddsBosByDefault">True if llama.cpp adds Bos where <c>tokenizer.ggml.add_bos_token</c> is missing.</param>
/// <param name="Notice">What llama.cpp does otherwise under this name, or null.</param>
internal sealed record GgufPreTokenizer(
    string Name,
    IReadOnlyList<string> Aliases,
    Normalizer? Normalizer,
    PreTokenizer PreTokenizer,
    bool IgnoresMerges = false,
    bool AddsBosByDefault = false,
    string? Notice = null);

/// <summary>The pre-tokenizer names that are known. A new one is a line here.</summary>
internal static class GgufPreTokenizers
{
    private static readonly ByteLevelPreTokenizer bytesOnly = new(addPrefixSpace: false, trimOffsets: false, useRegex: false);
    private static readonly ByteLevelPreTokenizer gpt2 = new(addPrefixSpace: false, trimOffsets: true, useRegex: true);

    /// <summary>The list.</summary>
    public static IReadOnlyList<GgufPreTokenizer> All { get; } =
    [
        new("smollm", ["starcoder", "refact", "command-r"], null, new SequencePreTokenizer([new DigitsPreTokenizer(individualDigits: true), gpt2])),
        new("llama-bpe", ["llama3", "llama-v3"], null, Split(SplitPatterns.Llama3), IgnoresMerges: true, AddsBosByDefault: true),
        // llama.cpp does not normalize; the model was trained on NFC, so Decant does.
        new("qwen2", ["deepseek-r1-qwen"], new NfcNormalizer(), Split(SplitPatterns.Qwen2)),
        // The same pattern on text that is not normalized, or by llama.cpp's other names for it.
        new("stablelm2", ["hunyuan"], null, Split(SplitPatterns.Qwen2)),
        new("dbrx", ["smaug-bpe", "chatglm-bpe"], null, Split(SplitPatterns.Llama3)),
        new("gpt-2", ["phi-2", "jina-v1-en", "jina-v2-code", "roberta-bpe", "mpt"], null, gpt2),
        new("olmo", [], new NfcNormalizer(), gpt2),
        new("bloom", ["poro-chat", "gpt3-finnish"], null, Sequence(@" ?[^(\s|[.,!?…。，、।۔،])]+")),
        new("deepseek-v3", ["hunyuan-dense"], null, Sequence(
            @"\p{N}{1,3}",
            "[一-龥぀-ゟ゠-ヿ]+",
            "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+")),
        new("falcon", [], null, new SequencePreTokenizer(
        [
            new PunctuationPreTokenizer(SplitBehavior.Contiguous), gpt2, new StandInPreTokenizer(new DigitsPreTokenizer(individualDigits: false)),
            new StandInPreTokenizer(new PatternSplitPreTokenizer("[0-9][0-9][0-9]", isRegex: true, SplitBehavior.Isolated)),
        ]), Notice: "llama.cpp splits this vocabulary's numbers by bytes otherwise: it does not cut characters whose bytes look like digits (¼, ²), nor spaces from numbers."),
        new("tekken", [], null, Sequence(
            @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"), IgnoresMerges: true),
    ];

    /// <summary>The pre-tokenizer of this name, or null.</summary>
    public static GgufPreTokenizer? Find(string name) => All.FirstOrDefault(p => p.Name == name || p.Aliases.Contains(name));

    /// <summary>The pre-tokenizer that a tokenizer's parts amount to; where only the one without NFC has a name, that one, with a notice.</summary>
    /// <exception cref="NotSupportedModelException">There is no name for them.</exception>
    public static GgufPreTokenizer Recognise(TokenizerParts parts, List<string> notices)
    {
        bool ignoresMerges = parts.Model is BpeModel { Options.IgnoresMerges: true };
        if (Find(parts.Normalizer) is { } exact)
        {
            if (exact.Notice is { } notice)
                notices.Add(notice);
            return exact;
        }
        if (parts.Normalizer is NfcNormalizer && Find(null) is { } other)
        {
            notices.Add($"GGUF has no name for these rules with NFC: '{other.Name}' is written, which does not compose characters.");
            return other;
        }
        throw new NotSupportedModelException(
            $"{parts.Location}: GGUF has no name that Decant knows for these rules of splitting text: {Rules(parts.Normalizer, parts.PreTokenizer)}{(ignoresMerges ? ", ignoring merges" : "")}.");

        GgufPreTokenizer? Find(Normalizer? normalizer)
        {
            string rules = Rules(normalizer, parts.PreTokenizer);
            return All.FirstOrDefault(p => Rules(p.Normalizer, p.PreTokenizer) == rules && p.IgnoresMerges == ignoresMerges);
        }
    }

    private static string Rules(Normalizer? normalizer, PreTokenizer? preTokenizer)
    {
        JsonObject? splitting = preTokenizer?.ToJson();
        // Offsets are not GGUF's concern.
        JsonArray byteLevels = splitting?["pretokenizers"] as JsonArray ?? [splitting?.DeepClone()];
        foreach (JsonNode? part in byteLevels)
            (part as JsonObject)?.Remove("trim_offsets");
        return $"{normalizer?.ToJson().ToJsonString() ?? "null"}, {byteLevels.ToJsonString()}";
    }

    private static SequencePreTokenizer Sequence(params ReadOnlySpan<string> patterns)
    {
        var parts = new List<PreTokenizer>();
        foreach (string pattern in patterns)
            parts.Add(new PatternSplitPreTokenizer(pattern, isRegex: true, SplitBehavior.Isolated));
        return new SequencePreTokenizer([.. parts, bytesOnly]);
    }

    private static SequencePreTokenizer Split(SplitPattern pattern) => new([new SplitPreTokenizer(pattern), bytesOnly]);
}
