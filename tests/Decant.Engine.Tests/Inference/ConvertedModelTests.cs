using Decant.Core.Architectures;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Engine.Inference;
using Decant.Testing;

namespace Decant.Engine.Tests.Inference;

/// <summary>
/// Reference checkpoints converted to GGUF and run by this engine: what llama.cpp ignores (windows, dynamic NTK, query scales) must still
/// come through, for Decant reads its own files completely.
/// </summary>
public sealed class ConvertedModelTests
{
    public static TheoryData<string> Folders => [.. ReferenceCheckpoint.Folders().Where(IsInGguf)];

    private static bool IsInGguf(string folder)
    {
        using var checkpoint = new ReferenceCheckpoint(folder);
        return ArchitectureRegistry.FindByName(checkpoint.Model.ArchitectureName)!.GgufName is not null;
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void A_converted_model_gives_the_logits_of_the_original(string folder)
    {
        using var checkpoint = new ReferenceCheckpoint(folder);
        GgufDescription description = GgufExport.Describe(checkpoint.Model, TensorFormats.F32);
        using var files = new TemporaryFolder();
        using IModelSource source = ModelSources.Open(ConvertedFile.Write(files, description));
        using Decoder decoder = Decoder.Load(ArchitectureRegistry.BindDecoder(source), cancellationToken: TestContext.Current.CancellationToken);
        int visited = 0;
        for (int row = 0; row < checkpoint.Rows; row++)
        {
            using DecoderSession session = decoder.StartSession(checkpoint.Length);
            session.Score(checkpoint.Ids.AsSpan(row * checkpoint.Length, checkpoint.Length), 0, (position, values) =>
            {
                Closeness.Assert(checkpoint.Logits(row, position), values, checkpoint.Tolerance, $"logits at {row}, {position}");
                visited++;
            }, TestContext.Current.CancellationToken);
        }
        Assert.Equal(checkpoint.Rows * checkpoint.Length, visited);
    }
}
