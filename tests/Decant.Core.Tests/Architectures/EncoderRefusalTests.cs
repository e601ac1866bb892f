using Decant.Core.Architectures;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tensors;
using Decant.Testing;

namespace Decant.Core.Tests.Architectures;

/// <summary>Damaged checkpoints of encoders and encoder–decoders.</summary>
public sealed class EncoderRefusalTests
{
    public static TheoryData<string> Folders => ["bert", "bert-classify", "roberta", "distilbert", "albert", "modernbert", "t5", "t5-v1_1"];

    [Theory]
    [MemberData(nameof(Folders))]
    public void Every_tensor_that_is_missing_or_of_another_shape_is_named(string folder)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        foreach (TensorData tensor in source.Tensors)
        {
            string name = tensor.Info.Name;
            TensorData[] without = [.. source.Tensors.Where(t => t != tensor)];
            long[] shape = [.. tensor.Info.Shape.Dimensions];
            shape[0]++;
            var other = new TensorInfo(name, new TensorShape(shape), tensor.Info.Format);
            TensorData[] changed = [.. source.Tensors.Select(t => t == tensor ? new MemoryTensor(other, new byte[other.ByteCount]) : t)];
            BadFileException error = Assert.Throws<BadFileException>(() => ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(source.HuggingFace.Config, changed)));
            Assert.Contains(name, error.Message, StringComparison.Ordinal);
            // What tells whether there is a head makes the rest of the head the surplus.
            Exception? missing = Record.Exception(() => ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(source.HuggingFace.Config, without)));
            if (missing is null)
            {
                Assert.True(IsOptional(name), name);
                continue;
            }
            Assert.True(missing is BadFileException, missing.ToString());
            Assert.True(missing.Message.Contains(name, StringComparison.Ordinal) || IsOptional(name), $"{name}: {missing.Message}");
        }
    }

    /// <summary>3,000 sets of metadata, each with a few random changes: only documented errors, and no large allocations.</summary>
    [Fact]
    public void Mutated_metadata_give_documented_errors_only()
    {
        SharedFiles.Require("fixtures", "architectures");
        var random = new Random(20261127);
        (string Folder, GgufDescription Description)[] models = [.. Folders.Where(row => row.Data != "albert").Select(row => (row.Data, Describe(row.Data)))];
        int refused = 0;
        for (int i = 0; i < 3000; i++)
        {
            GgufDescription original = models[i % models.Length].Description;
            GgufMetadata metadata = original.Metadata.Copy();
            for (int change = random.Next(1, 4); change > 0; change--)
                Mutate(metadata, random);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                HuggingFaceExport.Describe(ArchitectureRegistry.Bind(MemoryModelSource.WithMetadata(metadata, original.Tensors)));
            }
            catch (DecantException error)
            {
                Assert.True(error is BadFileException or NotSupportedModelException, error.ToString());
                refused++;
            }
            catch (Exception error)
            {
                Assert.Fail($"{models[i % models.Length].Folder}: {string.Join("; ", metadata.Entries.Select(e => $"{e.Key}={e.Value.Value}"))}: {error}");
            }
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 20);
        }
        Assert.InRange(refused, 500, 2999);
    }

    [Theory]
    [InlineData("bert", "bert.attention.causal", "true")]
    [InlineData("bert", "bert.attention.head_count", "3")]
    [InlineData("modernbert", "modern-bert.rope.scaling.type", "linear")]
    [InlineData("t5", "t5.attention.relative_buckets_count", "3")]
    [InlineData("t5", "t5.attention.relative_buckets_count", "14")]
    [InlineData("t5", "t5.attention.value_length", "11")]
    [InlineData("t5", "t5.decoder_start_token_id", "113")]
    [InlineData("t5", "t5.decoder_block_count", "2")]
    [InlineData("t5", "t5.block_count", "3")]
    [InlineData("t5", "t5.surprise", "1")]
    public void A_key_that_contradicts_others_is_named(string folder, string key, string value)
    {
        GgufDescription description = Describe(folder);
        description.Metadata.Set(key, bool.TryParse(value, out bool flag) ? GgufValue.From(flag) : uint.TryParse(value, out uint number) ? GgufValue.From(number) : GgufValue.From(value));
        Exception error = Assert.ThrowsAny<DecantException>(() => ArchitectureRegistry.Bind(MemoryModelSource.WithMetadata(description.Metadata, description.Tensors)));
        Assert.True(error is BadFileException or NotSupportedModelException);
        Assert.Contains(key, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_of_positions_carried_along_must_be_whole_rows()
    {
        GgufDescription description = Describe("roberta");
        description.Metadata.Set("decant.position.rows", GgufValue.From(new float[79]));
        Model model = ArchitectureRegistry.Bind(MemoryModelSource.WithMetadata(description.Metadata, description.Tensors));
        Assert.Contains("decant.position.rows", Assert.Throws<BadFileException>(() => HuggingFaceExport.Describe(model)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_decoder_is_told_from_other_models_in_words()
    {
        using HuggingFaceModelSource bert = Fixtures.Open("bert");
        Assert.Contains("no decoder but an encoder", Assert.Throws<NotSupportedModelException>(() => ArchitectureRegistry.BindDecoder(bert)).Message, StringComparison.Ordinal);
        using HuggingFaceModelSource t5 = Fixtures.Open("t5");
        Assert.Contains("no decoder but an encoder–decoder", Assert.Throws<NotSupportedModelException>(() => ArchitectureRegistry.BindDecoder(t5)).Message, StringComparison.Ordinal);
    }

    private static bool IsOptional(string name) =>
        ((string[])["cls.predictions", "lm_head", "vocab_", "predictions", "head.", "decoder.bias", "classifier", "bert.pooler"]).Any(head => name.StartsWith(head, StringComparison.Ordinal));

    private static GgufDescription Describe(string folder)
    {
        SharedFiles.Require("fixtures", "architectures", folder);
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        GgufDescription description = GgufExport.Describe(ArchitectureRegistry.Bind(source));
        // The source is closed here, so the tensors are taken along.
        return description with { Tensors = [.. description.Tensors.Select(t => (TensorData)new MemoryTensor(t.Info, Fixtures.Bytes(t)))] };
    }

    private static void Mutate(GgufMetadata metadata, Random random)
    {
        string key = metadata.Entries[random.Next(metadata.Entries.Count)].Key;
        if (key == "general.architecture")
            return;
        switch (random.Next(6))
        {
            case 0:
                metadata.Remove(key);
                break;
            case 1:
                metadata.Set(key, GgufValue.From((uint)random.Next()));
                break;
            case 2:
                metadata.Set(key, GgufValue.From(random.Next(-3, 200)));
                break;
            case 3:
                metadata.Set(key, GgufValue.From(float.NaN));
                break;
            case 4:
                metadata.Set(key, GgufValue.From(new string('x', random.Next(40))));
                break;
            default:
                metadata.Set(key, GgufValue.From([random.Next(), -1, 3]));
                break;
        }
    }
}
