using System.Collections.Immutable;

namespace Decant.Core.Architectures.Families;

/// <summary>XLM-RoBERTa (Conneau et al. 2020): RoBERTa with a SentencePiece vocabulary of a hundred languages.</summary>
public sealed class XlmRobertaArchitecture : RobertaArchitecture
{
    /// <inheritdoc/>
    public override string Name => "xlm-roberta";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["xlm-roberta"];

    /// <inheritdoc/>
    internal override string ClassPrefix => "XLMRoberta";

    /// <inheritdoc/>
    internal override string GgufTokenizer => "t5";
}
