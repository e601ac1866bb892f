namespace Decant.Core.Architectures.Conversion;

/// <summary>Keys of Decant's own in GGUF files, for what the container has no key for. llama.cpp passes over them.</summary>
internal static class DecantKeys
{
    /// <summary>The registered name of the family the file was written from; several families share an architecture in GGUF.</summary>
    public const string Family = "decant.family";

    /// <summary>A JSON object: config.json values that do not follow from the other metadata.</summary>
    public const string Config = "decant.config";

    /// <summary>Names of config.json keys that follow from the other metadata but were absent.</summary>
    public const string ConfigAbsent = "decant.config_absent";

    /// <summary>The content of generation_config.json.</summary>
    public const string GenerationConfig = "decant.generation_config";

    /// <summary>Followed by the name of a tensor of the Hugging Face folder: what is to be added to its elements so that they are exactly what they were.</summary>
    public const string RemainderPrefix = "decant.remainder.";

    /// <summary>The activation, where it is not the one that files of this architecture have.</summary>
    public const string Activation = "decant.activation";

    /// <summary>A switch per block: true if it is a dense block in the form of a mixture.</summary>
    public const string DenseLayers = "decant.dense_layers";

    /// <summary>Inner units of the shared expert of each block that are not zero, where not all blocks have as many.</summary>
    public const string SharedWidths = "decant.expert_shared_used_lengths";

    /// <summary>Which layers rotate queries and keys, where it is not those that llama.cpp rotates.</summary>
    public const string RotatedLayers = "decant.rope.layers";

    /// <summary>ε of the norms of latent attention's narrow vectors, where it is not that of the other norms.</summary>
    public const string LatentEpsilon = "decant.attention.latent_epsilon";

    /// <summary>The token that takes no position (RoBERTa).</summary>
    public const string PaddingId = "decant.position.padding_id";

    /// <summary>The rows of the table of positions in front of the first one used, which llama.cpp's files leave out, one after another.</summary>
    public const string PositionRows = "decant.position.rows";

    /// <summary>A switch per block: true with a sliding window; where llama.cpp's key for a repeating pattern cannot say it.</summary>
    public const string WindowedLayers = "decant.attention.windowed_layers";

    /// <summary>The distance from which on relative biases have one bucket, where it is not 128.</summary>
    public const string RelativeMaximumDistance = "decant.attention.relative_max_distance";

    /// <summary>The activation of the dense layer in front of a classifier, where it is not the one that files of this architecture have.</summary>
    public const string ClassifierActivation = "decant.classifier.activation";

    /// <summary><c>mean</c> if a classifier reads the mean of the hidden states and not the first one.</summary>
    public const string ClassifierPooling = "decant.classifier.pooling";

    /// <summary>The factor on logits, where it is not the one that follows from the tensors.</summary>
    public const string HeadScale = "decant.head_scale";

    /// <summary>The rotary scaling where GGUF cannot say it: <c>dynamic</c>, <c>yarn</c>, <c>llama3</c> or <c>linear</c>.</summary>
    public const string RopeScaling = "decant.rope.scaling.type";

    /// <summary>The scaling's factor.</summary>
    public const string RopeFactor = "decant.rope.scaling.factor";

    /// <summary>The context length before extension.</summary>
    public const string RopeOriginalContext = "decant.rope.scaling.original_context_length";

    /// <summary>Llama 3's low band.</summary>
    public const string RopeLowFrequency = "decant.rope.scaling.low_freq_factor";

    /// <summary>Llama 3's high band.</summary>
    public const string RopeHighFrequency = "decant.rope.scaling.high_freq_factor";

    /// <summary>YaRN's upper bound of rotations.</summary>
    public const string RopeBetaFast = "decant.rope.scaling.beta_fast";

    /// <summary>YaRN's lower bound of rotations.</summary>
    public const string RopeBetaSlow = "decant.rope.scaling.beta_slow";

    /// <summary>The factor on cosines and sines.</summary>
    public const string RopeAttentionFactor = "decant.rope.scaling.attention_factor";

    /// <summary>False if YaRN's ramp is not rounded to whole dimensions.</summary>
    public const string RopeTruncate = "decant.rope.scaling.truncate";

    /// <summary>The least time step of a scan, where it is not 0.</summary>
    public const string LeastTimeStep = "decant.ssm.least_time_step";

    /// <summary>The largest time step of a scan, where there is one.</summary>
    public const string LargestTimeStep = "decant.ssm.largest_time_step";
}
