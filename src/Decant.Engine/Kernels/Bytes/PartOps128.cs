using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Decant.Engine.Kernels.Bytes;

/// <summary>Two halves of 128 bits: <see cref="ByteOps128"/>, that is Arm's dot product where there is one.</summary>
internal readonly struct PartOps128 : IPartOps
{
    public static Vector256<int> AddDot(Vector256<int> sums, Vector256<byte> codes, Vector256<sbyte> activations, Vector256<short> scales) =>
        AddSignedDot(sums, codes.AsSByte(), activations, scales);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> AddSignedDot(Vector256<int> sums, Vector256<sbyte> codes, Vector256<sbyte> activations, Vector256<short> scales)
    {
        Vector256<int> dot = SignedDot(codes, activations);
        return Vector256.Create(
            sums.GetLower() + dot.GetLower() * Vector128.Create((int)scales.GetLower().ToScalar()),
            sums.GetUpper() + dot.GetUpper() * Vector128.Create((int)scales.GetUpper().ToScalar()));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> DotPair(Vector256<byte> first, Vector256<sbyte> firstActivations, Vector256<byte> second, Vector256<sbyte> secondActivations) =>
        SignedDot(first.AsSByte(), firstActivations) + SignedDot(second.AsSByte(), secondActivations);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> SpreadHalves(Vector128<float> values) => Vector256.Create(Vector128.Create(values[0]), Vector128.Create(values[1]));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> AddSmallDot(Vector256<int> sums, Vector256<byte> codes, Vector256<sbyte> activations) => Vector256.Create(
        ByteOps128.Accumulate(sums.GetLower().AsByte(), codes.GetLower(), activations.GetLower().AsByte()).AsInt32(),
        ByteOps128.Accumulate(sums.GetUpper().AsByte(), codes.GetUpper(), activations.GetUpper().AsByte()).AsInt32());

    public static Vector256<int> JoinSums(Vector256<int> sums) => sums;

    public static Vector256<int> Dot(Vector256<byte> codes, Vector256<sbyte> activations) => SignedDot(codes.AsSByte(), activations);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> SignedDot(Vector256<sbyte> codes, Vector256<sbyte> activations) => Vector256.Create(
        ByteOps128.Accumulate(Vector128<byte>.Zero, codes.GetLower().AsByte(), activations.GetLower().AsByte()).AsInt32(),
        ByteOps128.Accumulate(Vector128<byte>.Zero, codes.GetUpper().AsByte(), activations.GetUpper().AsByte()).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<int> MultiplyPairs(Vector256<short> a, Vector256<short> b) => Vector256.Create(
        ByteOps128.MultiplyPairs(a.GetLower().AsByte(), b.GetLower().AsByte()).AsInt32(),
        ByteOps128.MultiplyPairs(a.GetUpper().AsByte(), b.GetUpper().AsByte()).AsInt32());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<short> Spread(Vector256<short> values, int part) =>
        Vector256.Create(Vector128.Create(values.GetLower().GetElement(part)), Vector128.Create(values.GetUpper().GetElement(part)));
}
