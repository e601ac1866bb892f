namespace Decant.Core.Measurement;

/// <summary>
/// How far a long job has come. Every job reports through <see cref="IProgress{T}"/> of this: often enough for a moving bar, never more than
/// a few times a second per unit of real work.
/// </summary>
/// <param name="Stage">What is being done, as in <c>encode</c> or <c>verify</c>; one or two lower-case words.</param>
/// <param name="Done">Finished units.</param>
/// <param name="Total">Units of the stage, or 0 if unknown.</param>
/// <param name="Unit">What the numbers count: <c>bytes</c>, <c>tokens</c>, <c>tensors</c>.</param>
/// <param name="Item">The tensor, file or window at work, or null.</param>
/// <param name="TimeLeft">Estimated time until this stage ends, or null while there is nothing to estimate from.</param>
/// <param name="Rate">Units in a second, now, where people want to know (transfers); else null.</param>
public readonly record struct WorkProgress(string Stage, long Done, long Total, string Unit, string? Item = null, TimeSpan? TimeLeft = null, double? Rate = null)
{
    /// <summary>0 to 1, or null if the total is unknown.</summary>
    public double? Fraction => Total > 0 ? Math.Clamp((double)Done / Total, 0, 1) : null;
}
