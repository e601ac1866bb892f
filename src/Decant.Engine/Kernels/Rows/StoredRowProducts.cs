using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Decant.Engine.Kernels.Codes;
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

    // Rows decoded at a time when more queries read them than fit into the registers.
    private const int DecodedRowCount = 16;

    private static int QueriesAtOnce => TOps.HasManyRegisters ? 4 : 2;

    /// <inheritdoc/>
    public override void Scores(
        float* queries, int queryCount, byte* rows, long rowByteCount, int rowCount, int length, float scale, float* scores, long scoreStride)
    {
        float* halves = HalfTable.Values;
        if (!TRow.IsSingle && queryCount > QueriesAtOnce)
        {
            float* decoded = stackalloc float[DecodedRowCount * length];
            for (int row = 0; row < rowCount; row += DecodedRowCount)
            {
                int count = Math.Min(DecodedRowCount, rowCount - row);
                Decode(halves, rows + row * rowByteCount, rowByteCount, count, length, decoded);
                StoredRowProducts<TVector, TOps, PlainRow<SingleElement>>.ScoreRows(
                    halves, queries, queryCount, (byte*)decoded, sizeof(float) * (long)length, count, length, scale, scores + row, scoreStride);
            }
            return;
        }
        ScoreRows(halves, queries, queryCount, rows, rowByteCount, rowCount, length, scale, scores, scoreStride);
    }

    /// <inheritdoc/>
    public override void AddWeighted(
        float* weights, long weightStride, int targetCount, byte* rows, long rowByteCount, int rowCount, int length, float* targets, long targetStride)
    {
        float* halves = HalfTable.Values;
        // A sum needs less work for each row than a score, so decoding twice is still quicker than going through memory.
        if (!TRow.IsSingle && targetCount > 2 * QueriesAtOnce)
        {
            float* decoded = stackalloc float[DecodedRowCount * length];
            for (int row = 0; row < rowCount; row += DecodedRowCount)
            {
                int count = Math.Min(DecodedRowCount, rowCount - row);
                Decode(halves, rows + row * rowByteCount, rowByteCount, count, length, decoded);
                StoredRowProducts<TVector, TOps, PlainRow<SingleElement>>.AddWeightedRows(
                    halves, weights + row, weightStride, targetCount, (byte*)decoded, sizeof(float) * (long)length, count, length, targets, targetStride);
            }
            return;
        }
        AddWeightedRows(halves, weights, weightStride, targetCount, rows, rowByteCount, rowCount, length, targets, targetStride);
    }

    private static void Decode(float* halves, byte* rows, long rowByteCount, int rowCount, int length, float* target)
    {
        for (int row = 0; row < rowCount; row++, rows += rowByteCount, target += length)
        {
            int i = 0;
            for (; i <= length - TOps.Lanes; i += TOps.Lanes)
                TOps.Store(target + i, TRow.Load<TVector, TOps>(rows, i, halves));
            for (; i < length; i++)
                target[i] = TRow.Load<float, ScalarOps>(rows, i, halves);
        }
    }

    private static void ScoreRows(
        float* halves, float* queries, int queryCount, byte* rows, long rowByteCount, int rowCount, int length, float scale, float* scores, long scoreStride)
    {
        for (int row = 0; row < rowCount; row += 4)
        {
            int count = Math.Min(4, rowCount - row);
            for (int query = 0; query < queryCount; query += QueriesAtOnce)
            {
                float* x = queries + (long)query * length;
                float* results = scores + query * scoreStride + row;
                switch (Math.Min(queryCount - query, QueriesAtOnce))
                {
                    case 1:
                        ScoreFour<One>(halves, x, rows, rowByteCount, count, length, scale, results, scoreStride);
                        break;
                    case 2:
                        ScoreFour<Two>(halves, x, rows, rowByteCount, count, length, scale, results, scoreStride);
                        break;
                    case 3:
                        ScoreFour<Three>(halves, x, rows, rowByteCount, count, length, scale, results, scoreStride);
                        break;
                    default:
                        ScoreFour<Four>(halves, x, rows, rowByteCount, count, length, scale, results, scoreStride);
                        break;
                }
            }
            rows += 4 * rowByteCount;
        }
    }

    private static void AddWeightedRows(
        float* halves, float* weights, long weightStride, int targetCount, byte* rows, long rowByteCount, int rowCount, int length, float* targets, long targetStride)
    {
        for (int target = 0; target < targetCount; target += QueriesAtOnce)
        {
            float* own = weights + target * weightStride;
            float* results = targets + target * targetStride;
            switch (Math.Min(targetCount - target, QueriesAtOnce))
            {
                case 1:
                    AddRows<One>(halves, own, weightStride, rows, rowByteCount, rowCount, length, results, targetStride);
                    break;
                case 2:
                    AddRows<Two>(halves, own, weightStride, rows, rowByteCount, rowCount, length, results, targetStride);
                    break;
                case 3:
                    AddRows<Three>(halves, own, weightStride, rows, rowByteCount, rowCount, length, results, targetStride);
                    break;
                default:
                    AddRows<Four>(halves, own, weightStride, rows, rowByteCount, rowCount, length, results, targetStride);
                    break;
            }
        }
    }

    /// <summary>Four rows and up to four queries. Rows that are not there repeat the last and their scores are dropped.</summary>
    private static void ScoreFour<TCount>(
        float* halves, float* query, byte* rows, long rowByteCount, int rowCount, int length, float scale, float* scores, long scoreStride)
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
            TVector k0 = TRow.Load<TVector, TOps>(r0, i, halves), k1 = TRow.Load<TVector, TOps>(r1, i, halves);
            TVector k2 = TRow.Load<TVector, TOps>(r2, i, halves), k3 = TRow.Load<TVector, TOps>(r3, i, halves);
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
        StoreScores(TOps.SumFour(s00, s01, s02, s03), scale, scores, rowCount);
        if (TCount.Count > 1)
            StoreScores(TOps.SumFour(s10, s11, s12, s13), scale, scores + scoreStride, rowCount);
        if (TCount.Count > 2)
            StoreScores(TOps.SumFour(s20, s21, s22, s23), scale, scores + 2 * scoreStride, rowCount);
        if (TCount.Count > 3)
            StoreScores(TOps.SumFour(s30, s31, s32, s33), scale, scores + 3 * scoreStride, rowCount);
        // Nothing is called before this, for what is alive across a call is kept in memory, inside the loop too.
        if (i < length)
            AddRest(halves, query, TCount.Count, rows, rowByteCount, rowCount, i, length, scale, scores, scoreStride);
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

    /// <summary>Adds the products of elements beyond the last whole vector.</summary>
    private static void AddRest(
        float* halves, float* query, int queryCount, byte* rows, long rowByteCount, int rowCount, int first, int length, float scale, float* scores, long scoreStride)
    {
        for (int i = 0; i < queryCount; i++)
        {
            float* x = query + (long)i * length;
            for (int row = 0; row < rowCount; row++)
            {
                float sum = 0;
                for (int element = first; element < length; element++)
                    sum = MathF.FusedMultiplyAdd(x[element], TRow.Load<float, ScalarOps>(rows + row * rowByteCount, element, halves), sum);
                scores[i * scoreStride + row] += sum * scale;
            }
        }
    }

    private static void AddRows<TCount>(
        float* halves, float* weights, long weightStride, byte* rows, long rowByteCount, int rowCount, int length, float* targets, long targetStride)
        where TCount : struct, IVectorCount
    {
        int column = 0;
        for (; column <= length - 4 * TOps.Lanes; column += 4 * TOps.Lanes)
            AddColumns<TCount, Four>(halves, weights, weightStride, rows, rowByteCount, rowCount, column, targets, targetStride);
        for (; column <= length - TOps.Lanes; column += TOps.Lanes)
            AddColumns<TCount, One>(halves, weights, weightStride, rows, rowByteCount, rowCount, column, targets, targetStride);
        for (; column < length; column++)
        {
            for (int target = 0; target < TCount.Count; target++)
            {
                float sum = 0;
                for (int row = 0; row < rowCount; row++)
                    sum = MathF.FusedMultiplyAdd(weights[target * weightStride + row], TRow.Load<float, ScalarOps>(rows + row * rowByteCount, column, halves), sum);
                targets[target * targetStride + column] += sum;
            }
        }
    }

    /// <summary>As many columns as one or four vectors have, and up to four targets.</summary>
    private static void AddColumns<TCount, TWidth>(
        float* halves, float* weights, long weightStride, byte* rows, long rowByteCount, int rowCount, int column, float* targets, long targetStride)
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
            TVector v0 = TRow.Load<TVector, TOps>(rows, column, halves);
            TVector v1 = TWidth.Count > 1 ? TRow.Load<TVector, TOps>(rows, column + TOps.Lanes, halves) : v0;
            TVector v2 = TWidth.Count > 1 ? TRow.Load<TVector, TOps>(rows, column + 2 * TOps.Lanes, halves) : v0;
            TVector v3 = TWidth.Count > 1 ? TRow.Load<TVector, TOps>(rows, column + 3 * TOps.Lanes, halves) : v0;
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
