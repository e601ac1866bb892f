namespace Decant.Hub.Download;

/// <summary>A request that failed in a way that may pass: a lost connection, a busy server, damaged content.</summary>
/// <param name="message">What happened, as a clause for messages.</param>
/// <param name="retryAfter">The wait that the server asked for, or null.</param>
/// <param name="inner">The cause, or null.</param>
internal sealed class TransientFailureException(string message, TimeSpan? retryAfter = null, Exception? inner = null) : Exception(message, inner)
{
    public TimeSpan? RetryAfter { get; } = retryAfter;
}
