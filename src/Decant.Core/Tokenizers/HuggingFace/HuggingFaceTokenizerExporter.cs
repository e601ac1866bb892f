using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Decant.Core.Errors;
using Decant.Core.Tokenizers.Models;
using Decant.Core.Tokenizers.Normalizers;

namespace Decant.Core.Tokenizers.HuggingFace;

/// <summary>
/// Writes any tokenizer as the two files that transformers loads: tokenizer.json, which holds all the rules, and tokenizer_config.json with
/// the names of the special tokens and the chat template.
/// </summary>
public static class HuggingFaceTokenizerExporter
{
    private static readonly JsonWriterOptions options = new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes tokenizer.json.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="destination">Where the UTF-8 goes.</param>
    /// <exception cref="NotSupportedModelException">A token is no valid Unicode, which JSON cannot hold.</exception>
    public static void WriteTokenizerJson(Tokenizer tokenizer, Stream destination)
    {
        TokenizerParts parts = tokenizer.Parts;
        RefuseBrokenTexts(tokenizer);
        using var writer = new Utf8JsonWriter(destination, options);
        writer.WriteStartObject();
        writer.WriteString("version", "1.0");
        writer.WriteNull("truncation");
        writer.WriteNull("padding");
        writer.WriteStartArray("added_tokens");
        foreach (AddedToken token in parts.AddedTokens.OrderBy(t => t.Id))
        {
            writer.WriteStartObject();
            writer.WriteNumber("id", token.Id);
            writer.WriteString("content", token.Content);
            WriteFlags(token, parts.Normalizer, writer.WriteBoolean);
            writer.WriteEndObject();
        }
        writer.WriteEndArray();
        WritePart(writer, "normalizer", parts.Normalizer?.ToJson());
        WritePart(writer, "pre_tokenizer", parts.PreTokenizer?.ToJson());
        WritePart(writer, "post_processor", parts.PostProcessor?.ToJson());
        WritePart(writer, "decoder", parts.Decoder.ToJson());
        writer.WritePropertyName("model");
        parts.Model.WriteJson(writer);
        writer.WriteEndObject();
    }

    /// <summary>Makes tokenizer_config.json.</summary>
    public static JsonObject MakeTokenizerConfig(Tokenizer tokenizer)
    {
        var added = new JsonObject();
        foreach (AddedToken token in tokenizer.Parts.AddedTokens.OrderBy(t => t.Id))
        {
            var entry = new JsonObject { ["content"] = token.Content };
            WriteFlags(token, tokenizer.Parts.Normalizer, (name, value) => entry[name] = value);
            added[token.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)] = entry;
        }
        var config = new JsonObject
        {
            // The class that takes tokenizer.json as it is; others put their own template over it.
            ["tokenizer_class"] = "PreTrainedTokenizerFast",
            ["clean_up_tokenization_spaces"] = false,
            ["added_tokens_decoder"] = added,
        };
        SetName("bos_token", tokenizer.Special.Bos);
        SetName("eos_token", tokenizer.Special.Eos);
        SetName("unk_token", tokenizer.Special.Unknown);
        SetName("pad_token", tokenizer.Special.Padding);
        if (tokenizer.ChatTemplate is { } template)
            config["chat_template"] = template;
        return config;
        void SetName(string key, int? id)
        {
            if (id is { } known && tokenizer.FindText(known) is { } name)
                config[key] = name;
        }
    }

    private static void WriteFlags(AddedToken token, Normalizer? normalizer, Action<string, bool> write)
    {
        write("single_word", token.SingleWord);
        write("lstrip", token.StripsLeft);
        write("rstrip", token.StripsRight);
        // A literal name is found in normalized text if normalizing leaves it as it is; otherwise the raw text is the next best place.
        write("normalized", token.IsNormalized && (!token.IsLiteral || normalizer is null
            || normalizer.Normalize(AlignedText.FromSource(token.Content, isAligned: false)).ToString() == token.Content));
        write("special", token.IsSpecial);
    }

    private static void WritePart(Utf8JsonWriter writer, string name, JsonObject? part)
    {
        writer.WritePropertyName(name);
        if (part is null)
            writer.WriteNullValue();
        else
            part.WriteTo(writer);
    }

    private static void RefuseBrokenTexts(Tokenizer tokenizer)
    {
        for (int id = 0; id < tokenizer.VocabularyCount; id++)
        {
            if (tokenizer.FindText(id) is not { } text)
                continue;
            foreach (System.Text.Rune rune in text.EnumerateRunes())
            {
                if (rune.Value == 0xFFFD && !text.Contains('\uFFFD'))
                    throw new NotSupportedModelException($"{tokenizer.Parts.Location}: token {id} ({ModelVocabulary.Quote(text)}) is no valid Unicode; tokenizer.json cannot hold it.");
            }
        }
    }
}
