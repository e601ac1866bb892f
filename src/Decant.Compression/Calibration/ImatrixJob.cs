using System.Diagnostics;
using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Measurement;
using Decant.Core.Templates;
using Decant.Core.Tokenizers;
using Decant.Engine.Inference;

namespace Decant.Compression.Calibration;

/// <summary>How an importance matrix is collected.</summary>
public sealed record ImatrixOptions
{
    /// <summary>Tokens of a window.</summary>
    public int ContextLength { get; init; } = 512;

    /// <summary>Most windows, or null for the whole text.</summary>
    public int? MaximumChunkCount { get; init; }

    /// <summary>Threads, 0 for all cores.</summary>
    public int ThreadCount { get; init; }
}

/// <summary>
/// Collects an importance matrix as llama.cpp's tool does: each text is tokenized once, with the special tokens the model wants, and cut into
/// windows; the first token of each is replaced by BOS if the model starts texts with it; what remains of a text at its end is left out.
/// Memory: one window's activations and cache, and two numbers for each input column.
/// </summary>
public static class ImatrixJob
{
    /// <summary>Runs the texts through the model.</summary>
    /// <param name="model">A model of a kind that continues texts.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="texts">What to run.</param>
    /// <param name="options">Windows and threads.</param>
    /// <param name="progress">Told about tokens.</param>
    /// <param name="cancellationToken">Stops between windows.</param>
    /// <exception cref="NotSupportedModelException">The model continues no text.</exception>
    /// <exception cref="UsageException">The texts are shorter than one window, or the window is longer than the model's context.</exception>
    /// <exception cref="NumericalException">An activation overflows.</exception>
    public static ImportanceMatrix Collect(
        Model model, Tokenizer tokenizer, IReadOnlyList<CalibrationText> texts, ImatrixOptions options,
        IProgress<WorkProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        LanguageModels.RequireText(model);
        int length = options.ContextLength;
        if (length < 1 || length > model.Spec.ContextLength)
            throw new UsageException($"{model.Source.Location}: windows of {length} tokens do not fit the model's context of {model.Spec.ContextLength}. Choose --context 1 to {model.Spec.ContextLength}.");
        List<int[]> windows = [];
        ChatTemplate? template = texts.Any(text => text.Conversations.Count > 0) ? ChatTemplateSource.Find(model.Source)?.Load() : null;
        foreach (CalibrationText text in texts)
            windows.AddRange(Cut(tokenizer, text, template, length));
        if (options.MaximumChunkCount is { } most && windows.Count > most)
            windows.RemoveRange(most, windows.Count - most);
        if (windows.Count == 0)
            throw new UsageException($"The text has fewer than {length} tokens, less than one window. Give more text or a shorter --context.");

        var collector = new ImportanceCollector(model);
        using ILanguageModel runner = LanguageModels.Load(model, new DecoderOptions { ThreadCount = options.ThreadCount, Observer = collector }, cancellationToken);
        using ILanguageModelSession session = runner.StartSession(length);
        long started = Stopwatch.GetTimestamp();
        for (int i = 0; i < windows.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            session.Reset();
            session.Append(windows[i], cancellationToken);
            TimeSpan left = Stopwatch.GetElapsedTime(started) * ((double)(windows.Count - i - 1) / (i + 1));
            progress?.Report(new WorkProgress("imatrix", (long)(i + 1) * length, (long)windows.Count * length, "tokens", null, left));
        }
        return new ImportanceMatrix("importance matrix", collector.Entries(), [.. texts.Select(t => t.Name)], windows.Count, length);
    }

    private static IEnumerable<int[]> Cut(Tokenizer tokenizer, CalibrationText text, ChatTemplate? template, int length)
    {
        int[] ids = text.Encode(tokenizer, template);
        for (int start = 0; start + length <= ids.Length; start += length)
        {
            int[] window = ids[start..(start + length)];
            if (tokenizer.AddsBos)
                window[0] = tokenizer.PrefixIds[0];
            yield return window;
        }
    }
}
