using System.Globalization;
using Decant.Core.Architectures;
using Decant.Core.Files;
using Decant.Core.Tensors;
using Decant.Engine.Inference;
using Decant.Testing;

namespace Decant.Engine.Tests.Inference;

/// <summary>A copy of the weights and what it was made from are never held whole together. Linux, which tells what of a mapping is resident.</summary>
public class WeightReleaseTests
{
    // Pieces of 1 MiB on two threads; pages that the system maps around those that are read; the vectors, which are not copied.
    private const long LargestResidentByteCount = 24 << 20;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>A tensor of a file that counts what is let go of it.</summary>
    private sealed class Watched(MappedTensor tensor, Action released) : TensorData(tensor.Info)
    {
        private long rowCount;

        public long ReleasedRowCount => rowCount;

        public override bool TryGetRows(long firstRow, int rowCount, out ReadOnlySpan<byte> rows) => tensor.TryGetRows(firstRow, rowCount, out rows);

        public override void ReleaseRows(long firstRow, long count)
        {
            tensor.ReleaseRows(firstRow, count);
            Interlocked.Add(ref rowCount, count);
            released();
        }
    }

    [Fact]
    public void Pieces_of_the_map_are_let_go_as_they_are_copied()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs /proc/self/smaps");
        using IModelSource source = ModelSources.Open(SharedFiles.Require("models", "smollm2-135m", "smollm2-135m-q8_0.gguf"));
        DecoderModel model = ArchitectureRegistry.BindDecoder(source);
        MappedTensor[] stored = [.. model.Tensors.Values.Cast<MappedTensor>()];
        long matrixByteCount = stored.Where(tensor => tensor.Info.Shape.Rank == 2).Sum(tensor => tensor.Info.ByteCount);
        Assert.InRange(matrixByteCount, 5 * LargestResidentByteCount, long.MaxValue);
        var gate = new Lock();
        long largest = 0;
        int releaseCount = 0;
        var watched = model.Tensors.ToDictionary(tensor => tensor.Key, tensor => new Watched((MappedTensor)tensor.Value, () =>
        {
            lock (gate)
            {
                if (releaseCount++ % 8 == 0)
                    largest = Math.Max(largest, ResidentByteCount(stored[0].Address));
            }
        }));
        var copying = new DecoderModel(source, model.ArchitectureName, model.Spec, watched.ToDictionary(tensor => tensor.Key, tensor => (TensorData)tensor.Value));

        using Decoder decoder = Decoder.Load(copying, new DecoderOptions { ThreadCount = 2, Arithmetic = DecoderArithmetic.Fast, Weights = WeightPlacement.Copied }, Cancellation);

        Assert.InRange(decoder.CopiedWeightByteCount, matrixByteCount, matrixByteCount + 64 * stored.Length);
        Assert.All(watched.Values, tensor => Assert.Equal(tensor.Info.Shape.Rank == 2 ? tensor.Info.Shape.RowCount : 0, tensor.ReleasedRowCount));
        Assert.InRange(releaseCount, 100, int.MaxValue);
        Assert.InRange(largest, 1, LargestResidentByteCount);
        using DecoderSession session = decoder.StartSession(64);
        session.Append([.. Enumerable.Range(100, 40)], Cancellation);
        session.Append([7], Cancellation);
        Assert.InRange(ResidentByteCount(stored[0].Address), 1, LargestResidentByteCount);

        // From the map the same weights are resident: what was measured above can be more.
        using Decoder mapped = Decoder.Load(model, new DecoderOptions { ThreadCount = 2 }, Cancellation);
        using DecoderSession other = mapped.StartSession(64);
        other.Append([7], Cancellation);
        Assert.InRange(ResidentByteCount(stored[0].Address), matrixByteCount * 9 / 10, long.MaxValue);
    }

    /// <summary>Of the mapping that an address belongs to.</summary>
    private static long ResidentByteCount(nint address)
    {
        bool isOurs = false;
        foreach (string line in File.ReadLines("/proc/self/smaps"))
        {
            if (isOurs && line.StartsWith("Rss:", StringComparison.Ordinal))
                return 1024 * long.Parse(line.AsSpan("Rss:".Length, line.Length - "Rss:".Length - "kB".Length).Trim(), NumberStyles.None, CultureInfo.InvariantCulture);
            int dash = line.IndexOf('-'), space = line.IndexOf(' ');
            if (dash > 0 && space > dash
                && long.TryParse(line.AsSpan(0, dash), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out long first)
                && long.TryParse(line.AsSpan(dash + 1, space - dash - 1), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out long end))
                isOurs = first <= address && address < end;
        }
        throw new InvalidOperationException("The mapping is not in the list.");
    }
}
