namespace Decant.Core.Files;

/// <summary>
/// What a GGUF header may claim. Real headers hold at most a few hundred thousand strings and some tens of megabytes; the caps are
/// well above that and keep a damaged or hostile file from costing more memory than a small multiple of its own header.
/// </summary>
public static class GgufLimits
{
    /// <summary>Bytes of everything before the tensor data.</summary>
    public const long HeaderByteCount = 512L << 20;

    /// <summary>Metadata keys.</summary>
    public const long KeyCount = 1 << 20;

    /// <summary>Tensors in one file.</summary>
    public const long TensorCount = 1 << 20;

    /// <summary>Bytes of a metadata key (the GGUF specification's own limit).</summary>
    public const int KeyByteCount = 65_535;

    /// <summary>Bytes of a tensor name when reading.</summary>
    public const int NameByteCount = 1024;

    /// <summary>Bytes of a tensor name when writing: llama.cpp refuses a whole file for one longer name.</summary>
    public const int WrittenNameByteCount = 63;

    /// <summary>Bytes of one string value.</summary>
    public const long StringByteCount = 64L << 20;

    /// <summary>How deep arrays of arrays may nest.</summary>
    public const int ArrayDepth = 8;

    /// <summary>Dimensions of a tensor.</summary>
    public const int Rank = 4;

    /// <summary>The largest <c>general.alignment</c>.</summary>
    public const long Alignment = 1 << 20;

    /// <summary>The alignment where the key is absent.</summary>
    public const long DefaultAlignment = 32;

    /// <summary>Files of one split model.</summary>
    public const int SplitCount = 99_999;
}
