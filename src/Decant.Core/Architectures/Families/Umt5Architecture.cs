using System.Collections.Immutable;
using Decant.Core.Architectures.Conversion;

namespace Decant.Core.Architectures.Families;

/// <summary>UMT5 (Chung et al. 2023): T5 v1.1 whose blocks have a table of biases each, where T5's share that of the first.</summary>
public sealed class Umt5Architecture : T5Architecture
{
    /// <inheritdoc/>
    public override string Name => "umt5";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["umt5"];

    /// <inheritdoc/>
    internal override string ClassName => "UMT5ForConditionalGeneration";

    /// <inheritdoc/>
    internal override string DefaultFeedForward => "gated-gelu";

    /// <inheritdoc/>
    internal override int BiasTableOf(int layer) => layer;

    /// <inheritdoc/>
    internal override bool ClaimsGguf(GgufSpecReader file) => T5Stack.HasOwnTables(file);
}
