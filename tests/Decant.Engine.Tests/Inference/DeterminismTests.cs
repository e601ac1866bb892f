using Decant.Core.Architectures;
using Decant.Core.Formats;
using Decant.Engine.Inference;
using Decant.Engine.Kernels;

namespace Decant.Engine.Tests.Inference;

/// <summary>What a decoder computes does not depend on its threads: the same bytes with 1, 2, 3 and 7, in fast arithmetic too, wherever the weights lie.</summary>
public class DeterminismTests
{
    private static readonly int[] threadCounts = [1, 2, 3, 7];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Every format with a kernel in whole numbers, and the plain ones.</summary>
    public static TheoryData<string> Formats() =>
    [
        .. KernelList.All.Where(entry => entry.Arithmetic == DecoderArithmetic.Fast).Select(entry => entry.Format).Distinct(), "F32", "F16", "BF16",
    ];

    [Fact]
    public void The_formats_are_those_with_kernels_in_whole_numbers_and_the_plain_ones() => Assert.Equal(18, Formats().Count);

    [Theory]
    [MemberData(nameof(Formats))]
    public void Any_number_of_threads_gives_the_same_bytes(string format)
    {
        DecoderModel model = RandomLlama.Create(TensorFormats.FindByName(format)!);
        Compare(model, InstructionSet.Best, WeightPlacement.Mapped, threadCounts);
        Compare(model, InstructionSet.Best, WeightPlacement.Copied, threadCounts);
        // Other levels cut rows elsewhere.
        foreach (InstructionSet level in InstructionSet.All.Where(set => set.IsSupported && set != InstructionSet.Best && set != InstructionSet.Scalar))
            Compare(model, level, WeightPlacement.Copied, [1, 3]);
    }

    private static void Compare(DecoderModel model, InstructionSet level, WeightPlacement weights, int[] threadCounts)
    {
        float[][]? expected = null;
        foreach (int threads in threadCounts)
        {
            var options = new DecoderOptions { ThreadCount = threads, Kernel = level.Name, Arithmetic = DecoderArithmetic.Fast, Weights = weights, KeyValueFormat = "F16" };
            float[][] actual = Logits(model, options);
            Assert.All(actual, logits => Assert.DoesNotContain(logits, logit => !float.IsFinite(logit)));
            expected ??= actual;
            for (int i = 0; i < expected.Length; i++)
            {
                Assert.True(
                    expected[i].AsSpan().SequenceEqual(actual[i]), $"{level}, {weights}: logits {i} of {expected.Length} with {threads} threads are not those with {threadCounts[0]}");
            }
        }
    }

    /// <summary>A prompt of some tiles; then texts of few tokens at once and one by one, which take other ways through the kernels.</summary>
    private static float[][] Logits(DecoderModel model, DecoderOptions options)
    {
        using Decoder decoder = Decoder.Load(model, options, Cancellation);
        using DecoderSession session = decoder.StartSession(RandomLlama.ContextLength);
        int[] ids = RandomLlama.Ids(70);
        var logits = new List<float[]>();
        session.Score(ids.AsSpan(0, 50), 45, (_, values) => logits.Add(values.ToArray()), Cancellation);
        foreach (int count in new[] { 2, 5, 7, 1, 1, 1, 1, 1, 1 })
            logits.Add(session.Append(ids.AsSpan(session.Length, count), Cancellation).ToArray());
        Assert.Equal(ids.Length, session.Length);
        Assert.Equal(14, logits.Count);
        return [.. logits];
    }
}
