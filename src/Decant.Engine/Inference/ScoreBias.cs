namespace Decant.Engine.Inference;

/// <summary>A number that depends on the head and on the distance between query and key, added to every score.</summary>
internal abstract unsafe class ScoreBias
{
    /// <summary>scores[i · stride] += bias of the head at distance firstDistance + i.</summary>
    /// <param name="scores">Scores of keys that follow one another.</param>
    /// <param name="stride">Elements between them.</param>
    /// <param name="count">Keys.</param>
    /// <param name="head">The query head.</param>
    /// <param name="firstDistance">Position of the first key minus that of the query.</param>
    public abstract void AddTo(float* scores, long stride, int count, int head, int firstDistance);
}
