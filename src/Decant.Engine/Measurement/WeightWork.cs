using Decant.Engine.Inference;

namespace Decant.Engine.Measurement;

/// <summary>What a model's products with its weights cost for one token; attention, scans and whatever else comes on top.</summary>
public sealed class WeightWork
{
    private readonly LinearGroup head;
    private readonly (LinearGroup Group, double Share)[] groups;

    /// <summary>Collects the products of a model.</summary>
    /// <param name="head">The last of them, which a prompt needs once.</param>
    /// <param name="others">All others, each with the share of it that a token uses: below 1 for experts.</param>
    internal WeightWork(LinearGroup head, IEnumerable<(LinearGroup Group, double Share)> others)
    {
        this.head = head;
        groups = [.. others];
    }

    /// <summary>Bytes of weights that are read to write one token.</summary>
    public double ByteCount => head.ByteCount + groups.Sum(group => group.Share * group.Group.ByteCount);

    /// <summary>Multiply–adds for one token, the head's left out.</summary>
    public double BlockMultiplyAdds => groups.Sum(group => group.Share * group.Group.MultiplyAddCount);

    /// <summary>Multiply–adds of the head for one token.</summary>
    public double HeadMultiplyAdds => head.MultiplyAddCount;

    /// <summary>Those of the head that are made in whole numbers: all or none.</summary>
    internal double RoundedHeadMultiplyAdds => head.MultiplyAddCountOf(8, 1);

    /// <summary>Multiply–adds with activations of so many bits for one of so many tokens computed at once, the head's left out.</summary>
    internal double BlockMultiplyAddsOf(int bits, int tokenCount) => groups.Sum(group => group.Share * group.Group.MultiplyAddCountOf(bits, tokenCount));
}
