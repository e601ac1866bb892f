using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Tensors;
using Decant.Engine.Kernels;

namespace Decant.Engine.Inference;

/// <summary>A matrix with its bias, if it has one.</summary>
internal sealed unsafe class Linear : IDisposable
{
    private readonly AlignedBuffer? bias;

    /// <summary>Joins a matrix and its bias; owns both.</summary>
    internal Linear(TensorId id, WeightMatrix weight, AlignedBuffer? bias)
    {
        Id = id;
        Weight = weight;
        this.bias = bias;
    }

    /// <summary>Which matrix it is.</summary>
    public TensorId Id { get; }

    /// <summary>The matrix.</summary>
    public WeightMatrix Weight { get; }

    /// <summary>One value per output, or null.</summary>
    public float* Bias => bias is null ? null : bias.Floats;

    /// <summary>Takes a matrix and its bias from a model and checks their shapes.</summary>
    /// <exception cref="BadFileException">A tensor is missing or has another shape.</exception>
    public static Linear Load(Model model, TensorId id, int rowCount, int columnCount, KernelSelection kernels, ProjectionKind kind = ProjectionKind.Plain)
    {
        TensorData data = model.Get(id);
        if (data.Info.Shape.RowCount != rowCount || data.Info.Shape.RowLength != columnCount)
            throw BadFileException.Expected(model.Source.Location, $"{data.Info.Name} ({id})", $"[{rowCount}, {columnCount}]", data.Info.Shape.ToString());
        AlignedBuffer? bias = model.Find(id.Bias) is { } tensor ? SmallTensor.Load(model, tensor, id.Bias, rowCount) : null;
        if (kind == ProjectionKind.Ternary)
            data = TernaryProjections.Round(data);
        return new Linear(id, new StoredMatrix(data, kernels), bias);
    }

    /// <summary>The same matrix under another name with that name's bias: the head of a model that ties it to its embedding.</summary>
    public Linear WithBias(Model model, TensorId id) =>
        new(id, Weight, model.Find(id.Bias) is { } tensor ? SmallTensor.Load(model, tensor, id.Bias, Weight.RowCount) : null);

    /// <inheritdoc/>
    public void Dispose()
    {
        Weight.Dispose();
        bias?.Dispose();
    }
}
