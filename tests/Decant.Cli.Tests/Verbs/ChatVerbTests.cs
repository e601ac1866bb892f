using Decant.Testing;
using System.Text.Json;

namespace Decant.Cli.Tests.Verbs;

public sealed class ChatVerbTests
{
    // Stories are no conversations; the template makes the rendered text easy to foresee.
    private const string Template =
        "{{ bos_token }}{% for m in messages %}{% if m.role == 'system' %}{{ m.content }} {% else %}{{ m.content }}{% endif %}{% endfor %}";

    [Fact]
    public void Answers_continue_the_rendered_conversation_and_earlier_turns_are_not_computed_again()
    {
        using TemporaryFolder model = ModelWithTemplate();
        CommandRun run = CommandRun.WithInput("Once upon a time\n\n Lily\n", "chat", model.Path, "--temperature", "0", "-n", "20", "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        JsonElement[] turns = [.. run.Json.GetProperty("turns").EnumerateArray()];
        Assert.Equal(2, turns.Length);
        Assert.StartsWith(turns[0].GetProperty("assistant").GetString()!, SharedModels.StoryStart, StringComparison.Ordinal);
        Assert.Equal((5, 0, 20), (Number(turns[0], "prompt_tokens"), Number(turns[0], "reused_tokens"), Number(turns[0], "generated_tokens")));
        Assert.True(Number(turns[1], "reused_tokens") >= 20, turns[1].ToString());
        Assert.True(Number(turns[1], "prompt_tokens") > Number(turns[1], "reused_tokens"));
    }

    [Fact]
    public void Reusing_earlier_turns_changes_no_answer()
    {
        using TemporaryFolder model = ModelWithTemplate();
        string[] args = ["chat", model.Path, "--temperature", "0", "-n", "12", "--json"];
        string first = CommandRun.WithInput("Once upon a time\n", args).Json.GetProperty("turns")[0].GetProperty("assistant").GetString()!;
        string inConversation = CommandRun.WithInput("Once upon a time\n He\n", args).Json.GetProperty("turns")[1].GetProperty("assistant").GetString()!;
        string atOnce = CommandRun.WithInput($"Once upon a time{first} He\n", args).Json.GetProperty("turns")[0].GetProperty("assistant").GetString()!;
        Assert.Equal(atOnce, inConversation);
    }

    [Fact]
    public void Clear_forgets_and_exit_ends()
    {
        using TemporaryFolder model = ModelWithTemplate();
        CommandRun run = CommandRun.WithInput("Once upon a time\n/clear\nOnce upon a time\n/exit\nmore\n", "chat", model.Path, "--temperature", "0", "-n", "8");
        Assert.Equal(0, run.ExitCode);
        string[] answers = run.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2, answers.Length);
        Assert.Equal(answers[0], answers[1]);
    }

    [Fact]
    public void The_system_text_comes_first()
    {
        using TemporaryFolder model = ModelWithTemplate();
        JsonElement turn = CommandRun.WithInput("upon a time\n", "chat", model.Path, "--system", "Once", "--temperature", "0", "-n", "12", "--json").Json.GetProperty("turns")[0];
        Assert.StartsWith(turn.GetProperty("assistant").GetString()!, SharedModels.StoryStart, StringComparison.Ordinal);
    }

    [Fact]
    public void A_conversation_that_outgrows_the_context_says_so()
    {
        using TemporaryFolder model = ModelWithTemplate();
        CommandRun run = CommandRun.WithInput("Once upon a time there was a boy\n", "chat", model.Path, "--context", "4");
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("Begin anew (/clear) or raise --context (the model takes 512).", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_conversation_that_outgrows_the_model_is_not_told_to_raise_the_context()
    {
        using TemporaryFolder model = ModelWithTemplate();
        string longer = string.Concat(Enumerable.Repeat("once upon a time ", 200));
        CommandRun run = CommandRun.WithInput(longer + "\n", "chat", model.Path);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("the context holds 512. Begin anew (/clear): the model takes no more.", run.Error, StringComparison.Ordinal);
        CommandRun prompt = CommandRun.Of("run", model.Path, longer);
        Assert.Equal(2, prompt.ExitCode);
        Assert.Contains("the context holds 512. Shorten the prompt: the model takes no more.", prompt.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_without_template_or_tokenizer_is_refused()
    {
        CommandRun noTemplate = CommandRun.Of("chat", SharedModels.StoriesFolder);
        Assert.Equal(4, noTemplate.ExitCode);
        Assert.Contains("decant run", noTemplate.Error, StringComparison.Ordinal);
        Assert.Equal(3, CommandRun.Of("chat", SharedModels.WithoutTokenizer).ExitCode);
    }

    [Fact]
    public void A_template_that_cannot_be_read_names_its_line()
    {
        using TemporaryFolder model = ModelWithTemplate("{% for m in messages %}\n{{ m.content }\n{% endfor %}");
        CommandRun run = CommandRun.WithInput("hello\n", "chat", model.Path);
        Assert.NotEqual(0, run.ExitCode);
        Assert.NotEqual(1, run.ExitCode);
        Assert.Contains("chat_template", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Category", "Slow")]
    public void A_real_chat_model_answers_in_its_own_format()
    {
        CommandRun run = CommandRun.WithInput("What is the capital of France?\n", "chat", SharedModels.SmolLm, "--temperature", "0", "-n", "24");
        Assert.Contains("Paris", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("<|im_", run.Output, StringComparison.Ordinal);
    }

    private static TemporaryFolder ModelWithTemplate(string template = Template)
    {
        TemporaryFolder folder = new TemporaryFolder().CopyFrom(SharedModels.StoriesFolder);
        folder.Write("chat_template.jinja", template);
        return folder;
    }

    private static int Number(JsonElement turn, string name) => turn.GetProperty(name).GetInt32();
}
