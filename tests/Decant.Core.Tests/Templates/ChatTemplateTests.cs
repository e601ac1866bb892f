using System.Text.Json.Nodes;
using Decant.Core.Errors;
using Decant.Core.Templates;

namespace Decant.Core.Tests.Templates;

public class ChatTemplateTests
{
    private static string Render(string source, JsonObject? variables = null) =>
        ChatTemplate.Parse(source, "test").Render(new ChatPrompt(new JsonArray()) { Variables = variables });

    [Fact]
    public void Plain_messages_are_rendered_with_tokens_and_a_generation_prompt()
    {
        const string source = "{{ bos_token }}{% for m in messages %}[{{ m.role }}:{{ m['content'] }}]{% endfor %}{% if add_generation_prompt %}>{% endif %}{{ eos_token }}";
        string text = ChatTemplate.Parse(source, "test").Render([new ChatMessage("user", "Hi"), new ChatMessage("assistant", "Ho")], "<s>", "</s>");
        Assert.Equal("<s>[user:Hi][assistant:Ho]></s>", text);
    }

    [Fact]
    public void Tools_and_documents_are_defined_and_none_but_tokens_are_undefined_when_not_given()
    {
        Assert.Equal("True True False", Render("{{ tools is none }} {{ documents is none }} {{ bos_token is defined }}"));
    }

    [Fact]
    public void Variables_win_over_the_usual_ones()
    {
        Assert.Equal("x", Render("{{ add_generation_prompt }}", new JsonObject { ["add_generation_prompt"] = "x" }));
    }

    [Fact]
    public void Syntax_errors_name_origin_line_and_construct()
    {
        var e = Assert.Throws<TemplateSyntaxException>(() => ChatTemplate.Parse("a\nb\n{% frobnicate %}", "model.gguf: tokenizer.chat_template"));
        Assert.Equal("model.gguf: tokenizer.chat_template, line 3: Encountered unknown tag 'frobnicate'", e.Message);
        Assert.Equal(3, e.Line);
        Assert.Equal(ExitCode.NotSupported, e.ExitCode);
    }

    [Fact]
    public void A_slice_of_what_has_no_elements_is_undefined()
    {
        Assert.Equal("False|True", ChatTemplate.Parse("{{ 1[1:] is defined }}|{{ {'a': 1}[:2] is undefined }}", "T").Render([]));
        TemplateUndefinedException error = Assert.Throws<TemplateUndefinedException>(() => ChatTemplate.Parse("\n{{ none[1:].x }}", "T").Render([]));
        Assert.Contains("line 2: None cannot be sliced", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{{ none|map('upper')|list }}{{ false|select|list }}{{ tools|selectattr('name')|list|length }}", "[][]0")]
    [InlineData("{{ tools|map(attribute='function')|join(',') }}|{{ 0|reject('none')|list }}", "|[]")]
    [InlineData("{{ nope is callable }}{{ 1 is callable }}", "TrueFalse")]
    [InlineData("{{ [1, 2, {'k': 3}]|unique(attribute='k')|list }}", "[1, {'k': 3}]")]
    [InlineData("{{ ['b', 'a']|sort(attribute='k') }}", "['b', 'a']")]
    [InlineData("{{ {'a': 'long enough to be cut'}|truncate(3) }}", "{'a': 'long enough to be cut'}")]
    [InlineData("{{ 'x %s' % [1, 2] }}{{ 'y' % ['a'] }}", "x [1, 2]y")]
    public void Oddities_of_filters_are_those_of_Jinja(string source, string expected) => Assert.Equal(expected, Render(source));

    [Theory]
    [InlineData("{{ 1|indent }}", "unsupported operand type(s) for +=: 'int' and 'str'")]
    [InlineData("{{ nope|indent(2) }}", "'nope' is undefined")]
    [InlineData("{{ 1|truncate(5) }}", "object of type 'int' has no len()")]
    [InlineData("{{ [1, 2, 3]|truncate(1, leeway=0, end='') }}", "cannot be truncated")]
    [InlineData("{{ 1|map('upper')|list }}", "'int' object is not iterable")]
    [InlineData("{{ [{'k': 'x'}, 2]|sort(attribute='k') }}", "has no attribute 'k'")]
    [InlineData("{{ [1, 2]|groupby('k') }}", "has no attribute 'k'")]
    public void What_Jinja_cannot_filter_is_an_error(string source, string expected) =>
        Assert.Contains(expected, Assert.ThrowsAny<TemplateRuntimeException>(() => Render(source)).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("\n{% block x %}{% endblock %}", 2, "the tag 'block' is not supported")]
    [InlineData("\n\n{{ x | urlize }}", 3, "the filter 'urlize' is not supported")]
    [InlineData("{{\n x | nope }}", 2, "No filter named 'nope'.")]
    [InlineData("{% if x %}\n{% for y in z %}\n", 2, "Unexpected end of template: 'for' of line 2 needs endfor or else")]
    [InlineData("{{ '\n\n", 1, "unexpected char '''")]
    public void What_is_not_supported_is_named_with_its_line(string source, int line, string message)
    {
        var e = Assert.Throws<TemplateSyntaxException>(() => ChatTemplate.Parse(source, "t"));
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
        Assert.Equal(line, e.Line);
    }

    [Fact]
    public void Runtime_errors_name_the_line_and_have_their_own_exit_code()
    {
        var undefined = Assert.Throws<TemplateUndefinedException>(() => Render("a\n{{ x.y }}"));
        Assert.Equal("test, line 2: 'x' is undefined", undefined.Message);
        Assert.Equal(ExitCode.BadFile, undefined.ExitCode);
        var runtime = Assert.Throws<TemplateRuntimeException>(() => Render("a\n\n{{ 'a' + 1 }}"));
        Assert.Equal("test, line 3: can only concatenate str (not \"int\") to str", runtime.Message);
    }

    [Fact]
    public void The_message_of_raise_exception_is_passed_on_word_for_word()
    {
        var e = Assert.Throws<TemplateRaisedException>(() => Render("{{ raise_exception('System role not supported') }}"));
        Assert.Equal("System role not supported", e.Message);
        Assert.Equal(ExitCode.Usage, e.ExitCode);
    }

    [Fact]
    public void Numbers_keep_their_kind_whether_read_or_built()
    {
        JsonObject read = JsonNode.Parse("""{"i": 1, "f": 1.0, "big": 123456789012345678901234567890, "e": 1e2}""")!.AsObject();
        Assert.Equal("1 1.0 123456789012345678901234567890 100.0", Render("{{ i }} {{ f }} {{ big }} {{ e }}", read));
        var built = new JsonObject { ["i"] = 1, ["l"] = 1L << 40, ["f"] = 1.0, ["s"] = 0.5f, ["b"] = true, ["n"] = null };
        Assert.Equal("1 1099511627776 1.0 0.5 True None", Render("{{ i }} {{ l }} {{ f }} {{ s }} {{ b }} {{ n }}", built));
    }

    [Fact]
    public void A_template_can_be_rendered_again_and_by_several_threads()
    {
        ChatTemplate template = ChatTemplate.Parse("{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}", "t");
        string[] results = [.. Enumerable.Range(0, 64).AsParallel().AsOrdered().Select(i => template.Render([.. Enumerable.Repeat(new ChatMessage("user", "x"), i)]))];
        Assert.Equal(Enumerable.Range(0, 64).Select(i => i.ToString(System.Globalization.CultureInfo.InvariantCulture)), results);
    }

    [Fact]
    public void Limits_can_be_set()
    {
        ChatTemplate template = ChatTemplate.Parse("{{ 'a' * 100 }}", "t");
        var prompt = new ChatPrompt(new JsonArray());
        Assert.Equal(100, template.Render(prompt, new TemplateLimits { MaxOutput = 100 }).Length);
        Assert.Throws<TemplateLimitException>(() => template.Render(prompt, new TemplateLimits { MaxOutput = 99 }));
        Assert.Throws<TemplateLimitException>(() => template.Render(prompt, new TemplateLimits { MaxSteps = 3 }));
    }

    [Fact]
    public void Variables_with_a_key_twice_or_nested_too_deep_are_refused()
    {
        Assert.Throws<TemplateRuntimeException>(() => Render("x", JsonNode.Parse("""{"a": {"b": 1, "b": 2}}""")!.AsObject()));
        JsonNode deep = new JsonArray();
        for (int i = 0; i < 5_000; i++)
            deep = new JsonArray(deep);
        Assert.ThrowsAny<TemplateException>(() => Render("x", new JsonObject { ["a"] = deep }));
    }

    [Fact]
    public void A_template_longer_than_any_known_one_is_refused()
    {
        Assert.Throws<TemplateSyntaxException>(() => ChatTemplate.Parse(new string('x', ChatTemplate.MaxLength + 1), "t"));
    }
}
