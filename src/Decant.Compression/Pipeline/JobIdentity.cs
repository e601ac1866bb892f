using System.Reflection;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using Decant.Compression.Calibration;

namespace Decant.Compression.Pipeline;

/// <summary>Names a job by all that decides its bytes: equal names, equal outputs.</summary>
internal static class JobIdentity
{
    /// <summary>Decant's version, without the revision behind a plus sign.</summary>
    public static string Version { get; } =
        typeof(JobIdentity).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0.0.0";

    /// <summary>
    /// SHA-256 of the header that GGUF gets (types, overrides and metadata show in it), of the container, the source and the importance values.
    /// </summary>
    public static string Of(CompressionPlan plan, IReadOnlyList<FileFingerprint> source)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(SHA256.HashData(plan.Layout.Header.Span));
        if (plan.Request.Container == OutputContainer.HuggingFace)
            hash.AppendData(Encoding.UTF8.GetBytes($"folder of files up to {plan.Request.MaximumShardByteCount}\n"));
        foreach (FileFingerprint file in source)
            hash.AppendData(Encoding.UTF8.GetBytes($"{file.ByteCount} {file.Sha256}\n"));
        foreach (ImportanceEntry entry in plan.Request.Importance?.Entries ?? [])
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{entry.Name} {entry.ColumnCount}\n"));
            hash.AppendData(MemoryMarshal.AsBytes<float>(entry.MeanSquares()));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
