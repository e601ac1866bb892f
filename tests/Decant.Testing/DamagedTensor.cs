using System.Runtime.InteropServices;
using Decant.Core.Architectures;
using Decant.Core.Formats;
using Decant.Core.Tensors;

namespace Decant.Testing;

/// <summary>A single-precision tensor of which one row is NaN, or another value.</summary>
public sealed class DamagedTensor : TensorData
{
    private readonly TensorData sound;
    private readonly long damagedRow;
    private readonly float value;

    /// <summary>Damages a row of a tensor.</summary>
    public DamagedTensor(TensorData sound, long damagedRow, float value = float.NaN)
        : base(sound.Info)
    {
        if (sound.Info.Format != TensorFormats.F32)
            throw new ArgumentException($"{sound.Info.Name} is not stored in single precision.", nameof(sound));
        this.sound = sound;
        this.damagedRow = damagedRow;
        this.value = value;
    }

    /// <summary>The model with one token's embedding damaged: texts without that token run as before.</summary>
    public static DecoderModel WithEmbedding(DecoderModel model, int token)
    {
        if (model.Spec.Head.Tied)
            throw new ArgumentException("The head of the model is its embedding: every text would be damaged.", nameof(model));
        var id = new TensorId(TensorRole.TokenEmbedding);
        var tensors = new Dictionary<TensorId, TensorData>(model.Tensors) { [id] = new DamagedTensor(model.Get(id), token) };
        return new DecoderModel(model.Source, model.ArchitectureName, model.Spec, tensors);
    }

    /// <inheritdoc/>
    public override bool TryGetRows(long firstRow, int rowCount, out ReadOnlySpan<byte> rows)
    {
        rows = default;
        return false;
    }

    /// <inheritdoc/>
    public override void CopyRows(long firstRow, int rowCount, Span<byte> destination)
    {
        sound.CopyRows(firstRow, rowCount, destination);
        long row = damagedRow - firstRow;
        if (row < 0 || row >= rowCount)
            return;
        int rowByteCount = (int)Info.RowByteCount;
        MemoryMarshal.Cast<byte, float>(destination.Slice((int)row * rowByteCount, rowByteCount)).Fill(value);
    }
}
