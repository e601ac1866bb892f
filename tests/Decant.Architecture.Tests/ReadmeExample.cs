// <example>
using Decant.Compression.Methods.Mixtures;
using Decant.Compression.Pipeline;
using Decant.Core.Architectures;
using Decant.Core.Files;
using Decant.Core.Tokenizers;
using Decant.Engine.Inference;

internal static class Example
{
    public static CompressResult Compress(string path, string output, string type)
    {
        using IModelSource model = ModelSources.Open(path);      // a .gguf file or a Hugging Face folder
        var plan = CompressionPlan.Create(model, new CompressionRequest { Type = FileTypes.Get(type) });
        return CompressJob.Run(plan, new CompressOptions { OutputPath = output });      // verified before it gets its name
    }

    public static string Continue(string path, string text, int tokenCount)
    {
        using IModelSource model = ModelSources.Open(path);
        Tokenizer tokenizer = TokenizerLoader.Load(model)!;      // null: the model carries none
        using Decoder decoder = Decoder.Load(ArchitectureRegistry.BindDecoder(model));
        using DecoderSession session = decoder.StartSession(capacity: 256);
        var generator = new Generator(session, new Sampler(SamplerOptions.Greedy));
        int[] prompt = tokenizer.EncodeIds(text, addSpecialTokens: true);
        return tokenizer.Decode([.. generator.Generate(prompt, tokenCount, tokenizer.Special.EndOfGeneration)], skipSpecialTokens: true);
    }
}
// </example>
