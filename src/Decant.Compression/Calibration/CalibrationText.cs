using System.Text;
using Decant.Core.Errors;
using Decant.Core.Templates;
using Decant.Core.Tokenizers;

namespace Decant.Compression.Calibration;

/// <summary>A text to run through a model.</summary>
/// <param name="Name">What reports and importance matrices call it; a file's name without its folder.</param>
/// <param name="Text">The text.</param>
public sealed record CalibrationText(string Name, string Text)
{
    private const long MaximumByteCount = 1L << 30;

    /// <summary>Conversations in place of <see cref="Text"/>: each is put through the model's chat template.</summary>
    public IReadOnlyList<ChatPrompt> Conversations { get; init; } = [];

    /// <summary>The text Decant carries.</summary>
    public static CalibrationText BuiltIn => new(BuiltInText.Name, BuiltInText.Text);

    /// <summary>Reads a UTF-8 file: conversations if its name ends in <c>.jsonl</c>, else text.</summary>
    /// <exception cref="BadFileException">Missing, unreadable, empty, larger than a gigabyte, or not UTF-8.</exception>
    public static CalibrationText Read(string path)
    {
        if (ConversationFile.IsNamedSo(path))
            return new CalibrationText(Path.GetFileName(path), "") { Conversations = ConversationFile.Read(path) };
        try
        {
            long length = new FileInfo(path).Length;
            if (length is 0 or > MaximumByteCount)
                throw BadFileException.Expected(path, "text file", $"1 to {MaximumByteCount} bytes", $"{length}");
            string text = File.ReadAllText(path, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true));
            return new CalibrationText(Path.GetFileName(path), text);
        }
        catch (DecoderFallbackException e)
        {
            throw new BadFileException($"{path}: the text is not UTF-8: {e.Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BadFileException($"{path}: the text cannot be read: {e.Message}", e);
        }
    }

    /// <summary>The ids of the whole text, or of all conversations one after the other.</summary>
    /// <param name="tokenizer">The model's.</param>
    /// <param name="template">The model's, or null if it has none.</param>
    /// <exception cref="NotSupportedModelException">There are conversations and no template.</exception>
    /// <exception cref="TemplateException">The template refuses a conversation.</exception>
    internal int[] Encode(Tokenizer tokenizer, ChatTemplate? template)
    {
        if (Conversations.Count == 0)
            return tokenizer.EncodeIds(Text, addSpecialTokens: true, recogniseSpecialTokens: false);
        if (template is null)
            throw new NotSupportedModelException($"{Name}: the model has no chat template to put conversations through. Give plain text, or a model that was trained on conversations.");
        // The template writes its special tokens itself.
        return [.. Conversations.SelectMany(conversation => tokenizer.EncodeIds(template.Render(Completed(conversation, tokenizer)), addSpecialTokens: false))];
    }

    private static ChatPrompt Completed(ChatPrompt conversation, Tokenizer tokenizer) => conversation with
    {
        BosToken = tokenizer.Special.Bos is { } bos ? tokenizer.TokenText(bos) : null,
        EosToken = tokenizer.Special.Eos is { } eos ? tokenizer.TokenText(eos) : null,
    };
}
