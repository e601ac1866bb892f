using System.Runtime.CompilerServices;
using Decant.Core.Architectures;
using Decant.Engine.Kernels.Vectors;

namespace Decant.Engine.Kernels.Arithmetic;

/// <summary>
/// <see cref="FloatArithmetic"/> written once for every width. Full vectors first, then the rest one element at a time by the same formula
/// with <see cref="ScalarOps"/>.
/// </summary>
internal sealed unsafe partial class VectorArithmetic<TVector, TOps> : FloatArithmetic
    where TVector : struct
    where TOps : struct, IVectorOps<TVector>
{
    // √(2/π) and the cubic coefficient of the tanh form of GELU (Hendrycks and Gimpel 2016).
    private const float GeluSlope = 0.79788456f;
    private const float GeluCubic = 0.044715f;
    private const float InverseRootTwo = 0.70710678f;

    public override void AddScaled(float* destination, float* addend, float factor, int count)
    {
        int i = 0;
        TVector factors = TOps.Create(factor);
        for (; i <= count - TOps.Lanes; i += TOps.Lanes)
            TOps.Store(destination + i, TOps.MultiplyAdd(TOps.Load(addend + i), factors, TOps.Load(destination + i)));
        for (; i < count; i++)
            destination[i] = MathF.FusedMultiplyAdd(addend[i], factor, destination[i]);
    }

    public override void Scale(float* x, float factor, int count)
    {
        int i = 0;
        TVector factors = TOps.Create(factor);
        for (; i <= count - TOps.Lanes; i += TOps.Lanes)
            TOps.Store(x + i, TOps.Multiply(TOps.Load(x + i), factors));
        for (; i < count; i++)
            x[i] *= factor;
    }

    public override void SoftCap(float* x, float cap, int count)
    {
        int i = 0;
        float inverse = 1 / cap;
        for (; i <= count - TOps.Lanes; i += TOps.Lanes)
        {
            TVector scaled = TOps.Multiply(TOps.Load(x + i), TOps.Create(inverse));
            TOps.Store(x + i, TOps.Multiply(VectorMath<TVector, TOps>.Tanh(scaled), TOps.Create(cap)));
        }
        for (; i < count; i++)
            x[i] = VectorMath<float, ScalarOps>.Tanh(x[i] * inverse) * cap;
    }

    public override float Dot(float* x, float* y, int count)
    {
        int i = 0;
        TVector even = TOps.Create(0);
        TVector odd = TOps.Create(0);
        for (; i <= count - 2 * TOps.Lanes; i += 2 * TOps.Lanes)
        {
            even = TOps.MultiplyAdd(TOps.Load(x + i), TOps.Load(y + i), even);
            odd = TOps.MultiplyAdd(TOps.Load(x + i + TOps.Lanes), TOps.Load(y + i + TOps.Lanes), odd);
        }
        for (; i <= count - TOps.Lanes; i += TOps.Lanes)
            even = TOps.MultiplyAdd(TOps.Load(x + i), TOps.Load(y + i), even);
        float sum = TOps.Sum(TOps.Add(even, odd));
        for (; i < count; i++)
            sum = MathF.FusedMultiplyAdd(x[i], y[i], sum);
        return sum;
    }

    public override void RootMeanSquareNorm(float* x, float* weight, float epsilon, float* y, int count)
    {
        float factor = 1 / MathF.Sqrt(Dot(x, x, count) / count + epsilon);
        int i = 0;
        TVector factors = TOps.Create(factor);
        for (; i <= count - TOps.Lanes; i += TOps.Lanes)
            TOps.Store(y + i, TOps.Multiply(TOps.Multiply(TOps.Load(x + i), factors), TOps.Load(weight + i)));
        for (; i < count; i++)
            y[i] = x[i] * factor * weight[i];
    }

    public override void LayerNorm(float* x, float* weight, float* bias, float epsilon, float* y, int count)
    {
        float mean = SumOf(x, count) / count;
        float factor = 1 / MathF.Sqrt(SumOfSquaredDistances(x, mean, count) / count + epsilon);
        int i = 0;
        TVector factors = TOps.Create(factor);
        TVector means = TOps.Create(mean);
        for (; i <= count - TOps.Lanes; i += TOps.Lanes)
        {
            TVector scaled = TOps.Multiply(TOps.Subtract(TOps.Load(x + i), means), factors);
            TVector offset = bias == null ? TOps.Create(0) : TOps.Load(bias + i);
            TOps.Store(y + i, TOps.MultiplyAdd(scaled, TOps.Load(weight + i), offset));
        }
        for (; i < count; i++)
            y[i] = MathF.FusedMultiplyAdd((x[i] - mean) * factor, weight[i], bias == null ? 0 : bias[i]);
    }

    public override void Activate(Activation activation, float* x, float* factor, int count)
    {
        switch (activation)
        {
            case Activation.Silu:
                Activate<SiluFunction>(x, factor, count);
                break;
            case Activation.GeluTanh:
                Activate<GeluTanhFunction>(x, factor, count);
                break;
            case Activation.GeluErf:
                Activate<GeluErfFunction>(x, factor, count);
                break;
            case Activation.Relu:
                Activate<ReluFunction>(x, factor, count);
                break;
            case Activation.ReluSquared:
                Activate<ReluSquaredFunction>(x, factor, count);
                break;
            case Activation.Tanh:
                Activate<TanhFunction>(x, factor, count);
                break;
            case Activation.Sigmoid:
                Activate<SigmoidFunction>(x, factor, count);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(activation), activation, null);
        }
    }

    public override void RotateHalves(float* x, float* cosines, float* sines, int count)
    {
        int half = count / 2;
        int i = 0;
        for (; i <= half - TOps.Lanes; i += TOps.Lanes)
        {
            TVector cosine = TOps.Load(cosines + i);
            TVector sine = TOps.Load(sines + i);
            TVector first = TOps.Load(x + i);
            TVector second = TOps.Load(x + half + i);
            TOps.Store(x + i, TOps.Subtract(TOps.Multiply(first, cosine), TOps.Multiply(second, sine)));
            TOps.Store(x + half + i, TOps.Add(TOps.Multiply(second, cosine), TOps.Multiply(first, sine)));
        }
        for (; i < half; i++)
        {
            float first = x[i];
            float second = x[half + i];
            x[i] = first * cosines[i] - second * sines[i];
            x[half + i] = second * cosines[i] + first * sines[i];
        }
    }

    public override void RotatePairs(float* x, float* cosines, float* signedSines, int count)
    {
        int i = 0;
        if (TOps.Lanes > 1)
        {
            for (; i <= count - TOps.Lanes; i += TOps.Lanes)
            {
                TVector value = TOps.Load(x + i);
                TVector turned = TOps.Multiply(TOps.SwapPairs(value), TOps.Load(signedSines + i));
                TOps.Store(x + i, TOps.Add(TOps.Multiply(value, TOps.Load(cosines + i)), turned));
            }
        }
        for (; i < count; i += 2)
        {
            float first = x[i];
            float second = x[i + 1];
            x[i] = first * cosines[i] + second * signedSines[i];
            x[i + 1] = second * cosines[i + 1] + first * signedSines[i + 1];
        }
    }

    public override float ExponentialSum(float* x, float largest, int count)
    {
        int i = 0;
        TVector shift = TOps.Create(largest);
        TVector sums = TOps.Create(0);
        for (; i <= count - TOps.Lanes; i += TOps.Lanes)
        {
            TVector value = VectorMath<TVector, TOps>.Exp(TOps.Subtract(TOps.Load(x + i), shift));
            TOps.Store(x + i, value);
            sums = TOps.Add(sums, value);
        }
        float sum = TOps.Sum(sums);
        for (; i < count; i++)
        {
            x[i] = VectorMath<float, ScalarOps>.Exp(x[i] - largest);
            sum += x[i];
        }
        return sum;
    }

    public override float Largest(float* x, int count)
    {
        int i = 0;
        TVector maxima = TOps.Create(float.NegativeInfinity);
        for (; i <= count - TOps.Lanes; i += TOps.Lanes)
            maxima = TOps.Max(maxima, TOps.Load(x + i));
        float largest = TOps.MaxAcross(maxima);
        for (; i < count; i++)
            largest = MathF.Max(largest, x[i]);
        return largest;
    }

    private static float SumOf(float* x, int count)
    {
        int i = 0;
        TVector sums = TOps.Create(0);
        for (; i <= count - TOps.Lanes; i += TOps.Lanes)
            sums = TOps.Add(sums, TOps.Load(x + i));
        float sum = TOps.Sum(sums);
        for (; i < count; i++)
            sum += x[i];
        return sum;
    }

    private static float SumOfSquaredDistances(float* x, float center, int count)
    {
        int i = 0;
        TVector sums = TOps.Create(0);
        TVector centers = TOps.Create(center);
        for (; i <= count - TOps.Lanes; i += TOps.Lanes)
        {
            TVector distance = TOps.Subtract(TOps.Load(x + i), centers);
            sums = TOps.MultiplyAdd(distance, distance, sums);
        }
        float sum = TOps.Sum(sums);
        for (; i < count; i++)
            sum = MathF.FusedMultiplyAdd(x[i] - center, x[i] - center, sum);
        return sum;
    }

    private static void Activate<TFunction>(float* x, float* factor, int count)
        where TFunction : struct, IActivationFunction
    {
        int i = 0;
        for (; i <= count - TOps.Lanes; i += TOps.Lanes)
        {
            TVector value = TFunction.Of<TVector, TOps>(TOps.Load(x + i));
            TOps.Store(x + i, factor == null ? value : TOps.Multiply(value, TOps.Load(factor + i)));
        }
        for (; i < count; i++)
            x[i] = TFunction.Of<float, ScalarOps>(x[i]) * (factor == null ? 1 : factor[i]);
    }

    private interface IActivationFunction
    {
        static abstract TV Of<TV, TO>(TV x)
            where TV : struct
            where TO : struct, IVectorOps<TV>;
    }

    private readonly struct SiluFunction : IActivationFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Of<TV, TO>(TV x)
            where TV : struct
            where TO : struct, IVectorOps<TV> =>
            TO.Divide(x, TO.Add(TO.Create(1), VectorMath<TV, TO>.Exp(TO.Subtract(TO.Create(0), x))));
    }

    private readonly struct SigmoidFunction : IActivationFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Of<TV, TO>(TV x)
            where TV : struct
            where TO : struct, IVectorOps<TV> => VectorMath<TV, TO>.Sigmoid(x);
    }

    private readonly struct GeluTanhFunction : IActivationFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Of<TV, TO>(TV x)
            where TV : struct
            where TO : struct, IVectorOps<TV>
        {
            TV cubic = TO.Multiply(TO.Multiply(TO.Multiply(x, x), x), TO.Create(GeluCubic));
            TV tanh = VectorMath<TV, TO>.Tanh(TO.Multiply(TO.Create(GeluSlope), TO.Add(x, cubic)));
            return TO.Multiply(TO.Multiply(TO.Create(0.5f), x), TO.Add(TO.Create(1), tanh));
        }
    }

    private readonly struct GeluErfFunction : IActivationFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Of<TV, TO>(TV x)
            where TV : struct
            where TO : struct, IVectorOps<TV>
        {
            TV erf = VectorMath<TV, TO>.Erf(TO.Multiply(x, TO.Create(InverseRootTwo)));
            return TO.Multiply(TO.Multiply(TO.Create(0.5f), x), TO.Add(TO.Create(1), erf));
        }
    }

    private readonly struct ReluFunction : IActivationFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Of<TV, TO>(TV x)
            where TV : struct
            where TO : struct, IVectorOps<TV> => TO.Max(x, TO.Create(0));
    }

    private readonly struct TanhFunction : IActivationFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Of<TV, TO>(TV x)
            where TV : struct
            where TO : struct, IVectorOps<TV> => VectorMath<TV, TO>.Tanh(x);
    }

    private readonly struct ReluSquaredFunction : IActivationFunction
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TV Of<TV, TO>(TV x)
            where TV : struct
            where TO : struct, IVectorOps<TV>
        {
            TV positive = TO.Max(x, TO.Create(0));
            return TO.Multiply(positive, positive);
        }
    }
}
