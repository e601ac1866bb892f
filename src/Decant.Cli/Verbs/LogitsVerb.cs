using System.CommandLine;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Decant.Cli.Logits;
using Decant.Cli.Models;
using Decant.Cli.Output;
using Decant.Cli.Running;
using Decant.Core.Architectures;
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
    private readonly Option<string> mask = new("--mask") { Description = "For encoders: a line of 0 (padding) and 1 for each sequence ('-' reads standard input)", HelpName = "FILE" };
    private readonly Option<string> types = new("--token-types") { Description = "For encoders: a line of token types for each sequence", HelpName = "FILE" };
    private readonly Option<string> decoderIds = new("--decoder-ids") { Description = "For encoder-decoders: a line of what the decoder has written, its first token included, for each sequence (default: the first token alone)", HelpName = "FILE" };
    private readonly Option<string> output = OutputOptions.CreateOutput("The .safetensors file to write", required: true);
    private readonly Option<bool> force = OutputOptions.CreateForce();
    private readonly EngineOptions engine = new(DecoderArithmetic.Float, WeightPlacement.Mapped);

    public override string Name => "logits";

    public override bool WritesFiles => true;

    public override string Description => "Write the logits of token ids as safetensors: logits.0 [T, V] float32, logits.1, ...; of encoders hidden_states.0 [T, H] too";

    public override IReadOnlyList<(string Command, string Meaning)> Examples =>
    [
        ("decant logits model.gguf --ids ids.txt -o logits.safetensors", "One tensor [tokens, vocabulary] for each line of ids, computed in float"),
        ("decant logits bert-folder --ids ids.txt --mask mask.txt -o out.safetensors", "An encoder: hidden states, and logits of tokens or classes if it has such a head"),
        ("decant logits t5-folder --ids ids.txt --decoder-ids answer.txt -o out.safetensors", "An encoder-decoder: hidden states of the encoder, logits of the decoder"),
    ];

    public override void Declare(Command command)
    {
        command.Add(model);
        command.Add(ids);
        command.Add(mask);
        command.Add(types);
        command.Add(decoderIds);
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
        int vocabulary = opened.AnyModel.Spec.VocabularySize;
        CheckIds(run.Get(ids)!, sequences, vocabulary);
        LogitsInput[] inputs = ReadInputs(run, opened.AnyModel, sequences);
        using LogitsSource source = LogitsSource.Load(opened.AnyModel, inputs, engine.ToDecoderOptions(run), run.CancellationToken);
        Part[] parts = [.. Enumerable.Range(0, inputs.Length).SelectMany(index => source.TensorsOf(index).Select(tensor =>
            new Part(index, tensor.Name, new TensorInfo(string.Create(CultureInfo.InvariantCulture, $"{tensor.Name}.{index}"), tensor.Shape, TensorFormats.F32))))];
        using AtomicOutput file = AtomicOutput.ForFile(path, run.Get(force), [run.Get(model), run.Get(ids)!], parts.Sum(part => part.Tensor.ByteCount));
        using (var writer = new SafetensorsWriter(file.OpenFile(), path, [.. parts.Select(part => part.Tensor)], new Dictionary<string, string>()))
        {
            run.WithProgress(progress => Write(run, source, writer, parts, progress));
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
                    new JsonObject { ["name"] = parts.Last(part => part.Sequence == index).Tensor.Name, ["tokens"] = sequence.Length })]),
                ["kernel"] = source.KernelName,
                ["seconds"] = seconds,
                ["peak_memory_bytes"] = run.PeakMemoryByteCount,
            },
            console => console.WriteFact($"{path}: {Counted(parts)}, of {sequences.Sum(s => s.Length)} tokens, {Quantities.Bytes(byteCount)}, {Quantities.Duration(TimeSpan.FromSeconds(seconds))}"));
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

    private static bool Write(VerbRun run, LogitsSource source, SafetensorsWriter writer, Part[] parts, IProgress<WorkProgress>? progress)
    {
        long total = parts.Sum(part => part.Tensor.Shape.RowCount);
        long done = 0;
        // The container fixes the order of its tensors; it is not that of their numbers.
        foreach (TensorInfo tensor in writer.Tensors)
        {
            Part part = parts.First(part => part.Tensor == tensor);
            writer.Begin(tensor.Name);
            source.Compute(part.Sequence, part.Name, row =>
            {
                writer.Write(MemoryMarshal.AsBytes(row));
                done++;
                progress?.Report(new WorkProgress("score", done, total, "tokens", tensor.Name));
            }, run.CancellationToken);
        }
        return true;
    }

    private static string Counted(Part[] parts) => string.Create(CultureInfo.InvariantCulture, $"{parts.Length} tensors");

    private LogitsInput[] ReadInputs(VerbRun run, Model model, int[][] sequences)
    {
        bool encodes = model is EncoderModel or EncoderDecoderModel;
        int[][]? masks = ReadBeside(run, mask, sequences, encodes, "encoders"), kinds = ReadBeside(run, types, sequences, model is EncoderModel, "encoders");
        int[][]? written = ReadBeside(run, decoderIds, sequences, model is EncoderDecoderModel, "encoder-decoders", sameLengths: false);
        if (masks?.SelectMany(line => line).FirstOrDefault(value => value > 1) is { } bad and > 1)
            throw BadFileException.Expected(run.Get(mask)!, "the mask", "0 for padding and 1 for other tokens", $"{bad}");
        int hidden = masks is null ? -1 : Array.FindIndex(masks, line => line.All(value => value == 0));
        if (hidden >= 0)
            throw BadFileException.Expected(run.Get(mask)!, string.Create(CultureInfo.InvariantCulture, $"sequence {hidden}"), "at least one 1", "0 for every token");
        if (written is not null)
            CheckIds(run.Get(decoderIds)!, written, model.Spec.VocabularySize);
        return [.. sequences.Select((sequence, index) => new LogitsInput(
            sequence, masks is null ? [] : [.. masks[index].Select(value => value == 1)], kinds?[index] ?? [], written?[index] ?? []))];
    }

    /// <summary>A line for each sequence from another file, or null if the option was not given.</summary>
    private static int[][]? ReadBeside(VerbRun run, Option<string> option, int[][] sequences, bool isFor, string kinds, bool sameLengths = true)
    {
        if (run.Get(option) is not { } path)
            return null;
        if (!isFor)
            throw new UsageException($"{option.Name} is for {kinds}, and this model is none.");
        int[][] lines = ReadSequences(run, path);
        if (lines.Length != sequences.Length)
            throw BadFileException.Expected(path, "the file", $"{sequences.Length} lines, one for each sequence", $"{lines.Length}");
        for (int i = 0; i < lines.Length && sameLengths; i++)
        {
            if (lines[i].Length != sequences[i].Length)
                throw BadFileException.Expected(path, $"sequence {i}", $"{sequences[i].Length} entries, one for each token", $"{lines[i].Length}");
        }
        return lines;
    }

    /// <summary>A tensor to write.</summary>
    private sealed record Part(int Sequence, string Name, TensorInfo Tensor);
}
