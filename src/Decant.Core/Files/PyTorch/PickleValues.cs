using Decant.Core.Formats;

namespace Decant.Core.Files.PyTorch;

/// <summary>A tuple of a pickle. Other values are long, double, bool, string, byte[] and null for None.</summary>
internal sealed record PickleTuple(object?[] Items);

/// <summary>A list of a pickle.</summary>
internal sealed class PickleList
{
    public List<object?> Items { get; } = [];
}

/// <summary>A dictionary of a pickle, ordered or not: its entries in the order in which they were set.</summary>
internal sealed class PickleDictionary
{
    public List<(object? Key, object? Value)> Entries { get; } = [];
}

/// <summary>One of the few names that a pickle may refer to.</summary>
/// <param name="Name">As in <c>torch._utils._rebuild_tensor_v2</c>.</param>
/// <param name="Call">What calling it does; null for names that are not called.</param>
/// <param name="Format">For the type of a storage, what its elements are.</param>
internal sealed record PickleGlobal(string Name, Func<object?[], object?>? Call, TensorFormat? Format);

/// <summary>Elements that tensors are views of: an entry of the archive.</summary>
/// <param name="Format">What an element is.</param>
/// <param name="Key">The entry's name below <c>data/</c>.</param>
/// <param name="ElementCount">How many elements the pickle says it has.</param>
internal sealed record PickleStorage(TensorFormat Format, string Key, long ElementCount);

/// <summary>A tensor as the pickle describes it: a strided view of a storage, in elements.</summary>
internal sealed record PickleTensor(PickleStorage Storage, long Offset, long[] Sizes, long[] Strides);
