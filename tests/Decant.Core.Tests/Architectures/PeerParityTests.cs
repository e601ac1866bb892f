using Decant.Core.Architectures;
using Decant.Testing;

namespace Decant.Core.Tests.Architectures;

/// <summary>llama.cpp computes from converted files what the reference computes from the checkpoints.</summary>
public sealed class PeerParityTests
{
    public static TheoryData<string> Direct => [.. PeerCase.All.Where(peer => peer is { Equivalent: null, Positions: not 0 }).Select(peer => peer.Folder)];

    public static TheoryData<string> Equivalent => [.. PeerCase.All.Where(peer => peer.Equivalent is not null).Select(peer => peer.Folder)];

    /// <summary>llama.cpp's logits for the file converted as F32, at the positions before a window or a stretched context bites.</summary>
    [Theory]
    [MemberData(nameof(Direct))]
    public void The_peer_computes_the_reference_logits_from_the_converted_file(string folder)
    {
        PeerCase peer = PeerCase.All.Single(peer => peer.Folder == folder);
        Assert.InRange(peer.Difference(equivalent: false, peer.Positions), 0, peer.Tolerance);
    }

    /// <summary>What llama.cpp fixes is given to it in the form it has; the logits are those of the fixture.</summary>
    [Theory]
    [MemberData(nameof(Equivalent))]
    public void The_peer_computes_the_reference_logits_from_an_equivalent_model(string folder)
    {
        PeerCase peer = PeerCase.All.Single(peer => peer.Folder == folder);
        Assert.InRange(peer.Difference(equivalent: true, positions: null), 0, peer.Tolerance);
    }

    [Fact]
    public void Every_model_of_texts_that_GGUF_has_an_architecture_for_is_compared()
    {
        SharedFiles.RequireWholeSet();
        Assert.Equal(
            Fixtures.AllFolders.Where(folder => Fixtures.FamilyOf(folder) is DecoderArchitecture { GgufName: not null } or RecurrentArchitecture { GgufName: not null }).Order(StringComparer.Ordinal),
            PeerCase.All.Select(peer => peer.Folder).Order(StringComparer.Ordinal));
    }
}
