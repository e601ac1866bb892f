using System.CommandLine;

namespace Decant.Cli.Verbs;

/// <summary>The MODEL argument that most verbs begin with.</summary>
internal static class ModelArgument
{
    public static Argument<string> Create() => new("MODEL")
    {
        Description = "A .gguf file, a Hugging Face folder, a .safetensors or .bin file beside its config.json, or a model of the hub: hf:ORG/NAME[@REVISION]",
        Arity = ArgumentArity.ExactlyOne,
    };
}
