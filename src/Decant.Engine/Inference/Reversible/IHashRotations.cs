using Decant.Core.Architectures;

namespace Decant.Engine.Inference.Reversible;

/// <summary>Where the random rotations of hashed attention come from.</summary>
public interface IHashRotations
{
    /// <summary>Draws the rotations of a block, the same for every call with the same arguments.</summary>
    /// <param name="hashedIndex">The block's number among those with hashed attention.</param>
    /// <param name="attention">Its attention.</param>
    /// <param name="coordinates">Coordinates of a rotated vector: half the buckets of a round.</param>
    /// <param name="rotations">[heads, head size, rounds, coordinates]; to be filled.</param>
    void Draw(int hashedIndex, HashedAttentionSpec attention, int coordinates, Span<float> rotations);
}
