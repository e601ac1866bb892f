using System.Diagnostics;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tensors;
using Decant.Testing;

namespace Decant.Core.Tests.Files;

/// <summary>
/// Ten thousand damaged files for each reader. Whatever happens is success or one of the documented errors, soon, and costs no more
/// memory than <see cref="AllowedByteCount"/>.
/// </summary>
public sealed class MutationTests : IDisposable
{
    private const int Count = 10_000;

    /// <summary>The longest that opening one small file may take; generous, for a machine busy with other tests.</summary>
    private static readonly TimeSpan longest = TimeSpan.FromSeconds(5);

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Damaged_gguf_files_are_read_or_refused()
    {
        byte[] whole = GgufFileTests.Whole();
        Run(whole, whole.Length - 128, "a.gguf", path =>
        {
            using GgufFile file = GgufFile.Open(path);
            Touch(file.Tensors);
            foreach ((string key, _) in file.Metadata.Entries)
                Attempt(() => file.Metadata.GetNumber(key));
        });
    }

    [Fact]
    public void Damaged_safetensors_files_are_read_or_refused()
    {
        byte[] whole = SafetensorsFileTests.Whole();
        Run(whole, whole.Length - 100, "a.safetensors", path =>
        {
            using SafetensorsFile file = SafetensorsFile.Open(path);
            Touch(file.Tensors);
        });
    }

    [Fact]
    public void Damaged_indexes_are_read_or_refused()
    {
        byte[] index = """{"metadata": {"total_size": 8}, "weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}"""u8.ToArray();
        const string entry = """{"dtype":"F32","shape":[1],"data_offsets":[0,4]}""";
        folder.Write("model-00001-of-00002.safetensors", SafetensorsFileTests.WithHeader($$"""{"a":{{entry}}}""", new byte[4]));
        folder.Write("model-00002-of-00002.safetensors", SafetensorsFileTests.WithHeader($$"""{"b":{{entry}}}""", new byte[4]));
        folder.Write("config.json", "{}"u8);
        Run(index, index.Length, ShardIndex.SafetensorsName, _ =>
        {
            using IModelSource model = ModelSources.Open(folder.Path);
            Assert.True(model.Tensors.Count <= 2);
        });
    }

    [Fact]
    public void Damaged_configs_are_read_or_refused()
    {
        byte[] config = """{"architectures": ["LlamaForCausalLM"], "hidden_size": 64, "rope_scaling": {"factor": 8.0, "limits": [0.0, Infinity]}, "torch_dtype": "float32"}"""u8.ToArray();
        folder.Write("model.safetensors", SafetensorsFileTests.Whole());
        Run(config, config.Length, "config.json", _ =>
        {
            using IModelSource model = ModelSources.Open(folder.Path);
            Assert.NotNull(model.HuggingFace!.Config.ToJsonString());
        });
    }

    /// <summary>Reading may allocate 64 times the file (objects for entries of a few bytes) and 128 KiB (buffers, messages).</summary>
    private static long AllowedByteCount(int fileByteCount) => 64L * fileByteCount + (128 << 10);

    private void Run(byte[] whole, int headerByteCount, string name, Action<string> read)
    {
        string path = folder.Write(name, whole);
        read(path);
        var mutator = new Mutator(20251125);
        int refused = 0;
        for (int i = 0; i < Count; i++)
        {
            byte[] damaged = mutator.Damage(whole, headerByteCount);
            folder.Write(name, damaged);
            long before = GC.GetAllocatedBytesForCurrentThread();
            long start = Stopwatch.GetTimestamp();
            try
            {
                read(path);
            }
            catch (DecantException e)
            {
                refused++;
                Assert.True(e.Message.Length is > 20 and < 5000, $"mutation {i}: a message of {e.Message.Length} characters");
            }
            catch (Exception e)
            {
                File.WriteAllBytes(Path.Combine(Path.GetTempPath(), $"decant-mutation-{i}-{name}"), damaged);
                Assert.Fail($"mutation {i}: {e}");
            }
            Assert.True(Stopwatch.GetElapsedTime(start) < longest, $"mutation {i} took {Stopwatch.GetElapsedTime(start)}");
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(allocated <= AllowedByteCount(damaged.Length), $"mutation {i}: {allocated} bytes for a file of {damaged.Length}");
        }
        Assert.InRange(refused, Count / 2, Count - 1);
    }

    private static void Touch(IEnumerable<MappedTensor> tensors)
    {
        foreach (MappedTensor tensor in tensors)
        {
            if (tensor.Info.Shape.RowCount == 0)
                continue;
            float[] row = new float[tensor.Info.Shape.RowLength];
            tensor.ReadRows(tensor.Info.Shape.RowCount - 1, 1, row);
        }
    }

    private static void Attempt(Action action)
    {
        try
        {
            action();
        }
        catch (BadFileException)
        {
            // Of another type: the documented error.
        }
    }
}
