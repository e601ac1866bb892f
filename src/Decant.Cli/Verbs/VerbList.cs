namespace Decant.Cli.Verbs;

/// <summary>Every verb, in the order of the overview. A new one is one file and one line here.</summary>
internal static class VerbList
{
    /// <summary>Fresh verbs: they hold the option objects of one command line.</summary>
    public static IReadOnlyList<Verb> Create() =>
    [
        new InspectVerb(),
        new PlanVerb(),
        new CompressVerb(),
        new ConvertVerb(),
        new VerifyVerb(),
        new EvalVerb(),
        new RunVerb(),
        new ChatVerb(),
        new BenchVerb(),
        new ImatrixVerb(),
        new TokenizeVerb(),
        new LogitsVerb(),
        new ListVerb(),
    ];
}
