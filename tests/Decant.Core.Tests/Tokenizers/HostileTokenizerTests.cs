using System.Text;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tokenizers;
using Decant.Core.Tokenizers.HuggingFace;
using Decant.Testing;

namespace Decant.Core.Tests.Tokenizers;

/// <summary>Damaged and hostile tokenizer files: always one of the documented errors, or a tokenizer that works.</summary>
public class HostileTokenizerTests
{
    private const string Sample = "Hello  wörld<s> \u0301a123 can't <mask>\n\n\U0001F600\0 ab aab";

    /// <summary>Small, but with every part that has a reader.</summary>
    private const string SmallFile = """
        {"version":"1.0","truncation":null,"padding":null,
         "added_tokens":[{"id":11,"content":"<s>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true},
                         {"id":12,"content":"<mask>","single_word":true,"lstrip":true,"rstrip":true,"normalized":true,"special":false}],
         "normalizer":{"type":"Sequence","normalizers":[{"type":"NFC"},{"type":"Lowercase"},{"type":"Prepend","prepend":"\u2581"},{"type":"Replace","pattern":{"String":" "},"content":"\u2581"}]},
         "pre_tokenizer":{"type":"Sequence","pretokenizers":[{"type":"Digits","individual_digits":true},
            {"type":"Split","pattern":{"Regex":"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"},"behavior":"Isolated","invert":false},
            {"type":"Metaspace","replacement":"\u2581","prepend_scheme":"first","split":true}]},
         "post_processor":{"type":"Sequence","processors":[{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true},
            {"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},{"Sequence":{"id":"A","type_id":0}}],
             "pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":1}}],"special_tokens":{"<s>":{"id":"<s>","ids":[11],"tokens":["<s>"]}}}]},
         "decoder":{"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"\u2581"},"content":" "},{"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]},
         "model":{"type":"BPE","dropout":null,"unk_token":"<unk>","continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":true,"byte_fallback":true,"ignore_merges":false,
            "vocab":{"<unk>":0,"a":1,"b":2,"h":3,"e":4,"l":5,"o":6,"\u2581":7,"ab":8,"ll":9,"aab":10,"<0x00>":13,"<0xF0>":14},
            "merges":["a b",["a","ab"],"l l"]}}
        """;

    [Fact]
    [Trait("Category", "Slow")]
    public void Ten_thousand_mutations_of_tokenizer_json_end_in_documented_errors()
    {
        (byte[] Seed, int Count)[] seeds =
        [
            (Encoding.UTF8.GetBytes(SmallFile), 9_600),
            (File.ReadAllBytes(Path.Combine(TokenizerFixtures.Folder("added-tokens"), "tokenizer.json")), 400),
        ];
        using var folder = new TemporaryFolder();
        TokenizerConfig config = TokenizerConfig.Read(folder.Path);
        var random = new Random(20_261_125);
        int loaded = 0;
        int refused = 0;
        foreach ((byte[] seed, int count) in seeds)
        {
            Assert.NotEmpty(Use(TokenizerJsonReader.Read(seed, "seed", config)));
            for (int i = 0; i < count; i++)
            {
                byte[] mutated = Mutate(seed, random);
                try
                {
                    Use(TokenizerJsonReader.Read(mutated, "tokenizer.json", config));
                    loaded++;
                }
                catch (DecantException e)
                {
                    Assert.True(e is BadFileException or NotSupportedModelException, e.ToString());
                    refused++;
                }
                catch (Exception e)
                {
                    Assert.Fail($"mutation {i}: {e}\n{Encoding.UTF8.GetString(mutated)}");
                }
            }
        }
        Assert.Equal(10_000, loaded + refused);
        Assert.True(loaded > 500 && refused > 2000, $"{loaded} loaded, {refused} refused");
    }

    [Fact]
    public void Every_truncation_is_a_bad_file()
    {
        byte[] whole = Encoding.UTF8.GetBytes(SmallFile);
        using var folder = new TemporaryFolder();
        TokenizerConfig config = TokenizerConfig.Read(folder.Path);
        for (int length = 0; length < whole.AsSpan().TrimEnd((byte)'\n').Length; length++)
            Assert.Throws<BadFileException>(() => TokenizerJsonReader.Read(whole.AsMemory(0, length), "tokenizer.json", config));
    }

    [Fact]
    public void Three_thousand_mutations_of_gguf_metadata_end_in_documented_errors()
    {
        var random = new Random(7);
        GgufMetadata[] seeds = [.. new[] { "added-tokens", "spm-bpe" }.Select(Shrink)];
        int loaded = 0;
        for (int i = 0; i < 3000; i++)
        {
            GgufMetadata metadata = seeds[i % 2].Copy();
            for (int change = random.Next(1, 4); change > 0; change--)
                MutateValue(metadata, random);
            try
            {
                if (TokenizerLoader.LoadGguf(metadata) is { } tokenizer)
                    Use(tokenizer.Parts);
                loaded++;
            }
            catch (DecantException e)
            {
                Assert.True(e is BadFileException or NotSupportedModelException, e.ToString());
            }
            catch (Exception e)
            {
                Assert.Fail($"mutation {i}: {e}");
            }
        }
        Assert.InRange(loaded, 300, 2700);
    }

    [Theory]
    [InlineData("\"a\":1,", "\"a\":2147483647,", "an id from 0 to")]
    [InlineData("\"a\":1,", "\"a\":-1,", "an id from 0 to")]
    [InlineData("\"a\":1,", "\"a\":1e9,", "an integer")]
    [InlineData("\"a\":1,", "\"a\":1,\"a\":20,", "occurs twice")]
    [InlineData("\"a\":1,", "\"a\":1,\"z\":1,", "have the same id 1")]
    [InlineData("\"a\":1,", "", "'a' in the vocabulary, got no such token")]
    [InlineData("\"a b\"", "\"a b b\"", "two tokens with a space between")]
    [InlineData("\"a b\"", "\"a q\"", "token 'q' in the vocabulary")]
    [InlineData("\"a b\"", "7", "an array")]
    [InlineData("\"a b\"", "\"a \\ud800\"", "valid Unicode")]
    [InlineData("\"id\":12", "\"id\":2", "id 2 in the vocabulary")]
    [InlineData("\"id\":12", "\"id\":11", "a name and an id of its own")]
    [InlineData("\"id\":12", "\"id\":\"12\"", "an integer")]
    [InlineData("\"unk_token\":\"<unk>\"", "\"unk_token\":\"<what>\"", "a token of the vocabulary")]
    [InlineData("\"ids\":[11]", "\"ids\":[11,12]", "tokens for")]
    [InlineData("\"content\":\" \",\"start\"", "\"content\":\"ab\",\"start\"", "one character")]
    public void Damage_is_a_bad_file_that_says_where(string old, string changed, string expected)
    {
        BadFileException error = Assert.Throws<BadFileException>(() => ReadSmall(old, changed));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.StartsWith("tokenizer.json: ", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"type\":\"NFC\"", "\"type\":\"ByteLevel\"", "the normalizer 'ByteLevel'")]
    [InlineData("\"type\":\"Digits\"", "\"type\":\"UnicodeScripts\"", "the pre-tokenizer 'UnicodeScripts'")]
    [InlineData("\"type\":\"ByteLevel\"", "\"type\":\"Shuffle\"", "the post-processor 'Shuffle'")]
    [InlineData("\"type\":\"Fuse\"", "\"type\":\"CTC\"", "the decoder 'CTC'")]
    [InlineData("\"type\":\"BPE\"", "\"type\":\"LetterLevel\"", "the tokenizer model 'LetterLevel'")]
    [InlineData("'ve|'m", "'ve|(?x:'n)", "the group '(?x', at character 15: '…(?x:'n)|")]
    [InlineData("'ve|'m", "a{3,2}", "what the engine of regular expressions refuses as ReversedQuantifierRange")]
    [InlineData("'ve|'m", "\\\\p{Hun}", "the class '\\p{Hun}'")]
    [InlineData("\"prepend_scheme\":\"first\"", "\"prepend_scheme\":\"last\"", "the prepend_scheme 'last'")]
    [InlineData("\"dropout\":null", "\"dropout\":0.1", "dropout")]
    [InlineData("\"fuse_unk\":true", "\"fuse_unk\":true,\"shuffle\":1", "the key 'shuffle'")]
    [InlineData("\"version\":\"1.0\"", "\"version\":\"1.0\",\"router\":{}", "the key 'router'")]
    public void What_is_not_known_is_refused_by_name(string old, string changed, string expected)
    {
        NotSupportedModelException error = Assert.Throws<NotSupportedModelException>(() => ReadSmall(old, changed));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.StartsWith("tokenizer.json: ", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Names_of_added_tokens_that_would_fill_the_memory_are_refused()
    {
        AddedToken[] tokens = [new(0, "<abc>"), new(1, "<abd>")];
        Assert.False(new AddedTokenFinder(tokens, t => t.Content, "tokenizer.json", mostNodes: 8).IsEmpty);
        Assert.Contains("more than 7 bytes in all", Assert.Throws<NotSupportedModelException>(() => new AddedTokenFinder(tokens, t => t.Content, "tokenizer.json", mostNodes: 7)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_long_pattern_is_not_shown_whole()
    {
        string message = Assert.Throws<NotSupportedModelException>(() => ReadSmall("'ve|'m", string.Concat(Enumerable.Repeat("abc|", 5000)) + "\\\\y" + string.Concat(Enumerable.Repeat("|def", 5000)))).Message;
        Assert.InRange(message.Length, 100, 400);
        Assert.Contains("the escape '\\y', at character 20011: '…\\y|def|def", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Rules_that_blow_a_text_up_are_refused()
    {
        string doubling = string.Concat(Enumerable.Repeat("{\"type\":\"Replace\",\"pattern\":{\"String\":\"a\"},\"content\":\"aa\"},", 50));
        TokenizerParts parts = ReadSmall("{\"type\":\"NFC\"},", doubling);
        Assert.Throws<NotSupportedModelException>(() => new Tokenizer(parts).EncodeIds("<s>a", false));
        string undoing = string.Concat(Enumerable.Repeat("{\"type\":\"Replace\",\"pattern\":{\"String\":\"b\"},\"content\":\"bb\"},", 50));
        TokenizerParts decoding = ReadSmall("\"decoders\":[", "\"decoders\":[" + undoing);
        Assert.Throws<NotSupportedModelException>(() => new Tokenizer(decoding).Decode([2], false));
    }

    [Theory]
    [Trait("Category", "Slow")]
    [InlineData("smollm2", "antidisestablishmentarianism")]
    [InlineData("smollm2", " ")]
    [InlineData("mistral", "a")]
    public void A_million_characters_in_one_word_take_seconds(string folder, string piece)
    {
        Tokenizer tokenizer = TokenizerFixtures.Load(folder);
        string word = string.Concat(Enumerable.Repeat(piece, (1 << 20) / piece.Length));
        long start = Environment.TickCount64;
        int[] ids = tokenizer.EncodeIds(word, addSpecialTokens: false);
        // A quadratic merge takes minutes; the bound leaves room for a busy machine.
        Assert.InRange(Environment.TickCount64 - start, 0, 30_000);
        Assert.Equal(word, tokenizer.Decode(ids, skipSpecialTokens: false));
    }

    private static TokenizerParts ReadSmall(string old, string changed)
    {
        Assert.Contains(old, SmallFile, StringComparison.Ordinal);
        int at = SmallFile.IndexOf(old, StringComparison.Ordinal);
        string text = string.Concat(SmallFile.AsSpan(0, at), changed, SmallFile.AsSpan(at + old.Length));
        using var folder = new TemporaryFolder();
        return TokenizerJsonReader.Read(Encoding.UTF8.GetBytes(text), "tokenizer.json", TokenizerConfig.Read(folder.Path));
    }

    private static int[] Use(TokenizerParts parts)
    {
        var tokenizer = new Tokenizer(parts);
        TokenEncoding encoding = tokenizer.Encode(Sample, addSpecialTokens: true);
        int[] ids = tokenizer.EncodeIds(Sample, addSpecialTokens: true);
        Assert.Equal(ids, encoding.Ids);
        Assert.All(encoding.Offsets, o => Assert.InRange(o.Start, 0, Sample.Length));
        tokenizer.Decode([.. ids, -1, 0, 1, 13, 14, int.MaxValue], skipSpecialTokens: true);
        StreamingDecoder stream = tokenizer.CreateStream(skipSpecialTokens: false);
        foreach (int id in (int[])[.. ids, -1, 13, 14, 2])
            stream.Push(id);
        stream.Flush();
        Assert.NotNull(tokenizer.Fingerprint);
        return ids;
    }

    private static byte[] Mutate(byte[] seed, Random random)
    {
        List<byte> bytes = [.. seed];
        for (int change = random.Next(1, 3); change > 0 && bytes.Count > 20; change--)
        {
            int at = random.Next(bytes.Count);
            int length = Math.Min(random.Next(1, 20), bytes.Count - at);
            switch (random.Next(7))
            {
                case 0:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes.RemoveRange(at, length);
                    break;
                case 2:
                    bytes.InsertRange(at, bytes.GetRange(at, length));
                    break;
                case 3:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                case 4: // a number grows
                    int digit = bytes.FindIndex(at, b => b is >= (byte)'0' and <= (byte)'9');
                    if (digit >= 0)
                        bytes.InsertRange(digit, Encoding.UTF8.GetBytes(random.Next(100_000_000).ToString(System.Globalization.CultureInfo.InvariantCulture)));
                    break;
                case 5: // a string becomes another of the file
                    int from = random.Next(bytes.Count - length);
                    for (int i = 0; i < length; i++)
                        bytes[at + i] = bytes[from + i];
                    break;
                default:
                    string[] words = ["null", "true", "{}", "[]", "\"\"", "\"\\ud800\"", "-1", "1e400", "\"type\"", "\u2581"];
                    bytes.InsertRange(at, Encoding.UTF8.GetBytes(words[random.Next(words.Length)]));
                    break;
            }
        }
        return [.. bytes];
    }

    /// <summary>A vocabulary small enough to load thousands of times: the first tokens of a fixture.</summary>
    private static GgufMetadata Shrink(string folder)
    {
        Tokenizer tokenizer = TokenizerFixtures.Load(folder);
        bool isByteLevel = tokenizer.Parts.Model.IsByteLevel;
        int count = isByteLevel ? 300 : 330;
        var metadata = new GgufMetadata("m.gguf");
        metadata.Set("tokenizer.ggml.model", GgufValue.From(isByteLevel ? "gpt2" : "llama"));
        metadata.Set("tokenizer.ggml.pre", GgufValue.From("smollm"));
        metadata.Set("tokenizer.ggml.tokens", GgufValue.From([.. Enumerable.Range(0, count).Select(tokenizer.TokenText)]));
        metadata.Set("tokenizer.ggml.scores", GgufValue.From([.. Enumerable.Range(0, count).Select(i => (float)-i)]));
        metadata.Set("tokenizer.ggml.token_type", GgufValue.From([.. Enumerable.Range(0, count).Select(i => i < 3 ? 3 : 1)]));
        metadata.Set("tokenizer.ggml.merges", GgufValue.From(["Ġ t", "h e"]));
        metadata.Set("tokenizer.ggml.bos_token_id", GgufValue.From(1u));
        metadata.Set("tokenizer.ggml.add_bos_token", GgufValue.From(true));
        return metadata;
    }

    private static void MutateValue(GgufMetadata metadata, Random random)
    {
        string key = metadata.Entries[random.Next(metadata.Entries.Count)].Key;
        GgufValue value = metadata.Find(key)!;
        switch (value.Value)
        {
            case string[] texts when random.Next(8) > 0:
                texts = [.. texts];
                int at = random.Next(texts.Length);
                texts[at] = random.Next(5) switch
                {
                    0 => "",
                    1 => texts[random.Next(texts.Length)],
                    2 => "\uDC80\uD800",
                    3 => new string('x', random.Next(3000)),
                    _ => texts[at] + "q z",
                };
                metadata.Set(key, GgufValue.From(random.Next(10) == 0 ? texts[..^1] : texts));
                break;
            case int[] types:
                types = [.. types];
                types[random.Next(types.Length)] = random.Next(-2, 9);
                metadata.Set(key, GgufValue.From(types));
                break;
            case float[] scores:
                scores = [.. scores];
                float[] odd = [float.NaN, float.PositiveInfinity, float.NegativeInfinity, 0, 1e30f];
                scores[random.Next(scores.Length)] = odd[random.Next(odd.Length)];
                metadata.Set(key, GgufValue.From(scores));
                break;
            default:
                GgufValue[] others = [GgufValue.From(uint.MaxValue), GgufValue.From(-5), GgufValue.From("gpt2"), GgufValue.From("llama"), GgufValue.From(false), GgufValue.From(["a"]), GgufValue.From(5f)];
                metadata.Set(key, others[random.Next(others.Length)]);
                break;
        }
    }
}
