namespace Decant.Engine.Inference;

/// <summary>A number that depends on the head and on the positions of query and key, added to every score.</summary>
internal abstract unsafe class ScoreBias
{
    /// <summary>scores[i · stride] += bias of the head for the key at position firstKey + i.</summary>
    /// <param name="scores">Scores of keys that follow one another.</param>
    /// <param name="stride">Elements between them.</param>
    /// <param name="count">Keys.</param>
    /// <param name="head">The query head.</param>
    /// <param name="firstKey">Position of the first key.</param>
    /// <param name="query">Position of the query.</param>
    public abstract void AddTo(float* scores, long stride, int count, int head, int firstKey, int query);
}
