using Decant.Core.Architectures;
using Decant.Core.Formats;
using Decant.Core.Tensors;
using Decant.Testing;

namespace Decant.Engine.Tests.Inference.Encoders;

/// <summary>A small encoder of random weights whose rows are whole blocks of every format of 32.</summary>
internal static class RandomEncoder
{
    private const int Hidden = 64, Heads = 2, Width = 96, Vocabulary = 100;

    public static EncoderModel Make()
    {
        var norm = new NormSpec(NormKind.Layer, 1e-5f, Bias: true);
        var layer = new LayerSpec
        {
            Norm = norm,
            NormPlacement = NormPlacement.AfterSum,
            Attention = new AttentionSpec
            {
                HeadCount = Heads,
                KeyValueHeadCount = Heads,
                HeadSize = Hidden / Heads,
                ValueSize = Hidden / Heads,
                Scale = 1 / MathF.Sqrt(Hidden / Heads),
                Bidirectional = true,
                QueryKeyValueBias = true,
                OutputBias = true,
            },
            FeedForward = new FeedForwardSpec { Gated = false, Activation = Activation.GeluErf, Width = Width, Bias = true },
        };
        var spec = new EncoderSpec
        {
            VocabularySize = Vocabulary,
            HiddenSize = Hidden,
            ContextLength = 64,
            Embedding = new EncoderEmbeddingSpec { LearnedPositionCount = 64, TokenTypeCount = 2, Norm = norm },
            Layers = [layer, layer],
        };
        var random = new Random(5);
        var tensors = new Dictionary<TensorId, TensorData>();
        foreach (ModelTensor tensor in spec.ListTensors())
        {
            float[] values = new float[tensor.Shape.ElementCount];
            bool isGain = tensor.Shape.Rank == 1 && tensor.Id.Part == TensorPart.Weight;
            for (int i = 0; i < values.Length; i++)
                values[i] = (isGain ? 1 : 0) + (random.NextSingle() - 0.5f) * (isGain ? 0.2f : 0.4f);
            tensors.Add(tensor.Id, MemoryTensor.FromValues(tensor.Id.ToString(), tensor.Shape, values));
        }
        return new EncoderModel(MemoryModelSource.WithConfig([], []), "bert", spec, tensors);
    }

    /// <summary>The same with all matrices in another format.</summary>
    public static EncoderModel Quantized(EncoderModel model, TensorFormat format)
    {
        var tensors = new Dictionary<TensorId, TensorData>();
        foreach ((TensorId id, TensorData data) in model.Tensors)
            tensors.Add(id, data.Info.Shape.Rank == 2 ? Encode(data, format) : data);
        return new EncoderModel(model.Source, model.ArchitectureName, model.Spec, tensors);
    }

    private static MemoryTensor Encode(TensorData data, TensorFormat format)
    {
        var info = new TensorInfo(data.Info.Name, data.Info.Shape, format);
        byte[] bytes = new byte[info.ByteCount];
        float[] row = new float[info.Shape.RowLength];
        for (int i = 0; i < info.Shape.RowCount; i++)
        {
            data.ReadRows(i, 1, row);
            format.EncodeRow(row, default, bytes.AsSpan(i * (int)info.RowByteCount, (int)info.RowByteCount));
        }
        return new MemoryTensor(info, bytes);
    }
}
