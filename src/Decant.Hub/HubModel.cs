namespace Decant.Hub;

/// <summary>A model of the hub that lies in the local cache.</summary>
/// <param name="Path">What to open: the snapshot's folder, or the file of weights in it where the folder alone would be ambiguous.</param>
/// <param name="Commit">The revision's commit.</param>
/// <param name="Files">The files of the model, by their paths in the repository.</param>
/// <param name="ByteCount">Their size.</param>
/// <param name="DownloadedByteCount">How much of it came over the network now; 0 if all was there.</param>
public sealed record HubModel(string Path, string Commit, IReadOnlyList<string> Files, long ByteCount, long DownloadedByteCount);
