using System.Runtime.ExceptionServices;
using Decant.Core.Errors;

namespace Decant.Cli.Running;

/// <summary>
/// Runs a verb on a thread of its own. Systems give signals to a program's first thread, and one that waits for the disk behind a page of a mapped file takes
/// none until the page is there; so the first thread only waits. A verb that leaves nothing behind is not waited for when it was asked to stop and cannot
/// hear: the program ends around it.
/// </summary>
internal static class VerbThread
{
    /// <summary>How long a cancelled verb may take to end by itself.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(50);

    // What the first thread usually has.
    private const int StackByteCount = 8 << 20;

    /// <summary>Runs the work and returns or throws what it does.</summary>
    /// <param name="work">The verb.</param>
    /// <param name="mayBeLeft">True if the verb writes no files, so that nothing is half done when the program ends around it.</param>
    /// <param name="cancellationToken">What the verb was given.</param>
    /// <exception cref="OperationCanceledException">Cancelled, and the verb was left.</exception>
    public static ExitCode Run(Func<ExitCode> work, bool mayBeLeft, CancellationToken cancellationToken)
    {
        ExitCode code = default;
        ExceptionDispatchInfo? failure = null;
        // Not disposed: a verb that was left may still set it.
        var ended = new ManualResetEvent(false);
        var thread = new Thread(Work, StackByteCount) { IsBackground = true, Name = "Decant verb" };
        thread.Start();
        if (!mayBeLeft)
            thread.Join();
        else if (WaitHandle.WaitAny([ended, cancellationToken.WaitHandle]) == 1 && !ended.WaitOne(Grace))
            throw new OperationCanceledException(cancellationToken);
        failure?.Throw();
        return code;

        void Work()
        {
            try
            {
                code = work();
            }
            catch (Exception exception)
            {
                failure = ExceptionDispatchInfo.Capture(exception);
            }
            ended.Set();
        }
    }
}
