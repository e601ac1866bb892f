using System.Runtime.Intrinsics;
using Decant.Engine.Kernels.Bytes;

namespace Decant.Engine.Tests.Kernels;

/// <summary>
/// The dot product of AVX-VNNI as its manual defines it, so that products written for it are tested on processors that lack it; only the one instruction is
/// then left to trust.
/// </summary>
internal static unsafe class DotProductByDefinition
{
    private static Vector256<int> MultiplyAdd(Vector256<int> sums, Vector256<byte> codes, Vector256<sbyte> activations)
    {
        int* sum = (int*)&sums;
        byte* code = (byte*)&codes;
        sbyte* activation = (sbyte*)&activations;
        for (int i = 0; i < 32; i++)
            sum[i / 4] += code[i] * activation[i];
        return sums;
    }

    /// <summary>For stored rows.</summary>
    internal readonly struct Parts : IPartOps
    {
        public static Vector256<int> AddDot(Vector256<int> sums, Vector256<byte> codes, Vector256<sbyte> activations, Vector256<short> scales) =>
            PartOpsVnni.AddDot(sums, codes, activations, scales);

        public static Vector256<int> AddSignedDot(Vector256<int> sums, Vector256<sbyte> codes, Vector256<sbyte> activations, Vector256<short> scales) =>
            PartOpsVnni.AddSignedDot(sums, codes, activations, scales);

        public static Vector256<int> DotPair(
            Vector256<byte> first, Vector256<sbyte> firstActivations, Vector256<byte> second, Vector256<sbyte> secondActivations) =>
            MultiplyAdd(Dot(first, firstActivations), second, secondActivations);

        public static Vector256<float> SpreadHalves(Vector128<float> values) => PartOpsVnni.SpreadHalves(values);

        public static Vector256<int> AddSmallDot(Vector256<int> sums, Vector256<byte> codes, Vector256<sbyte> activations) => MultiplyAdd(sums, codes, activations);

        public static Vector256<int> JoinSums(Vector256<int> sums) => PartOpsVnni.JoinSums(sums);

        public static Vector256<int> Dot(Vector256<byte> codes, Vector256<sbyte> activations) => MultiplyAdd(Vector256<int>.Zero, codes, activations);

        public static Vector256<int> SignedDot(Vector256<sbyte> codes, Vector256<sbyte> activations) =>
            Dot(System.Runtime.Intrinsics.X86.Avx2.Abs(codes), System.Runtime.Intrinsics.X86.Avx2.Sign(activations, codes));

        public static Vector256<int> MultiplyPairs(Vector256<short> a, Vector256<short> b) => PartOpsVnni.MultiplyPairs(a, b);

        public static Vector256<short> Spread(Vector256<short> values, int part) => PartOpsVnni.Spread(values, part);
    }

    /// <summary>For panels and rows side by side.</summary>
    internal readonly struct Bytes : IByteOps<Vector256<byte>>
    {
        public static int Rows => ByteOpsVnni.Rows;

        public static bool HasManyRegisters => ByteOpsVnni.HasManyRegisters;

        public static bool TakesSignedCodes => ByteOpsVnni.TakesSignedCodes;

        public static int LargestCode => ByteOpsVnni.LargestCode;

        public static Vector256<byte> Zero => ByteOpsVnni.Zero;

        public static Vector256<byte> Load(void* source) => ByteOpsVnni.Load(source);

        public static void Store(void* destination, Vector256<byte> value) => ByteOpsVnni.Store(destination, value);

        public static Vector256<byte> Bit(Vector256<byte> bytes, int from, int to) => ByteOpsVnni.Bit(bytes, from, to);

        public static Vector256<byte> BitsByColumn(Vector256<byte> words) => ByteOpsVnni.BitsByColumn(words);

        public static Vector256<byte> Broadcast(void* source) => ByteOpsVnni.Broadcast(source);

        public static Vector256<byte> Accumulate(Vector256<byte> sums, Vector256<byte> codes, Vector256<byte> activations) =>
            MultiplyAdd(sums.AsInt32(), codes, activations.AsSByte()).AsByte();

        public static Vector256<byte> ScaleSums(Vector256<byte> sums, Vector256<byte> scaleWords) => ByteOpsVnni.ScaleSums(sums, scaleWords);

        public static Vector256<byte> JoinSums(Vector256<byte> sums) => ByteOpsVnni.JoinSums(sums);

        public static Vector256<byte> MultiplyPairs(Vector256<byte> a, Vector256<byte> b) => ByteOpsVnni.MultiplyPairs(a, b);

        public static Vector256<byte> AddWords(Vector256<byte> a, Vector256<byte> b) => ByteOpsVnni.AddWords(a, b);

        public static Vector256<byte> AddScaled(Vector256<byte> sums, Vector256<byte> words, Vector256<byte> rowScales, float tokenScale) =>
            ByteOpsVnni.AddScaled(sums, words, rowScales, tokenScale);

        public static Vector256<byte> AddProducts(Vector256<byte> sums, Vector256<byte> factors, float factor) => ByteOpsVnni.AddProducts(sums, factors, factor);

        public static Vector256<byte> LoadHalves(void* source) => ByteOpsVnni.LoadHalves(source);

        public static Vector256<byte> ThirdsPassed(Vector256<byte> fractions) => ByteOps256.ThirdsPassed(fractions);

    public static Vector256<byte> Triple(Vector256<byte> fractions) => ByteOps256.Triple(fractions);

    public static Vector256<byte> LoadPowers(void* source) => ByteOps256.LoadPowers(source);

    public static Vector256<byte> LoadNibbles(void* source) => ByteOps256.LoadNibbles(source);

        public static Vector256<byte> ScaleByte(Vector256<byte> bytes, int index, Vector256<byte> scales) => ByteOpsVnni.ScaleByte(bytes, index, scales);

        public static Vector256<byte> ScaleWord(Vector256<byte> bytes, int index) => ByteOpsVnni.ScaleWord(bytes, index);

        public static Vector256<byte> PairWord(Vector256<byte> bytes, int first, int second) => ByteOpsVnni.PairWord(bytes, first, second);

        public static Vector256<int> ScaleWords(Vector256<int> scales) => ByteOpsVnni.ScaleWords(scales);

        public static Vector256<byte> Subtract(Vector256<byte> a, byte b) => ByteOpsVnni.Subtract(a, b);

        public static void LoadTransposed(byte* source, long stride, out FourVectors<Vector256<byte>> words) => ByteOpsVnni.LoadTransposed(source, stride, out words);

        public static Vector256<byte> Field(Vector256<byte> bytes, int shift, byte mask) => ByteOpsVnni.Field(bytes, shift, mask);

        public static Vector256<byte> LookUp(Vector256<byte> indices, Vector128<byte> table) => ByteOpsVnni.LookUp(indices, table);

        public static Vector256<byte> Join(Vector256<byte> a, Vector256<byte> b, int shift) => ByteOpsVnni.Join(a, b, shift);

        public static int StartWord(int firstPair, int secondPair) => ByteOpsVnni.StartWord(firstPair, secondPair);
    }
}
