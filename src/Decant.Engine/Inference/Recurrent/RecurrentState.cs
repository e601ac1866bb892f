namespace Decant.Engine.Inference.Recurrent;

/// <summary>What a text left in a recurrent model: a copy that does not change, for any number of sessions to go on from.</summary>
public sealed class RecurrentState
{
    private readonly RecurrentDecoder decoder;

    internal RecurrentState(RecurrentDecoder decoder, int length, float[] elements)
    {
        this.decoder = decoder;
        Length = length;
        Elements = elements;
    }

    /// <summary>Tokens of the text.</summary>
    public int Length { get; }

    /// <summary>The state.</summary>
    internal float[] Elements { get; }

    /// <summary>True if a session of that decoder saved it.</summary>
    internal bool BelongsTo(RecurrentDecoder other) => decoder == other;
}
