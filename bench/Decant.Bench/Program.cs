using System.CommandLine;
using Decant.Bench;

// Compares Decant with llama.cpp in turns. Results go to bench/results/<cpu>/ as Markdown, to be committed with the claim they support.
var decant = new Option<string>("--decant") { Required = true, Description = "The decant program to measure" };
var peer = new Option<string>("--peer") { Required = true, Description = "llama.cpp's driver (shared/peer/build.sh prints its path); membw and peak lie beside it" };
var results = new Option<string>("--results") { DefaultValueFactory = _ => "bench/results", Description = "Folder of the results" };
var turns = new Option<int>("--turns") { DefaultValueFactory = _ => 3, Description = "Runs of each side" };
var threads = new Option<int[]>("--threads") { DefaultValueFactory = _ => [2], AllowMultipleArgumentsPerToken = true, Description = "Thread counts" };
var title = new Option<string>("--title") { Required = true, Description = "Name of the result file" };

var model = new Argument<string>("model") { Description = "Source GGUF" };
var types = new Option<string[]>("--types") { Required = true, AllowMultipleArgumentsPerToken = true };
var imatrix = new Option<string?>("--imatrix") { Description = "Importance matrix for both sides" };
var scratch = new Option<string>("--scratch") { DefaultValueFactory = _ => Path.GetTempPath(), Description = "Where outputs go" };
var text = new Option<string?>("--text") { Description = "Run every output in both programs: perplexity over the first windows of this text" };
var compress = new Command("compress", "Quantization: time per type, bytes compared") { model, types, imatrix, text, scratch };
compress.SetAction(r => CompressComparison.Run(
    Sides(r), r.GetValue(model)!, r.GetValue(types)!, r.GetValue(imatrix), r.GetValue(text), r.GetValue(threads)!, r.GetValue(scratch)!));

var sample = new Option<string>("--text") { Required = true, Description = "Text whose first tokens are run" };
var tokens = new Option<int>("--tokens") { DefaultValueFactory = _ => 512 };
var agreement = new Command("agreement", "Logits of both for the same tokens") { model, sample, tokens, scratch };
agreement.SetAction(r => AgreementComparison.Run(
    Sides(r), new Tool(r.GetValue(peer)!, new Dictionary<string, string> { ["PEER_KV"] = "f32", ["PEER_FA"] = "off" }),
    r.GetValue(model)!, r.GetValue(sample)!, r.GetValue(tokens), r.GetValue(scratch)!));

var fastModels = new Argument<string[]>("models") { Description = "GGUF files", Arity = ArgumentArity.OneOrMore };
var fast = new Command("fast", "Divergence of both fast paths from Decant's float path") { fastModels, sample, tokens, scratch };
fast.SetAction(r => AgreementComparison.RunFast(Sides(r), r.GetValue(fastModels)!, r.GetValue(sample)!, r.GetValue(tokens), r.GetValue(scratch)!));

var models = new Argument<string[]>("models") { Description = "GGUF files", Arity = ArgumentArity.OneOrMore };
var prompt = new Option<int>("--prompt") { DefaultValueFactory = _ => 512 };
var generate = new Option<int>("--generate") { DefaultValueFactory = _ => 128 };
var repetitions = new Option<int>("--repetitions") { DefaultValueFactory = _ => 3 };
var decantVariables = new Option<string[]>("--decant-env") { AllowMultipleArgumentsPerToken = true, Description = "NAME=VALUE for Decant: DOTNET_EnableAVX512=0 ..." };
var peerVariables = new Option<string[]>("--peer-env") { AllowMultipleArgumentsPerToken = true, Description = "NAME=VALUE for llama.cpp: PEER_CPU=haswell ..." };
var decantOptions = new Option<string[]>("--decant-options") { AllowMultipleArgumentsPerToken = true, Description = "Further options of decant bench, as --cache-type=f16" };
var speed = new Command("speed", "Prefill and decode: tokens per second") { models, prompt, generate, repetitions, decantVariables, peerVariables, decantOptions };
speed.SetAction(r => new SpeedComparison(
    Sides(r) is var sides ? sides with { Decant = sides.Decant.With(Variables(r.GetValue(decantVariables))), Peer = sides.Peer.With(Variables(r.GetValue(peerVariables))) } : sides,
    r.GetValue(prompt), r.GetValue(generate), r.GetValue(repetitions), r.GetValue(decantOptions) ?? []).Run(r.GetValue(models)!, r.GetValue(threads)!));

var runs = new Option<int>("--runs") { DefaultValueFactory = _ => 15, Description = "Processes started" };
var ahead = new Option<string?>("--aot") { Description = "A NativeAOT program to measure beside it (scripts/publish.sh)" };
var start = new Command("start", "From process start to the first token") { model, runs, ahead };
start.SetAction(r => new StartComparison(Sides(r), r.GetValue(model)!, r.GetValue(runs), r.GetValue(threads)!, r.GetValue(ahead)).Run());

var chunks = new Option<int>("--chunks") { DefaultValueFactory = _ => 40, Description = "Windows" };
var context = new Option<int>("--context") { DefaultValueFactory = _ => 512, Description = "Tokens of a window" };
var eval = new Command("eval", "Perplexity: seconds and result") { models, sample, chunks, context };
eval.SetAction(r => EvalComparison.Run(Sides(r), r.GetValue(models)!, r.GetValue(sample)!, r.GetValue(chunks), r.GetValue(context), r.GetValue(threads)![0]));

var nativeProgram = new Option<string>("--aot") { Required = true, Description = "The NativeAOT program (scripts/publish.sh)" };
var native = new Command("native", "The NativeAOT program beside the JIT one: prefill and decode") { models, nativeProgram, prompt, generate, repetitions };
native.SetAction(r => NativeComparison.Run(
    Sides(r), new Tool(r.GetValue(nativeProgram)!), r.GetValue(models)!, r.GetValue(prompt), r.GetValue(generate), r.GetValue(repetitions), r.GetValue(threads)![0]));

var root = new RootCommand("Decant beside llama.cpp, turn by turn") { compress, speed, agreement, fast, start, eval, native };
foreach (Option option in new Option[] { decant, peer, results, turns, threads, title })
{
    option.Recursive = true;
    root.Options.Add(option);
}
return root.Parse(args).Invoke();

static Dictionary<string, string> Variables(string[]? assignments) =>
    (assignments ?? []).Select(a => a.Split('=', 2)).ToDictionary(a => a[0], a => a.Length > 1 ? a[1] : "");

Sides Sides(ParseResult r)
{
    string peerPath = r.GetValue(peer)!;
    return new Sides(
        new Tool(r.GetValue(decant)!), new Tool(peerPath), new Machine(Path.GetDirectoryName(Path.GetFullPath(peerPath))!),
        r.GetValue(turns), new ResultFile(r.GetValue(results)!, r.GetValue(title)!));
}
