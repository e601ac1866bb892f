using Decant.Core.Formats;
using Decant.Core.Tensors;

namespace Decant.Core.Files.PyTorch;

/// <summary>
/// Everything that a model's pickle may refer to. What is not in this list is refused by name; nothing of the list does more than describe a tensor, and none of it
/// is Python: the functions here only arrange what they are given.
/// </summary>
internal static class PickleGlobals
{
    private static readonly PickleGlobal[] all =
    [
        new("torch._utils._rebuild_tensor_v2", RebuildTensor, null),
        new("torch._utils._rebuild_parameter", arguments => arguments is [PickleTensor tensor, ..] ? tensor : throw new PickleException("_rebuild_parameter is called without a tensor"), null),
        new("collections.OrderedDict", MakeDictionary, null),
        Storage("FloatStorage", TensorFormats.F32),
        Storage("HalfStorage", TensorFormats.F16),
        Storage("BFloat16Storage", TensorFormats.BF16),
        Storage("DoubleStorage", TensorFormats.FindByName("F64")!),
        Storage("CharStorage", TensorFormats.FindByName("I8")!),
        Storage("ShortStorage", TensorFormats.FindByName("I16")!),
        Storage("IntStorage", TensorFormats.FindByName("I32")!),
        Storage("LongStorage", TensorFormats.FindByName("I64")!),
        Storage("ByteStorage", TensorFormats.FindByName("U8")!),
        Storage("BoolStorage", TensorFormats.FindByName("BOOL")!),
    ];

    /// <summary>The names, for messages and tests.</summary>
    public static IEnumerable<string> Names => all.Select(global => global.Name);

    /// <summary>The entry of this name, or null: then it is refused.</summary>
    public static PickleGlobal? Find(string module, string name) => Array.Find(all, global => global.Name == $"{module}.{name}");

    private static PickleGlobal Storage(string name, TensorFormat format) => new("torch." + name, null, format);

    // storage, offset, size, stride, requires_grad, backward_hooks and, since 2.0, metadata
    private static PickleTensor RebuildTensor(object?[] arguments)
    {
        if (arguments is not [PickleStorage storage, long offset, PickleTuple sizes, PickleTuple strides, ..] || arguments.Length is < 4 or > 7)
            throw new PickleException("_rebuild_tensor_v2 is called with other arguments than a storage, an offset, sizes and strides");
        if (sizes.Items.Length > TensorShape.MaximumRank)
            throw new PickleException($"a tensor of {sizes.Items.Length} dimensions; at most {TensorShape.MaximumRank} are known");
        if (sizes.Items.Length != strides.Items.Length || !sizes.Items.Concat(strides.Items).All(item => item is long))
            throw new PickleException("_rebuild_tensor_v2 is called with sizes and strides that are not as many whole numbers");
        return new PickleTensor(storage, offset, [.. sizes.Items.Cast<long>()], [.. strides.Items.Cast<long>()]);
    }

    private static PickleDictionary MakeDictionary(object?[] arguments)
    {
        var dictionary = new PickleDictionary();
        if (arguments is [])
            return dictionary;
        if (arguments is not [PickleList pairs])
            throw new PickleException("OrderedDict is called with something else than a list of pairs");
        foreach (object? pair in pairs.Items)
        {
            IReadOnlyList<object?>? two = (pair as PickleTuple)?.Items ?? (IReadOnlyList<object?>?)(pair as PickleList)?.Items;
            dictionary.Entries.Add(two is [var key, var value] ? (key, value) : throw new PickleException("OrderedDict is called with something else than a list of pairs"));
        }
        return dictionary;
    }
}

/// <summary>What is wrong with a pickle, as a clause; the reader adds file and place.</summary>
internal sealed class PickleException(string message) : Exception(message);
