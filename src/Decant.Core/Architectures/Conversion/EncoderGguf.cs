using Decant.Core.Architectures.Configuration;
using Decant.Core.Files;

namespace Decant.Core.Architectures.Conversion;

/// <summary>The keys that llama.cpp's loader reads of encoders, and what of a spec they say.</summary>
internal static class EncoderGguf
{
    // llama_pooling_type: a classifier on the first token.
    private const uint RankPooling = 4;

    /// <summary>Writes the keys that all encoders have.</summary>
    /// <returns>What llama.cpp does otherwise with this model, in words.</returns>
    public static List<string> Write(EncoderSpec spec, EncoderArchitecture architecture, GgufMetadata metadata)
    {
        string prefix = architecture.GgufName + ".";
        LayerSpec first = spec.Layers[0];
        var notices = new List<string>();
        WriteSizes(spec, architecture.GgufName!, metadata);
        metadata.Set(prefix + "attention.layer_norm_epsilon", GgufValue.From(first.Norm.Epsilon));
        metadata.Set(prefix + "attention.causal", GgufValue.From(false));
        // Asked for by the loader even where there is no table of types.
        metadata.Set("tokenizer.ggml.token_type_count", GgufValue.From((uint)Math.Max(1, spec.Embedding.TokenTypeCount)));
        if (spec.ClassCount is not null)
            metadata.Set(prefix + "pooling_type", GgufValue.From(RankPooling));
        GgufActivation.Write(metadata, architecture.GgufName!, architecture.GgufActivationOf(spec), first.FeedForward.Activation, notices);
        if (spec.Pooler is { } pooler && pooler.Activation != Activation.Tanh && spec.ClassCount is not null)
            notices.Add($"llama.cpp gives the dense layer in front of the classifier the activation tanh; this one has {Activations.Write(pooler.Activation, "")}");
        return notices;
    }

    /// <summary>Writes what the file holds and the sizes of an encoder, alone or beside a decoder.</summary>
    public static void WriteSizes(EncoderSpec spec, string architecture, GgufMetadata metadata)
    {
        void Count(string key, int value) => metadata.Set($"{architecture}.{key}", GgufValue.From((uint)value));

        LayerSpec first = spec.Layers[0];
        metadata.Set("general.architecture", GgufValue.From(architecture));
        metadata.Set("general.type", GgufValue.From("model"));
        Count("context_length", spec.ContextLength);
        Count("embedding_length", spec.HiddenSize);
        Count("block_count", spec.Layers.Length);
        Count("feed_forward_length", first.FeedForward.Width);
        Count("attention.head_count", first.Attention.HeadCount);
        Count("vocab_size", spec.VocabularySize);
    }

    /// <summary>The sizes that all encoders' files state.</summary>
    public static DecoderDimensions Sizes(GgufSpecReader file)
    {
        int hidden = file.GetCount("embedding_length"), heads = file.GetCount("attention.head_count", DecoderDimensions.MaximumHeads);
        if (hidden % heads != 0)
            throw Errors.BadFileException.Expected(file.Location, $"metadata key {file.KeyOf("attention.head_count")}", $"a divisor of embedding_length {hidden}", $"{heads}");
        if (file.GetFlag("attention.causal", absent: false))
            throw file.NotSupported("attention.causal", "true", "false");
        file.Ignore("classifier.output_labels");
        return new()
        {
            Vocabulary = file.Vocabulary(),
            Hidden = hidden,
            Context = file.GetCount("context_length"),
            Layers = file.GetCount("block_count", DecoderDimensions.MaximumLayers),
            Heads = heads,
            KeyValueHeads = heads,
            HeadSize = hidden / heads,
            Width = file.GetCount("feed_forward_length"),
        };
    }

    /// <summary>The spec with the classifier that a file holds, and the family's pooler if it has one too.</summary>
    public static EncoderSpec WithHeads(EncoderSpec spec, GgufSpecReader file)
    {
        int? classes = file.RowCountOf("cls.output.weight");
        return spec with { TokenHead = null, Pooler = classes is not null && file.HasTensor("cls.weight") ? spec.Pooler : null, ClassCount = classes };
    }
}
