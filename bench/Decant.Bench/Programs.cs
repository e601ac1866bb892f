namespace Decant.Bench;

/// <summary>Where programs and models are unless the command line says otherwise, so that one command reproduces a table anywhere.</summary>
internal static class Programs
{
    /// <summary>The Release build beside this program's own.</summary>
    public static string Decant => Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "Decant.Cli", "release", "decant"));

    /// <summary>llama.cpp's driver, where shared/peer/build.sh puts it.</summary>
    public static string Peer => Setting("DECANT_PEER", "decant-peer", "peer");

    /// <summary>The path of a model: as given, or else in the folder that bench/models.sh fills.</summary>
    public static string Model(string path)
    {
        string made = Path.Combine(Setting("DECANT_MODELS", "decant-models"), path);
        return !File.Exists(path) && File.Exists(made) ? made : path;
    }

    private static string Setting(string variable, params string[] fallback) =>
        Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? value : Path.Combine([Path.GetTempPath(), .. fallback]);
}
