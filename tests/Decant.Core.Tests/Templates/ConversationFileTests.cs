using Decant.Core.Errors;
using Decant.Core.Templates;
using Decant.Testing;

namespace Decant.Core.Tests.Templates;

public sealed class ConversationFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Fact]
    public void Both_forms_become_the_same_messages()
    {
        string path = folder.Write("talks.jsonl", """
            {"messages":[{"role":"user","content":"Is it raining?"},{"role":"assistant","content":"No."}],"id":7}

            {"conversations":[{"from":"human","value":"Is it raining?"},{"from":"gpt","value":"No."}]}
            """u8.ToArray());
        IReadOnlyList<ChatPrompt> read = ConversationFile.Read(path);
        Assert.Equal(2, read.Count);
        Assert.All(read, conversation =>
        {
            Assert.False(conversation.AddGenerationPrompt);
            Assert.Equal("""[{"role":"user","content":"Is it raining?"},{"role":"assistant","content":"No."}]""", conversation.Messages.ToJsonString());
        });
    }

    [Theory]
    [InlineData("""{"text":"no conversation"}""", "messages (role, content) or conversations (from, value)")]
    [InlineData("""{"messages":[]}""", "at least one")]
    [InlineData("""{"messages":[{"content":"who?"}]}""", "messages[0]")]
    [InlineData("""{"messages":[{"role":"user","content":"a"},5]}""", "messages[1]")]
    [InlineData("""{"conversations":[{"from":"human"}]}""", "conversations[0]")]
    [InlineData("""{"messages":[{"role":"a","content":"b"}],"messages":[]}""", "no JSON")]
    [InlineData("[1,2]", "a JSON object")]
    [InlineData("{", "no JSON")]
    public void A_line_that_is_no_conversation_is_refused_by_its_number(string line, string what)
    {
        string path = folder.Write("talks.jsonl", System.Text.Encoding.UTF8.GetBytes("{\"messages\":[{\"role\":\"user\",\"content\":\"fine\"}]}\n" + line));
        BadFileException error = Assert.Throws<BadFileException>(() => ConversationFile.Read(path));
        Assert.Contains("talks.jsonl, line 2", error.Message, StringComparison.Ordinal);
        Assert.Contains(what, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_without_conversations_and_without_UTF_8_are_refused()
    {
        Assert.Contains("at least one", Assert.Throws<BadFileException>(() => ConversationFile.Read(folder.Write("empty.jsonl", "\n\n"u8.ToArray()))).Message, StringComparison.Ordinal);
        Assert.Contains("UTF-8", Assert.Throws<BadFileException>(() => ConversationFile.Read(folder.Write("bytes.jsonl", [0x7B, 0xFF, 0xFE]))).Message, StringComparison.Ordinal);
        Assert.Contains("cannot be read", Assert.Throws<BadFileException>(() => ConversationFile.Read(folder["none.jsonl"])).Message, StringComparison.Ordinal);
    }
}
