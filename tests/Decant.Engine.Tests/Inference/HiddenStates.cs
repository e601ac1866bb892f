using Decant.Core.Tensors;
using Decant.Engine.Inference;

namespace Decant.Engine.Tests.Inference;

/// <summary>Keeps the hidden states of the last run.</summary>
internal sealed class HiddenStates : IDecoderObserver
{
    public Dictionary<int, float[]> Rows { get; } = [];

    public void HiddenState(int index, ReadOnlySpan<float> rows, int tokenCount) => Rows[index] = rows.ToArray();

    public void LinearInput(TensorId weight, ReadOnlySpan<float> rows, int tokenCount)
    {
    }
}
