using Decant.Compression.Calibration;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Templates;
using Decant.Core.Tokenizers;
using Decant.Testing;

namespace Decant.Compression.Tests.Calibration;

public sealed class CalibrationConversationTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Conversations_go_through_the_template_and_their_special_tokens_are_found()
    {
        using IModelSource source = ModelSources.Open(SharedFiles.Require("models", "smollm2-135m"));
        Tokenizer tokenizer = TokenizerLoader.Load(source)!;
        ChatTemplate template = ChatTemplate.Parse("{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}", "test");
        string path = folder.Write("talks.jsonl", """
            {"messages":[{"role":"user","content":"Is it raining?"}]}
            {"conversations":[{"from":"gpt","value":"No."}]}
            """u8.ToArray());
        int[] ids = CalibrationText.Read(path).Encode(tokenizer, template);
        Assert.Equal(tokenizer.EncodeIds("<|im_start|>user\nIs it raining?<|im_end|>\n<|im_start|>assistant\nNo.<|im_end|>\n", addSpecialTokens: false), ids);
        int start = tokenizer.EncodeIds("<|im_start|>", addSpecialTokens: false).Single();
        Assert.Equal(2, ids.Count(id => id == start));
        Assert.Contains("no chat template", Assert.Throws<NotSupportedModelException>(() => CalibrationText.Read(path).Encode(tokenizer, null)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_text_keeps_special_tokens_as_text()
    {
        using IModelSource source = ModelSources.Open(SharedFiles.Require("models", "smollm2-135m"));
        Tokenizer tokenizer = TokenizerLoader.Load(source)!;
        string path = folder.Write("talk.txt", "<|im_start|> is how it begins"u8.ToArray());
        Assert.Equal(
            tokenizer.EncodeIds("<|im_start|> is how it begins", addSpecialTokens: true, recogniseSpecialTokens: false),
            CalibrationText.Read(path).Encode(tokenizer, null));
    }
}
