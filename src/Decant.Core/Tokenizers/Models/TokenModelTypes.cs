using Decant.Core.Errors;
using Decant.Core.Tokenizers.HuggingFace;

namespace Decant.Core.Tokenizers.Models;

/// <summary>The models that tokenizer.json may name. A new one is a file and a line here.</summary>
internal static class TokenModelTypes
{
    private static readonly (string Type, Func<JsonPart, bool, TokenModel> Read)[] all =
    [
        ("BPE", BpeJson.Read),
        ("Unigram", (part, _) => UnigramJson.Read(part)),
        ("WordPiece", (part, _) => WordPieceModel.Read(part)),
        ("WordLevel", (part, _) => WordLevelModel.Read(part)),
    ];

    /// <summary>Reads a model.</summary>
    /// <param name="part">The <c>model</c> of the file.</param>
    /// <param name="isByteLevel">True if the words come from a ByteLevel pre-tokenizer.</param>
    public static TokenModel Read(JsonPart part, bool isByteLevel)
    {
        // Files of before 2020 do not say the type; only BPE has merges.
        string type = part.Find("type").IsNull && !part.Find("merges").IsNull ? "BPE" : part["type"].GetString();
        foreach ((string name, Func<JsonPart, bool, TokenModel> read) in all)
        {
            if (name == type)
                return read(part, isByteLevel);
        }
        throw part.NotSupported($"the tokenizer model '{type}'");
    }
}
