using Decant.Core.Tokenizers.Decoders;
using Decant.Core.Tokenizers.Models;
using Decant.Core.Tokenizers.Normalizers;
using Decant.Core.Tokenizers.PostProcessors;
using Decant.Core.Tokenizers.PreTokenizers;

namespace Decant.Core.Tokenizers;

/// <summary>Everything a tokenizer is made of, wherever it was read from.</summary>
internal sealed record TokenizerParts
{
    /// <summary>The file or folder, for messages.</summary>
    public required string Location { get; init; }

    /// <summary>The model and its vocabulary.</summary>
    public required TokenModel Model { get; init; }

    /// <summary>The model for texts in which special tokens are not recognised, if it is another.</summary>
    public TokenModel? PlainTextModel { get; init; }

    /// <summary>Tokens sought in the text before anything else, in the order of the file.</summary>
    public required IReadOnlyList<AddedToken> AddedTokens { get; init; }

    /// <summary>Rewrites text between added tokens, if anything does.</summary>
    public Normalizer? Normalizer { get; init; }

    /// <summary>Cuts text into words, if anything does.</summary>
    public PreTokenizer? PreTokenizer { get; init; }

    /// <summary>Adds special tokens, if anything does.</summary>
    public PostProcessor? PostProcessor { get; init; }

    /// <summary>Turns tokens into text.</summary>
    public required TokenDecoder Decoder { get; init; }

    /// <summary>Ids with a meaning.</summary>
    public required SpecialTokenIds Special { get; init; }

    /// <summary>The chat template, if the files have one.</summary>
    public string? ChatTemplate { get; init; }

    /// <summary>Texts of added tokens that were left out because the model has no row for them.</summary>
    public IReadOnlyList<string> LeftOut { get; init; } = [];

    /// <summary>
    /// The tokenizer of a model with so many rows of embedding: added tokens from there on are plain text to it, as they are to llama.cpp's converter (Gemma 3's
    /// image token, padding that was added without a row). Unchanged if the vocabulary itself is larger.
    /// </summary>
    public TokenizerParts Within(int rows)
    {
        if (Model.Vocabulary.Count > rows || AddedTokens.All(token => token.Id < rows))
            return this;
        return this with
        {
            AddedTokens = [.. AddedTokens.Where(token => token.Id < rows)],
            LeftOut = [.. AddedTokens.Where(token => token.Id >= rows).Select(token => token.Content)],
            Special = Special with
            {
                Bos = Below(Special.Bos),
                Eos = Below(Special.Eos),
                Unknown = Below(Special.Unknown),
                Padding = Below(Special.Padding),
                EndOfGeneration = [.. Special.EndOfGeneration.Where(id => id < rows)],
            },
        };

        int? Below(int? id) => id < rows ? id : null;
    }
}
