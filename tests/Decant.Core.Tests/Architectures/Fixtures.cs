using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using Decant.Core.Architectures;
using Decant.Core.Files;
using Decant.Core.Tensors;
using Decant.Testing;

namespace Decant.Core.Tests.Architectures;

/// <summary>The checkpoints of shared/fixtures/architectures whose family is registered, and reading them.</summary>
internal static class Fixtures
{
    /// <summary>Folders of decoders: at least these many, so that an empty folder cannot pass.</summary>
    public const int MinimumCount = 17;

    /// <summary>Every folder whose family is registered.</summary>
    public static IEnumerable<string> AllFolders { get; } =
        [.. SharedFiles.Folders("fixtures", "architectures").Where(folder => FamilyOf(folder) is not null)];

    public static TheoryData<string> OfAnyKind => [.. AllFolders];

    public static TheoryData<string, string> ConfigsOfAnyKind => [.. AllFolders.SelectMany(folder => Configs(folder).Select(config => (folder, config)))];

    /// <summary>Those of decoders.</summary>
    public static IEnumerable<string> Folders { get; } = [.. AllFolders.Where(folder => FamilyOf(folder) is DecoderArchitecture)];

    /// <summary>Folders that GGUF can hold: not the families that llama.cpp has no architecture for.</summary>
    public static IEnumerable<string> GgufFolders { get; } = [.. Folders.Where(folder => FamilyOf(folder)!.GgufName is not null)];

    public static TheoryData<string> AllGguf => [.. GgufFolders];

    public static TheoryData<string, string> AllGgufConfigs => [.. GgufFolders.SelectMany(folder => Configs(folder).Select(config => (folder, config)))];

    public static TheoryData<string> All => [.. Folders];

    public static TheoryData<string, string> AllConfigs =>
        [.. Folders.SelectMany(folder => Configs(folder).Select(config => (folder, config)))];

    /// <summary>Folders of one kind of model.</summary>
    public static IEnumerable<string> FoldersOf<TArchitecture>()
        where TArchitecture : Decant.Core.Architectures.Architecture => [.. AllFolders.Where(folder => FamilyOf(folder) is TArchitecture)];

    public static IEnumerable<string> Configs(string folder) =>
        ((string[])["config.json", "config.legacy.json"]).Where(name => File.Exists(Path.Combine(PathOf(folder), name)));

    public static string PathOf(string folder) => SharedFiles.Find("fixtures", "architectures", folder)!;

    public static Decant.Core.Architectures.Architecture? FamilyOf(string folder)
    {
        string type = (string)Config(folder)["model_type"]!;
        return ArchitectureRegistry.All.FirstOrDefault(a => a.ModelTypes.Contains(type));
    }

    public static JsonObject Config(string folder, string name = "config.json") =>
        (JsonObject)JsonNode.Parse(File.ReadAllBytes(SharedFiles.Require("fixtures", "architectures", folder, name)))!;

    public static HuggingFaceModelSource Open(string folder, string config = "config.json") => HuggingFaceModelSource.OpenFolder(SharedFiles.Require("fixtures", "architectures", folder), config);

    public static byte[] Bytes(TensorData tensor)
    {
        byte[] bytes = new byte[tensor.Info.ByteCount];
        tensor.CopyRows(0, (int)tensor.Info.Shape.RowCount, bytes);
        return bytes;
    }

    public static float[] Values(TensorData tensor)
    {
        float[] values = new float[tensor.Info.Shape.ElementCount];
        tensor.ReadRows(0, (int)tensor.Info.Shape.RowCount, values);
        return values;
    }

    /// <summary>Rows read one at a time, which takes another path through views than reading all at once.</summary>
    public static float[] ValuesRowByRow(TensorData tensor)
    {
        float[] values = new float[tensor.Info.Shape.ElementCount];
        int length = (int)tensor.Info.Shape.RowLength;
        for (int row = 0; row < tensor.Info.Shape.RowCount; row++)
            tensor.ReadRows(row, 1, values.AsSpan(row * length, length));
        return values;
    }

    public static byte[] BytesRowByRow(TensorData tensor)
    {
        byte[] bytes = new byte[tensor.Info.ByteCount];
        int length = (int)tensor.Info.RowByteCount;
        for (int row = 0; row < tensor.Info.Shape.RowCount; row++)
            tensor.CopyRows(row, 1, bytes.AsSpan(row * length, length));
        return bytes;
    }

    public static bool SameBits(float[] first, float[] second) =>
        MemoryMarshal.AsBytes<float>(first).SequenceEqual(MemoryMarshal.AsBytes<float>(second));
}
