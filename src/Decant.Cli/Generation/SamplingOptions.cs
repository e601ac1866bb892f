using System.CommandLine;
using Decant.Cli.Running;
using Decant.Core.Errors;
using Decant.Engine.Inference;

namespace Decant.Cli.Generation;

/// <summary>The options of verbs that write text.</summary>
internal sealed class SamplingOptions
{
    private readonly Option<int> count;
    private readonly Option<float> temperature;
    private readonly Option<int> topK = new Option<int>("--top-k") { Description = "Keep only the K likeliest tokens (0 = all)", HelpName = "K", DefaultValueFactory = _ => 40 }.AtLeast(0);
    private readonly Option<float> topP = new Option<float>("--top-p") { Description = "Keep the likeliest tokens that together reach probability P (1 = all)", HelpName = "P", DefaultValueFactory = _ => 0.95f }.Between(0, 1);
    private readonly Option<float> minP = new Option<float>("--min-p") { Description = "Keep tokens at least P times as likely as the likeliest (0 = all)", HelpName = "P", DefaultValueFactory = _ => 0.05f }.Between(0, 1);
    private readonly Option<float> repeatPenalty = new Option<float>("--repeat-penalty") { Description = "Make recent tokens less likely by this factor (1 = off)", HelpName = "X", DefaultValueFactory = _ => 1f }.AtLeast(0);
    private readonly Option<ulong> seed = new("--seed") { Description = "Seed of the draw; the same seed gives the same text", HelpName = "N", DefaultValueFactory = _ => 1 };
    private readonly Option<string[]> stop = new("--stop") { Description = "End the text before this string; may be given several times", HelpName = "TEXT", Arity = ArgumentArity.OneOrMore };
    private readonly Option<int> context = new Option<int>("--context") { Description = "Room for this many tokens, prompt included", HelpName = "N" }.AtLeast(1);

    public SamplingOptions(int defaultCount, float defaultTemperature)
    {
        count = new Option<int>("-n", "--tokens") { Description = "The most tokens to write", HelpName = "N", DefaultValueFactory = _ => defaultCount }.AtLeast(1);
        temperature = new Option<float>("--temperature") { Description = "0 takes the likeliest token; higher is more varied", HelpName = "T", DefaultValueFactory = _ => defaultTemperature }.AtLeast(0);
    }

    public void Declare(Command command)
    {
        foreach (Option option in (Option[])[count, temperature, topK, topP, minP, repeatPenalty, seed, stop, context])
            command.Add(option);
    }

    /// <summary>The most new tokens.</summary>
    public int Count(VerbRun run) => run.Get(count);

    public Sampler CreateSampler(VerbRun run) => new(new SamplerOptions
    {
        Temperature = run.Get(temperature),
        TopK = run.Get(topK),
        TopP = run.Get(topP),
        MinP = run.Get(minP),
        RepetitionPenalty = run.Get(repeatPenalty),
        Seed = run.Get(seed),
    });

    /// <summary>The stop strings.</summary>
    /// <exception cref="UsageException">One is empty.</exception>
    public IReadOnlyList<string> Stops(VerbRun run)
    {
        string[] stops = run.Get(stop) ?? [];
        return stops.Contains("") ? throw new UsageException("--stop needs a text; an empty one would end every answer at once.") : stops;
    }

    /// <summary>Tokens to make room for: --context if given, else what the verb needs, as far as the model goes.</summary>
    /// <exception cref="UsageException">--context is longer than the model takes.</exception>
    public int Capacity(VerbRun run, ILanguageModel loaded, int needed)
    {
        if (!run.Has(context))
            return Math.Min(needed, loaded.MaximumLength);
        int wanted = run.Get(context);
        return wanted <= loaded.MaximumLength
            ? wanted
            : throw new UsageException($"--context {wanted} is longer than the {loaded.MaximumLength} tokens the model takes.");
    }
}
