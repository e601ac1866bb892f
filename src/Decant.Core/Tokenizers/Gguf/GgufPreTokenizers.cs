using System.Text.Json.Nodes;
using Decant.Core.Errors;
using Decant.Core.Tokenizers.Models;
using Decant.Core.Tokenizers.Normalizers;
using Decant.Core.Tokenizers.PostProcessors;
using Decant.Core.Tokenizers.PreTokenizers;
using Decant.Core.Tokenizers.PreTokenizers.Patterns;

namespace Decant.Core.Tokenizers.Gguf;

/// <summary>The pre-tokenizer names that are known. A new one is a line here.</summary>
internal static class GgufPreTokenizers
{
    private const string MergedNumbersNotice =
        "llama.cpp splits this vocabulary's numbers by bytes otherwise: it does not cut characters whose bytes look like digits (¼, ²), nor spaces from numbers.";

    private const string CasedLettersNotice =
        "llama.cpp tells upper from lower case among the letters of ASCII only, and takes combining marks for signs: words of other scripts can be cut elsewhere.";

    private static readonly ByteLevelPreTokenizer bytesOnly = new(addPrefixSpace: false, trimOffsets: false, useRegex: false);
    private static readonly ByteLevelPreTokenizer gpt2 = new(addPrefixSpace: false, trimOffsets: true, useRegex: true);
    private static readonly DigitsPreTokenizer digits = new(individualDigits: true);

    /// <summary>The list.</summary>
    public static IReadOnlyList<GgufPreTokenizer> All { get; } =
    [
        new("smollm", ["starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b", "mellum2"], null, () => new SequencePreTokenizer([digits, gpt2])),
        new("llama-bpe", ["llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano"], null, () => Split(SplitPatterns.Llama3), IgnoresMerges: true, AddsBosByDefault: true),
        // llama.cpp does not normalize; the model was trained on NFC, so Decant does.
        new("qwen2", ["deepseek-r1-qwen", "kormo", "f2llmv2", "megrez"], new NfcNormalizer(), () => Split(SplitPatterns.Qwen2)),
        // The same pattern on text that is not normalized, or by llama.cpp's other names for it.
        new("stablelm2", ["hunyuan", "grok-2", "solar-open"], null, () => Split(SplitPatterns.Qwen2)),
        new("dbrx", ["smaug-bpe", "chatglm-bpe", "glm4"], null, () => Split(SplitPatterns.Llama3)),
        new("gpt-2", ["phi-2", "jina-es", "jina-de", "jina-v2-es", "jina-v2-de", "gigachat", "a.x-4.0", "mellum", "modern-bert", "exaone4", "mpt", "jais", "trillion", "granite-docling"], null, () => gpt2),
        new("roberta-bpe", ["jina-v1-en", "jina-v2-code"], null, () => gpt2, IsRoberta: true),
        new("olmo", [], new NfcNormalizer(), () => gpt2),
        new("bloom", ["poro-chat", "gpt3-finnish"], null, () => Sequence(KnownPatterns.Bloom)),
        new("viking", [], null, () => Sequence(KnownPatterns.Bloom, digits)),
        new("deepseek-v3", ["hunyuan-dense", "joyai-llm", "hy_v4"], null, () => Sequence(KnownPatterns.DeepSeekV3)),
        new("deepseek-llm", [], null, () => Sequence(KnownPatterns.DeepSeekLlm, digits)),
        new("deepseek-coder", [], null, () => Sequence(KnownPatterns.DeepSeekCoder, digits)),
        new("falcon", [], null, () => new SequencePreTokenizer(
        [
            new PunctuationPreTokenizer(SplitBehavior.Contiguous), gpt2, new StandInPreTokenizer(new DigitsPreTokenizer(individualDigits: false)),
            new StandInPreTokenizer(new PatternSplitPreTokenizer("[0-9][0-9][0-9]", isRegex: true, SplitBehavior.Isolated)),
        ]), Notice: MergedNumbersNotice),
        new("tekken", [], null, () => Sequence(KnownPatterns.Tekken), IgnoresMerges: true, AddsBosByDefault: true, Notice: CasedLettersNotice),
        new("gpt-4o", ["llama4", "kanana2", "talkie", "minimax-m2"], null, () => Sequence(KnownPatterns.Gpt4o), Notice: CasedLettersNotice),
        new("granite-embed-multi-97m", [], null, () => Sequence(KnownPatterns.Gpt4o), IgnoresMerges: true, Notice: CasedLettersNotice),
        new("kimi-k2", [], null, () => Sequence(KnownPatterns.KimiK2), Notice: CasedLettersNotice),
        new("qwen35", [], new NfcNormalizer(), () => Sequence(KnownPatterns.Qwen35)),
        new("bailingmoe", ["bailingmoe2", "llada-moe"], null, () => Sequence(KnownPatterns.BailingMoe)),
        new("seed-coder", [], null, () => Sequence(KnownPatterns.SeedCoder)),
        new("exaone-moe", [], null, () => Sequence(KnownPatterns.ExaoneMoe)),
        new("superbpe", [], null, () => Sequence(KnownPatterns.SuperBpe)),
        new("jais-2", [], null, () => Sequence(KnownPatterns.Jais2)),
        new("youtu", [], null, () => Sequence(KnownPatterns.Youtu), IgnoresMerges: true),
        new("tiny_aya", ["cohere2moe"], null, () => Sequence(KnownPatterns.TinyAya)),
        new("minicpm5", [], null, () => Sequence(KnownPatterns.MiniCpm5), IgnoresMerges: true),
        new("spark2_5", [], null, () => Sequence(KnownPatterns.Spark)),
        new("laguna", [], null, () => Sequence(KnownPatterns.Laguna)),
        new("ufakzeka", [], null, () => Sequence(KnownPatterns.Ufakzeka)),
        new("chameleon", [], null, () => Sequence(KnownPatterns.Chameleon), AddsBosByDefault: true),
        new("default", [], null, () => Sequence(KnownPatterns.LlamaCppDefault)),
    ];

    /// <summary>The pre-tokenizer of this name, or null.</summary>
    public static GgufPreTokenizer? Find(string name) => All.FirstOrDefault(p => p.Name == name || p.Aliases.Contains(name));

    /// <summary>
    /// The pre-tokenizer that a tokenizer's parts amount to. Where the name stands for something a little different (no NFC, merges ignored or not) a notice says so.
    /// </summary>
    /// <param name="parts">The parts.</param>
    /// <param name="notices">Gets what the name cannot say.</param>
    /// <param name="addsSpace">True if a text that does not begin with a space gets one, which a key of its own says.</param>
    /// <exception cref="NotSupportedModelException">There is no name for them.</exception>
    public static GgufPreTokenizer Recognise(TokenizerParts parts, List<string> notices, out bool addsSpace)
    {
        bool ignoresMerges = parts.Model is BpeModel { Options.IgnoresMerges: true };
        addsSpace = parts.PreTokenizer is ByteLevelPreTokenizer { AddPrefixSpace: true };
        PreTokenizer? preTokenizer = parts.PreTokenizer is ByteLevelPreTokenizer own ? new ByteLevelPreTokenizer(addPrefixSpace: false, trimOffsets: true, own.UseRegex) : parts.PreTokenizer;
        GgufPreTokenizer? found = Find(parts.Normalizer, ignoresMerges);
        if (found is null && Find(parts.Normalizer, !ignoresMerges) is { } near)
        {
            found = near;
            notices.Add(ignoresMerges
                ? $"'{near.Name}' stands for vocabularies whose merges make every token; this one takes a word that is a token whole, so words that no merges make can come out in pieces."
                : $"'{near.Name}' stands for vocabularies where a word that is a token is taken whole; this one goes by its merges alone, so such words can come out otherwise.");
        }
        if (found is null && parts.Normalizer is NfcNormalizer && (Find(null, ignoresMerges) ?? Find(null, !ignoresMerges)) is { } plain)
        {
            found = plain;
            notices.Add($"GGUF has no name for these rules with NFC: '{plain.Name}' is written, which does not compose characters.");
        }
        if (found is null)
        {
            throw new NotSupportedModelException(
                $"{parts.Location}: GGUF has no name that Decant knows for these rules of splitting text: {Rules(parts.Normalizer, parts.PreTokenizer)}{(ignoresMerges ? ", ignoring merges" : "")}.");
        }
        if (found.Notice is { } notice)
            notices.Add(notice);
        if (addsSpace)
            notices.Add("llama.cpp puts no space before a text of this kind, whatever add_space_prefix says; the first word can get other ids there.");
        return found;

        GgufPreTokenizer? Find(Normalizer? normalizer, bool ignores)
        {
            string rules = Rules(normalizer, preTokenizer);
            GgufPreTokenizer[] fitting = [.. All.Where(p => p.IgnoresMerges == ignores && Rules(p.Normalizer, p.PreTokenizer) == rules)];
            return fitting.FirstOrDefault(p => p.IsRoberta == parts.PostProcessor is RobertaPostProcessor) ?? fitting.FirstOrDefault();
        }
    }

    /// <summary>The pre-tokenizer with a space in front of the text, where it is GPT-2's; any other as it is.</summary>
    public static PreTokenizer WithSpace(PreTokenizer preTokenizer) =>
        ReferenceEquals(preTokenizer, gpt2) ? new ByteLevelPreTokenizer(addPrefixSpace: true, trimOffsets: true, useRegex: true) : preTokenizer;

    private static string Rules(Normalizer? normalizer, PreTokenizer? preTokenizer)
    {
        JsonObject? splitting = preTokenizer?.ToJson();
        // Offsets are not GGUF's concern.
        JsonArray byteLevels = splitting?["pretokenizers"] as JsonArray ?? [splitting?.DeepClone()];
        foreach (JsonNode? part in byteLevels)
            (part as JsonObject)?.Remove("trim_offsets");
        return $"{normalizer?.ToJson().ToJsonString() ?? "null"}, {byteLevels.ToJsonString()}";
    }

    private static SequencePreTokenizer Sequence(IEnumerable<string> patterns, params IEnumerable<PreTokenizer> further)
    {
        IEnumerable<PreTokenizer> parts = patterns.Select(
            p => DigitGroupsPreTokenizer.Find(p) ?? (PreTokenizer)new PatternSplitPreTokenizer(p, isRegex: true, SplitBehavior.Isolated));
        return new SequencePreTokenizer([.. parts, .. further, bytesOnly]);
    }

    private static SequencePreTokenizer Split(SplitPattern pattern) => new([new SplitPreTokenizer(pattern), bytesOnly]);
}
