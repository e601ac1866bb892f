namespace Decant.Core.Architectures;

/// <summary>A family of recurrent language models.</summary>
public abstract class RecurrentArchitecture : Architecture<RecurrentSpec>
{
    /// <inheritdoc/>
    public sealed override string Kind => "recurrent model";
}
