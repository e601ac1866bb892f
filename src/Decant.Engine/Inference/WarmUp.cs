using System.Runtime.CompilerServices;
using Decant.Core.Architectures;
using Decant.Core.Errors;

namespace Decant.Engine.Inference;

/// <summary>
/// Has the code compiled that a model's first prompt will run, while the rest is made ready: a <see cref="Miniature"/> of the model reads and writes a few
/// tokens on another thread. Kernels are compiled when they are first used, machine code made ahead of time or not, and otherwise one after another with
/// everybody waiting. Nothing waits for a warm-up: whoever comes upon a method that is being compiled waits for that one, as if it had begun itself.
/// Native programs have nothing to compile and do nothing here.
/// </summary>
internal sealed class WarmUp : IDisposable
{
    // A few tokens at once, many, one: between them these take the paths of products and attention that prompts usually take, with tiles of four tokens
    // (4), of five and six (64), panels of one vector and of several, parts of vectors.
    private static readonly int[] promptLengths = [4, 64, 1];

    private readonly CancellationTokenSource stop;
    private readonly Task work;

    private WarmUp(DecoderModel model, DecoderOptions options, CancellationToken cancellationToken)
    {
        stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        CancellationToken token = stop.Token;
        work = Task.Run(() => RunQuietly(model, options, token), token);
    }

    /// <summary>Begins; null where there is nothing to compile.</summary>
    public static WarmUp? Start(DecoderModel model, DecoderOptions options, CancellationToken cancellationToken) =>
        RuntimeFeature.IsDynamicCodeCompiled ? new WarmUp(model, options, cancellationToken) : null;

    /// <summary>Does all of it on this thread.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="DecantException">The model itself cannot be run like this either.</exception>
    public static void Run(DecoderModel model, DecoderOptions options, CancellationToken cancellationToken)
    {
        DecoderOptions alone = options with { ThreadCount = 1, WarmsUp = false, Observer = null };
        using Decoder decoder = Decoder.Load(Miniature.Of(model), alone, cancellationToken);
        using DecoderSession session = decoder.StartSession(Miniature.ContextLength);
        foreach (int length in promptLengths)
            session.Append(new int[length], cancellationToken);
    }

    /// <summary>
    /// Stops at the next look at its cancellation token. That may be a while, for a method that is being compiled is compiled to its end, and is not waited for:
    /// the work uses nothing of the model's but what it was given.
    /// </summary>
    public void Dispose()
    {
        stop.Cancel();
        work.ContinueWith(_ => stop.Dispose(), TaskScheduler.Default);
    }

    private static void RunQuietly(DecoderModel model, DecoderOptions options, CancellationToken cancellationToken)
    {
        try
        {
            Run(model, options, cancellationToken);
        }
        catch (Exception exception) when (exception is DecantException or OperationCanceledException)
        {
            // What is wrong with the model or the options is for the load to say, which meets it too.
        }
    }
}
