using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Decant.Engine.Kernels.Bytes;

/// <summary>AVX2: unsigned times signed bytes, neighbours added in 16 bits (<c>vpmaddubsw</c>); signed codes lend their sign to the activations.</summary>
internal readonly struct PartOps256 : IPartOps
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> AddDot(Vector256<int> sums, Vector256<byte> codes, Vector256<sbyte> activations, Vector256<short> scales) =>
        sums + Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(codes, activations), scales);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> AddSignedDot(Vector256<int> sums, Vector256<sbyte> codes, Vector256<sbyte> activations, Vector256<short> scales) =>
        AddDot(sums, Avx2.Abs(codes), Avx2.Sign(activations, codes), scales);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> DotPair(Vector256<byte> first, Vector256<sbyte> firstActivations, Vector256<byte> second, Vector256<sbyte> secondActivations) =>
        Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(first, firstActivations) + Avx2.MultiplyAddAdjacent(second, secondActivations), Vector256<short>.One);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> SpreadHalves(Vector128<float> values) =>
        Avx2.PermuteVar8x32(values.ToVector256Unsafe(), Vector256.Create(0, 0, 0, 0, 1, 1, 1, 1));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> AddSmallDot(Vector256<int> sums, Vector256<byte> codes, Vector256<sbyte> activations) =>
        (sums.AsInt16() + Avx2.MultiplyAddAdjacent(codes, activations)).AsInt32();

    public static Vector256<int> JoinSums(Vector256<int> sums) => Avx2.MultiplyAddAdjacent(sums.AsInt16(), Vector256<short>.One);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> Dot(Vector256<byte> codes, Vector256<sbyte> activations) =>
        Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(codes, activations), Vector256<short>.One);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> SignedDot(Vector256<sbyte> codes, Vector256<sbyte> activations) =>
        Dot(Avx2.Abs(codes), Avx2.Sign(activations, codes));

    public static Vector256<int> MultiplyPairs(Vector256<short> a, Vector256<short> b) => Avx2.MultiplyAddAdjacent(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> Spread(Vector256<short> values, int part) =>
        Avx2.Shuffle(values.AsByte(), Vector256.Create((short)(0x0100 + 0x0202 * part)).AsByte()).AsInt16();
}
