using Decant.Core.Errors;
using Polly;
using Polly.Retry;

namespace Decant.Hub.Download;

/// <summary>Tries again what failed in a way that may pass: longer and longer waits, or the wait that the server asks for.</summary>
internal sealed class Retries
{
    private readonly HubOptions options;
    private readonly ResiliencePipeline pipeline;

    public Retries(HubOptions options, Action<string>? notice, TimeProvider? clock = null)
    {
        this.options = options;
        if (options.MaximumAttemptCount <= 1)
        {
            pipeline = ResiliencePipeline.Empty;
            return;
        }
        pipeline = new ResiliencePipelineBuilder { TimeProvider = clock }
            .AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = arguments => ValueTask.FromResult(arguments.Outcome.Exception is TransientFailureException failure && !(failure.RetryAfter > options.LongestRetryDelay)),
                MaxRetryAttempts = options.MaximumAttemptCount - 1,
                BackoffType = DelayBackoffType.Exponential,
                UseJitter = true,
                Delay = options.FirstRetryDelay,
                MaxDelay = options.LongestRetryDelay,
                DelayGenerator = arguments => ValueTask.FromResult((arguments.Outcome.Exception as TransientFailureException)?.RetryAfter),
                OnRetry = arguments =>
                {
                    notice?.Invoke(FormattableString.Invariant($"{arguments.Outcome.Exception!.Message}; trying again in {arguments.RetryDelay.TotalSeconds:0.#} s."));
                    return ValueTask.CompletedTask;
                },
            })
            .Build();
    }

    /// <summary>Runs the work until it succeeds or has failed too often.</summary>
    /// <param name="what">What is asked for, as the message's beginning.</param>
    /// <param name="work">One try.</param>
    /// <param name="progress">Something that grows when a try was not in vain: then the tries are counted anew.</param>
    /// <param name="cancellationToken">Ends tries and waits.</param>
    /// <exception cref="BadFileException">It failed too often, or the server asks for too long a wait.</exception>
    public async Task<T> RunAsync<T>(string what, Func<CancellationToken, Task<T>> work, Func<long> progress, CancellationToken cancellationToken)
    {
        while (true)
        {
            long before = progress();
            try
            {
                return await pipeline.ExecuteAsync(async token => await work(token).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
            }
            catch (TransientFailureException e) when (e.RetryAfter > options.LongestRetryDelay)
            {
                throw new BadFileException(FormattableString.Invariant($"{what}: {e.Message}, and asks to come back in {e.RetryAfter.Value.TotalMinutes:0} minutes. Try again then; with a token (HF_TOKEN) the hub allows more."), e);
            }
            catch (TransientFailureException) when (progress() > before)
            {
            }
            catch (TransientFailureException e)
            {
                throw new BadFileException($"{what}: {e.Message} ({options.MaximumAttemptCount} tries). {(progress() > 0 ? "What has arrived is kept: run the command again to go on." : "Run the command again later.")}", e);
            }
        }
    }
}
