using System.CommandLine;
using Decant.Core.Errors;
using Decant.Engine.Inference;

namespace Decant.Cli.Running;

/// <summary>The options that say how a model is computed.</summary>
internal sealed class EngineOptions
{
    private const string FloatName = "float";
    private const string FastName = "fast";

    // Half precision costs 1e-6 nats of KL divergence (SmolLM2-135M) and saves a third of attention's time at 4,096 tokens.
    private const string FastCacheType = "f16";
    private const string ExactCacheType = "f32";

    private static readonly (string Name, WeightPlacement Placement)[] placements =
    [
        ("auto", WeightPlacement.Automatic),
        ("map", WeightPlacement.Mapped),
        ("copy", WeightPlacement.Copied),
    ];

    private readonly Option<string> arithmetic;
    private readonly Option<string> cacheType = new("--cache-type")
    {
        Description = $"How keys and values are kept: {string.Join(", ", DecoderOptions.KeyValueFormats.Select(Lower))}; smaller types take less memory and time at long contexts (default {FastCacheType} with fast arithmetic, else {ExactCacheType})",
        HelpName = "TYPE",
    };
    private readonly Option<string> kernel = new("--kernel") { Description = "Use this kernel level instead of the best (avx2), or these kernels (avx2-q4_0-int8), or both, separated by commas; see: decant list kernels", HelpName = "NAME" };

    // A copy takes about as long as it saves in writing so many tokens (135M and 1.1B alike).
    private const int TokensWorthCopy = 100;

    private readonly Option<string> weights;

    private readonly Option<int> batch = new Option<int>("--batch")
    {
        Description = "Tokens of a prompt that are computed at once; fewer take less working memory and more time",
        HelpName = "N",
        DefaultValueFactory = _ => new DecoderOptions().BatchLength,
    }.AtLeast(1);

    /// <summary>Creates the options with a verb's defaults.</summary>
    public EngineOptions(DecoderArithmetic defaultArithmetic, WeightPlacement defaultPlacement)
    {
        string placement = placements.First(pair => pair.Placement == defaultPlacement).Name;
        weights = new Option<string>("--weights")
        {
            Description = "map reads them from the file's memory map and takes no memory; copy puts them into private memory, arranged for speed; auto copies with fast arithmetic if it fits and pays",
            HelpName = "PLACE",
            DefaultValueFactory = _ => placement,
        };
        string name = NameOf(defaultArithmetic);
        arithmetic = new Option<string>("--arithmetic")
        {
            Description = "float computes from the stored weights in single precision; fast rounds activations to 8 bits",
            HelpName = "NAME",
            DefaultValueFactory = _ => name,
        };
    }

    /// <summary>How an arithmetic is spelled.</summary>
    public static string NameOf(DecoderArithmetic arithmetic) => arithmetic == DecoderArithmetic.Fast ? FastName : FloatName;

    /// <summary>Adds the options to a verb.</summary>
    public void Declare(Command command)
    {
        command.Add(arithmetic);
        command.Add(cacheType);
        command.Add(kernel);
        command.Add(weights);
        command.Add(batch);
    }

    /// <summary>The arithmetic asked for.</summary>
    /// <exception cref="UsageException">There is no such arithmetic.</exception>
    public DecoderArithmetic Arithmetic(VerbRun run)
    {
        string wanted = run.Get(arithmetic)!;
        if (wanted.Equals(FastName, StringComparison.OrdinalIgnoreCase))
            return DecoderArithmetic.Fast;
        return wanted.Equals(FloatName, StringComparison.OrdinalIgnoreCase)
            ? DecoderArithmetic.Float
            : throw new UsageException($"there is no arithmetic '{wanted}'. Known: {FloatName}, {FastName}.");
    }

    /// <summary>The type of keys and values, as ggml spells it in small letters.</summary>
    /// <exception cref="UsageException">There is no such type.</exception>
    public string CacheType(VerbRun run)
    {
        string wanted = Lower(run.Get(cacheType) ?? (Arithmetic(run) == DecoderArithmetic.Fast ? FastCacheType : ExactCacheType));
        IEnumerable<string> known = DecoderOptions.KeyValueFormats.Select(Lower);
        return known.Contains(wanted)
            ? wanted
            : throw new UsageException($"keys and values cannot be kept as '{wanted}'.{NearestName.Hint(wanted, known)} --cache-type takes: {string.Join(", ", known)}.");
    }

    /// <summary>What the engine is told.</summary>
    /// <param name="run">The run.</param>
    /// <param name="tokenCount">The most tokens that will be written: a copy of the weights must pay for itself.</param>
    /// <exception cref="UsageException">An option has no meaning.</exception>
    public DecoderOptions ToDecoderOptions(VerbRun run, int tokenCount = int.MaxValue) =>
        new() { ThreadCount = run.ThreadCount, Kernel = run.Get(kernel), Arithmetic = Arithmetic(run), KeyValueFormat = CacheType(run), BatchLength = run.Get(batch), Weights = Placement(run, tokenCount) };

    private WeightPlacement Placement(VerbRun run, int tokenCount)
    {
        string wanted = Lower(run.Get(weights)!);
        foreach ((string name, WeightPlacement placement) in placements)
        {
            if (name == wanted)
                return placement == WeightPlacement.Automatic && tokenCount < TokensWorthCopy ? WeightPlacement.Mapped : placement;
        }
        throw new UsageException($"weights cannot be placed '{wanted}'. --weights takes: {string.Join(", ", placements.Select(pair => pair.Name))}.");
    }

    private static string Lower(string name) => name.ToLowerInvariant();
}
