using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Decant.Engine.Kernels.Bytes;

/// <summary>AVX-VNNI: four products added to 32 bits in one instruction (<c>vpdpbusd</c>); group scales are applied as in <see cref="PartOps256"/>.</summary>
internal readonly struct PartOpsVnni : IPartOps
{
    public static Vector256<int> AddDot(Vector256<int> sums, Vector256<byte> codes, Vector256<sbyte> activations, Vector256<short> scales) =>
        PartOps256.AddDot(sums, codes, activations, scales);

    public static Vector256<int> AddSignedDot(Vector256<int> sums, Vector256<sbyte> codes, Vector256<sbyte> activations, Vector256<short> scales) =>
        PartOps256.AddSignedDot(sums, codes, activations, scales);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> DotPair(Vector256<byte> first, Vector256<sbyte> firstActivations, Vector256<byte> second, Vector256<sbyte> secondActivations) =>
        AvxVnni.MultiplyWideningAndAdd(Dot(first, firstActivations), second, secondActivations);

    public static Vector256<float> SpreadHalves(Vector128<float> values) => PartOps256.SpreadHalves(values);

    public static Vector256<int> AddSmallDot(Vector256<int> sums, Vector256<byte> codes, Vector256<sbyte> activations) =>
        AvxVnni.MultiplyWideningAndAdd(sums, codes, activations);

    public static Vector256<int> JoinSums(Vector256<int> sums) => sums;

    public static Vector256<int> Dot(Vector256<byte> codes, Vector256<sbyte> activations) =>
        AvxVnni.MultiplyWideningAndAdd(Vector256<int>.Zero, codes, activations);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> SignedDot(Vector256<sbyte> codes, Vector256<sbyte> activations) =>
        Dot(Avx2.Abs(codes), Avx2.Sign(activations, codes));

    public static Vector256<int> MultiplyPairs(Vector256<short> a, Vector256<short> b) => PartOps256.MultiplyPairs(a, b);

    public static Vector256<short> Spread(Vector256<short> values, int part) => PartOps256.Spread(values, part);
}
