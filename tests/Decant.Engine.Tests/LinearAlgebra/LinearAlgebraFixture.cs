using System.Runtime.InteropServices;
using System.Text.Json;
using Decant.Testing;

namespace Decant.Engine.Tests.LinearAlgebra;

/// <summary>One case of shared/fixtures/methods/linear_algebra.</summary>
internal sealed class LinearAlgebraFixture
{
    private readonly SafetensorsFixture tensors;

    private LinearAlgebraFixture(string path, JsonElement entry)
    {
        tensors = new SafetensorsFixture(path);
        ExpectedFailure = entry.TryGetProperty("expected_failure", out JsonElement failure) ? failure.GetString() : null;
        JsonElement parameters = entry.GetProperty("parameters");
        Condition = parameters.TryGetProperty("condition", out JsonElement condition) && condition.ValueKind == JsonValueKind.Number ? condition.GetDouble() : double.NaN;
    }

    /// <summary>Names of the cases that case.json lists and that begin like this.</summary>
    public static TheoryData<string> Names(string beginning)
    {
        string? path = SharedFiles.Find("fixtures", "methods", "linear_algebra", "case.json");
        if (path is null)
            return [""];
        using JsonDocument cases = JsonDocument.Parse(File.ReadAllBytes(path));
        return [.. cases.RootElement.GetProperty("cases").EnumerateArray().Select(c => c.GetProperty("file").GetString()!).Where(name => name.StartsWith(beginning, StringComparison.Ordinal))];
    }

    /// <summary>Reads a case.</summary>
    public static LinearAlgebraFixture Read(string file)
    {
        string list = SharedFiles.Require("fixtures", "methods", "linear_algebra", "case.json");
        using JsonDocument cases = JsonDocument.Parse(File.ReadAllBytes(list));
        JsonElement entry = cases.RootElement.GetProperty("cases").EnumerateArray().Single(c => c.GetProperty("file").GetString() == file);
        return new LinearAlgebraFixture(SharedFiles.Require("fixtures", "methods", "linear_algebra", file), entry);
    }

    /// <summary>What must not succeed, or null.</summary>
    public string? ExpectedFailure { get; }

    /// <summary>The condition number, or NaN.</summary>
    public double Condition { get; }

    /// <summary>Rows of a tensor.</summary>
    public int RowCount(string name) => (int)tensors.Shape(name)[0];

    /// <summary>Columns of a tensor.</summary>
    public int ColumnCount(string name) => tensors.Shape(name).Length > 1 ? (int)tensors.Shape(name)[1] : 1;

    /// <summary>Elements of a tensor, a copy.</summary>
    public double[] this[string name] => tensors.Type(name) == "F64"
        ? MemoryMarshal.Cast<byte, double>(tensors.Bytes(name)).ToArray()
        : throw new InvalidOperationException($"{name} is {tensors.Type(name)}");
}
