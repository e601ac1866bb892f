using System.CommandLine;

namespace Decant.Cli.Verbs;

/// <summary>The MODEL argument that most verbs begin with.</summary>
internal static class ModelArgument
{
    public static Argument<string> Create() => new("MODEL")
    {
        Description = "A .gguf file, a Hugging Face folder, or a .safetensors file beside its config.json",
        Arity = ArgumentArity.ExactlyOne,
    };
}
