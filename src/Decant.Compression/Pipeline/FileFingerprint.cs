using System.Diagnostics;
using System.Security.Cryptography;
using Decant.Compression.Reports;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Measurement;

namespace Decant.Compression.Pipeline;

/// <summary>Names the content of a file, wherever it lies.</summary>
/// <param name="Name">The file's name without folder.</param>
/// <param name="ByteCount">Its length.</param>
/// <param name="Sha256">SHA-256 of its bytes, lower-case hexadecimal.</param>
public sealed record FileFingerprint(string Name, long ByteCount, string Sha256)
{
    private const int BufferByteCount = 1 << 20;
    private static readonly TimeSpan reportInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>Side files of a Hugging Face folder that decide what the model is.</summary>
    private static readonly string[] sideFileEndings = [".json", ".model", ".txt", ".jinja"];

    /// <summary>The files a model is read from: weights in the order of their tensors, then side files by name.</summary>
    public static IReadOnlyList<string> FilesOf(IModelSource source)
    {
        List<string> files = [.. source.Tensors.OfType<MappedTensor>().Select(t => t.File.Path).Distinct(StringComparer.Ordinal)];
        if (source.HuggingFace is { } huggingFace && Directory.Exists(huggingFace.Folder))
        {
            files.AddRange(Directory.EnumerateFiles(huggingFace.Folder)
                .Where(f => sideFileEndings.Contains(Path.GetExtension(f), StringComparer.OrdinalIgnoreCase)
                    && !f.EndsWith(CompressReport.Suffix, StringComparison.Ordinal) && !files.Contains(f))
                .Order(StringComparer.Ordinal));
        }
        return files;
    }

    /// <summary>The length of files together; links are followed.</summary>
    internal static long ByteCountOf(IEnumerable<string> paths) => paths.Sum(path =>
    {
        using Microsoft.Win32.SafeHandles.SafeFileHandle handle = File.OpenHandle(path);
        return RandomAccess.GetLength(handle);
    });

    /// <summary>Names an output: a file under its final name, or the files of a folder in the order of their names.</summary>
    /// <param name="path">Where it lies, perhaps under a temporary name.</param>
    /// <param name="finalPath">The name it has or will get.</param>
    /// <param name="progress">Told about bytes.</param>
    /// <param name="cancellationToken">Stops between pieces of a megabyte.</param>
    internal static IReadOnlyList<FileFingerprint> OfOutput(string path, string finalPath, IProgress<WorkProgress>? progress, CancellationToken cancellationToken) =>
        Directory.Exists(path)
            ? Of([.. Directory.EnumerateFiles(path).Order(StringComparer.Ordinal)], progress, cancellationToken)
            : [Of([path], progress, cancellationToken)[0] with { Name = Path.GetFileName(finalPath) }];

    /// <summary>Reads files whole.</summary>
    /// <param name="paths">The files.</param>
    /// <param name="progress">Told about bytes.</param>
    /// <param name="cancellationToken">Stops between pieces of a megabyte.</param>
    /// <exception cref="BadFileException">A file cannot be read.</exception>
    public static IReadOnlyList<FileFingerprint> Of(IReadOnlyList<string> paths, IProgress<WorkProgress>? progress, CancellationToken cancellationToken)
    {
        long started = Stopwatch.GetTimestamp();
        long reported = started;
        long total = 0;
        long done = 0;
        List<FileFingerprint> fingerprints = [];
        try
        {
            total = ByteCountOf(paths);
            byte[] buffer = new byte[BufferByteCount];
            foreach (string path in paths)
            {
                using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
                using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0, FileOptions.SequentialScan);
                long byteCount = 0;
                for (int count; (count = stream.Read(buffer)) > 0; byteCount += count)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    hash.AppendData(buffer.AsSpan(0, count));
                    done += count;
                    if (progress is null || Stopwatch.GetElapsedTime(reported) < reportInterval)
                        continue;
                    reported = Stopwatch.GetTimestamp();
                    TimeSpan left = Stopwatch.GetElapsedTime(started) * ((double)(total - done) / done);
                    progress.Report(new WorkProgress("hash", done, total, "bytes", Path.GetFileName(path), left));
                }
                fingerprints.Add(new FileFingerprint(Path.GetFileName(path), byteCount, Convert.ToHexStringLower(hash.GetHashAndReset())));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BadFileException($"{(fingerprints.Count < paths.Count ? paths[fingerprints.Count] : paths[^1])}: the file cannot be read: {e.Message}", e);
        }
        progress?.Report(new WorkProgress("hash", total, total, "bytes", null, TimeSpan.Zero));
        return fingerprints;
    }
}
