// Laboratory: tokens a second of 1 to 16 texts that grow together, one token each a step. The counts take turns within a round, and the best round of
// each counts, so that other work on the machine disturbs all alike.
//   dotnet run -c Release --project bench/lab/BatchSpeed -- MODEL [--threads N] [--prompt 64] [--steps 16] [--rounds 5] [--arithmetic fast|float] [--kernel NAME] [--cache F32] [--weights copied|mapped] [--texts 1,2,4,8,16]
using System.Diagnostics;
using System.Globalization;
using Decant.Core.Architectures;
using Decant.Core.Files;
using Decant.Engine.Inference;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (args.Length == 0 || args.Length % 2 == 0)
{
    Console.Error.WriteLine("usage: BatchSpeed MODEL [--threads N] [--prompt 64] [--steps 16] [--rounds 5] [--arithmetic fast|float] [--kernel NAME] [--cache F32] [--weights copied|mapped] [--texts 1,2,4,8,16]");
    return 2;
}
string Option(string name, string fallback) => Array.IndexOf(args, name) is var i and > 0 ? args[i + 1] : fallback;
int Number(string name, int fallback) => int.Parse(Option(name, fallback.ToString()), NumberStyles.None);
int promptLength = Number("--prompt", 64);
int steps = Number("--steps", 16);
int rounds = Number("--rounds", 5);
int[] counts = [.. Option("--texts", "1,2,4,8,16").Split(',').Select(int.Parse)];

using IModelSource source = ModelSources.Open(args[0]);
var options = new DecoderOptions { ThreadCount = Number("--threads", 0), KeyValueFormat = Option("--cache", "F32"), Arithmetic = Enum.Parse<DecoderArithmetic>(Option("--arithmetic", "fast"), true), Weights = Enum.Parse<WeightPlacement>(Option("--weights", "copied"), true) };
if (args.Contains("--kernel"))
    options = options with { Kernel = Option("--kernel", "") };
using Decoder decoder = Decoder.Load(ArchitectureRegistry.BindDecoder(source), options);
using var batch = new DecoderBatch(decoder);
var random = new Random(1);
int RandomId() => random.Next(decoder.Spec.VocabularySize);
DecoderSession[] sessions = [.. Enumerable.Range(0, counts[^1]).Select(_ => decoder.StartSession(promptLength + steps))];
foreach (DecoderSession session in sessions)
    session.Append([.. Enumerable.Range(0, promptLength).Select(_ => RandomId())]);

var best = new double[counts.Length];
var one = new int[1];
long allocated = 0;
// The first round is the compiler's.
for (int round = 0; round <= rounds; round++)
{
    for (int i = 0; i < counts.Length; i++)
    {
        long bytes = GC.GetAllocatedBytesForCurrentThread();
        long begin = Stopwatch.GetTimestamp();
        for (int step = 0; step < steps; step++)
        {
            for (int text = 0; text < counts[i]; text++)
            {
                one[0] = RandomId();
                batch.Add(sessions[text], one);
            }
            batch.Run(static (_, _, _) => { });
        }
        double rate = counts[i] * steps / Stopwatch.GetElapsedTime(begin).TotalSeconds;
        if (round == rounds)
            allocated += GC.GetAllocatedBytesForCurrentThread() - bytes;
        if (round > 0)
            best[i] = Math.Max(best[i], rate);
        for (int text = 0; text < counts[i]; text++)
            sessions[text].Truncate(promptLength);
    }
}
Console.WriteLine($"{Path.GetFileName(args[0])}, {decoder.KernelName}, {options.Arithmetic}, {decoder.ThreadCount} threads, prompt {promptLength}, {steps} steps, best of {rounds}; {allocated} bytes allocated in the last round");
Console.WriteLine("texts   tokens/s   ratio");
for (int i = 0; i < counts.Length; i++)
    Console.WriteLine($"{counts[i],5} {best[i],10:F1} {best[i] / best[0],7:F2}");
Array.ForEach(sessions, session => session.Dispose());
return 0;
