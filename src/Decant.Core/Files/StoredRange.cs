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
        try
        {
            var info = new TensorInfo(name, new TensorShape(dimensions), format);
            _ = info.ByteCount;
            return info;
        }
        catch (Exception e) when (e is ArgumentException or OverflowException)
        {
            throw new BadFileException($"{path}: tensor {name}: the shape [{string.Join(", ", dimensions.ToArray())}] of type {format} is impossible: {Reason(e)}", e);
        }
    }

    // Without the name of the parameter that .NET appends.
    private static string Reason(Exception error) =>
        error is ArgumentException { ParamName: { } parameter } ? error.Message.Replace($" (Parameter '{parameter}')", "", StringComparison.Ordinal) : error.Message;

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
