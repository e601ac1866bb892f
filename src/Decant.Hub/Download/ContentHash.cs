using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Decant.Hub.Download;

/// <summary>The hash of content that arrives piece by piece, of the kind that the expected one is.</summary>
internal sealed class ContentHash : IDisposable
{
    private readonly HubFile file;
    private readonly IncrementalHash hash;

    public ContentHash(HubFile file)
    {
        this.file = file;
        // Git's ids are SHA-1 by definition; they are compared with what the hub says, and guard against damage, not against forgers.
#pragma warning disable CA5350
        hash = IncrementalHash.CreateHash(IsGitId ? HashAlgorithmName.SHA1 : HashAlgorithmName.SHA256);
#pragma warning restore CA5350
        Restart();
    }

    /// <summary>Bytes hashed so far.</summary>
    public long ByteCount { get; private set; }

    /// <summary>The kind, for messages.</summary>
    public string Kind => IsGitId ? "git id" : "SHA-256";

    private bool IsGitId => file.Hash.Length == 40;

    /// <summary>Forgets all bytes.</summary>
    public void Restart()
    {
        hash.GetHashAndReset();
        ByteCount = 0;
        // What git hashes of a file: "blob", its length, a zero byte, the content.
        if (IsGitId)
            hash.AppendData(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"blob {file.ByteCount}\0")));
    }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        hash.AppendData(bytes);
        ByteCount += bytes.Length;
    }

    /// <summary>The hash in hexadecimal digits.</summary>
    public string Digits() => Convert.ToHexStringLower(hash.GetCurrentHash());

    public void Dispose() => hash.Dispose();
}
