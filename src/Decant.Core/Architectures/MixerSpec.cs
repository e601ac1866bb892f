namespace Decant.Core.Architectures;

/// <summary>How a recurrent block mixes positions.</summary>
public abstract record MixerSpec
{
    private protected MixerSpec()
    {
    }
}

/// <summary>
/// RWKV-4's time mixing: keys, values and receptance r each read a mean of the current and the previous position; the result is σ(r) times the mean of all
/// values so far, weighted by e^key and decaying by a rate per channel. State: the last position, and a sum, a weight and a largest exponent per channel.
/// </summary>
/// <param name="Width">Channels.</param>
public sealed record TimeMixingSpec(int Width) : MixerSpec;

/// <summary>
/// Mamba's selective scan: channels are convolved and activated to u; from u come the time step Δ of each channel and B and C, which all channels share;
/// <c>h ← e^(ΔA) h + Δ B u, y = C · h + D u</c> with A = −e^StateDecay; the result is multiplied by the activated gate.
/// </summary>
public sealed record SelectiveScanSpec : MixerSpec
{
    /// <summary>Channels.</summary>
    public required int InnerSize { get; init; }

    /// <summary>Elements of each channel's state.</summary>
    public required int StateSize { get; init; }

    /// <summary>Width of the vector that time steps are computed from.</summary>
    public required int TimeStepRank { get; init; }

    /// <summary>The convolution in front of the scan.</summary>
    public required ConvolutionSpec Convolution { get; init; }

    /// <summary>Activation of the gate.</summary>
    public required Activation GateActivation { get; init; }

    /// <summary>True if input and output projections have biases.</summary>
    public bool ProjectionBias { get; init; }
}

/// <summary>
/// Mamba 2's scan: one decay rate and one time step for all channels of a head, B and C shared by the heads of a group and convolved like the channels.
/// The gated result is normalised group by group.
/// </summary>
public sealed record HeadScanSpec : MixerSpec
{
    /// <summary>Heads.</summary>
    public required int HeadCount { get; init; }

    /// <summary>Channels of a head.</summary>
    public required int HeadSize { get; init; }

    /// <summary>Elements of each channel's state.</summary>
    public required int StateSize { get; init; }

    /// <summary>Groups of heads that share B and C.</summary>
    public required int GroupCount { get; init; }

    /// <summary>The convolution in front of the scan.</summary>
    public required ConvolutionSpec Convolution { get; init; }

    /// <summary>Activation of the gate.</summary>
    public required Activation GateActivation { get; init; }

    /// <summary>The norm of the gated result, of each group apart.</summary>
    public required NormSpec Norm { get; init; }

    /// <summary>The least time step.</summary>
    public float LeastTimeStep { get; init; }

    /// <summary>The largest time step.</summary>
    public float LargestTimeStep { get; init; } = float.PositiveInfinity;

    /// <summary>True if input and output projections have biases.</summary>
    public bool ProjectionBias { get; init; }

    /// <summary>Channels of all heads.</summary>
    public int InnerSize => HeadCount * HeadSize;

    /// <summary>Channels, B and C of all groups: what is convolved.</summary>
    public int ConvolvedSize => InnerSize + 2 * GroupCount * StateSize;
}

/// <summary>A depthwise causal convolution: <c>a(bias + Σ w[j] · x[t − width + 1 + j])</c> for each channel apart.</summary>
/// <param name="Width">Positions it reads, the current one included.</param>
/// <param name="Bias">True with a bias per channel.</param>
/// <param name="Activation">a.</param>
public sealed record ConvolutionSpec(int Width, bool Bias, Activation Activation);

/// <summary>
/// RWKV-4's channel mixing: <c>σ(R x_r) ⊙ D relu(U x_k)²</c>, where x_r and x_k are means of the current and the previous position. State: the last position.
/// </summary>
/// <param name="Width">Inner units.</param>
public sealed record ChannelMixingSpec(int Width);
