using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Tensors;

namespace Decant.Compression.Pipeline;

/// <summary>What a compression that writes a folder puts into it.</summary>
internal static class FolderContent
{
    /// <summary>
    /// The source with every quantized matrix rounded to its format and stored densely: BF16, or F32 if the source's matrices are F32. Safetensors
    /// has no types for ggml's blocks.
    /// </summary>
    /// <param name="source">The source.</param>
    /// <param name="content">The source as GGUF.</param>
    /// <param name="conversions">What GGUF would hold.</param>
    public static HuggingFaceContent Of(IModelSource source, GgufContent content, IReadOnlyList<TensorConversion> conversions)
    {
        TensorFormat[] plain = [.. conversions.Where(c => !c.IsCopy || c.Target.IsBlockFormat).Select(c => c.Target).Where(f => !f.IsBlockFormat).Distinct()];
        bool anyBlocks = conversions.Any(c => c.Target.IsBlockFormat);
        TensorFormat dense = !anyBlocks && plain is [var only] ? only
            : conversions.Any(c => c.Source.Info.Shape.Rank >= 2 && c.Source.Info.Format == TensorFormats.F32) ? TensorFormats.F32
            : TensorFormats.BF16;
        var overlay = new OverlaySource(
            source.Location, content.Metadata,
            [.. conversions.Select(c => c.Target.IsBlockFormat ? new RoundedTensor(c) : c.Source)]);
        return HuggingFaceContent.Of(overlay, dense);
    }

    /// <summary>The exact length of the weight files.</summary>
    public static long WeightFilesByteCount(IEnumerable<TensorInfo> tensors, long maximumShardByteCount)
    {
        long total = 0;
        foreach (IReadOnlyList<TensorInfo> shard in ShardedWriter.Cut(tensors, maximumShardByteCount))
        {
            using var writer = new SafetensorsWriter(Stream.Null, "", shard, new Dictionary<string, string> { ["format"] = "pt" });
            total += writer.ByteCount;
        }
        return total;
    }
}
