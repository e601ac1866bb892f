using System.CommandLine;
using Decant.Cli.Running;
using Decant.Compression.Calibration;
using Decant.Compression.Methods.Mixtures;
using Decant.Compression.Pipeline;
using Decant.Compression.Pipeline.Estimates;
using Decant.Core.Errors;
using Decant.Evaluation;

namespace Decant.Cli.Models;

/// <summary>The options that say to what a model is compressed: shared by <c>plan</c> and <c>compress</c>, so that one plans what the other does.</summary>
internal sealed class CompressionInputs
{
    private readonly Option<string> to = new("--to")
    {
        Description = "Required: type or mixture as llama.cpp spells it, in any case: " + string.Join(", ", FileTypes.All.Select(type => type.Name)),
        HelpName = "TYPE",
    };
    private readonly Option<string> imatrix = new("--imatrix") { Description = "An importance matrix (see: decant imatrix), in llama.cpp's GGUF or older form", HelpName = "FILE" };
    private readonly Option<string[]> tensorTypes = new("--tensor-type")
    {
        Description = "Store tensors whose GGUF name matches in this type, as in ffn_down=Q6_K; may be given several times, the first match wins",
        HelpName = "REGEX=TYPE",
        Arity = ArgumentArity.OneOrMore,
    };
    private readonly Option<string> shardSize = ShardOption();

    // Known by name, so that they are refused with a reason and not as a typing error.
    private readonly Option<string> recipe = new("--recipe") { Hidden = true };
    private readonly Option<string[]> calibration = new("--calibration") { Hidden = true, AllowMultipleArgumentsPerToken = true };

    public static Option<string> ShardOption() => new("--max-shard-size") { Description = "The most weights in one file of a folder (default 5GB)", HelpName = "SIZE" };

    public void Declare(Command command)
    {
        foreach (Option option in (Option[])[to, imatrix, tensorTypes, shardSize, recipe, calibration])
            command.Add(option);
    }

    /// <summary>The path of the importance matrix, or null.</summary>
    public string? ImatrixPath(VerbRun run) => run.Get(imatrix);

    /// <summary>What is asked for.</summary>
    /// <exception cref="UsageException">No type, or an option makes no sense.</exception>
    public CompressionRequest Read(VerbRun run, OutputContainer container)
    {
        if (run.Has(recipe))
            throw new NotSupportedModelException("--recipe is not in this version of Decant; --to TYPE is.");
        if (run.Has(calibration))
            throw new NotSupportedModelException("--calibration (method auto) is not in this version of Decant; collect an importance matrix with 'decant imatrix' and give it with --imatrix.");
        FileType type = FileTypes.Get(run.Get(to) ?? throw new UsageException($"say to what with --to TYPE, as in: decant {run.Verb.Name} MODEL --to q4_k_m"));
        var request = new CompressionRequest
        {
            Type = type,
            Container = container,
            Overrides = [.. (run.Get(tensorTypes) ?? []).Select(TypeOverride.Parse)],
            Importance = run.Get(imatrix) is { } path ? ImportanceMatrixFile.Read(path) : null,
        };
        return ShardSize(run, shardSize, container) is { } size ? request with { MaximumShardByteCount = size } : request;
    }

    /// <summary>The most weights in one file of a folder, in bytes, or null if nothing was said.</summary>
    /// <exception cref="UsageException">It is no size, or the output is one file.</exception>
    public static long? ShardSize(VerbRun run, Option<string> option, OutputContainer container)
    {
        if (run.Get(option) is not { } size)
            return null;
        return container == OutputContainer.HuggingFace
            ? ByteSizes.Parse(option.Name, size)
            : throw new UsageException($"{option.Name}: a GGUF output is one file. Leave the option out, name a folder as output, or split the file with llama.cpp's llama-gguf-split.");
    }

    /// <summary>What the job will cost on this machine; takes about a second.</summary>
    /// <param name="run">The run.</param>
    /// <param name="plan">The plan.</param>
    /// <param name="outputPath">Where the output will go, or null if that is open.</param>
    /// <param name="verify">Whether it will be verified.</param>
    public static PlanEstimate Estimate(VerbRun run, CompressionPlan plan, string? outputPath, bool verify)
    {
        string? folder = outputPath is null ? null : Path.GetDirectoryName(Path.GetFullPath(Path.TrimEndingDirectorySeparator(outputPath)));
        var options = new EstimateOptions { ThreadCount = run.ThreadCount, Verify = verify, QualityProbe = verify ? new QualityProbe() : null, OutputFolder = folder };
        return PlanEstimator.Estimate(plan, options, run.CancellationToken);
    }
}
