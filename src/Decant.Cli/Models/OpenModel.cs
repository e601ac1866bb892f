using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tokenizers;
using Decant.Engine.Inference;

namespace Decant.Cli.Models;

/// <summary>A model that a verb reads: its source, understood and made ready to run only as far as the verb asks.</summary>
internal sealed class OpenModel : IDisposable
{
    private readonly Running.VerbRun run;
    private Model? model;
    private ILanguageModel? loaded;
    private Task? reading;

    private OpenModel(Running.VerbRun run, IModelSource source)
    {
        this.run = run;
        Source = source;
    }

    /// <summary>The checkpoint.</summary>
    public IModelSource Source { get; }

    /// <summary>The path as the user gave it.</summary>
    public string Location => Source.Location;

    /// <summary>The checkpoint understood, whatever kind of model it is. Notices about it go to the error stream.</summary>
    public Model AnyModel => model ??= Bind();

    /// <summary>The model ready to run.</summary>
    /// <exception cref="InvalidOperationException">It was not loaded.</exception>
    public ILanguageModel Loaded => loaded ?? throw new InvalidOperationException("The model has not been loaded.");

    /// <summary>Opens a path; reads headers only.</summary>
    public static OpenModel Open(Running.VerbRun run, string path)
    {
        return new OpenModel(run, ModelLocation.Open(run, path));
    }

    /// <summary>Makes the model ready to run.</summary>
    public ILanguageModel Load(DecoderOptions options)
    {
        run.CancellationToken.ThrowIfCancellationRequested();
        loaded = LanguageModels.Load(AnyModel, options, run.CancellationToken);
        return loaded;
    }

    /// <summary>The tokenizer and the model ready to run, made at the same time: either takes about as long as the other.</summary>
    public Tokenizer LoadWithTokenizer(DecoderOptions options)
    {
        // What continues no text is refused as such, with a tokenizer or without.
        LanguageModels.RequireText(AnyModel);
        Task<Tokenizer> tokenizer = Task.Run(RequireTokenizer);
        reading = tokenizer;
        try
        {
            Load(options);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // What is wrong with the tokenizer is said first.
            tokenizer.WaitAsync(run.CancellationToken).GetAwaiter().GetResult();
            throw;
        }
        return tokenizer.WaitAsync(run.CancellationToken).GetAwaiter().GetResult();
    }

    /// <summary>The tokenizer, which this verb cannot do without.</summary>
    /// <exception cref="BadFileException">The model carries none.</exception>
    public Tokenizer RequireTokenizer()
    {
        Tokenizer tokenizer = TokenizerLoader.Load(Source) ?? throw MissingTokenizer(Source, run.Verb.Name);
        // A file in GGUF is filled up to the rows of the embedding.
        foreach (string notice in Source.Gguf is null ? tokenizer.Notices : [])
            run.Notice(notice);
        return tokenizer;
    }

    public void Dispose()
    {
        loaded?.Dispose();
        // A tokenizer that is still being read after a cancellation cannot be told and is not waited for; the file stays open for it.
        if (reading is { IsCompleted: false })
            reading.ContinueWith(_ => Source.Dispose(), TaskScheduler.Default);
        else
            Source.Dispose();
    }

    internal static BadFileException MissingTokenizer(IModelSource source, string verb) => new(
        $"{source.Location}: the model has no tokenizer, and '{verb}' reads or writes text. Put the model's tokenizer.json beside its weights{(source.Gguf is null ? "" : " in the folder that it was converted from, and convert again")}.");

    private Model Bind()
    {
        Model bound = ArchitectureRegistry.Bind(Source);
        foreach (string notice in bound.Notices)
            run.Notice(notice);
        return bound;
    }
}
