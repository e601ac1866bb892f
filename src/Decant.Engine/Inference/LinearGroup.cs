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

    // Ranges between two looks at the cancellation token are multiples of every kernel's rows, where so many may go without a look.
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

    /// <summary>Those of them that are made in whole numbers when so many tokens are computed at once.</summary>
    public long RoundedMultiplyAddCount(int tokenCount) =>
        members.Where(member => member.Weight.RoundsActivations(tokenCount)).Sum(member => member.Weight.MultiplyAddCount);

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
            foreach (Linear member in members)
                observer.LinearInput(member.Id, new ReadOnlySpan<float>(x, checked(tokenCount * columnCount)), tokenCount);
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
            long rows = Math.Max(1, member.Weight.LongestUncheckedWork(input.TokenCount) / ((long)input.ColumnCount * input.TokenCount));
            long checkUnit = Math.Min(rows, CheckUnit);
            int step = (int)Math.Min(count, (rows + checkUnit - 1) / checkUnit * checkUnit);
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
