using System.Diagnostics;
using System.Globalization;
using System.Text;
using Decant.Core.Errors;
using Decant.Core.Tokenizers;

// How fast one core turns text into ids and back. A table in Markdown.
// Arguments: FOLDER [TEXT] [SECONDS]: every folder in FOLDER that has a tokenizer, text of English prose, seconds per measurement.
// Times are processor time of the process, so that other programs on the machine disturb little. The text is tokenized as a whole and line by line, the first
// time with empty caches; "word" is one word of a megabyte.

string root = args[0];
string textPath = args.Length > 1 ? args[1] : Path.Combine("..", "shared", "data", "wikitext-2", "valid.txt");
double seconds = args.Length > 2 ? double.Parse(args[2], CultureInfo.InvariantCulture) : 1;
string text = File.ReadAllText(textPath);
string[] lines = text.Split('\n');
double megabytes = Encoding.UTF8.GetByteCount(text) / 1e6;
string word = string.Concat(Enumerable.Repeat("antidisestablishmentarianism", (1 << 20) / 28));
Console.WriteLine(FormattableString.Invariant($"{Path.GetFileName(textPath)}, {megabytes:0.00} MB; MB/s of UTF-8, one core\n"));
Console.WriteLine("| folder | kind | first time | whole text | by lines | decoding | a word of 1 MB, s |");
Console.WriteLine("|---|---|---:|---:|---:|---:|---:|");
foreach (string folder in Directory.GetDirectories(root).Order(StringComparer.Ordinal))
{
    Tokenizer tokenizer;
    try
    {
        tokenizer = TokenizerLoader.LoadFolder(folder);
    }
    catch (BadFileException)
    {
        // Not a tokenizer's folder.
        continue;
    }
    double first = Once(() => tokenizer.EncodeIds(text, addSpecialTokens: false));
    double whole = Measure(() => tokenizer.EncodeIds(text, addSpecialTokens: false), seconds);
    double byLines = Measure(() => Array.ForEach(lines, line => tokenizer.EncodeIds(line, addSpecialTokens: false)), seconds);
    int[] ids = tokenizer.EncodeIds(text, addSpecialTokens: false);
    double decoding = Measure(() => tokenizer.Decode(ids, skipSpecialTokens: false), seconds);
    double longWord = Once(() => tokenizer.EncodeIds(word, addSpecialTokens: false));
    Console.WriteLine(FormattableString.Invariant(
        $"| {Path.GetFileName(folder)} | {tokenizer.Kind} | {megabytes / first:0.0} | {megabytes / whole:0.0} | {megabytes / byLines:0.0} | {megabytes / decoding:0} | {longWord:0.00} |"));
}

static double Once(Action action)
{
    using Process process = Process.GetCurrentProcess();
    TimeSpan start = process.TotalProcessorTime;
    action();
    process.Refresh();
    return Math.Max((process.TotalProcessorTime - start).TotalSeconds, 1e-9);
}

static double Measure(Action action, double seconds)
{
    double least = double.MaxValue, spent = 0;
    while (spent < seconds)
    {
        double taken = Once(action);
        spent += taken;
        least = Math.Min(least, taken);
    }
    return least;
}
