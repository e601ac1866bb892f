using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Decant.Engine.Kernels.Vectors;

namespace Decant.Engine.Kernels.Rows;

// Scores: four rows at a time, up to four queries (two where there are 16 registers). Lane l of accumulator s[q, r] sums the products of elements l,
// l + lanes, l + 2 · lanes ... of query q and row r; at the end the lanes of four accumulators are added at once:
//
//                 k0   k1   k2   k3      one vector of each row, decoded once
//     x of q0 ·  s00  s01  s02  s03  ->  four scores of q0, side by side
//     ...
//     x of q3 ·  s30  s31  s32  s33
//
// Weighted sums: the same square with the weights of a row, each in every lane, at the left and four vectors of that row on top; rows run inside.

/// <summary><see cref="RowProducts"/> for a format and a vector width.</summary>
internal sealed unsafe class StoredRowProducts<TVector, TOps, TRow>(InstructionSet instructions) : RowProducts(TRow.Format, instructions)
    where TVector : struct
    where TOps : struct, IVectorOps<TVector>
    where TRow : struct, IStoredRow
{
    private interface IVectorCount
    {
        static abstract int Count { get; }
    }

    /// <inheritdoc/>
    public override void Scores(
        float* queries, int queryCount, byte* rows, long rowByteCount, int rowCount, int length, float scale, float* scores, long scoreStride)
    {
        int step = TOps.HasManyRegisters ? 4 : 2;
        for (int row = 0; row < rowCount; row += 4)
        {
            int count = Math.Min(4, rowCount - row);
            for (int query = 0; query < queryCount; query += step)
            {
                float* x = queries + (long)query * length;
                float* results = scores + query * scoreStride + row;
                switch (queryCount - query)
                {
                    case 1:
                        ScoreFour<One>(x, rows, rowByteCount, count, length, scale, results, scoreStride);
                        break;
                    case 3 when TOps.HasManyRegisters:
                        ScoreFour<Three>(x, rows, rowByteCount, count, length, scale, results, scoreStride);
                        break;
                    case > 3 when TOps.HasManyRegisters:
                        ScoreFour<Four>(x, rows, rowByteCount, count, length, scale, results, scoreStride);
                        break;
                    default:
                        ScoreFour<Two>(x, rows, rowByteCount, count, length, scale, results, scoreStride);
                        break;
                }
            }
            rows += 4 * rowByteCount;
        }
    }

    /// <inheritdoc/>
    public override void AddWeighted(
        float* weights, long weightStride, int targetCount, byte* rows, long rowByteCount, int rowCount, int length, float* targets, long targetStride)
    {
        int step = TOps.HasManyRegisters ? 4 : 2;
        for (int target = 0; target < targetCount; target += step)
        {
            float* own = weights + target * weightStride;
            float* results = targets + target * targetStride;
            switch (targetCount - target)
            {
                case 1:
                    AddRows<One>(own, weightStride, rows, rowByteCount, rowCount, length, results, targetStride);
                    break;
                case 3 when TOps.HasManyRegisters:
                    AddRows<Three>(own, weightStride, rows, rowByteCount, rowCount, length, results, targetStride);
                    break;
                case > 3 when TOps.HasManyRegisters:
                    AddRows<Four>(own, weightStride, rows, rowByteCount, rowCount, length, results, targetStride);
                    break;
                default:
                    AddRows<Two>(own, weightStride, rows, rowByteCount, rowCount, length, results, targetStride);
                    break;
            }
        }
    }

    /// <summary>Four rows and up to four queries. Rows that are not there repeat the last and their scores are dropped.</summary>
    private static void ScoreFour<TCount>(
        float* query, byte* rows, long rowByteCount, int rowCount, int length, float scale, float* scores, long scoreStride)
        where TCount : struct, IVectorCount
    {
        byte* r0 = rows, r1 = rowCount > 1 ? r0 + rowByteCount : r0, r2 = rowCount > 2 ? r1 + rowByteCount : r1, r3 = rowCount > 3 ? r2 + rowByteCount : r2;
        float* q0 = query, q1 = q0 + length, q2 = q1 + length, q3 = q2 + length;
        TVector s00 = TOps.Create(0), s01 = TOps.Create(0), s02 = TOps.Create(0), s03 = TOps.Create(0);
        TVector s10 = TOps.Create(0), s11 = TOps.Create(0), s12 = TOps.Create(0), s13 = TOps.Create(0);
        TVector s20 = TOps.Create(0), s21 = TOps.Create(0), s22 = TOps.Create(0), s23 = TOps.Create(0);
        TVector s30 = TOps.Create(0), s31 = TOps.Create(0), s32 = TOps.Create(0), s33 = TOps.Create(0);
        int i = 0;
        for (; i <= length - TOps.Lanes; i += TOps.Lanes)
        {
            TVector k0 = TRow.Load<TVector, TOps>(r0, i), k1 = TRow.Load<TVector, TOps>(r1, i), k2 = TRow.Load<TVector, TOps>(r2, i), k3 = TRow.Load<TVector, TOps>(r3, i);
            TVector x = TOps.Load(q0 + i);
            s00 = TOps.MultiplyAdd(x, k0, s00);
            s01 = TOps.MultiplyAdd(x, k1, s01);
            s02 = TOps.MultiplyAdd(x, k2, s02);
            s03 = TOps.MultiplyAdd(x, k3, s03);
            if (TCount.Count > 1)
            {
                x = TOps.Load(q1 + i);
                s10 = TOps.MultiplyAdd(x, k0, s10);
                s11 = TOps.MultiplyAdd(x, k1, s11);
                s12 = TOps.MultiplyAdd(x, k2, s12);
                s13 = TOps.MultiplyAdd(x, k3, s13);
            }
            if (TCount.Count > 2)
            {
                x = TOps.Load(q2 + i);
                s20 = TOps.MultiplyAdd(x, k0, s20);
                s21 = TOps.MultiplyAdd(x, k1, s21);
                s22 = TOps.MultiplyAdd(x, k2, s22);
                s23 = TOps.MultiplyAdd(x, k3, s23);
            }
            if (TCount.Count > 3)
            {
                x = TOps.Load(q3 + i);
                s30 = TOps.MultiplyAdd(x, k0, s30);
                s31 = TOps.MultiplyAdd(x, k1, s31);
                s32 = TOps.MultiplyAdd(x, k2, s32);
                s33 = TOps.MultiplyAdd(x, k3, s33);
            }
        }
        StoreScores(TOps.SumFour(s00, s01, s02, s03) + Rest(q0, r0, r1, r2, r3, i, length), scale, scores, rowCount);
        if (TCount.Count > 1)
            StoreScores(TOps.SumFour(s10, s11, s12, s13) + Rest(q1, r0, r1, r2, r3, i, length), scale, scores + scoreStride, rowCount);
        if (TCount.Count > 2)
            StoreScores(TOps.SumFour(s20, s21, s22, s23) + Rest(q2, r0, r1, r2, r3, i, length), scale, scores + 2 * scoreStride, rowCount);
        if (TCount.Count > 3)
            StoreScores(TOps.SumFour(s30, s31, s32, s33) + Rest(q3, r0, r1, r2, r3, i, length), scale, scores + 3 * scoreStride, rowCount);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreScores(Vector128<float> sums, float scale, float* scores, int rowCount)
    {
        sums *= scale;
        if (rowCount == 4)
        {
            sums.Store(scores);
            return;
        }
        for (int row = 0; row < rowCount; row++)
            scores[row] = sums[row];
    }

    /// <summary>The products of elements beyond the last whole vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Rest(float* query, byte* r0, byte* r1, byte* r2, byte* r3, int first, int length) => first == length
        ? Vector128<float>.Zero
        : Vector128.Create(Rest(query, r0, first, length), Rest(query, r1, first, length), Rest(query, r2, first, length), Rest(query, r3, first, length));

    private static float Rest(float* query, byte* row, int first, int length)
    {
        float sum = 0;
        for (int i = first; i < length; i++)
            sum = MathF.FusedMultiplyAdd(query[i], TRow.Load<float, ScalarOps>(row, i), sum);
        return sum;
    }

    private static void AddRows<TCount>(
        float* weights, long weightStride, byte* rows, long rowByteCount, int rowCount, int length, float* targets, long targetStride)
        where TCount : struct, IVectorCount
    {
        int column = 0;
        for (; column <= length - 4 * TOps.Lanes; column += 4 * TOps.Lanes)
            AddColumns<TCount, Four>(weights, weightStride, rows, rowByteCount, rowCount, column, targets, targetStride);
        for (; column <= length - TOps.Lanes; column += TOps.Lanes)
            AddColumns<TCount, One>(weights, weightStride, rows, rowByteCount, rowCount, column, targets, targetStride);
        for (; column < length; column++)
        {
            for (int target = 0; target < TCount.Count; target++)
            {
                float sum = 0;
                for (int row = 0; row < rowCount; row++)
                    sum = MathF.FusedMultiplyAdd(weights[target * weightStride + row], TRow.Load<float, ScalarOps>(rows + row * rowByteCount, column), sum);
                targets[target * targetStride + column] += sum;
            }
        }
    }

    /// <summary>As many columns as one or four vectors have, and up to four targets.</summary>
    private static void AddColumns<TCount, TWidth>(
        float* weights, long weightStride, byte* rows, long rowByteCount, int rowCount, int column, float* targets, long targetStride)
        where TCount : struct, IVectorCount
        where TWidth : struct, IVectorCount
    {
        float* t0 = targets + column, t1 = t0 + targetStride, t2 = t1 + targetStride, t3 = t2 + targetStride;
        float* w0 = weights, w1 = w0 + weightStride, w2 = w1 + weightStride, w3 = w2 + weightStride;
        TVector s00 = TOps.Create(0), s01 = TOps.Create(0), s02 = TOps.Create(0), s03 = TOps.Create(0);
        TVector s10 = TOps.Create(0), s11 = TOps.Create(0), s12 = TOps.Create(0), s13 = TOps.Create(0);
        TVector s20 = TOps.Create(0), s21 = TOps.Create(0), s22 = TOps.Create(0), s23 = TOps.Create(0);
        TVector s30 = TOps.Create(0), s31 = TOps.Create(0), s32 = TOps.Create(0), s33 = TOps.Create(0);
        for (int row = 0; row < rowCount; row++, rows += rowByteCount)
        {
            TVector v0 = TRow.Load<TVector, TOps>(rows, column);
            TVector v1 = TWidth.Count > 1 ? TRow.Load<TVector, TOps>(rows, column + TOps.Lanes) : v0;
            TVector v2 = TWidth.Count > 1 ? TRow.Load<TVector, TOps>(rows, column + 2 * TOps.Lanes) : v0;
            TVector v3 = TWidth.Count > 1 ? TRow.Load<TVector, TOps>(rows, column + 3 * TOps.Lanes) : v0;
            TVector w = TOps.Create(w0[row]);
            s00 = TOps.MultiplyAdd(w, v0, s00);
            if (TWidth.Count > 1)
            {
                s01 = TOps.MultiplyAdd(w, v1, s01);
                s02 = TOps.MultiplyAdd(w, v2, s02);
                s03 = TOps.MultiplyAdd(w, v3, s03);
            }
            if (TCount.Count > 1)
            {
                w = TOps.Create(w1[row]);
                s10 = TOps.MultiplyAdd(w, v0, s10);
                if (TWidth.Count > 1)
                {
                    s11 = TOps.MultiplyAdd(w, v1, s11);
                    s12 = TOps.MultiplyAdd(w, v2, s12);
                    s13 = TOps.MultiplyAdd(w, v3, s13);
                }
            }
            if (TCount.Count > 2)
            {
                w = TOps.Create(w2[row]);
                s20 = TOps.MultiplyAdd(w, v0, s20);
                if (TWidth.Count > 1)
                {
                    s21 = TOps.MultiplyAdd(w, v1, s21);
                    s22 = TOps.MultiplyAdd(w, v2, s22);
                    s23 = TOps.MultiplyAdd(w, v3, s23);
                }
            }
            if (TCount.Count > 3)
            {
                w = TOps.Create(w3[row]);
                s30 = TOps.MultiplyAdd(w, v0, s30);
                if (TWidth.Count > 1)
                {
                    s31 = TOps.MultiplyAdd(w, v1, s31);
                    s32 = TOps.MultiplyAdd(w, v2, s32);
                    s33 = TOps.MultiplyAdd(w, v3, s33);
                }
            }
        }
        AddVectors<TWidth>(t0, s00, s01, s02, s03);
        if (TCount.Count > 1)
            AddVectors<TWidth>(t1, s10, s11, s12, s13);
        if (TCount.Count > 2)
            AddVectors<TWidth>(t2, s20, s21, s22, s23);
        if (TCount.Count > 3)
            AddVectors<TWidth>(t3, s30, s31, s32, s33);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddVectors<TWidth>(float* target, TVector s0, TVector s1, TVector s2, TVector s3)
        where TWidth : struct, IVectorCount
    {
        TOps.Store(target, TOps.Add(TOps.Load(target), s0));
        if (TWidth.Count == 1)
            return;
        TOps.Store(target + TOps.Lanes, TOps.Add(TOps.Load(target + TOps.Lanes), s1));
        TOps.Store(target + 2 * TOps.Lanes, TOps.Add(TOps.Load(target + 2 * TOps.Lanes), s2));
        TOps.Store(target + 3 * TOps.Lanes, TOps.Add(TOps.Load(target + 3 * TOps.Lanes), s3));
    }

    private readonly struct One : IVectorCount
    {
        public static int Count => 1;
    }

    private readonly struct Two : IVectorCount
    {
        public static int Count => 2;
    }

    private readonly struct Three : IVectorCount
    {
        public static int Count => 3;
    }

    private readonly struct Four : IVectorCount
    {
        public static int Count => 4;
    }
}
