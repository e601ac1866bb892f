namespace Decant.Core.Architectures.Configuration;

/// <summary>Names of activation functions in config.json (transformers' ACT2FN).</summary>
internal static class Activations
{
    private static readonly (string Name, Activation Activation)[] table =
    [
        ("silu", Activation.Silu),
        ("swish", Activation.Silu),
        ("gelu", Activation.GeluErf),
        ("gelu_python", Activation.GeluErf),
        ("gelu_new", Activation.GeluTanh),
        ("gelu_pytorch_tanh", Activation.GeluTanh),
        // The same polynomial with its constants multiplied out.
        ("gelu_fast", Activation.GeluTanh),
        ("relu", Activation.Relu),
        ("relu2", Activation.ReluSquared),
        ("tanh", Activation.Tanh),
        ("sigmoid", Activation.Sigmoid),
    ];

    /// <summary>Reads an activation.</summary>
    /// <param name="config">The config.</param>
    /// <param name="key">The key that names it.</param>
    /// <param name="absent">The family's default.</param>
    public static Activation Read(ConfigReader config, string key, Activation absent)
    {
        if (config.FindText(key) is not { } name)
            return absent;
        foreach ((string known, Activation activation) in table)
        {
            if (known == name)
                return activation;
        }
        throw config.NotSupported(key, string.Join(", ", table.Select(entry => entry.Name)));
    }

    /// <summary>The activation of this name, or null.</summary>
    public static Activation? Find(string name) => table.Where(entry => entry.Name == name).Select(entry => (Activation?)entry.Activation).FirstOrDefault();

    /// <summary>The name to write; the first of the list that reads back as the same function, preferring <paramref name="usual"/>.</summary>
    public static string Write(Activation activation, string usual) =>
        table.Any(entry => entry.Name == usual && entry.Activation == activation)
            ? usual
            : table.First(entry => entry.Activation == activation).Name;
}
