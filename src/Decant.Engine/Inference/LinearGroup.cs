using Decant.Engine.Kernels;
using Decant.Engine.Kernels.Arithmetic;

namespace Decant.Engine.Inference;

/// <summary>Linear layers that read the same input (query, key and value; gate and up): multiplied in one job, so that threads meet once.</summary>
internal sealed unsafe class LinearGroup : IDisposable
{
    private readonly Linear[] members;
    private readonly nint[] outputs;

    /// <summary>Creates a group; it owns its members.</summary>
    public LinearGroup(params Linear[] members)
    {
        this.members = members;
        outputs = new nint[members.Length];
    }

    /// <summary>The layers.</summary>
    public IReadOnlyList<Linear> Members => members;

    /// <summary>Computes all outputs.</summary>
    /// <param name="context">Threads and memory.</param>
    /// <param name="x">Input rows [tokens, inputs].</param>
    /// <param name="tokenCount">Tokens.</param>
    /// <param name="destinations">For each member, where its rows [tokens, outputs] go.</param>
    public void Multiply(ComputeContext context, float* x, int tokenCount, params ReadOnlySpan<nint> destinations)
    {
        destinations.CopyTo(outputs);
        int columnCount = members[0].Weight.ColumnCount;
        if (context.Observer is { } observer)
        {
            foreach (Linear member in members)
                observer.LinearInput(member.Id, new ReadOnlySpan<float>(x, checked(tokenCount * columnCount)), tokenCount);
        }
        context.Input.Set(context.Pool, context.Arithmetic, x, tokenCount, columnCount);
        int threads = context.Pool.ThreadCount;
        context.Pool.Run(threads, new Work(this, context, threads));
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
        int unit = input.HasPanels ? FloatArithmetic.TileRowCount : 1;
        for (int i = 0; i < members.Length; i++)
        {
            Linear member = members[i];
            int rowCount = member.Weight.RowCount;
            int first = WorkerPool.Boundary(rowCount, unit, part, partCount);
            int count = WorkerPool.Boundary(rowCount, unit, part + 1, partCount) - first;
            if (count == 0)
                continue;
            float* y = (float*)outputs[i] + first;
            member.Weight.Multiply(first, count, input, y, rowCount, context.Scratch[part]);
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
