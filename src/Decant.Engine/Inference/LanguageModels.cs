using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Engine.Inference.Recurrent;
using Decant.Engine.Inference.Reversible;

namespace Decant.Engine.Inference;

/// <summary>Makes any model that predicts what follows a text ready to run.</summary>
public static class LanguageModels
{
    /// <summary>Prepares a model. Checks every tensor's shape, chooses kernels, starts threads.</summary>
    /// <param name="model">The bound model; its source must live as long.</param>
    /// <param name="options">How to run it; what has no meaning for its kind is passed over.</param>
    /// <param name="cancellationToken">Stops loading.</param>
    /// <exception cref="NotSupportedModelException">The model is of a kind that continues no text.</exception>
    /// <exception cref="BadFileException">A tensor is missing or has the wrong shape.</exception>
    /// <exception cref="UsageException">An option is out of range, or the processor lacks the kernel asked for.</exception>
    /// <exception cref="LimitNotMetException">There is not enough memory.</exception>
    public static ILanguageModel Load(Model model, DecoderOptions? options = null, CancellationToken cancellationToken = default) => model switch
    {
        DecoderModel decoder => Decoder.Load(decoder, options, cancellationToken),
        Model<RecurrentSpec> recurrent => RecurrentDecoder.Load(recurrent, options, cancellationToken),
        Model<ReformerSpec> reversible => ReversibleTransformer.Load(reversible, options, null, cancellationToken),
        _ => throw ArchitectureRegistry.IsNoDecoder(model),
    };

    /// <summary>True for models of a kind that continues texts.</summary>
    public static bool ContinuesText(Model model) => model is DecoderModel or Model<RecurrentSpec> or Model<ReformerSpec>;

    /// <summary>Throws unless the model is of a kind that continues texts.</summary>
    /// <exception cref="NotSupportedModelException">It is not; the message says what it is.</exception>
    public static void RequireText(Model model)
    {
        if (!ContinuesText(model))
            throw ArchitectureRegistry.IsNoDecoder(model);
    }
}
