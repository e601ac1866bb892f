using System.Text.Json;
using Decant.Core.Tensors;
using Decant.Testing;

namespace Decant.Compression.Tests;

/// <summary>
/// <c>fixtures/methods/gguf/whole_files.json</c>: for two small Llama shapes what llama.cpp makes of every tensor under every file type.
/// The inputs are built here from the formula in its case.json.
/// </summary>
public sealed class WholeFileFixture
{
    /// <summary>The shapes in the file.</summary>
    public static IReadOnlyList<string> ShapeNames { get; } = ["shape_a", "shape_b"];

    private readonly JsonElement root;

    private WholeFileFixture(JsonElement root)
    {
        this.root = root;
        JsonElement shape = root.GetProperty("shape");
        Hidden = shape.GetProperty("hidden").GetInt32();
        LayerCount = shape.GetProperty("layers").GetInt32();
        HeadCount = shape.GetProperty("heads").GetInt32();
        KeyValueHeadCount = shape.GetProperty("kv").GetInt32();
        Width = shape.GetProperty("ff").GetInt32();
        VocabularySize = shape.GetProperty("vocab").GetInt32();
        Tensors = [.. root.GetProperty("order").EnumerateArray().Select((name, index) => MakeTensor(name.GetString()!, index))];
    }

    public int Hidden { get; }

    public int LayerCount { get; }

    public int HeadCount { get; }

    public int KeyValueHeadCount { get; }

    public int Width { get; }

    public int VocabularySize { get; }

    /// <summary>All tensors, F32, in the order of the file.</summary>
    public IReadOnlyList<MemoryTensor> Tensors { get; }

    /// <summary>CRC-32 of the inputs.</summary>
    public IEnumerable<(string Name, uint Crc)> Inputs =>
        root.GetProperty("input").EnumerateObject().Select(p => (p.Name, Convert.ToUInt32(p.Value.GetString(), 16)));

    /// <summary>Names of the files, as in <c>Q4_K_M+imatrix</c>.</summary>
    public IEnumerable<string> FileNames => root.GetProperty("files").EnumerateObject().Select(p => p.Name);

    /// <summary>Reads one shape.</summary>
    public static WholeFileFixture Read(string shapeName)
    {
        string path = SharedFiles.Require("fixtures", "methods", "gguf", "whole_files.json");
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(path));
        return new WholeFileFixture(document.RootElement.GetProperty(shapeName).Clone());
    }

    /// <summary>The value of general.file_type.</summary>
    public int FileTypeNumber(string fileName) => root.GetProperty("files").GetProperty(fileName).GetProperty("file_type").GetInt32();

    /// <summary>What llama.cpp made of each matrix.</summary>
    public IEnumerable<(string Name, string Type, uint Crc)> Expected(string fileName) =>
        root.GetProperty("files").GetProperty(fileName).GetProperty("tensors").EnumerateObject()
            .Select(p => (p.Name, p.Value[0].GetString()!, Convert.ToUInt32(p.Value[1].GetString(), 16)));

    /// <summary>The importance of the columns of a matrix, or null for the two that have none.</summary>
    public static float[]? Importance(TensorInfo tensor) =>
        tensor.Shape.Rank < 2 || tensor.Name is "token_embd.weight" or "output.weight"
            ? null
            : [.. Enumerable.Range(0, (int)tensor.Shape.RowLength).Select(k => 1f + 7 * k % 13)];

    private MemoryTensor MakeTensor(string name, int index)
    {
        string kind = name[(name.LastIndexOf('.', name.Length - 8) + 1)..^7];
        long keyValueSize = (long)Hidden / HeadCount * KeyValueHeadCount;
        TensorShape shape = kind switch
        {
            "token_embd" or "output" => new(VocabularySize, Hidden),
            "attn_q" or "attn_output" => new(Hidden, Hidden),
            "attn_k" or "attn_v" => new(keyValueSize, Hidden),
            "ffn_gate" or "ffn_up" => new(Width, Hidden),
            "ffn_down" => new(Hidden, Width),
            _ when kind.EndsWith("_norm", StringComparison.Ordinal) => new(Hidden),
            _ => throw new InvalidOperationException(name),
        };
        float[] values = new float[shape.ElementCount];
        if (shape.Rank == 1)
        {
            Array.Fill(values, 1f);
        }
        else
        {
            uint state = 1000 + (uint)index;
            float scale = MathF.Pow(2, -(4 + index % 3));
            for (int i = 0; i < values.Length; i++)
            {
                state = 1664525 * state + 1013904223;
                values[i] = ((int)(state >> 16) - 32768) / 16384f * scale;
            }
        }
        return MemoryTensor.FromValues(name, shape, values);
    }
}
