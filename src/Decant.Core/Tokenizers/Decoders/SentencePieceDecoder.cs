using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using Decant.Core.Errors;
using Decant.Core.Tokenizers.Models;

namespace Decant.Core.Tokenizers.Decoders;

/// <summary>
/// The chain that converted SentencePiece vocabularies use: Replace (▁ by a space), ByteFallback, Fuse, and for Llama Strip. Every part may
/// be missing. Byte tokens that are not valid UTF-8 as a whole give one U+FFFD per byte when decoded at once; token by token, good
/// characters come out and each byte that belongs to none gives one U+FFFD.
/// </summary>
/// <param name="replacements">What each token's text replaces by what, in order.</param>
/// <param name="hasByteFallback">True if <c>&lt;0x41&gt;</c> is a byte.</param>
/// <param name="isFused">True if the tokens become one before stripping.</param>
/// <param name="strip">The character stripped from the start and end of the whole text, and how many at most.</param>
internal sealed class SentencePieceDecoder(
    IReadOnlyList<(string Pattern, string Content)> replacements,
    bool hasByteFallback,
    bool isFused,
    (char Content, int Start, int Stop)? strip) : TokenDecoder
{
    // A file can hold rules that double a text again and again.
    private const int LongestToken = 1 << 20;

    /// <inheritdoc/>
    public override string Decode(IEnumerable<string> tokens)
    {
        var text = new StringBuilder();
        var held = new List<byte>();
        foreach (string token in tokens)
        {
            string replaced = Replace(token);
            if (IsByte(replaced, out byte value))
            {
                held.Add(value);
                continue;
            }
            AppendRun(held, text);
            text.Append(replaced);
        }
        AppendRun(held, text);
        return Strip(text.ToString());
    }

    /// <inheritdoc/>
    public override TokenStream Open() => new Stream(this);

    /// <inheritdoc/>
    public override JsonObject? ToJson()
    {
        var parts = new JsonArray();
        foreach ((string pattern, string content) in replacements)
            parts.Add((JsonNode)new JsonObject { ["type"] = "Replace", ["pattern"] = new JsonObject { ["String"] = pattern }, ["content"] = content });
        if (hasByteFallback)
            parts.Add((JsonNode)new JsonObject { ["type"] = "ByteFallback" });
        if (isFused)
            parts.Add((JsonNode)new JsonObject { ["type"] = "Fuse" });
        if (strip is var (character, start, stop))
            parts.Add((JsonNode)new JsonObject { ["type"] = "Strip", ["content"] = character.ToString(), ["start"] = start, ["stop"] = stop });
        return new JsonObject { ["type"] = "Sequence", ["decoders"] = parts };
    }

    private static void AppendRun(List<byte> held, StringBuilder text)
    {
        if (held.Count == 0)
            return;
        byte[] bytes = [.. held];
        if (System.Text.Unicode.Utf8.IsValid(bytes))
            text.Append(Encoding.UTF8.GetString(bytes));
        else
            text.Append('\uFFFD', bytes.Length);
        held.Clear();
    }

    private string Replace(string token)
    {
        foreach ((string pattern, string content) in replacements)
        {
            token = token.Replace(pattern, content, StringComparison.Ordinal);
            if (token.Length > LongestToken)
                throw new NotSupportedModelException($"The tokenizer's decoder makes a token longer than {LongestToken} characters.");
        }
        return token;
    }

    private string Strip(string text)
    {
        if (strip is not var (character, maxStart, maxStop))
            return text;
        int start = 0;
        while (start < maxStart && start < text.Length && text[start] == character)
            start++;
        int end = text.Length;
        while (text.Length - end < maxStop && end > start && text[end - 1] == character)
            end--;
        return text[start..end];
    }

    private char StripCharacter => strip?.Content ?? '\0';

    private int StripStart => strip?.Start ?? 0;

    private int StripStop => strip?.Stop ?? 0;

    private bool IsByte(string token, out byte value)
    {
        value = 0;
        return hasByteFallback && ByteTokens.TryParse(token, out value);
    }

    private sealed class Stream(SentencePieceDecoder decoder) : TokenStream
    {
        private readonly List<byte> held = [];
        private int stripLeft = decoder.StripStart;
        private string tail = "";

        public override string Push(string token)
        {
            string replaced = decoder.Replace(token);
            if (decoder.IsByte(replaced, out byte value))
            {
                held.Add(value);
                return Strip(TakeComplete());
            }
            return Strip(GiveUp() + replaced);
        }

        public override string Flush()
        {
            string text = Strip(GiveUp());
            string end = tail;
            tail = "";
            // Characters held back at the end are those to strip: at most Stop of them go.
            int dropped = Math.Min(end.Length, decoder.StripStop);
            return text + end[..^dropped];
        }

        private string TakeComplete()
        {
            var text = new StringBuilder();
            while (held.Count > 0)
            {
                OperationStatus status = Rune.DecodeFromUtf8(held.ToArray(), out Rune rune, out int consumed);
                if (status == OperationStatus.NeedMoreData)
                    break;
                text.Append(status == OperationStatus.Done ? rune.ToString() : "\uFFFD");
                held.RemoveRange(0, status == OperationStatus.Done ? consumed : 1);
            }
            return text.ToString();
        }

        private string GiveUp()
        {
            string text = new('\uFFFD', held.Count);
            held.Clear();
            return text;
        }

        private string Strip(string text)
        {
            int start = 0;
            while (stripLeft > 0 && start < text.Length)
            {
                if (text[start] != decoder.StripCharacter)
                {
                    stripLeft = 0;
                    break;
                }
                stripLeft--;
                start++;
            }
            return HoldTail(text[start..]);
        }

        private string HoldTail(string text)
        {
            int stop = decoder.StripStop;
            if (stop == 0)
                return text;
            string all = tail + text;
            int kept = all.Length;
            while (kept > 0 && all.Length - kept < stop && all[kept - 1] == decoder.StripCharacter)
                kept--;
            tail = all[kept..];
            return all[..kept];
        }
    }
}
