namespace Decant.Cli.Verbs;

/// <summary>Every verb, in the order of the overview. A new one is one file and one line here.</summary>
internal static class VerbList
{
    /// <summary>The words on the command line, and what makes a fresh verb: it holds the option objects of one command line.</summary>
    public static IReadOnlyList<(string Name, Func<Verb> Create)> All { get; } =
    [
        ("inspect", () => new InspectVerb()),
        ("plan", () => new PlanVerb()),
        ("compress", () => new CompressVerb()),
        ("convert", () => new ConvertVerb()),
        ("verify", () => new VerifyVerb()),
        ("eval", () => new EvalVerb()),
        ("run", () => new RunVerb()),
        ("chat", () => new ChatVerb()),
        ("bench", () => new BenchVerb()),
        ("imatrix", () => new ImatrixVerb()),
        ("tokenize", () => new TokenizeVerb()),
        ("logits", () => new LogitsVerb()),
        ("pull", () => new PullVerb()),
        ("list", () => new ListVerb()),
    ];
}
