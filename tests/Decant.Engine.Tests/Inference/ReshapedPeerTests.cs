using Decant.Core.Architectures;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Engine.Inference;
using Decant.Engine.Kernels;
using Decant.Testing;

namespace Decant.Engine.Tests.Inference;

/// <summary>Every decoder that llama.cpp knows in other shapes than the reference checkpoint's: this engine, from the model and from the file, computes what llama.cpp does.</summary>
public sealed class ReshapedPeerTests
{
    private const int TextLength = 20;

    /// <summary>
    /// Those that llama.cpp computes as they are, or does but for what is left out here: windows, other blocks without rotation, other factors on scores. Lists of factors
    /// (longrope) have the length of the checkpoint's heads.
    /// </summary>
    public static TheoryData<string, int> Cases()
    {
        var cases = new TheoryData<string, int>();
        string[] computed = [.. PeerCase.All.Where(peer => peer is { Equivalent: null, Positions: not 0, Folder: not "phi3-longrope-long" }).Select(peer => peer.Folder), "smollm3", "gemma2", "gemma3"];
        foreach (string folder in computed.Where(ReferenceCheckpoint.Folders().Contains))
        {
            for (int seed = 1; seed <= 3; seed++)
                cases.Add(folder, seed);
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_peer_computes_our_logits(string folder, int seed)
    {
        Peer.RequireProgram();
        DecoderModel model = new ReshapedDecoder(folder, seed).Make();
        int vocabulary = model.Spec.VocabularySize;
        int[] ids = [.. Enumerable.Range(0, TextLength).Select(i => (i * 37 + seed) % vocabulary)];
        using var files = new TemporaryFolder();
        string path = ConvertedFile.Write(files, GgufExport.Describe(model, TensorFormats.F32, isExact: false));
        float[] theirs = Peer.Logits(files, path, ids.Select(id => (long)id));
        Assert.Equal(TextLength * vocabulary, theirs.Length);
        Assert.True(theirs.Max() - theirs.Min() > 0.5);

        float tolerance = PeerCase.All.Single(peer => peer.Folder == folder).Tolerance;
        foreach (InstructionSet set in InstructionSet.All.Where(set => set.IsSupported))
            AssertLogits(model, set.Name, ids, theirs, tolerance);
        using IModelSource source = ModelSources.Open(path);
        AssertLogits(ArchitectureRegistry.BindDecoder(source), null, ids, theirs, tolerance);
    }

    private static void AssertLogits(DecoderModel model, string? kernel, int[] ids, float[] expected, float tolerance)
    {
        using Decoder decoder = Decoder.Load(model, new DecoderOptions { Kernel = kernel, ThreadCount = 1 }, TestContext.Current.CancellationToken);
        int vocabulary = model.Spec.VocabularySize, visited = 0;
        using DecoderSession session = decoder.StartSession(ids.Length);
        session.Score(ids, 0, (position, logits) =>
        {
            Closeness.Assert(expected.AsSpan(position * vocabulary, vocabulary), logits, tolerance, $"{kernel ?? "file"}: logits of {position}");
            visited++;
        }, TestContext.Current.CancellationToken);
        Assert.Equal(ids.Length, visited);
        // Token by token, from the cache.
        session.Reset();
        for (int position = 0; position < ids.Length; position++)
            Closeness.Assert(expected.AsSpan(position * vocabulary, vocabulary), session.Append([ids[position]], TestContext.Current.CancellationToken), tolerance, $"{kernel ?? "file"}: logits of {position} alone");
    }
}
