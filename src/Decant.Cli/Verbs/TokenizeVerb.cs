using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Decant.Cli.Models;
using Decant.Cli.Output;
using Decant.Cli.Running;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tokenizers;

namespace Decant.Cli.Verbs;

/// <summary><c>decant tokenize</c>: text to ids and back.</summary>
internal sealed class TokenizeVerb : Verb
{
    private readonly Argument<string> model = new("MODEL") { Description = "A model, or a folder of tokenizer files alone" };
    private readonly Option<string> text = new("--text") { Description = "A text file, tokenised as one text ('-' reads standard input)", HelpName = "FILE" };
    private readonly Option<string> lines = new("--jsonl")
    {
        Description = """A file of lines {"text", "add_special_tokens"}; every line gives a line {"ids", "tokens", "offsets", "decoded"}""",
        HelpName = "FILE",
    };
    private readonly Option<bool> plain = new("--no-special-tokens") { Description = "Add no special tokens such as <s> around the text of --text" };

    public override string Name => "tokenize";

    public override string Description => "Turn text into token ids, with tokens, offsets and the decoded text";

    public override IReadOnlyList<(string Command, string Meaning)> Examples =>
    [
        ("decant tokenize model.gguf --text story.txt", "The ids of the whole file on one line, as 'decant logits' reads them"),
        ("decant tokenize model.gguf --text story.txt --json", "The same with tokens, offsets (in code points) and the decoded text"),
        ("decant tokenize tokenizer-folder --jsonl cases.jsonl", "One line in, one line out"),
    ];

    public override void Declare(Command command)
    {
        command.Add(model);
        command.Add(text);
        command.Add(lines);
        command.Add(plain);
    }

    public override ExitCode Run(VerbRun run)
    {
        string? textPath = run.Get(text);
        string? linesPath = run.Get(lines);
        if ((textPath is null) == (linesPath is null))
            throw new UsageException("give either --text FILE or --jsonl FILE. See: decant tokenize --help");
        if (linesPath is not null && run.Has(plain))
            throw new UsageException("""with --jsonl every line says "add_special_tokens" for itself; --no-special-tokens belongs to --text.""");
        Tokenizer tokenizer = LoadTokenizer(ModelLocation.Resolve(run, run.Get(model)));
        if (linesPath is not null)
            TokenizeLines(run, tokenizer, linesPath);
        else
            TokenizeText(run, tokenizer, TextFile.Read(textPath!, run.Terminal));
        return ExitCode.Done;
    }

    private static Tokenizer LoadTokenizer(string path)
    {
        // Tokenizer files may lie alone in a folder; weights are not looked for where they are not needed.
        if (Directory.Exists(path) && !Directory.EnumerateFiles(path, "*.gguf").Any())
            return TokenizerLoader.LoadFolder(path);
        using IModelSource source = ModelSources.Open(path);
        return TokenizerLoader.Load(source) ?? throw OpenModel.MissingTokenizer(source, "tokenize");
    }

    private void TokenizeText(VerbRun run, Tokenizer tokenizer, string content)
    {
        bool addSpecialTokens = !run.Get(plain);
        if (run.Json)
            JsonOutput.Write(run.Terminal.Output, Describe(tokenizer, content, addSpecialTokens));
        else
            run.Terminal.Output.Write(string.Join(' ', tokenizer.EncodeIds(content, addSpecialTokens)) + "\n");
    }

    private static void TokenizeLines(VerbRun run, Tokenizer tokenizer, string path)
    {
        int number = 0;
        foreach (string line in TextFile.ReadLines(path, run.Terminal))
        {
            run.CancellationToken.ThrowIfCancellationRequested();
            number++;
            if (string.IsNullOrWhiteSpace(line))
                continue;
            (string content, bool addSpecialTokens) = ReadCase(path, number, line);
            JsonOutput.WriteLine(run.Terminal.Output, Describe(tokenizer, content, addSpecialTokens));
        }
    }

    private static (string Text, bool AddSpecialTokens) ReadCase(string path, int number, string line)
    {
        string item = string.Create(CultureInfo.InvariantCulture, $"line {number}");
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("text", out JsonElement content)
                || content.ValueKind != JsonValueKind.String)
            {
                throw BadFileException.Expected(path, item, """an object with "text" """.TrimEnd(), line.Length <= 80 ? line : line[..77] + "...");
            }
            bool addSpecialTokens = true;
            if (document.RootElement.TryGetProperty("add_special_tokens", out JsonElement flag))
            {
                addSpecialTokens = flag.ValueKind is JsonValueKind.True or JsonValueKind.False
                    ? flag.GetBoolean()
                    : throw BadFileException.Expected(path, $"{item}, add_special_tokens", "true or false", flag.GetRawText());
            }
            return (content.GetString()!, addSpecialTokens);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // InvalidOperationException: an unpaired surrogate written as \uD800, which is no text.
            throw new BadFileException($"{path}: {item}: this is not JSON text: {error.Message}", error);
        }
    }

    private static JsonObject Describe(Tokenizer tokenizer, string content, bool addSpecialTokens)
    {
        TokenEncoding encoding = tokenizer.Encode(content, addSpecialTokens);
        int[] ids = [.. encoding.Ids];
        return new JsonObject
        {
            ["ids"] = new JsonArray([.. ids.Select(id => JsonValue.Create(id))]),
            ["tokens"] = new JsonArray([.. encoding.Tokens.Select(token => JsonValue.Create(token))]),
            ["offsets"] = new JsonArray([.. encoding.Offsets.Select(range => new JsonArray(range.Start, range.End))]),
            ["decoded"] = tokenizer.Decode(ids, skipSpecialTokens: false),
        };
    }
}
