namespace Decant.Engine.Kernels;

/// <summary>How many tokens a loop multiplies at once, known when it is compiled.</summary>
internal interface ITokenCount
{
    /// <summary>1 to 6.</summary>
    static abstract int Count { get; }
}

/// <summary>One token.</summary>
internal readonly struct OneToken : ITokenCount
{
    public static int Count => 1;
}

/// <summary>Two tokens.</summary>
internal readonly struct TwoTokens : ITokenCount
{
    public static int Count => 2;
}

/// <summary>Three tokens.</summary>
internal readonly struct ThreeTokens : ITokenCount
{
    public static int Count => 3;
}

/// <summary>Four tokens.</summary>
internal readonly struct FourTokens : ITokenCount
{
    public static int Count => 4;
}

/// <summary>Five tokens.</summary>
internal readonly struct FiveTokens : ITokenCount
{
    public static int Count => 5;
}

/// <summary>Six tokens.</summary>
internal readonly struct SixTokens : ITokenCount
{
    public static int Count => 6;
}
