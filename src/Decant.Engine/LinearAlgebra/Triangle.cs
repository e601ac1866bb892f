namespace Decant.Engine.LinearAlgebra;

/// <summary>Which half of a square matrix counts; the other half is not read.</summary>
public enum Triangle
{
    /// <summary>Elements on and below the diagonal.</summary>
    Lower,

    /// <summary>Elements on and above the diagonal.</summary>
    Upper,
}
