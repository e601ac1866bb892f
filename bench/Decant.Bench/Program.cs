using System.CommandLine;
using Decant.Bench;

// Compares Decant with llama.cpp in turns. With --results, tables go to FOLDER/<cpu>/TITLE.md as Markdown too, to be committed with the claim they support.
const string ThisProgram = "dotnet run -c Release --project bench/Decant.Bench --";
var decant = new Option<string>("--decant") { DefaultValueFactory = _ => Programs.Decant, Description = "The decant program to measure; default: the Release build of this repository" };
var peer = new Option<string>("--peer") { DefaultValueFactory = _ => Programs.Peer, Description = "llama.cpp's driver (shared/peer/build.sh prints its path); membw and peak lie beside it. Default: $DECANT_PEER, or decant-peer/peer in the temporary folder" };
var results = new Option<string?>("--results") { Description = "Write the tables to FOLDER/<cpu>/TITLE.md too, as in --results bench/results; without it they are printed alone", HelpName = "FOLDER" };
var turns = new Option<int>("--turns") { DefaultValueFactory = _ => 3, Description = "Runs of each side" };
var threads = new Option<int[]>("--threads") { DefaultValueFactory = _ => [2], AllowMultipleArgumentsPerToken = true, Description = "Thread counts" };
var title = new Option<string?>("--title") { Description = "Name of the result file (default: the command's)" };
var decantVariables = new Option<string[]>("--decant-env") { AllowMultipleArgumentsPerToken = true, Description = "NAME=VALUE for Decant: DOTNET_EnableAVX512=0 ..." };
var peerVariables = new Option<string[]>("--peer-env") { AllowMultipleArgumentsPerToken = true, Description = "NAME=VALUE for llama.cpp: PEER_CPU=haswell ..." };

var model = new Argument<string>("model") { Description = "Source GGUF" };
var types = new Option<string[]>("--types") { Required = true, AllowMultipleArgumentsPerToken = true };
var imatrix = new Option<string?>("--imatrix") { Description = "Importance matrix for both sides" };
var scratch = new Option<string>("--scratch") { DefaultValueFactory = _ => Path.GetTempPath(), Description = "Where outputs go" };
var text = new Option<string?>("--text") { Description = "Run every output in both programs: perplexity over the first windows of this text" };
var compress = new Command("compress", "Quantization: time per type, bytes compared") { model, types, imatrix, text, scratch };
compress.SetAction(r => CompressComparison.Run(
    Sides(r), Programs.Model(r.GetValue(model)!), r.GetValue(types)!, r.GetValue(imatrix), r.GetValue(text), r.GetValue(threads)!, r.GetValue(scratch)!));

var sample = new Option<string>("--text") { Required = true, Description = "Text whose first tokens are run" };
var tokens = new Option<int>("--tokens") { DefaultValueFactory = _ => 512 };
var agreement = new Command("agreement", "Logits of both for the same tokens") { model, sample, tokens, scratch };
agreement.SetAction(r => AgreementComparison.Run(Sides(r), Programs.Model(r.GetValue(model)!), r.GetValue(sample)!, r.GetValue(tokens), r.GetValue(scratch)!));

var models = new Argument<string[]>("models") { Description = "GGUF files; those that are not here are looked for in $DECANT_MODELS, or decant-models in the temporary folder", Arity = ArgumentArity.OneOrMore };
var fast = new Command("fast", "Divergence of both fast paths from Decant's float path") { models, sample, tokens, scratch };
fast.SetAction(r => AgreementComparison.RunFast(Sides(r), Models(r), r.GetValue(sample)!, r.GetValue(tokens), r.GetValue(scratch)!));

var prompt = new Option<int>("--prompt") { DefaultValueFactory = _ => 512 };
var generate = new Option<int>("--generate") { DefaultValueFactory = _ => 128 };
var repetitions = new Option<int>("--repetitions") { DefaultValueFactory = _ => 3 };
var weights = new Option<string[]>("--weights") { DefaultValueFactory = _ => ["auto"], AllowMultipleArgumentsPerToken = true, Description = "Where Decant has the weights: auto, map, copy; several take their turns beside one of llama.cpp's" };
var decantOptions = new Option<string[]>("--decant-options") { AllowMultipleArgumentsPerToken = true, Description = "Further options of decant bench, as --cache-type=f16" };
var speed = new Command("speed", "Prefill and decode: tokens per second") { models, prompt, generate, repetitions, weights, decantOptions };
speed.SetAction(r => new SpeedComparison(
    Sides(r), r.GetValue(prompt), r.GetValue(generate), r.GetValue(repetitions), r.GetValue(weights)!, r.GetValue(decantOptions) ?? []).Run(Models(r), r.GetValue(threads)!));

var runs = new Option<int>("--runs") { DefaultValueFactory = _ => 15, Description = "Processes started" };
var ahead = new Option<string?>("--aot") { Description = "A NativeAOT program to measure beside it (scripts/publish.sh)" };
var start = new Command("start", "From process start to the first token") { model, runs, ahead };
start.SetAction(r => new StartComparison(Sides(r), Programs.Model(r.GetValue(model)!), r.GetValue(runs), r.GetValue(threads)!, r.GetValue(ahead)).Run());

var chunks = new Option<int>("--chunks") { DefaultValueFactory = _ => 40, Description = "Windows" };
var context = new Option<int>("--context") { DefaultValueFactory = _ => 512, Description = "Tokens of a window" };
var eval = new Command("eval", "Perplexity: seconds and result") { models, sample, chunks, context };
eval.SetAction(r => EvalComparison.Run(Sides(r), Models(r), r.GetValue(sample)!, r.GetValue(chunks), r.GetValue(context), r.GetValue(threads)![0]));

var nativeProgram = new Option<string>("--aot") { Required = true, Description = "The NativeAOT program (scripts/publish.sh)" };
var native = new Command("native", "The NativeAOT program beside the JIT one: prefill and decode") { models, nativeProgram, prompt, generate, repetitions };
native.SetAction(r => NativeComparison.Run(
    Sides(r), new Tool(r.GetValue(nativeProgram)!), Models(r), r.GetValue(prompt), r.GetValue(generate), r.GetValue(repetitions), r.GetValue(threads)![0]));

// For results that other programs write (bench/lab/record.sh).
var words = new Argument<string[]>("command") { Description = "The command line that makes the result, word by word", Arity = ArgumentArity.OneOrMore };
var head = new Command("head", "What the head of a result says: command, commit, date, environment, sizes of the files that the command names") { words };
head.SetAction(r =>
{
    string[] command = r.GetValue(words)!;
    foreach (string line in ResultHead.Lines(ResultHead.CommandLine(command[0], command[1..]), null, [], command[1..].Select(Programs.Model).Where(File.Exists)))
        Console.WriteLine(line);
});

var root = new RootCommand("Decant beside llama.cpp, turn by turn") { head };
foreach (Command comparison in (Command[])[compress, speed, agreement, fast, start, eval, native])
{
    foreach (Option option in (Option[])[decant, peer, results, turns, threads, title, decantVariables, peerVariables])
        comparison.Options.Add(option);
    root.Subcommands.Add(comparison);
}
try
{
    return root.Parse(args).Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
}
catch (Exception e) when (e is FileNotFoundException or InvalidOperationException)
{
    Console.Error.WriteLine(e.Message);
    return 2;
}

static Dictionary<string, string> Variables(string[]? assignments) =>
    (assignments ?? []).Select(a => a.Split('=', 2)).ToDictionary(a => a[0], a => a.Length > 1 ? a[1] : "");

string[] Models(ParseResult r) => [.. r.GetValue(models)!.Select(Programs.Model)];

Sides Sides(ParseResult r)
{
    string peerPath = r.GetValue(peer)!;
    return new Sides(
        new Tool(r.GetValue(decant)!, Variables(r.GetValue(decantVariables))), new Tool(peerPath, Variables(r.GetValue(peerVariables))), new Machine(Path.GetDirectoryName(Path.GetFullPath(peerPath))!),
        r.GetValue(turns), new ResultFile(r.GetValue(results), r.GetValue(title) ?? r.CommandResult.Command.Name), ResultHead.CommandLine(ThisProgram, args));
}
