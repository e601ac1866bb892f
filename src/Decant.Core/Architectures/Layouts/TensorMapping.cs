using System.Collections.Immutable;
using System.Globalization;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Layouts;

/// <summary>
/// One line of a container's table: which canonical tensors a stored module holds, and how. The same line serves reading (views of
/// the stored tensor) and writing (the stored tensor composed of canonical ones). A module has a <c>.weight</c> and perhaps
/// a <c>.bias</c>; a line covers both.
/// </summary>
/// <param name="Module">
/// The stored name without <c>.weight</c> or <c>.bias</c>: literal text with <c>{layer}</c> and <c>{expert}</c> for numbers, or <c>{group}</c> and <c>{member}</c>
/// for a layer that is numbered within groups (<see cref="GroupLength"/>), and perhaps a leading <c>{prefix}</c> for one of the layout's prefixes.
/// </param>
/// <param name="Roles">The canonical tensors in it, in order; several if rows are fused.</param>
internal sealed record TensorMapping(string Module, ImmutableArray<TensorRole> Roles)
{
    /// <summary>True if the name is whole as it is and the tensor a weight: <c>e_score_correction_bias</c>, <c>A_log</c>.</summary>
    public bool IsWholeName { get; init; }

    /// <summary>The one part that the module's name stands for, where weight and bias have modules of their own; null for both.</summary>
    public TensorPart? Only { get; init; }

    /// <summary>Layers of a group, where names number both.</summary>
    public int GroupLength { get; init; } = 1;

    /// <summary>The stack that the numbers of layers count in.</summary>
    public StackKind Stack { get; init; }

    /// <summary>True if a matrix of one row is stored as a vector.</summary>
    public bool IsVector { get; init; }

    /// <summary>True if the weight is stored [inputs, outputs] (GPT's Conv1D).</summary>
    public bool Transposed { get; init; }

    /// <summary>The stored shape of a canonical one, where dimensions of 1 stand between or elements are cut into rows otherwise; null if they are alike.</summary>
    public Func<TensorShape, TensorShape>? Reshape { get; init; }

    /// <summary>How stored elements become canonical ones and back, or null if they are alike: Gemma's norms are stored without their 1, and GGUF holds −e^x where checkpoints hold x.</summary>
    public ElementFunctions? Elements { get; init; }

    /// <summary>True if the experts of a layer are one tensor [experts, rows, columns].</summary>
    public bool StacksExperts { get; init; }

    /// <summary>
    /// Fused rows that are interleaved: the number of groups, each holding an equal share of every role's rows in turn. GPT-NeoX and
    /// BLOOM have one group per head, Falcon one per key-value head. Null means one group: all of the first role, then all of the second.
    /// </summary>
    public Func<AttentionSpec, int>? Groups { get; init; }

    /// <summary>How <see cref="Groups"/> of rows lie in the stored weight.</summary>
    public RowGroupForm GroupForm { get; init; }

    /// <summary>The groups of interleaved rows in a block of a model; 1 for none.</summary>
    public int GroupsOf(ModelSpec spec, int? layer) =>
        Groups is not null && layer is { } index && spec.AttentionOf(Stack, index) is { } attention ? Groups(attention) : 1;

    /// <summary>True if the numbers of a layer stand in the name.</summary>
    public bool IsPerLayer => Module.Contains("{layer}", StringComparison.Ordinal) || Module.Contains("{group}", StringComparison.Ordinal);

    /// <summary>True if every expert is a module of its own.</summary>
    public bool IsPerExpert => Module.Contains("{expert}", StringComparison.Ordinal);

    /// <summary>The stored name.</summary>
    public string NameOf(string prefix, int? layer, int? expert, TensorPart part) =>
        Module
            .Replace("{prefix}", prefix, StringComparison.Ordinal)
            .Replace("{layer}", layer?.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("{group}", (layer / GroupLength)?.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("{member}", (layer % GroupLength)?.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("{expert}", expert?.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
        + (IsWholeName ? "" : part == TensorPart.Weight ? ".weight" : ".bias");

    /// <summary>True if the module has such a part.</summary>
    public bool Covers(TensorPart part) => !(IsWholeName && part == TensorPart.Bias) && (Only is null || Only == part);

    /// <summary>True if a canonical tensor has its place in such a module.</summary>
    public bool Holds(TensorId id) =>
        Covers(id.Part)
        && Stack == id.Stack
        && Roles.Contains(id.Role)
        && IsPerLayer == id.Layer is not null
        && (StacksExperts || IsPerExpert) == id.Expert is not null;

    /// <summary>The canonical tensors in the stored tensor of these numbers, in stored order.</summary>
    /// <param name="layer">The layer, if the name has one.</param>
    /// <param name="expert">The expert, if the name has one.</param>
    /// <param name="part">Weight or bias.</param>
    /// <param name="expertCount">Experts of the layer.</param>
    public ImmutableArray<TensorId> Ids(int? layer, int? expert, TensorPart part, int expertCount)
    {
        if (!Covers(part))
            return [];
        if (!StacksExperts)
            return [.. Roles.Select(role => new TensorId(role, layer, expert, part, Stack))];
        return [.. Enumerable.Range(0, expertCount).SelectMany(e => Roles.Select(role => new TensorId(role, layer, e, part, Stack)))];
    }
}

/// <summary>How groups of rows lie in a stored weight.</summary>
internal enum RowGroupForm
{
    /// <summary>One after the other.</summary>
    Rows,

    /// <summary>As matrices [groups, rows of a group, columns].</summary>
    Matrices,

    /// <summary>As transposed matrices [groups, columns, rows of a group].</summary>
    TransposedMatrices,
}
