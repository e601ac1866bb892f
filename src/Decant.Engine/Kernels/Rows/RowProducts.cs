namespace Decant.Engine.Kernels.Rows;

/// <summary>
/// Products of a few vectors with stored rows, read from their stored form: scores of keys and weighted sums of values. Every row is read once for all
/// vectors. Elements must be finite in formats other than F32. Sums run in an order that depends on the length and the instruction set only.
/// </summary>
/// <param name="format">The format's name.</param>
/// <param name="instructions">What the processor must have.</param>
internal abstract unsafe class RowProducts(string format, InstructionSet instructions)
{
    /// <summary>The format it reads, as ggml spells it.</summary>
    public string Format { get; } = format;

    /// <summary>What the processor must have.</summary>
    public InstructionSet Instructions { get; } = instructions;

    /// <summary>scores[q · scoreStride + r] = scale · Σⱼ queries[q · length + j] · rows[r][j].</summary>
    /// <param name="queries">[queries, length].</param>
    /// <param name="queryCount">Queries.</param>
    /// <param name="rows">The first row; rows lie one after another.</param>
    /// <param name="rowByteCount">Bytes of a row.</param>
    /// <param name="rowCount">Rows.</param>
    /// <param name="length">Elements of a row.</param>
    /// <param name="scale">A factor on all scores.</param>
    /// <param name="scores">Results.</param>
    /// <param name="scoreStride">Elements between the scores of one query and the next.</param>
    public abstract void Scores(
        float* queries, int queryCount, byte* rows, long rowByteCount, int rowCount, int length, float scale, float* scores, long scoreStride);

    /// <summary>targets[q · targetStride + j] += Σᵣ weights[q · weightStride + r] · rows[r][j].</summary>
    /// <param name="weights">A row of weights for each target.</param>
    /// <param name="weightStride">Elements between the weights of one target and the next.</param>
    /// <param name="targetCount">Targets.</param>
    /// <param name="rows">The first row; rows lie one after another.</param>
    /// <param name="rowByteCount">Bytes of a row.</param>
    /// <param name="rowCount">Rows.</param>
    /// <param name="length">Elements of a row.</param>
    /// <param name="targets">Added to.</param>
    /// <param name="targetStride">Elements between one target and the next.</param>
    public abstract void AddWeighted(
        float* weights, long weightStride, int targetCount, byte* rows, long rowByteCount, int rowCount, int length, float* targets, long targetStride);
}
