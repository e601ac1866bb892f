using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace Decant.Engine.Kernels.Vectors;

/// <summary>Eight numbers of double precision: AVX-512.</summary>
internal readonly unsafe struct DoubleOps512 : IRealOps<Vector512<double>, double>
{
    public static int Lanes => 8;

    public static bool HasManyRegisters => true;

    public static Vector512<double> Load(double* source) => Vector512.Load(source);

    public static void Store(double* destination, Vector512<double> value) => value.Store(destination);

    public static Vector512<double> Create(double value) => Vector512.Create(value);

    public static Vector512<double> Add(Vector512<double> a, Vector512<double> b) => a + b;

    public static Vector512<double> Multiply(Vector512<double> a, Vector512<double> b) => a * b;

    public static Vector512<double> MultiplyAdd(Vector512<double> a, Vector512<double> b, Vector512<double> c) => Vector512.FusedMultiplyAdd(a, b, c);

    public static Vector512<double> Max(Vector512<double> a, Vector512<double> b) => Vector512.MaxNative(a, b);

    public static Vector512<double> Abs(Vector512<double> a) => Vector512.Abs(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Sum(Vector512<double> a) => DoubleOps256.Sum(a.GetLower() + a.GetUpper());
}

/// <summary>Four numbers of double precision: AVX2 with fused multiply–add.</summary>
internal readonly unsafe struct DoubleOps256 : IRealOps<Vector256<double>, double>
{
    public static int Lanes => 4;

    public static bool HasManyRegisters => false;

    public static Vector256<double> Load(double* source) => Vector256.Load(source);

    public static void Store(double* destination, Vector256<double> value) => value.Store(destination);

    public static Vector256<double> Create(double value) => Vector256.Create(value);

    public static Vector256<double> Add(Vector256<double> a, Vector256<double> b) => a + b;

    public static Vector256<double> Multiply(Vector256<double> a, Vector256<double> b) => a * b;

    public static Vector256<double> MultiplyAdd(Vector256<double> a, Vector256<double> b, Vector256<double> c) => Vector256.FusedMultiplyAdd(a, b, c);

    public static Vector256<double> Max(Vector256<double> a, Vector256<double> b) => Vector256.MaxNative(a, b);

    public static Vector256<double> Abs(Vector256<double> a) => Vector256.Abs(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Sum(Vector256<double> a) => DoubleOps128.Sum(a.GetLower() + a.GetUpper());
}

/// <summary>Two numbers of double precision: Arm AdvSimd, and x86 without AVX2.</summary>
internal readonly unsafe struct DoubleOps128 : IRealOps<Vector128<double>, double>
{
    public static int Lanes => 2;

    public static bool HasManyRegisters => AdvSimd.Arm64.IsSupported;

    public static Vector128<double> Load(double* source) => Vector128.Load(source);

    public static void Store(double* destination, Vector128<double> value) => value.Store(destination);

    public static Vector128<double> Create(double value) => Vector128.Create(value);

    public static Vector128<double> Add(Vector128<double> a, Vector128<double> b) => a + b;

    public static Vector128<double> Multiply(Vector128<double> a, Vector128<double> b) => a * b;

    public static Vector128<double> MultiplyAdd(Vector128<double> a, Vector128<double> b, Vector128<double> c) => Vector128.FusedMultiplyAdd(a, b, c);

    public static Vector128<double> Max(Vector128<double> a, Vector128<double> b) => Vector128.MaxNative(a, b);

    public static Vector128<double> Abs(Vector128<double> a) => Vector128.Abs(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static double Sum(Vector128<double> a) => a[0] + a[1];
}

/// <summary>One number of double precision: plain C#, on every processor.</summary>
internal readonly unsafe struct ScalarDoubleOps : IRealOps<double, double>
{
    public static int Lanes => 1;

    public static bool HasManyRegisters => false;

    public static double Load(double* source) => *source;

    public static void Store(double* destination, double value) => *destination = value;

    public static double Create(double value) => value;

    public static double Add(double a, double b) => a + b;

    public static double Multiply(double a, double b) => a * b;

    public static double MultiplyAdd(double a, double b, double c) => Math.FusedMultiplyAdd(a, b, c);

    public static double Max(double a, double b) => a > b ? a : b;

    public static double Abs(double a) => Math.Abs(a);

    public static double Sum(double a) => a;
}
