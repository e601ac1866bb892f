// <example>
using Decant.Core.Architectures;
using Decant.Core.Files;
using Decant.Core.Templates;
using Decant.Core.Tokenizers;
using Decant.Engine.Inference;

internal static class Example
{
    public static string Answer(string path, string question)
    {
        using IModelSource model = ModelSources.Open(path);               // a .gguf file or a Hugging Face folder
        Tokenizer tokenizer = TokenizerLoader.Load(model)!;
        ChatTemplate? template = ChatTemplateSource.Find(model)?.Load();  // null: not a chat model
        string prompt = template?.Render([new ChatMessage("user", question)]) ?? question;
        using Decoder decoder = Decoder.Load(ArchitectureRegistry.Bind(model));
        using DecoderSession session = decoder.StartSession(capacity: 256);
        var generator = new Generator(session, new Sampler(SamplerOptions.Greedy));
        int[] ids = tokenizer.EncodeIds(prompt, addSpecialTokens: template is null);
        int[] answer = [.. generator.Generate(ids, maximumCount: 32, tokenizer.Special.EndOfGeneration)];
        return tokenizer.Decode(answer, skipSpecialTokens: true);
    }
}
// </example>
