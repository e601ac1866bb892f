using Decant.Core.Errors;
using Decant.Core.Formats;
using Decant.Core.Tensors;

namespace Decant.Core.Files.PyTorch;

/// <summary>Makes tensors of a mapped file out of strided views of storages.</summary>
internal static class PyTorchTensors
{
    /// <summary>The tensor: rows as they lie in the file, or a matrix that lies there transposed.</summary>
    /// <exception cref="BadFileException">The view leaves its storage, or the storage the archive.</exception>
    /// <exception cref="NotSupportedModelException">The view is neither.</exception>
    public static TensorData Create(MappedFile file, IReadOnlyDictionary<string, ZipEntry> entries, string root, string name, PickleTensor tensor)
    {
        PickleStorage storage = tensor.Storage;
        if (!entries.TryGetValue($"{root}data/{storage.Key}", out ZipEntry entry))
            throw BadFileException.Expected(file.Path, $"tensor {name}", $"the storage data/{storage.Key}", "no such entry in the archive");
        TensorInfo info = StoredRange.CreateInfo(file.Path, name, tensor.Sizes, storage.Format);
        int elementByteCount = storage.Format.BlockByteCount;
        if (storage.ElementCount < 0 || storage.ElementCount > entry.ByteCount / elementByteCount)
        {
            throw BadFileException.Expected(file.Path, $"tensor {name}", $"{storage.ElementCount} elements of {storage.Format} in data/{storage.Key}",
                $"{entry.ByteCount} bytes", "The file is damaged.");
        }
        CheckBounds(file, name, tensor);
        long offset = entry.Offset + tensor.Offset * elementByteCount;
        if (HasRowMajorStrides(tensor.Sizes, tensor.Strides))
            return new MappedTensor(info, file, offset);
        if (tensor is { Sizes: [long rows, long columns], Strides: [1, long stride] } && stride == rows)
            return new TransposedTensor(name, new MappedTensor(StoredRange.CreateInfo(file.Path, name, [columns, rows], storage.Format), file, offset));
        throw new NotSupportedModelException($"{file.Path}: tensor {name} of shape {info.Shape} is a view with the strides [{string.Join(", ", tensor.Strides)}], neither stored row by row nor transposed. "
            + "Save the model as safetensors, or its tensors after .contiguous().");
    }

    private static void CheckBounds(MappedFile file, string name, PickleTensor tensor)
    {
        if (tensor.Offset < 0 || tensor.Strides.Any(stride => stride < 0))
            throw BadFileException.Expected(file.Path, $"tensor {name}", "an offset and strides from 0 on", $"offset {tensor.Offset}, strides [{string.Join(", ", tensor.Strides)}]", "The file is damaged.");
        Int128 last = tensor.Offset;
        for (int i = 0; i < tensor.Sizes.Length; i++)
        {
            if (tensor.Sizes[i] == 0)
            {
                last = (Int128)tensor.Offset - 1;
                break;
            }
            last += (Int128)(tensor.Sizes[i] - 1) * tensor.Strides[i];
        }
        if (last >= tensor.Storage.ElementCount)
        {
            throw BadFileException.Expected(file.Path, $"tensor {name}", $"elements 0 to {tensor.Storage.ElementCount - 1} of data/{tensor.Storage.Key}",
                $"offset {tensor.Offset}, shape [{string.Join(", ", tensor.Sizes)}], strides [{string.Join(", ", tensor.Strides)}]", "The file is damaged.");
        }
    }

    // The stride of a dimension of one element says nothing.
    private static bool HasRowMajorStrides(long[] sizes, long[] strides)
    {
        long expected = 1;
        if (sizes.Contains(0))
            return true;
        for (int i = sizes.Length - 1; i >= 0; i--)
        {
            if (sizes[i] != 1 && strides[i] != expected)
                return false;
            expected *= sizes[i];
        }
        return true;
    }
}
