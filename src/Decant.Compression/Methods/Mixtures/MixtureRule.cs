namespace Decant.Compression.Methods.Mixtures;

/// <summary>Where a tensor stands, for the conditions of <see cref="MixtureRule"/>.</summary>
/// <param name="Layer">Zero-based count among the tensors of its category (the block number where there are experts).</param>
/// <param name="LayerCount">How many there are.</param>
/// <param name="Model">The model's facts.</param>
/// <param name="HasImportance">True if the job has an importance matrix.</param>
internal readonly record struct MixturePosition(int Layer, int LayerCount, MixtureModel Model, bool HasImportance);

/// <summary>One line of a file type's table: tensors of a category that meet a condition get a format. The first line that fits wins.</summary>
/// <param name="Category">Which tensors.</param>
/// <param name="When">The condition.</param>
/// <param name="Format">The format's name, or null for the file type's base format.</param>
internal sealed record MixtureRule(TensorCategory Category, Func<MixturePosition, bool> When, string? Format);

/// <summary>Conditions of mixture rules, named as in quantization.md section 17.</summary>
internal static class MixtureConditions
{
    /// <summary>Every tensor of the category.</summary>
    public static bool Always(MixturePosition p) => true;

    /// <summary>At least four query heads share a key-value head.</summary>
    public static bool GroupedByFour(MixturePosition p) => p.Model.QueriesPerKeyValueHead >= 4;

    /// <summary>The first and last eighth of the layers, and every third between.</summary>
    public static bool MoreBits(MixturePosition p) =>
        p.Layer < p.LayerCount / 8 || p.Layer >= 7 * p.LayerCount / 8 || (p.Layer - p.LayerCount / 8) % 3 == 2;

    /// <summary>The first eighth of the layers.</summary>
    public static bool FirstEighth(MixturePosition p) => p.Layer < p.LayerCount / 8;

    /// <summary>The first sixteenth of the layers.</summary>
    public static bool FirstSixteenth(MixturePosition p) => p.Layer < p.LayerCount / 16;

    /// <summary>The first two layers.</summary>
    public static bool FirstTwo(MixturePosition p) => p.Layer < 2;

    /// <summary>The first four layers.</summary>
    public static bool FirstFour(MixturePosition p) => p.Layer < 4;

    /// <summary>The first eighth, if there is an importance matrix.</summary>
    public static bool FirstEighthWithImportance(MixturePosition p) => FirstEighth(p) && p.HasImportance;

    /// <summary>The first eighth, if there is no importance matrix.</summary>
    public static bool FirstEighthWithoutImportance(MixturePosition p) => FirstEighth(p) && !p.HasImportance;

    /// <summary>The Falcon architecture, which has rules of its own.</summary>
    public static bool Falcon(MixturePosition p) => p.Model.IsFalcon;

    /// <summary>Falcon's layers that get more bits.</summary>
    public static bool FalconMoreBits(MixturePosition p) => Falcon(p) && MoreBits(p);

    /// <summary>Falcon's first sixteenth.</summary>
    public static bool FalconFirstSixteenth(MixturePosition p) => Falcon(p) && FirstSixteenth(p);

    /// <summary>The first eighth of any architecture but Falcon.</summary>
    public static bool FirstEighthNotFalcon(MixturePosition p) => !Falcon(p) && FirstEighth(p);

    /// <summary>A model of exactly eight experts (Mixtral), not Falcon.</summary>
    public static bool EightExperts(MixturePosition p) => p.Model.ExpertCount == 8 && !Falcon(p);
}
