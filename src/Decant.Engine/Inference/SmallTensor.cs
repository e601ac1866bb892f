using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Tensors;
using Decant.Engine.Kernels;

namespace Decant.Engine.Inference;

/// <summary>Small tensors that are decoded when a model is loaded: norms and biases.</summary>
internal static unsafe class SmallTensor
{
    /// <summary>Decodes a tensor of so many elements.</summary>
    /// <exception cref="BadFileException">It has another number of elements.</exception>
    public static AlignedBuffer Load(Model model, TensorData tensor, TensorId id, int elementCount)
    {
        if (tensor.Info.Shape.ElementCount != elementCount)
            throw BadFileException.Expected(model.Source.Location, $"{tensor.Info.Name} ({id})", $"{elementCount} elements", tensor.Info.Shape.ToString());
        var buffer = new AlignedBuffer((long)elementCount * sizeof(float), $"The tensor {tensor.Info.Name}", "");
        tensor.ReadRows(0, checked((int)tensor.Info.Shape.RowCount), new Span<float>(buffer.Pointer, elementCount));
        return buffer;
    }
}
