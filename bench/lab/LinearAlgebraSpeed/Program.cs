using System.Diagnostics;
using System.Globalization;
using Decant.Bench;
using Decant.Engine.LinearAlgebra;
using MathNet.Numerics;
using MathNet.Numerics.LinearAlgebra;
using MathNet.Numerics.LinearAlgebra.Factorization;

// Linear algebra of the engine beside MathNet.Numerics in the same process, in turns, on the same number of threads. Prints a Markdown table: best and
// median seconds of both, and for products what share of the multiply-add limit the engine reaches in the median (double precision: of half the limit).
// The limit stands twice: as this program finds it just before a line, and as the peer's `peak` reads it just before and after, of which the mean counts;
// without `peak` (shared/peer/build.sh, $DECANT_PEER) a dash. Products larger than the largest size are not made by MathNet, which takes minutes for them.
// Arguments: [threads or "all"], [largest size, 1024], [seconds for each side of each line, 2].

int threads = args.Length > 0 && args[0] != "all" ? int.Parse(args[0], CultureInfo.InvariantCulture) : Environment.ProcessorCount;
int largest = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 1024;
double seconds = args.Length > 2 ? double.Parse(args[2], CultureInfo.InvariantCulture) : 2;
int[] sizes = [.. Enumerable.Range(8, 8).Select(i => 1 << i).Where(n => n <= largest)];
Control.UseManaged();
Control.MaxDegreeOfParallelism = threads;
using var workspace = new Workspace(threads);

Console.WriteLine(FormattableString.Invariant($"{threads} thread(s)"));
Console.WriteLine();
Console.WriteLine("| operation | size | best s | median s | GFLOP/s | limit | share of limit | `peak` before, after | share of `peak` | MathNet best s | median s | ratio of bests |");
Console.WriteLine("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
double peak = Peak();

foreach (int n in sizes.Append(2 * largest))
{
    foreach ((bool turnA, bool turnB) in new[] { (false, false), (true, false), (false, true), (true, true) })
        Products<float>(n, n, n, $"product F32, {(turnA ? "Aᵀ" : "A")}·{(turnB ? "Bᵀ" : "B")}", turnA, turnB, 1);
}
foreach ((int m, int n, int k) in new[] { (511, 1023, 767), (64, 4096, 1024), (4096, 64, 1024), (1000, 1000, 32) })
{
    if (k <= largest)
        Products<float>(m, n, k, "product F32, A·B", false, false, 1);
}
foreach (int n in sizes)
    Products<double>(n, n, n, "product F64", false, false, 2);
foreach (int n in sizes)
    Factors(n);

void Products<T>(int m, int n, int k, string name, bool turnA, bool turnB, int cost)
    where T : unmanaged, System.Numerics.IBinaryFloatingPointIeee754<T>
{
    T[] a = Values<T>(m * k), b = Values<T>(k * n), c = new T[m * n];
    Matrix<T> x = Matrix<T>.Build.Dense(m, k, a), y = Matrix<T>.Build.Dense(k, n, b), z = Matrix<T>.Build.Dense(m, n);
    if (turnA)
        x = Matrix<T>.Build.Dense(k, m, a);
    if (turnB)
        y = Matrix<T>.Build.Dense(n, k, b);
    Line(name, $"{m}×{n}×{k}", 2.0 * m * n * k, cost, () =>
    {
        ReadOnlyMatrixSpan<T> left = turnA ? new ReadOnlyMatrixSpan<T>(a, k, m).Transposed : new(a, m, k);
        ReadOnlyMatrixSpan<T> right = turnB ? new ReadOnlyMatrixSpan<T>(b, n, k).Transposed : new(b, k, n);
        Gemm.Multiply(workspace, left, right, new MatrixSpan<T>(c, m, n));
    }, k > largest ? null : () =>
    {
        if (turnA && turnB)
            x.Transpose().TransposeAndMultiply(y, z);
        else if (turnA)
            x.TransposeThisAndMultiply(y, z);
        else if (turnB)
            x.TransposeAndMultiply(y, z);
        else
            x.Multiply(y, z);
    });
}

void Factors(int n)
{
    double[] general = Values<double>(n * n), symmetric = new double[n * n], work = new double[n * n], right = new double[n * n], other = new double[n * n], values = new double[n];
    Gemm.Multiply(workspace, new ReadOnlyMatrixSpan<double>(general, n, n).Transposed, new(general, n, n), new MatrixSpan<double>(symmetric, n, n));
    for (int i = 0; i < n; i++)
        symmetric[i * n + i] += 0.01 * n;
    Matrix<double> a = Matrix<double>.Build.Dense(n, n, general), s = Matrix<double>.Build.Dense(n, n, symmetric), b = Matrix<double>.Build.Dense(n, n, (double[])general.Clone());
    Cholesky<double> theirs = s.Cholesky();
    double[] factor = (double[])symmetric.Clone();
    Cholesky.Factor(workspace, Square(factor));
    string size = n.ToString(CultureInfo.InvariantCulture);
    Line("Cholesky F64", size, 0, 1, () =>
    {
        symmetric.CopyTo(work, 0);
        Cholesky.Factor(workspace, Square(work));
    }, () => s.Cholesky());
    Line("Cholesky, solve for n columns", size, 0, 1, () =>
    {
        general.CopyTo(right, 0);
        Cholesky.Solve<double>(workspace, Square(factor), Square(right));
    }, () => theirs.Solve(b));
    Line("inverse from the factor", size, 0, 1, () =>
    {
        factor.CopyTo(work, 0);
        Cholesky.Invert(workspace, Square(work));
    }, () => theirs.Solve(Matrix<double>.Build.DenseIdentity(n)));
    Line("QR F64", size, 0, 1, () => Qr.Factor<double>(workspace, Square(general), Square(work), Square(other)), () => a.QR(QRMethod.Thin));
    Line("symmetric eigen F64", size, 0, 1, () => SymmetricEigen.Decompose<double>(workspace, Square(symmetric), values, Square(work)), () => s.Evd(Symmetricity.Symmetric));
    Line("SVD F64", size, 0, 1, () => Svd.Decompose<double>(workspace, Square(general), Square(work), values, Square(other)), () => a.Svd());
    float[] single = [.. general.Select(v => (float)v)], singleWork = new float[n * n], singleOther = new float[n * n], singleValues = new float[n];
    Matrix<float> narrow = Matrix<float>.Build.Dense(n, n, single);
    Line("SVD F32", size, 0, 1, () => Svd.Decompose<float>(workspace, new MatrixSpan<float>(single, n, n), new MatrixSpan<float>(singleWork, n, n), singleValues, new MatrixSpan<float>(singleOther, n, n)), () => narrow.Svd());
}

MatrixSpan<double> Square(double[] elements) => new(elements, (int)Math.Sqrt(elements.Length), (int)Math.Sqrt(elements.Length));

static T[] Values<T>(int count)
    where T : System.Numerics.INumber<T>
{
    var random = new Random(1);
    return [.. Enumerable.Range(0, count).Select(_ => T.CreateTruncating(random.NextDouble() - 0.5))];
}

// Work in floating-point operations, cost as a multiple of one in single precision.
void Line(string name, string size, double work, int cost, Action ours, Action? theirs)
{
    ours();
    double limit = work == 0 ? 0 : Limit.Measure(workspace.Pool) / cost;
    List<double> mine = [], others = [];
    // MathNet warms up within its turns: its slow lines would take minutes otherwise.
    for (bool isFirst = true; isFirst || (mine.Sum() < seconds && mine.Count < 2000); isFirst = false)
    {
        mine.Add(Time(ours));
        if (theirs is null || (!isFirst && others.Sum() >= seconds))
            continue;
        others.Add(Time(theirs));
        // The threads of .NET's pool look for more work for a while, on the processors that the next turn needs; and that turn's own have gone to sleep.
        Thread.Sleep(20);
        ours();
    }
    double before = peak / cost;
    if (work > 0)
        peak = Peak();
    double after = peak / cost, rate = work / Median(mine) / 1e9;
    string share = double.IsNaN(after) ? "- | -" : FormattableString.Invariant($"{before:0}, {after:0} | {200 * rate / (before + after):0} %");
    string speed = work == 0 ? " | | | | " : FormattableString.Invariant($"{rate:0.0} | {limit:0} | {100 * rate / limit:0} % | {share}");
    string beside = theirs is null ? "| | " : FormattableString.Invariant($"{others.Min():0.00000} | {Median(others):0.00000} | {others.Min() / mine.Min():0.0}");
    Console.WriteLine(FormattableString.Invariant($"| {name} | {size} | {mine.Min():0.00000} | {Median(mine):0.00000} | {speed} | {beside} |"));
}

double Peak() => File.Exists(Path.Combine(Path.GetDirectoryName(Programs.Peer)!, "peak")) ? new Machine(Path.GetDirectoryName(Programs.Peer)!).Peak(threads).Gflops : double.NaN;

static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

static double Time(Action action)
{
    long start = Stopwatch.GetTimestamp();
    action();
    return Stopwatch.GetElapsedTime(start).TotalSeconds;
}
