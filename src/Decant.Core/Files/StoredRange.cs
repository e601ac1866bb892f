using Decant.Core.Errors;
using Decant.Core.Formats;
using Decant.Core.Tensors;

namespace Decant.Core.Files;

/// <summary>Checks that both containers make of the tensors a header lists.</summary>
internal static class StoredRange
{
    /// <summary>Name, shape and format of a tensor, with errors that name file and tensor.</summary>
    public static TensorInfo CreateInfo(string path, string name, ReadOnlySpan<long> dimensions, TensorFormat format)
    {
        foreach (long dimension in dimensions)
        {
            if (dimension < 0)
                throw Impossible(path, name, dimensions, format, "dimensions from 0 to 2^63 - 1");
        }
        if (!format.CanHoldRow(dimensions.IsEmpty ? 1 : dimensions[^1]))
            throw Impossible(path, name, dimensions, format, $"rows of whole blocks of {format.BlockLength} elements");
        try
        {
            var info = new TensorInfo(name, new TensorShape(dimensions), format);
            _ = info.ByteCount;
            return info;
        }
        catch (Exception e) when (e is ArgumentException or OverflowException)
        {
            throw Impossible(path, name, dimensions, format, $"at most {TensorShape.MaximumRank} dimensions and fewer than 2^63 elements and bytes");
        }
    }

    private static BadFileException Impossible(string path, string name, ReadOnlySpan<long> dimensions, TensorFormat format, string expected) =>
        BadFileException.Expected(path, $"tensor {name}", expected, $"the shape [{string.Join(", ", dimensions.ToArray())}] of type {format}", "The header is damaged.");

    /// <summary>Refuses tensors that share bytes.</summary>
    public static void CheckDisjoint(string path, IEnumerable<MappedTensor> tensors)
    {
        MappedTensor? previous = null;
        foreach (MappedTensor tensor in tensors.Where(t => t.Info.ByteCount > 0).OrderBy(t => t.Offset))
        {
            if (previous is not null && tensor.Offset < previous.Offset + previous.Info.ByteCount)
            {
                throw BadFileException.Expected(path, $"tensor {tensor.Info.Name}", $"data after tensor {previous.Info.Name}, which ends at {previous.Offset + previous.Info.ByteCount}",
                    $"offset {tensor.Offset}", "Overlapping tensors: the header is damaged.");
            }
            previous = tensor;
        }
    }
}
