using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Decant.Core.Formats;
using Decant.Engine.Kernels.Encoding;

// How fast rows are encoded, beside llama.cpp's own encoders in the same process, one thread each, taking turns.
// Arguments: path of libggml-base, [comma-separated formats or "all"], [level], [seconds per measurement].
// Times are processor time of the process, so that other programs on the machine disturb little.

string libraryPath = args[0];
string[] wanted = args.Length > 1 && args[1] != "all"
    ? args[1].Split(',')
    : ["F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS", "TQ1_0", "TQ2_0", "MXFP4", "NVFP4", "Q1_0", "Q2_0"];
string? level = args.Length > 2 && args[2] != "best" ? args[2] : null;
double seconds = args.Length > 3 ? double.Parse(args[3], CultureInfo.InvariantCulture) : 0.3;

var quantize = Marshal.GetDelegateForFunctionPointer<QuantizeChunk>(NativeLibrary.GetExport(NativeLibrary.Load(libraryPath), "ggml_quantize_chunk"));
const int rowLength = 2048, rowCount = 32;
var random = new Random(1);
var rows = new float[rowLength * rowCount];
for (int i = 0; i < rows.Length; i++)
    rows[i] = (float)(Half)(0.02 * Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
float[] importance = [.. Enumerable.Range(0, rowLength).Select(_ => -MathF.Log(1 - random.NextSingle()))];

Console.WriteLine("millions of elements a second and thread (x 2 = MB/s of F16 input)");
Console.WriteLine("format   imatrix  encoder              ours     ggml    ratio");
foreach (string name in wanted)
{
    TensorFormat format = TensorFormats.FindByName(name)!;
    RowEncoder encoder = RowEncoder.For(format, level);
    var ours = new byte[format.RowByteCount(rowLength) * rowCount];
    var theirs = new byte[ours.Length];
    foreach (float[]? weights in format.UsesImportance ? new[] { null, importance } : [null])
    {
        void Ours() => encoder.EncodeRows(rows, rowLength, weights, ours);
        void Theirs() => quantize(format.GgmlType!.Value, rows, theirs, 0, rowCount, rowLength, weights);
        Ours();
        Theirs();
        bool same = ours.AsSpan().SequenceEqual(theirs);
        Measure(Ours, 0.1);
        double a = double.MaxValue, b = double.MaxValue;
        for (int turn = 0; turn < 3; turn++)
        {
            a = Math.Min(a, Measure(Ours, seconds));
            b = Math.Min(b, Measure(Theirs, seconds));
        }
        Console.WriteLine(FormattableString.Invariant(
            $"{name,-8} {(weights is null ? "no" : "yes"),-8} {encoder.Name,-18} {rows.Length / a / 1e6,7:0.0}  {rows.Length / b / 1e6,7:0.0}  {b / a,6:0.0}x {(same ? "" : "BYTES DIFFER")}"));
    }
}

static double Measure(Action action, double seconds)
{
    using Process process = Process.GetCurrentProcess();
    TimeSpan start = process.TotalProcessorTime;
    int count = 0;
    double elapsed;
    do
    {
        action();
        count++;
        elapsed = (process.TotalProcessorTime - start).TotalSeconds;
    }
    while (elapsed < seconds);
    return elapsed / count;
}

internal delegate nuint QuantizeChunk(int type, float[] source, byte[] destination, long start, long rowCount, long rowLength, float[]? importance);
