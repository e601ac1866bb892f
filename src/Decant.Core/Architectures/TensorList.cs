using System.Collections.Immutable;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures;

/// <summary>Collects the canonical tensors of a spec.</summary>
/// <param name="stack">The stack whose blocks are listed.</param>
internal sealed class TensorList(StackKind stack = StackKind.Main)
{
    private readonly List<ModelTensor> tensors = [];

    /// <summary>What has been listed.</summary>
    public IReadOnlyList<ModelTensor> Tensors => tensors;

    /// <summary>The stack that tensors listed from now on belong to.</summary>
    public StackKind Stack { get; set; } = stack;

    /// <summary>Adds a tensor.</summary>
    /// <param name="id">Which; its stack is replaced.</param>
    /// <param name="dimensions">What its dimensions count and how many of each, outermost first.</param>
    public void Add(TensorId id, params ReadOnlySpan<(ModelAxis Axis, long Length)> dimensions)
    {
        var axes = ImmutableArray.CreateBuilder<ModelAxis>(dimensions.Length);
        Span<long> lengths = stackalloc long[dimensions.Length];
        for (int i = 0; i < dimensions.Length; i++)
        {
            axes.Add(dimensions[i].Axis);
            lengths[i] = dimensions[i].Length;
        }
        tensors.Add(new ModelTensor(id with { Stack = Stack }, axes.MoveToImmutable(), new TensorShape(lengths)));
    }

    /// <summary>Adds a matrix [outputs, inputs] and perhaps its bias.</summary>
    public void AddLinear(TensorId id, bool bias, (ModelAxis, long) outputs, (ModelAxis, long) inputs)
    {
        Add(id, outputs, inputs);
        if (bias)
            Add(id.Bias, outputs);
    }

    /// <summary>Adds the weight of a norm, if there is one, and perhaps its bias.</summary>
    public void AddNorm(TensorId id, NormSpec? norm, params ReadOnlySpan<(ModelAxis, long)> over)
    {
        if (norm is null)
            return;
        Add(id, over);
        if (norm.Bias)
            Add(id.Bias, over);
    }
}
