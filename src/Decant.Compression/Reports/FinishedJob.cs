using Decant.Compression.Pipeline;

namespace Decant.Compression.Reports;

/// <summary>What the report of an output says about its making.</summary>
/// <param name="Identity">The name of the job.</param>
/// <param name="Files">The files as they were written.</param>
internal sealed record FinishedJob(string Identity, IReadOnlyList<FileFingerprint> Files);
