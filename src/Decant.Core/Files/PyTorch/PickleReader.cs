using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using Decant.Core.Errors;

namespace Decant.Core.Files.PyTorch;

/// <summary>
/// Reads the pickle of a model file and builds descriptions of tensors, and nothing else. Pickle is a stack machine whose programs may import and call anything
/// (Python's <c>pickletools</c> documents it); here the names it may refer to are those of <see cref="PickleGlobals"/>, and everything else is refused by name before
/// anything is done with it. No instruction makes more than one value of a size beyond the bytes it reads, so that time and memory are bounded by the file's length.
/// </summary>
internal sealed class PickleReader
{
    /// <summary>The longest pickle: ten times what a model of a hundred thousand tensors has.</summary>
    public const int MaximumByteCount = 256 << 20;

    private const int LatestProtocol = 5;
    private const int LongestName = 200;
    private const int PersistentIdLength = 5;

    private static readonly UTF8Encoding strictText = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly MappedFile file;
    private readonly ZipEntry entry;
    private readonly List<object?> stack = [];
    private readonly List<int> marks = [];
    private readonly Dictionary<long, object?> memo = [];
    private long position;
    private long copiedCount;

    private PickleReader(MappedFile file, ZipEntry entry)
    {
        this.file = file;
        this.entry = entry;
    }

    /// <summary>Reads the value that the pickle describes.</summary>
    /// <exception cref="BadFileException">It is damaged.</exception>
    /// <exception cref="NotSupportedModelException">It refers to something that a model file does not need.</exception>
    public static object? Read(MappedFile file, ZipEntry entry)
    {
        if (entry.ByteCount > MaximumByteCount)
            throw BadFileException.Expected(file.Path, entry.Name, $"at most {MaximumByteCount} bytes", $"{entry.ByteCount}");
        var reader = new PickleReader(file, entry);
        try
        {
            return reader.Run();
        }
        catch (PickleException e)
        {
            throw new BadFileException($"{file.Path}: {entry.Name}, byte {reader.position}: {e.Message}. The file is damaged.", e);
        }
    }

    private object? Run()
    {
        while (true)
        {
            var opcode = (PickleOpcode)ReadByte();
            if (opcode == PickleOpcode.Stop)
                return Pop();
            Execute(opcode);
        }
    }

    private void Execute(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.Proto:
                if (ReadByte() is > LatestProtocol and byte protocol)
                    throw new NotSupportedModelException($"{file.Path}: {entry.Name}: pickle protocol {protocol}; at most {LatestProtocol} is known.");
                break;
            case PickleOpcode.Frame:
                ReadBytes(8);
                break;
            case PickleOpcode.Mark:
                marks.Add(stack.Count);
                break;
            case PickleOpcode.Pop:
                if (marks.Count > 0 && marks[^1] == stack.Count)
                    marks.RemoveAt(marks.Count - 1);
                else
                    Pop();
                break;
            case PickleOpcode.PopMark:
                PopToMark();
                break;
            case PickleOpcode.Dup:
                stack.Add(Top());
                break;
            case PickleOpcode.None:
                stack.Add(null);
                break;
            case PickleOpcode.NewTrue:
                stack.Add(true);
                break;
            case PickleOpcode.NewFalse:
                stack.Add(false);
                break;
            case PickleOpcode.BinInt1 or PickleOpcode.BinInt2 or PickleOpcode.BinInt or PickleOpcode.Long1:
                stack.Add(ReadInteger(opcode));
                break;
            case PickleOpcode.BinFloat:
                stack.Add(BinaryPrimitives.ReadDoubleBigEndian(ReadBytes(8)));
                break;
            case PickleOpcode.ShortBinUnicode or PickleOpcode.BinUnicode or PickleOpcode.BinUnicode8 or PickleOpcode.ShortBinString or PickleOpcode.BinString:
                stack.Add(ReadText(opcode));
                break;
            case PickleOpcode.ShortBinBytes or PickleOpcode.BinBytes:
                stack.Add(ReadBytes(opcode == PickleOpcode.ShortBinBytes ? ReadByte() : ReadLength(4)).ToArray());
                break;
            case PickleOpcode.Global:
                stack.Add(Allow(ReadLine(), ReadLine()));
                break;
            case PickleOpcode.StackGlobal:
                (object? name, object? module) = (Pop(), Pop());
                stack.Add(Allow(module as string ?? "", name as string ?? ""));
                break;
            case PickleOpcode.Inst:
                throw Refused(ReadLine(), ReadLine());
            case PickleOpcode.Reduce:
                Reduce();
                break;
            case PickleOpcode.Build:
                Build();
                break;
            case PickleOpcode.BinPersId:
                stack.Add(LoadStorage(Pop()));
                break;
            default:
                if (!ExecuteOnContainers(opcode) && !ExecuteOnMemo(opcode))
                    throw Unknown(opcode);
                break;
        }
    }

    private bool ExecuteOnContainers(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.EmptyTuple:
                stack.Add(new PickleTuple([]));
                return true;
            case PickleOpcode.Tuple1 or PickleOpcode.Tuple2 or PickleOpcode.Tuple3:
                stack.Add(new PickleTuple(PopFrom(stack.Count - (opcode - PickleOpcode.Tuple1 + 1))));
                return true;
            case PickleOpcode.Tuple:
                stack.Add(new PickleTuple(PopToMark()));
                return true;
            case PickleOpcode.EmptyList:
                stack.Add(new PickleList());
                return true;
            case PickleOpcode.List:
                var list = new PickleList();
                list.Items.AddRange(PopToMark());
                stack.Add(list);
                return true;
            case PickleOpcode.Append:
                object? item = Pop();
                Expect<PickleList>("a list").Items.Add(item);
                return true;
            case PickleOpcode.Appends:
                object?[] items = PopToMark();
                Expect<PickleList>("a list").Items.AddRange(items);
                return true;
            case PickleOpcode.EmptyDict:
                stack.Add(new PickleDictionary());
                return true;
            case PickleOpcode.Dict:
                object?[] pairs = PopToMark();
                stack.Add(new PickleDictionary());
                Set(pairs);
                return true;
            case PickleOpcode.SetItem:
                Set(PopFrom(stack.Count - 2));
                return true;
            case PickleOpcode.SetItems:
                Set(PopToMark());
                return true;
            default:
                return false;
        }
    }

    private bool ExecuteOnMemo(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.BinPut:
                memo[ReadByte()] = Top();
                return true;
            case PickleOpcode.LongBinPut:
                memo[ReadLength(4)] = Top();
                return true;
            case PickleOpcode.Memoize:
                memo[memo.Count] = Top();
                return true;
            case PickleOpcode.BinGet:
                stack.Add(Recall(ReadByte()));
                return true;
            case PickleOpcode.LongBinGet:
                stack.Add(Recall(ReadLength(4)));
                return true;
            default:
                return false;
        }
    }

    private void Reduce()
    {
        (object? arguments, object? called) = (Pop(), Pop());
        if (called is not PickleGlobal { Call: { } call } || arguments is not PickleTuple tuple)
            throw new PickleException($"something is called that is no function ({(called as PickleGlobal)?.Name ?? "a value"})");
        // The one call that copies what may be kept and given again and again.
        if (tuple.Items is [PickleList list] && (copiedCount += list.Items.Count) > entry.ByteCount)
            throw new PickleException("the same list is copied over and over");
        stack.Add(call(tuple.Items));
    }

    // torch hangs "_metadata" on the dictionary; attributes of anything else would be those of a class.
    private void Build()
    {
        Pop();
        if (Top() is not PickleDictionary)
            throw new NotSupportedModelException($"{file.Path}: {entry.Name}: the pickle sets attributes of something else than a dictionary. Save the model's state_dict() alone, or as safetensors.");
    }

    private static PickleStorage LoadStorage(object? id)
    {
        // "storage", type, key, device, number of elements
        if (id is not PickleTuple { Items: ["storage", PickleGlobal { Format: { } format }, string key, string, long count, ..] items } || items.Length > PersistentIdLength + 1)
            throw new PickleException("a reference to something else than a storage of a known type");
        return new PickleStorage(format, key, count);
    }

    private PickleGlobal Allow(string module, string name) => PickleGlobals.Find(module, name) ?? throw Refused(module, name);

    private NotSupportedModelException Refused(string module, string name) => new(
        $"{file.Path}: {entry.Name}: the pickle refers to '{Short(module)}.{Short(name)}', which a model's weights do not need; nothing of it was executed. Allowed are {string.Join(", ", PickleGlobals.Names.Take(3))} and the types of storages. "
        + "If you trust the file, load it with torch and save its state_dict() as safetensors.");

    private NotSupportedModelException Unknown(PickleOpcode opcode) => new(
        $"{file.Path}: {entry.Name}, byte {position - 1}: the instruction {(Enum.IsDefined(opcode) ? opcode.ToString() : "")} (0x{(byte)opcode:X2}) is none that torch.save writes; it is not carried out. "
        + "If you trust the file, load it with torch and save its state_dict() as safetensors.");

    private static string Short(string text) => text.Length <= LongestName ? text : text[..LongestName] + "…";

    private void Set(object?[] pairs)
    {
        if (pairs.Length % 2 != 0)
            throw new PickleException("a key without a value");
        List<(object?, object?)> entries = Expect<PickleDictionary>("a dictionary").Entries;
        for (int i = 0; i < pairs.Length; i += 2)
            entries.Add((pairs[i], pairs[i + 1]));
    }

    private T Expect<T>(string what)
        where T : class => Top() as T ?? throw new PickleException($"expected {what}");

    private object? Recall(long key) => memo.TryGetValue(key, out object? value) ? value : throw new PickleException($"value {key} is recalled but was never kept");

    private object? Top() => stack.Count > Floor ? stack[^1] : throw new PickleException("a value is missing on the stack");

    private object? Pop()
    {
        object? top = Top();
        stack.RemoveAt(stack.Count - 1);
        return top;
    }

    private object?[] PopToMark()
    {
        if (marks.Count == 0)
            throw new PickleException("a mark is missing on the stack");
        int mark = marks[^1];
        marks.RemoveAt(marks.Count - 1);
        return PopFrom(mark);
    }

    private object?[] PopFrom(int start)
    {
        if (start < Floor)
            throw new PickleException("values are missing on the stack");
        object?[] items = [.. stack[start..]];
        stack.RemoveRange(start, stack.Count - start);
        return items;
    }

    // What lies below the last mark is out of reach until the mark is taken.
    private int Floor => marks.Count == 0 ? 0 : marks[^1];

    private long ReadInteger(PickleOpcode opcode)
    {
        switch (opcode)
        {
            case PickleOpcode.BinInt1:
                return ReadByte();
            case PickleOpcode.BinInt2:
                return BinaryPrimitives.ReadUInt16LittleEndian(ReadBytes(2));
            case PickleOpcode.BinInt:
                return BinaryPrimitives.ReadInt32LittleEndian(ReadBytes(4));
            default:
                int length = ReadByte();
                if (length > 8)
                    throw new PickleException($"a whole number of {length} bytes");
                ReadOnlySpan<byte> bytes = ReadBytes(length);
                long value = length > 0 && bytes[^1] >= 0x80 ? -1 : 0;
                for (int i = length - 1; i >= 0; i--)
                    value = (value << 8) | bytes[i];
                return value;
        }
    }

    private string ReadText(PickleOpcode opcode)
    {
        ReadOnlySpan<byte> bytes = ReadBytes(opcode switch
        {
            PickleOpcode.ShortBinUnicode or PickleOpcode.ShortBinString => ReadByte(),
            PickleOpcode.BinUnicode8 => ReadLength(8),
            _ => ReadLength(4),
        });
        try
        {
            return strictText.GetString(bytes);
        }
        catch (DecoderFallbackException)
        {
            throw new PickleException("a text that is not UTF-8");
        }
    }

    private string ReadLine()
    {
        int available = (int)Math.Min(entry.ByteCount - position, 1024);
        int end = file.Slice(entry.Offset + position, available).IndexOf((byte)'\n');
        if (end < 0)
            throw new PickleException("a name without an end");
        string line = Encoding.Latin1.GetString(ReadBytes(end));
        position++;
        return line;
    }

    private int ReadLength(int byteCount)
    {
        ReadOnlySpan<byte> bytes = ReadBytes(byteCount);
        ulong length = byteCount == 8 ? BinaryPrimitives.ReadUInt64LittleEndian(bytes) : BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        return length <= int.MaxValue ? (int)length : throw new PickleException(string.Create(CultureInfo.InvariantCulture, $"a length of {length}"));
    }

    private byte ReadByte() => ReadBytes(1)[0];

    private ReadOnlySpan<byte> ReadBytes(int length)
    {
        if (length > entry.ByteCount - position)
            throw new PickleException($"{length} bytes are read, {entry.ByteCount - position} are left");
        ReadOnlySpan<byte> bytes = file.Slice(entry.Offset + position, length);
        position += length;
        return bytes;
    }
}
