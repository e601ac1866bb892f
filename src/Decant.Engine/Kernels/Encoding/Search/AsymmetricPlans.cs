namespace Decant.Engine.Kernels.Encoding.Search;

/// <summary>Q2_K without importance.</summary>
internal readonly struct Plain3 : IAsymmetricPlan
{
    public static float MaxCode => 3;

    public static float First => -0.5f;

    public static float Step => 0.1f;

    public static int StepCount => 15;

    public static bool Absolute => true;
}

/// <summary>Q4_K without importance.</summary>
internal readonly struct Plain15 : IAsymmetricPlan
{
    public static float MaxCode => 15;

    public static float First => -1f;

    public static float Step => 0.1f;

    public static int StepCount => 20;

    public static bool Absolute => false;
}

/// <summary>Q5_K without importance.</summary>
internal readonly struct Plain31 : IAsymmetricPlan
{
    public static float MaxCode => 31;

    public static float First => -0.5f;

    public static float Step => 0.1f;

    public static int StepCount => 15;

    public static bool Absolute => false;
}

/// <summary>Q2_K with importance.</summary>
internal readonly struct Weighted3 : IAsymmetricPlan
{
    public static float MaxCode => 3;

    public static float First => -0.9f;

    public static float Step => 0.05f;

    public static int StepCount => 36;

    public static bool Absolute => false;
}

/// <summary>Q4_1 and Q4_K with importance.</summary>
internal readonly struct Weighted15 : IAsymmetricPlan
{
    public static float MaxCode => 15;

    public static float First => -0.9f;

    public static float Step => 0.05f;

    public static int StepCount => 36;

    public static bool Absolute => false;
}

/// <summary>Q5_1 and Q5_K with importance.</summary>
internal readonly struct Weighted31 : IAsymmetricPlan
{
    public static float MaxCode => 31;

    public static float First => -0.9f;

    public static float Step => 0.05f;

    public static int StepCount => 36;

    public static bool Absolute => false;
}
