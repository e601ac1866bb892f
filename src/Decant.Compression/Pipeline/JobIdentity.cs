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
    /// SHA-256 of what the output will hold (types, overrides and metadata show in a header), of the source and the importance values.
    /// </summary>
    public static string Of(CompressionPlan plan, IReadOnlyList<FileFingerprint> source)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        plan.Output.AppendTo(hash);
        Append(hash, source);
        foreach (ImportanceEntry entry in plan.Request.Importance?.Entries ?? [])
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{entry.Name} {entry.ColumnCount}\n"));
            hash.AppendData(MemoryMarshal.AsBytes<float>(entry.MeanSquares()));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The same of a conversion: headers and source decide everything.</summary>
    public static string Of(ConversionTarget target, IReadOnlyList<FileFingerprint> source)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        target.AppendTo(hash);
        Append(hash, source);
        hash.AppendData("convert\n"u8);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Append(IncrementalHash hash, IReadOnlyList<FileFingerprint> source)
    {
        foreach (FileFingerprint file in source)
            hash.AppendData(Encoding.UTF8.GetBytes($"{file.ByteCount} {file.Sha256}\n"));
    }
}
