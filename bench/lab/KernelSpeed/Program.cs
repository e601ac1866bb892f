using System.Globalization;
using Decant.Core.Formats;
using Decant.Engine;
using Decant.Lab.KernelSpeed;

// Product kernels alone: GB/s of stored weights for one token, from memory and from the second-level cache, beside plain reading; GOP/s for 512 tokens,
// packing and rounding included, beside the machine's limits; for one token also with rows side by side.
// Arguments: [threads, default 2] [formats separated by commas] [kernel level or "best"]
int threads = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 2;
string[] formats = args.Length > 1 ? args[1].Split(',') : ["Q8_0", "Q4_0", "Q4_K", "Q6_K", "Q2_K", "TQ2_0", "F16"];
string? level = args.Length > 2 && args[2] != "best" ? args[2] : null;

using var pool = new WorkerPool(threads);
using var matrices = new Matrices(pool, level);
var limits = Decant.Engine.Measurement.MachineLimits.Measure(threads, level);
Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{threads} threads; memory {limits.MemoryBytesPerSecond / 1e9:F1} GB/s, single precision {limits.SingleOperationsPerSecond / 1e9:F0}, bytes {limits.ByteOperationsPerSecond / 1e9:F0} GOP/s"));
Console.WriteLine();
Console.WriteLine("| format | columns | one token from memory, GB/s (median, best) | reading alone | from L2 | side by side: from memory, from L2 | 512 tokens, GOP/s (median, best) |");
Console.WriteLine("|---|---:|---:|---:|---:|---:|---:|");
foreach (string name in formats)
{
    TensorFormat format = TensorFormats.FindByName(name) ?? throw new ArgumentException($"no format {name}");
    foreach (int columns in new[] { 2048, 5632, 576 })
    {
        if (columns % format.BlockLength == 0)
            Console.WriteLine(matrices.Row(format, columns));
    }
}

