using System.Runtime.CompilerServices;
using Decant.Engine.Kernels.Vectors;

namespace Decant.Engine.Kernels.Arithmetic;

// Six rows of the left operand, each element broadcast, times up to four vectors of the right operand's panel:
//
//             panel row k:   b0    b1    b2    b3
//   a0[k] in every lane  ·   c00   c01   c02   c03
//   ...
//   a5[k] in every lane  ·   c50   c51   c52   c53
//
// 24 accumulators, 4 panel vectors and the broadcast take 29 of 32 registers; with 16 registers the panel has two vectors.

/// <summary>The register tile of every product of matrices, for each vector width and precision.</summary>
internal static unsafe class RegisterTile<TElement, TVector, TOps>
    where TElement : unmanaged
    where TVector : struct
    where TOps : struct, IRealOps<TVector, TElement>
{
    /// <summary>Columns of a full panel of the right operand: as many accumulators as the registers hold.</summary>
    public static int PanelWidth => (TOps.HasManyRegisters ? 4 : 2) * TOps.Lanes;

    /// <summary>As <see cref="FloatArithmetic.MultiplyTile"/> says.</summary>
    public static void Multiply(
        TElement* a, long rowStride, long step, TElement* b, int width, int depth, TElement* addend, long addendStride, TElement* c, long resultStride)
    {
        switch (width / TOps.Lanes)
        {
            case 1:
                Multiply<OneVector>(a, rowStride, step, b, depth, addend, addendStride, c, resultStride);
                break;
            case 2:
                Multiply<TwoVectors>(a, rowStride, step, b, depth, addend, addendStride, c, resultStride);
                break;
            case 3 when TOps.HasManyRegisters:
                Multiply<ThreeVectors>(a, rowStride, step, b, depth, addend, addendStride, c, resultStride);
                break;
            case 4 when TOps.HasManyRegisters:
                Multiply<FourVectors>(a, rowStride, step, b, depth, addend, addendStride, c, resultStride);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(width), width, null);
        }
    }

    private static void Multiply<TWidth>(TElement* a, long rowStride, long step, TElement* b, int depth, TElement* addend, long addendStride, TElement* c, long resultStride)
        where TWidth : struct, IPanelWidth
    {
        TElement* a0 = a, a1 = a + rowStride, a2 = a1 + rowStride, a3 = a2 + rowStride, a4 = a3 + rowStride, a5 = a4 + rowStride;
        TVector c00 = TOps.Create(default), c01 = TOps.Create(default), c02 = TOps.Create(default), c03 = TOps.Create(default);
        TVector c10 = TOps.Create(default), c11 = TOps.Create(default), c12 = TOps.Create(default), c13 = TOps.Create(default);
        TVector c20 = TOps.Create(default), c21 = TOps.Create(default), c22 = TOps.Create(default), c23 = TOps.Create(default);
        TVector c30 = TOps.Create(default), c31 = TOps.Create(default), c32 = TOps.Create(default), c33 = TOps.Create(default);
        TVector c40 = TOps.Create(default), c41 = TOps.Create(default), c42 = TOps.Create(default), c43 = TOps.Create(default);
        TVector c50 = TOps.Create(default), c51 = TOps.Create(default), c52 = TOps.Create(default), c53 = TOps.Create(default);
        nint offset = 0;
        for (; depth > 0; depth--)
        {
            TVector b0 = TOps.Load(b);
            TVector b1 = TWidth.Vectors > 1 ? TOps.Load(b + TOps.Lanes) : b0;
            TVector b2 = TWidth.Vectors > 2 ? TOps.Load(b + 2 * TOps.Lanes) : b0;
            TVector b3 = TWidth.Vectors > 3 ? TOps.Load(b + 3 * TOps.Lanes) : b0;
            TVector x;
            x = TOps.Create(a0[offset]);
            c00 = TOps.MultiplyAdd(x, b0, c00);
            if (TWidth.Vectors > 1)
                c01 = TOps.MultiplyAdd(x, b1, c01);
            if (TWidth.Vectors > 2)
                c02 = TOps.MultiplyAdd(x, b2, c02);
            if (TWidth.Vectors > 3)
                c03 = TOps.MultiplyAdd(x, b3, c03);
            x = TOps.Create(a1[offset]);
            c10 = TOps.MultiplyAdd(x, b0, c10);
            if (TWidth.Vectors > 1)
                c11 = TOps.MultiplyAdd(x, b1, c11);
            if (TWidth.Vectors > 2)
                c12 = TOps.MultiplyAdd(x, b2, c12);
            if (TWidth.Vectors > 3)
                c13 = TOps.MultiplyAdd(x, b3, c13);
            x = TOps.Create(a2[offset]);
            c20 = TOps.MultiplyAdd(x, b0, c20);
            if (TWidth.Vectors > 1)
                c21 = TOps.MultiplyAdd(x, b1, c21);
            if (TWidth.Vectors > 2)
                c22 = TOps.MultiplyAdd(x, b2, c22);
            if (TWidth.Vectors > 3)
                c23 = TOps.MultiplyAdd(x, b3, c23);
            x = TOps.Create(a3[offset]);
            c30 = TOps.MultiplyAdd(x, b0, c30);
            if (TWidth.Vectors > 1)
                c31 = TOps.MultiplyAdd(x, b1, c31);
            if (TWidth.Vectors > 2)
                c32 = TOps.MultiplyAdd(x, b2, c32);
            if (TWidth.Vectors > 3)
                c33 = TOps.MultiplyAdd(x, b3, c33);
            x = TOps.Create(a4[offset]);
            c40 = TOps.MultiplyAdd(x, b0, c40);
            if (TWidth.Vectors > 1)
                c41 = TOps.MultiplyAdd(x, b1, c41);
            if (TWidth.Vectors > 2)
                c42 = TOps.MultiplyAdd(x, b2, c42);
            if (TWidth.Vectors > 3)
                c43 = TOps.MultiplyAdd(x, b3, c43);
            x = TOps.Create(a5[offset]);
            c50 = TOps.MultiplyAdd(x, b0, c50);
            if (TWidth.Vectors > 1)
                c51 = TOps.MultiplyAdd(x, b1, c51);
            if (TWidth.Vectors > 2)
                c52 = TOps.MultiplyAdd(x, b2, c52);
            if (TWidth.Vectors > 3)
                c53 = TOps.MultiplyAdd(x, b3, c53);
            offset += (nint)step;
            b += TWidth.Vectors * TOps.Lanes;
        }
        StoreRow<TWidth>(c + 0 * resultStride, addend + 0 * addendStride, addend != null, c00, c01, c02, c03);
        StoreRow<TWidth>(c + 1 * resultStride, addend + 1 * addendStride, addend != null, c10, c11, c12, c13);
        StoreRow<TWidth>(c + 2 * resultStride, addend + 2 * addendStride, addend != null, c20, c21, c22, c23);
        StoreRow<TWidth>(c + 3 * resultStride, addend + 3 * addendStride, addend != null, c30, c31, c32, c33);
        StoreRow<TWidth>(c + 4 * resultStride, addend + 4 * addendStride, addend != null, c40, c41, c42, c43);
        StoreRow<TWidth>(c + 5 * resultStride, addend + 5 * addendStride, addend != null, c50, c51, c52, c53);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreRow<TWidth>(TElement* c, TElement* addend, bool adds, TVector c0, TVector c1, TVector c2, TVector c3)
        where TWidth : struct, IPanelWidth
    {
        StoreVector(c, addend, adds, c0);
        if (TWidth.Vectors > 1)
            StoreVector(c + TOps.Lanes, addend + TOps.Lanes, adds, c1);
        if (TWidth.Vectors > 2)
            StoreVector(c + 2 * TOps.Lanes, addend + 2 * TOps.Lanes, adds, c2);
        if (TWidth.Vectors > 3)
            StoreVector(c + 3 * TOps.Lanes, addend + 3 * TOps.Lanes, adds, c3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreVector(TElement* c, TElement* addend, bool adds, TVector value) =>
        TOps.Store(c, adds ? TOps.Add(TOps.Load(addend), value) : value);

    private interface IPanelWidth
    {
        static abstract int Vectors { get; }
    }

    private readonly struct OneVector : IPanelWidth
    {
        public static int Vectors => 1;
    }

    private readonly struct TwoVectors : IPanelWidth
    {
        public static int Vectors => 2;
    }

    private readonly struct ThreeVectors : IPanelWidth
    {
        public static int Vectors => 3;
    }

    private readonly struct FourVectors : IPanelWidth
    {
        public static int Vectors => 4;
    }
}
