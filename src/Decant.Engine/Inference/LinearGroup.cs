using Decant.Engine.Kernels;

namespace Decant.Engine.Inference;

/// <summary>Linear layers that read the same input (query, key and value; gate and up): multiplied in one job, so that threads meet once.</summary>
internal sealed unsafe class LinearGroup : IDisposable
{
    // Fewer multiplications are done sooner than another thread is told.
    private const long LeastSharedWork = 1 << 15;

    // Multiplications worth a part of their own when a thread's share is cut: some microseconds.
    private const long LeastPart = 1 << 17;

    // With many tokens kernels work on tiles of about this many rows; parts of fewer would read the tokens more often.
    private const int TileRowCount = 192;

    // What fits every kernel, where so many rows may go without a look at the cancellation token.
    private const int CheckUnit = 96;

    private readonly Linear[] members;
    private readonly nint[] outputs;
    private readonly long totalRowCount;

    /// <summary>Creates a group; it owns its members.</summary>
    public LinearGroup(params Linear[] members)
    {
        this.members = members;
        outputs = new nint[members.Length];
        totalRowCount = members.Sum(member => (long)member.Weight.RowCount);
    }

    /// <summary>The layers.</summary>
    public IReadOnlyList<Linear> Members => members;

    /// <summary>Bytes of the stored matrices.</summary>
    public long ByteCount => members.Sum(member => member.Weight.ByteCount);

    /// <summary>Multiply–adds for one token.</summary>
    public long MultiplyAddCount => members.Sum(member => member.Weight.MultiplyAddCount);

    /// <summary>Those of them that are made with activations of so many bits when so many tokens are computed at once.</summary>
    public long MultiplyAddCountOf(int bits, int tokenCount) =>
        members.Where(member => member.Weight.ActivationBits(tokenCount) == bits).Sum(member => member.Weight.MultiplyAddCount);

    /// <summary>Computes all outputs.</summary>
    /// <param name="context">Threads and memory.</param>
    /// <param name="x">Input rows [tokens, inputs].</param>
    /// <param name="tokenCount">Tokens.</param>
    /// <param name="destinations">For each member, where its rows [tokens, outputs] go.</param>
    /// <exception cref="OperationCanceledException">The call was cancelled; the outputs are then unfinished.</exception>
    public void Multiply(ComputeContext context, float* x, int tokenCount, params ReadOnlySpan<nint> destinations)
    {
        destinations.CopyTo(outputs);
        int columnCount = members[0].Weight.ColumnCount;
        if (context.Observer is { } observer)
        {
            int shown = Math.Min(tokenCount, context.ObservedRowCount);
            foreach (Linear member in members)
                observer.LinearInput(member.Id, new ReadOnlySpan<float>(x, checked(shown * columnCount)), shown);
        }
        context.Input.Set(context.Pool, x, tokenCount, columnCount);
        foreach (Linear member in members)
            member.Weight.Prepare(context.Input);
        long rowWork = (long)columnCount * tokenCount;
        int parts = context.Pool.PartCount(
            totalRowCount * rowWork, LeastSharedWork, context.Input.FillsTiles ? Math.Max(LeastPart, TileRowCount * rowWork) : LeastPart);
        context.Pool.Run(parts, new Work(this, context, parts));
        context.CancellationToken.ThrowIfCancellationRequested();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Linear member in members)
            member.Dispose();
    }

    /// <summary>Rows between two looks at the cancellation token: as many as the work allows, at least those that are computed together, and a multiple of them.</summary>
    /// <param name="uncheckedWork">Multiplications that may go without a look.</param>
    /// <param name="rowWork">Multiplications of a row.</param>
    /// <param name="unit">Rows that are computed together.</param>
    internal static int RangeRowCount(long uncheckedWork, long rowWork, int unit)
    {
        long rows = Math.Min(int.MaxValue / 2, uncheckedWork / rowWork);
        long multiple = rows >= CheckUnit && CheckUnit % unit == 0 ? CheckUnit : unit;
        return (int)(Math.Max(1, (rows + multiple - 1) / multiple) * multiple);
    }

    private void MultiplyPart(ComputeContext context, int part, int partCount)
    {
        ProductInput input = context.Input;
        for (int i = 0; i < members.Length; i++)
        {
            Linear member = members[i];
            int rowCount = member.Weight.RowCount;
            int unit = member.Weight.RowUnit(input.TokenCount);
            int first = WorkerPool.Boundary(rowCount, unit, part, partCount);
            int count = WorkerPool.Boundary(rowCount, unit, part + 1, partCount) - first;
            if (count == 0)
                continue;
            float* y = (float*)outputs[i] + first;
            int step = Math.Min(count, RangeRowCount(member.Weight.LongestUncheckedWork(input.TokenCount), (long)input.ColumnCount * input.TokenCount, unit));
            for (int done = 0; done < count; done += step)
            {
                if (context.CancellationToken.IsCancellationRequested)
                    return;
                member.Weight.Multiply(first + done, Math.Min(step, count - done), input, y + done, rowCount, context.ThreadScratch);
            }
            if (member.Bias == null)
                continue;
            for (int token = 0; token < input.TokenCount; token++)
                context.Arithmetic.AddScaled(y + (long)token * rowCount, member.Bias + first, 1, count);
        }
    }

    private readonly struct Work(LinearGroup group, ComputeContext context, int partCount) : IParallelWork
    {
        public void Run(int part) => group.MultiplyPart(context, part, partCount);
    }
}
