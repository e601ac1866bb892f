using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Tensors;
using Decant.Engine.Kernels;

namespace Decant.Engine.Inference.Recurrent;

/// <summary>Takes the tensors of one recurrent block from a model.</summary>
/// <param name="model">The model.</param>
/// <param name="layer">The block.</param>
/// <param name="kernels">Kernels for its matrices.</param>
internal sealed unsafe class MixerLoader(Model<RecurrentSpec> model, int layer, KernelSelection kernels)
{
    /// <summary>Width of the residual stream.</summary>
    public int HiddenSize => model.Spec.HiddenSize;

    /// <summary>A matrix with its bias, if it has one.</summary>
    /// <exception cref="BadFileException">It is missing or has another shape.</exception>
    public Linear Linear(TensorRole role, int rowCount, int columnCount) => Inference.Linear.Load(model, new TensorId(role, layer), rowCount, columnCount, kernels);

    /// <summary>A norm.</summary>
    /// <exception cref="BadFileException">It is missing or has another shape.</exception>
    public Norm Norm(TensorRole role, NormSpec spec, int width, int partCount = 1) => new(model, new TensorId(role, layer), spec, width, partCount);

    /// <summary>A vector, or a small matrix row after row.</summary>
    /// <exception cref="BadFileException">It is missing or has another number of elements.</exception>
    public AlignedBuffer Vector(TensorRole role, int elementCount) => Vector(new TensorId(role, layer), elementCount);

    /// <summary>A bias.</summary>
    /// <exception cref="BadFileException">It is missing or has another number of elements.</exception>
    public AlignedBuffer Bias(TensorRole role, int elementCount) => Vector(new TensorId(role, layer).Bias, elementCount);

    /// <summary>A small matrix [rows, columns] with rows and columns exchanged.</summary>
    /// <exception cref="BadFileException">It is missing or has another number of elements.</exception>
    public AlignedBuffer Transposed(TensorRole role, int rowCount, int columnCount)
    {
        using AlignedBuffer stored = Vector(role, checked(rowCount * columnCount));
        var transposed = new AlignedBuffer(stored.ByteCount, $"The tensor {role}", "");
        for (int row = 0; row < rowCount; row++)
        {
            for (int column = 0; column < columnCount; column++)
                transposed.Floats[(long)column * rowCount + row] = stored.Floats[(long)row * columnCount + column];
        }
        return transposed;
    }

    private AlignedBuffer Vector(TensorId id, int elementCount) => SmallTensor.Load(model, model.Get(id), id, elementCount);
}
