using System.Text.Json.Nodes;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Templates;

namespace Decant.Core.Tests.Templates;

public sealed class ChatTemplateSourceTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("decant-templates-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void A_model_without_template_has_none()
    {
        Assert.Null(ChatTemplateSource.Find(new GgufMetadata("m.gguf")));
        Assert.Null(ChatTemplateSource.Find(folder, null));
        Assert.Null(ChatTemplateSource.Find(folder, new JsonObject { ["chat_template"] = null }));
    }

    [Fact]
    public void Gguf_has_a_default_and_named_ones()
    {
        var metadata = new GgufMetadata("m.gguf");
        metadata.Set("tokenizer.chat_template", GgufValue.From("D"));
        metadata.Set("tokenizer.chat_template.tool_use", GgufValue.From("T"));
        metadata.Set("tokenizer.chat_templates", GgufValue.From(["tool_use"]));
        ChatTemplateSource source = ChatTemplateSource.Find(metadata)!;
        Assert.Equal(["default", "tool_use"], source.Names);
        Assert.Equal("D", source.FindText());
        Assert.Equal("D", source.Load().Render([]));
        Assert.Equal("T", source.Load(hasTools: true).Render([]));
        Assert.Equal("T", source.Load("tool_use").Render([]));
        Assert.Equal("m.gguf: tokenizer.chat_template.tool_use", source.Load("tool_use").Origin);
        Assert.Contains("default, tool_use", Assert.Throws<UsageException>(() => source.Load("rag")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Gguf_with_another_type_is_a_bad_file()
    {
        var metadata = new GgufMetadata("m.gguf");
        metadata.Set("tokenizer.chat_template", GgufValue.From(7));
        Assert.Contains("tokenizer.chat_template", Assert.Throws<BadFileException>(() => ChatTemplateSource.Find(metadata)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_config_holds_one_text_or_a_list()
    {
        Assert.Equal("C", ChatTemplateSource.Find(folder, Config("\"C\""))!.FindText());
        ChatTemplateSource several = ChatTemplateSource.Find(folder, Config("""[{"name":"default","template":"A"},{"name":"rag","template":"B"}]"""))!;
        Assert.Equal("A", several.FindText());
        Assert.Equal("B", several.FindText("rag"));
        Assert.Equal("A", several.Load(hasTools: true).Render([]));
        Assert.Equal("B", ChatTemplateSource.Find(folder, Config("""[{"name":"rag","template":"B"}]"""))!.Load().Render([]));
    }

    [Fact]
    public void Files_win_over_the_config()
    {
        File.WriteAllText(Path.Combine(folder, "chat_template.jinja"), "F\n");
        Directory.CreateDirectory(Path.Combine(folder, "additional_chat_templates"));
        File.WriteAllText(Path.Combine(folder, "additional_chat_templates", "rag.jinja"), "R");
        ChatTemplateSource source = ChatTemplateSource.Find(folder, Config("\"C\""))!;
        Assert.Equal(["default", "rag"], source.Names);
        Assert.Equal("F\n", source.FindText());
        Assert.Equal("F", source.Load().Render([]));
        Assert.EndsWith("chat_template.jinja", source.Load().Origin, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("5")]
    [InlineData("{}")]
    [InlineData("[5]")]
    [InlineData("[null]")]
    [InlineData("""[{"name":"default"}]""")]
    [InlineData("""[{"name":5,"template":"x"}]""")]
    [InlineData("""[{"name":"a","template":["x"]}]""")]
    [InlineData("""[{"name":"a","name":"b","template":"x"}]""")]
    public void A_config_of_another_shape_is_a_bad_file(string value)
    {
        string message = Assert.Throws<BadFileException>(() => ChatTemplateSource.Find(folder, Config(value))).Message;
        Assert.Contains("tokenizer_config.json", message, StringComparison.Ordinal);
        Assert.Contains("chat_template", message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_huge_template_file_is_not_read()
    {
        using (FileStream file = File.Create(Path.Combine(folder, "chat_template.jinja")))
            file.SetLength(1L << 33);
        Assert.Throws<BadFileException>(() => ChatTemplateSource.Find(folder, null));
    }

    private static JsonObject Config(string value) => JsonNode.Parse($$"""{"chat_template": {{value}}}""")!.AsObject();
}
