using Decant.Cli.Running;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Hub;

namespace Decant.Cli.Models;

/// <summary>Turns what a user names as a model into something on the disk: paths stay as they are, models of the hub are fetched first.</summary>
internal static class ModelLocation
{
    /// <summary>Opens a model; reads headers only.</summary>
    public static IModelSource Open(VerbRun run, string argument)
    {
        run.CancellationToken.ThrowIfCancellationRequested();
        return ModelSources.Open(Resolve(run, argument));
    }

    /// <summary>The path of the model.</summary>
    public static string Resolve(VerbRun run, string argument)
    {
        if (!HubReference.IsReference(argument))
        {
            return Path.Exists(argument) || HubReference.Suggest(argument) is not { } suggestion
                ? argument
                : throw new BadFileException($"{argument}: there is no such file or folder. A model of the Hugging Face hub is written {suggestion}.");
        }
        HubReference reference = Parse(argument);
        HubModel model = Fetch(run, reference, update: false);
        if (model.DownloadedByteCount > 0)
            run.Notice($"{reference} is in the cache now: {model.Path}");
        return model.Path;
    }

    /// <summary>Reads the name or web address of a model of the hub.</summary>
    public static HubReference Parse(string argument) => HubReference.Parse(argument, HubOptions.FromEnvironment().Endpoint);

    /// <summary>Makes sure that a model of the hub lies in the local cache.</summary>
    public static HubModel Fetch(VerbRun run, HubReference reference, bool update)
    {
        HubOptions options = HubOptions.FromEnvironment();
        var models = new HubModels(options with { Offline = options.Offline || run.Offline });
        return run.WithProgress(progress => models.FetchAsync(reference, update, progress, run.Notice, run.CancellationToken).GetAwaiter().GetResult());
    }
}
