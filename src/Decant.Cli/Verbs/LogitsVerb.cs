using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Decant.Cli.Models;
using Decant.Cli.Output;
using Decant.Cli.Running;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Measurement;
using Decant.Core.Tensors;
using Decant.Engine.Inference;

namespace Decant.Cli.Verbs;

/// <summary><c>decant logits</c>: what the model computes, for comparison with other programs.</summary>
internal sealed class LogitsVerb : Verb
{
    private readonly Argument<string> model = ModelArgument.Create();
    private readonly Option<string> ids = new("--ids") { Description = "A file of token ids separated by white space, one sequence a line ('-' reads standard input)", HelpName = "FILE", Required = true };
    private readonly Option<string> output = OutputOptions.CreateOutput("The .safetensors file to write", required: true);
    private readonly Option<bool> force = OutputOptions.CreateForce();
    private readonly EngineOptions engine = new(DecoderArithmetic.Float, WeightPlacement.Mapped);

    public override string Name => "logits";

    public override bool WritesFiles => true;

    public override string Description => "Write the logits of token ids as safetensors: logits.0 [T, V] float32, logits.1, ...";

    public override IReadOnlyList<(string Command, string Meaning)> Examples =>
    [
        ("decant logits model.gguf --ids ids.txt -o logits.safetensors", "One tensor [tokens, vocabulary] for each line of ids, computed in float"),
    ];

    public override void Declare(Command command)
    {
        command.Add(model);
        command.Add(ids);
        command.Add(output);
        command.Add(force);
        engine.Declare(command);
    }

    public override ExitCode Run(VerbRun run)
    {
        long start = TimeProvider.System.GetTimestamp();
        run.WatchMemory();
        string path = run.Get(output)!;
        if (!path.EndsWith(".safetensors", StringComparison.OrdinalIgnoreCase))
            throw new UsageException($"{path}: logits are written as safetensors; give the output a name that ends in .safetensors.");
        int[][] sequences = ReadSequences(run, run.Get(ids)!);
        using OpenModel opened = OpenModel.Open(run, run.Get(model));
        int vocabulary = opened.Model.Spec.VocabularySize;
        CheckIds(run.Get(ids)!, sequences, vocabulary);
        TensorInfo[] tensors = [.. sequences.Select((sequence, index) =>
            new TensorInfo(string.Create(CultureInfo.InvariantCulture, $"logits.{index}"), new TensorShape(sequence.Length, vocabulary), TensorFormats.F32))];
        using AtomicOutput file = AtomicOutput.ForFile(path, run.Get(force), [run.Get(model), run.Get(ids)!], tensors.Sum(tensor => tensor.ByteCount));
        Decoder decoder = opened.Load(engine.ToDecoderOptions(run));
        using (var writer = new SafetensorsWriter(file.OpenFile(), path, tensors, new Dictionary<string, string>()))
        {
            run.WithProgress(progress => Write(run, decoder, writer, tensors, sequences, progress));
            writer.Complete();
        }
        file.Commit();
        double seconds = TimeProvider.System.GetElapsedTime(start).TotalSeconds;
        long byteCount = new FileInfo(path).Length;
        run.Emit(
            () => new JsonObject
            {
                ["output"] = path,
                ["bytes_out"] = byteCount,
                ["vocabulary_size"] = vocabulary,
                ["sequences"] = new JsonArray([.. sequences.Select((sequence, index) =>
                    new JsonObject { ["name"] = tensors[index].Name, ["tokens"] = sequence.Length })]),
                ["kernel"] = decoder.KernelName,
                ["seconds"] = seconds,
                ["peak_memory_bytes"] = run.PeakMemoryByteCount,
            },
            console => console.WriteFact($"{path}: {sequences.Length} tensors, {sequences.Sum(s => s.Length)} tokens × {vocabulary} logits, {Quantities.Bytes(byteCount)}, {Quantities.Duration(TimeSpan.FromSeconds(seconds))}"));
        return ExitCode.Done;
    }

    private static int[][] ReadSequences(VerbRun run, string path)
    {
        var sequences = new List<int[]>();
        int number = 0;
        foreach (string line in TextFile.ReadLines(path, run.Terminal))
        {
            number++;
            string[] words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0)
                continue;
            int[] sequence = new int[words.Length];
            for (int i = 0; i < words.Length; i++)
            {
                if (!int.TryParse(words[i], NumberStyles.None, CultureInfo.InvariantCulture, out sequence[i]))
                    throw BadFileException.Expected(path, string.Create(CultureInfo.InvariantCulture, $"line {number}, word {i + 1}"), "a token id", words[i].Length <= 40 ? words[i] : words[i][..37] + "...");
            }
            sequences.Add(sequence);
        }
        return sequences.Count > 0 ? [.. sequences] : throw new BadFileException($"{path}: there are no token ids.");
    }

    private static void CheckIds(string path, int[][] sequences, int vocabulary)
    {
        for (int index = 0; index < sequences.Length; index++)
        {
            int bad = Array.FindIndex(sequences[index], id => id >= vocabulary);
            if (bad >= 0)
                throw BadFileException.Expected(path, string.Create(CultureInfo.InvariantCulture, $"sequence {index}, token {bad}"), $"an id below the vocabulary size {vocabulary}", $"{sequences[index][bad]}");
        }
    }

    private static bool Write(VerbRun run, Decoder decoder, SafetensorsWriter writer, TensorInfo[] tensors, int[][] sequences, IProgress<WorkProgress>? progress)
    {
        long total = sequences.Sum(sequence => (long)sequence.Length);
        long done = 0;
        using DecoderSession session = decoder.StartSession(sequences.Max(sequence => sequence.Length));
        // The container fixes the order of its tensors; it is not that of their numbers.
        foreach (TensorInfo tensor in writer.Tensors)
        {
            int[] sequence = sequences[Array.IndexOf(tensors, tensor)];
            session.Reset();
            writer.Begin(tensor.Name);
            session.Score(sequence, 0, (_, logits) =>
            {
                writer.Write(MemoryMarshal.AsBytes(logits));
                done++;
                progress?.Report(new WorkProgress("score", done, total, "tokens", tensor.Name));
            }, run.CancellationToken);
        }
        return true;
    }
}
