using System.Runtime.CompilerServices;
using Decant.Engine.Kernels.Vectors;

namespace Decant.Engine.Kernels.Arithmetic;

// One position of recurrent blocks. Channels lie in lanes; each step is written once and serves full vectors and the rest alike.
internal sealed unsafe partial class VectorArithmetic<TVector, TOps>
{
    public override void AddProducts(float* destination, float* a, float* b, int count)
    {
        int i = 0;
        for (; i <= count - TOps.Lanes; i += TOps.Lanes)
            TOps.Store(destination + i, TOps.MultiplyAdd(TOps.Load(a + i), TOps.Load(b + i), TOps.Load(destination + i)));
        for (; i < count; i++)
            destination[i] = MathF.FusedMultiplyAdd(a[i], b[i], destination[i]);
    }

    public override void Interpolate(float* x, float* previous, float* share, float* y, int count)
    {
        int i = 0;
        for (; i <= count - TOps.Lanes; i += TOps.Lanes)
            InterpolateLanes<TVector, TOps>(x + i, previous + i, share + i, y + i);
        for (; i < count; i++)
            InterpolateLanes<float, ScalarOps>(x + i, previous + i, share + i, y + i);
    }

    public override void Softplus(float* x, int count)
    {
        int i = 0;
        for (; i <= count - TOps.Lanes; i += TOps.Lanes)
            TOps.Store(x + i, VectorMath<TVector, TOps>.Softplus(TOps.Load(x + i)));
        for (; i < count; i++)
            x[i] = VectorMath<float, ScalarOps>.Softplus(x[i]);
    }

    public override void SelectiveScanStep(
        float* state, float* rates, int stateSize, float* steps, float* x, float* b, float* c, float* skip, float* y, int count)
    {
        int i = 0;
        for (; i <= count - TOps.Lanes; i += TOps.Lanes)
            SelectiveScanLanes<TVector, TOps>(state + ScanPlace(i, stateSize), rates + ScanPlace(i, stateSize), stateSize, steps + i, x + i, b, c, skip + i, y + i);
        for (; i < count; i++)
            SelectiveScanLanes<float, ScalarOps>(state + ScanPlace(i, stateSize), rates + ScanPlace(i, stateSize), stateSize, steps + i, x + i, b, c, skip + i, y + i);
    }

    public override void HeadScanStep(float* state, int stateSize, float decay, float step, float skip, float* x, float* b, float* c, float* y, int count)
    {
        int i = 0;
        for (; i <= count - TOps.Lanes; i += TOps.Lanes)
            HeadScanLanes<TVector, TOps>(state + ScanPlace(i, stateSize), stateSize, decay, step, skip, x + i, b, c, y + i);
        for (; i < count; i++)
            HeadScanLanes<float, ScalarOps>(state + ScanPlace(i, stateSize), stateSize, decay, step, skip, x + i, b, c, y + i);
    }

    public override void TimeMixingStep(
        float* keys, float* values, float* bonus, float* rates, float* sums, float* weights, float* exponents, float* y, int count)
    {
        int i = 0;
        for (; i <= count - TOps.Lanes; i += TOps.Lanes)
            TimeMixingLanes<TVector, TOps>(keys + i, values + i, bonus + i, rates + i, sums + i, weights + i, exponents + i, y + i);
        for (; i < count; i++)
            TimeMixingLanes<float, ScalarOps>(keys + i, values + i, bonus + i, rates + i, sums + i, weights + i, exponents + i, y + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void InterpolateLanes<TV, TO>(float* x, float* previous, float* share, float* y)
        where TV : struct
        where TO : struct, IVectorOps<TV>
    {
        TV part = TO.Load(share);
        TV rest = TO.Subtract(TO.Create(1), part);
        TO.Store(y, TO.MultiplyAdd(TO.Load(x), part, TO.Multiply(TO.Load(previous), rest)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SelectiveScanLanes<TV, TO>(
        float* state, float* rates, int stateSize, float* steps, float* x, float* b, float* c, float* skip, float* y)
        where TV : struct
        where TO : struct, IVectorOps<TV>
    {
        TV step = TO.Load(steps);
        TV input = TO.Load(x);
        TV result = TO.Multiply(input, TO.Load(skip));
        input = TO.Multiply(input, step);
        for (int n = 0; n < stateSize; n++)
        {
            float* place = state + n * ScanBlock;
            TV decay = VectorMath<TV, TO>.Exp(TO.Multiply(step, TO.Load(rates + n * ScanBlock)));
            TV next = TO.MultiplyAdd(decay, TO.Load(place), TO.Multiply(input, TO.Create(b[n])));
            TO.Store(place, next);
            result = TO.MultiplyAdd(next, TO.Create(c[n]), result);
        }
        TO.Store(y, result);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void HeadScanLanes<TV, TO>(
        float* state, int stateSize, float decay, float step, float skip, float* x, float* b, float* c, float* y)
        where TV : struct
        where TO : struct, IVectorOps<TV>
    {
        TV input = TO.Load(x);
        TV result = TO.Multiply(input, TO.Create(skip));
        TV left = TO.Create(decay);
        input = TO.Multiply(input, TO.Create(step));
        for (int n = 0; n < stateSize; n++)
        {
            float* place = state + n * ScanBlock;
            TV next = TO.MultiplyAdd(left, TO.Load(place), TO.Multiply(input, TO.Create(b[n])));
            TO.Store(place, next);
            result = TO.MultiplyAdd(next, TO.Create(c[n]), result);
        }
        TO.Store(y, result);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void TimeMixingLanes<TV, TO>(
        float* keys, float* values, float* bonus, float* rates, float* sums, float* weights, float* exponents, float* y)
        where TV : struct
        where TO : struct, IVectorOps<TV>
    {
        TV key = TO.Load(keys), value = TO.Load(values), sum = TO.Load(sums), weight = TO.Load(weights), exponent = TO.Load(exponents);
        TV raised = TO.Add(key, TO.Load(bonus));
        TV largest = TO.Max(exponent, raised);
        TV earlier = VectorMath<TV, TO>.Exp(TO.Subtract(exponent, largest));
        TV current = VectorMath<TV, TO>.Exp(TO.Subtract(raised, largest));
        TV total = TO.MultiplyAdd(earlier, sum, TO.Multiply(current, value));
        TO.Store(y, TO.Divide(total, TO.MultiplyAdd(earlier, weight, current)));

        TV decayed = TO.Add(exponent, TO.Load(rates));
        largest = TO.Max(decayed, key);
        earlier = VectorMath<TV, TO>.Exp(TO.Subtract(decayed, largest));
        current = VectorMath<TV, TO>.Exp(TO.Subtract(key, largest));
        TO.Store(sums, TO.MultiplyAdd(earlier, sum, TO.Multiply(current, value)));
        TO.Store(weights, TO.MultiplyAdd(earlier, weight, current));
        TO.Store(exponents, largest);
    }
}
