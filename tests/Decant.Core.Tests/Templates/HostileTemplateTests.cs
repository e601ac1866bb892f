using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Decant.Core.Errors;
using Decant.Core.Templates;

namespace Decant.Core.Tests.Templates;

/// <summary>Templates that want too much, are nested too deep, or are broken: a documented error, quickly, and little memory.</summary>
public class HostileTemplateTests
{
    /// <summary>Generous for a machine under load; each of these takes well under two seconds alone.</summary>
    private static readonly TimeSpan patience = TimeSpan.FromSeconds(30);

    [Theory]
    [InlineData("{{ 'a' * 10**9 }}")]
    [InlineData("{{ 'a' * 10**30 }}")]
    [InlineData("{{ [0] * 10**9 }}")]
    [InlineData("{{ range(10**12) }}")]
    [InlineData("{{ 10 ** (10 ** 10) }}")]
    [InlineData("{% set ns = namespace(s='ab') %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}")]
    [InlineData("{% set ns = namespace(s='ab') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x=[1]) %}{% for i in range(90) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}")]
    [InlineData("{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(90) %}{% set ns.x = [ns.x, ns.x] %}{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x == ns.y }}")]
    [InlineData("{% set ns = namespace(x=[1]) %}{% for i in range(90) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x | tojson | length }}")]
    [InlineData("{% set ns = namespace(x=[]) %}{% for i in range(1000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x }}")]
    [InlineData("{% set ns = namespace(x={}) %}{% for i in range(1000) %}{% set ns.x = {'a': ns.x} %}{% endfor %}{{ ns.x }}")]
    [InlineData("{% set ns = namespace() %}{% set ns.me = ns %}{{ ns }}")]
    [InlineData("{% set ns = namespace() %}{% set ns.me = [ns, ns] %}{{ ns }}")]
    [InlineData("{% set ns = namespace(g=[1]) %}{% for i in range(5000) %}{% set ns.g = ns.g | map('string') %}{% endfor %}{{ ns.g | list }}")]
    [InlineData("{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}{% endfor %}{% endfor %}")]
    [InlineData("{% for a in range(99999) %}{% for b in range(99999) %}xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx{% endfor %}{% endfor %}")]
    [InlineData("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}")]
    [InlineData("{% macro f(n) %}{{ f(n) ~ f(n) }}{% endmacro %}{{ f(1) }}")]
    [InlineData("{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(100) }}")]
    [InlineData("{% macro f() %}{{ caller() }}{% endmacro %}{% macro g() %}{% call f() %}{{ g() }}{% endcall %}{% endmacro %}{{ g() }}")]
    [InlineData("{% for x in [[1]] recursive %}{{ loop([[1]]) }}{% endfor %}")]
    [InlineData("{{ '%1000000000d' % 1 }}")]
    [InlineData("{{ '%.1000000000f' % 1.5 }}")]
    [InlineData("{{ '%*d' % (10**20, 1) }}")]
    [InlineData("{{ '{:>1000000000}'.format(1) }}")]
    [InlineData("{{ '{:.1000000000f}'.format(1.5) }}")]
    [InlineData("{{ 'a'.center(10**9) }}")]
    [InlineData("{{ 'a'.ljust(10**9) }}")]
    [InlineData("{{ 'a'.zfill(10**9) }}")]
    [InlineData("{{ '\t'.expandtabs(10**9) }}")]
    [InlineData("{{ 'a' | center(10**9) }}")]
    [InlineData("{{ 'a\nb' | indent(10**9) }}")]
    [InlineData("{{ [1] | tojson(indent=10**9) }}")]
    [InlineData("{{ [1] | batch(10**9, 0) | list }}")]
    [InlineData("{{ [1] | slice(10**9) | list }}")]
    [InlineData("{% set s = 'a' * 1000000 %}{{ s.replace('', s) }}")]
    [InlineData("{% set s = 'a' * 1000000 %}{{ s.replace('a', s) }}")]
    [InlineData("{% set s = 'a' * 1000000 %}{{ ([s] * 1000) | join(s) }}")]
    [InlineData("{% set s = 'a' * 1000000 %}{{ s.join([s] * 1000) }}")]
    [InlineData("{% set s = 'a' * 1000000 %}{% for i in range(99999) %}{{ s | length }}{% endfor %}")]
    [InlineData("{% set s = 'a' * 1000000 %}{% for i in range(99999) %}{% if 'b' in s %}{% endif %}{% endfor %}")]
    [InlineData("{% set s = 'a' * 1000000 %}{% for i in range(99999) %}{% if s == s ~ '' %}{% endif %}{% endfor %}")]
    [InlineData("{% set s = 'a' * 1000000 %}{% for i in range(99999) %}{% set q = s[::-1] %}{% endfor %}")]
    [InlineData("{% set s = 'a' * 1000000 %}{% for i in range(99999) %}{% set q = s.upper().title().strip().split('b') %}{% endfor %}")]
    [InlineData("{% set s = '%s' * 100000 %}{% set t = ['x' * 100000] * 100000 %}{{ s.format(*t) ~ (s % dict(a=1)) }}")]
    [InlineData("{% set s = '{0}' * 1000 %}{{ s.format('x' * 1000000) }}")]
    [InlineData("{% set n = 7 ** 20000 %}{% for i in range(99999) %}{% set q = n * n // (n - 1) %}{% endfor %}")]
    [InlineData("{% set x = range(99999) | list %}{% for i in range(99999) %}{% if i in x %}{% endif %}{% endfor %}")]
    [InlineData("{% set x = range(99999) | list %}{% for i in range(99999) %}{% set q = x | sort(reverse=true) %}{% endfor %}")]
    [InlineData("{{ lipsum(n=10**9) }}")]
    public void A_template_that_wants_too_much_ends_with_an_error(string source)
    {
        var watch = Stopwatch.StartNew();
        Assert.ThrowsAny<TemplateException>(() => ChatTemplate.Parse(source, "hostile").Render(new ChatPrompt(new JsonArray())));
        Assert.InRange(watch.Elapsed, TimeSpan.Zero, patience);
    }

    [Fact]
    public void An_endless_template_stays_within_its_memory()
    {
        ChatTemplate template = ChatTemplate.Parse("{% set ns = namespace(x=[]) %}{% for i in range(99999) %}{% set ns.x = ns.x + ['a' * 100000] %}{% endfor %}", "hostile");
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Throws<TemplateLimitException>(() => template.Render(new ChatPrompt(new JsonArray())));
        // All that was ever taken, not only what was alive at once: two bytes a character of the budget, and as much again for the lists.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, TemplateLimits.Default.MaxCharacters, 4 * TemplateLimits.Default.MaxCharacters);
    }

    [Theory]
    [InlineData("{{ ", "(", "1", ")", " }}")]
    [InlineData("{{ ", "[", "1", "]", " }}")]
    [InlineData("{{ ", "{1:", "1", "}", " }}")]
    [InlineData("{{ ", "not ", "1", "", " }}")]
    [InlineData("{{ ", "-", "1", "", " }}")]
    [InlineData("{{ ", "f(", "1", ")", " }}")]
    [InlineData("{{ ", "x[", "1", "]", " }}")]
    [InlineData("{{ ", "1 if 2 else ", "1", "", " }}")]
    [InlineData("{{ ", "x|default(", "1", ")", " }}")]
    [InlineData("{{ ", "1 is eq ", "1", "", " }}")]
    [InlineData("{{ 1", "+1", "", "", " }}")]
    [InlineData("{{ 1", "**1", "", "", " }}")]
    [InlineData("{{ 1", "|string", "", "", " }}")]
    [InlineData("{{ x", ".a", "", "", " }}")]
    [InlineData("{{ x", "[0]", "", "", " }}")]
    [InlineData("{{ x", "()", "", "", " }}")]
    [InlineData("{{ 1", " and 1", "", "", " }}")]
    [InlineData("{{ 1", " if 1", "", "", " }}")]
    [InlineData("", "{% if 1 %}", "x", "{% endif %}", "")]
    [InlineData("", "{% if 0 %}{% else %}", "x", "{% endif %}", "")]
    [InlineData("", "{% for x in y %}", "x", "{% endfor %}", "")]
    [InlineData("", "{% with %}", "x", "{% endwith %}", "")]
    [InlineData("", "{% set x %}", "x", "{% endset %}", "")]
    [InlineData("", "{% filter upper %}", "x", "{% endfilter %}", "")]
    [InlineData("", "{% macro f() %}", "x", "{% endmacro %}", "")]
    [InlineData("", "{% call f() %}", "x", "{% endcall %}", "")]
    [InlineData("", "{% generation %}", "x", "{% endgeneration %}", "")]
    [InlineData("{% set ", "(", "x", ")", " = 1 %}")]
    [InlineData("{% for x in ", "(", "y", ")", " %}{% endfor %}")]
    public void Deep_nesting_is_refused_before_the_stack_ends(string start, string open, string middle, string close, string end)
    {
        foreach (int depth in new[] { 200, 2_000, 60_000 })
        {
            var source = new StringBuilder(start);
            source.Insert(source.Length, open, depth).Append(middle).Insert(source.Length, close, depth).Append(end);
            RunOnSmallStack(() =>
            {
                try
                {
                    _ = ChatTemplate.Parse(source.ToString(), "deep").Render(new ChatPrompt(new JsonArray()));
                }
                catch (TemplateException)
                {
                    // Refusing is right; so is doing it, where a long chain needs no depth.
                }
            });
            if (depth == 60_000)
                Assert.ThrowsAny<TemplateException>(() => ChatTemplate.Parse(source.ToString(), "deep").Render(new ChatPrompt(new JsonArray())));
        }
    }

    [Fact]
    public void Nesting_that_real_templates_have_is_accepted()
    {
        string source = string.Concat(Enumerable.Repeat("{% if true %}", 40)) + "{{ " + new string('(', 40) + "1" + new string(')', 40) + " }}" + string.Concat(Enumerable.Repeat("{% endif %}", 40));
        Assert.Equal("1", ChatTemplate.Parse(source, "nested").Render([]));
        string chain = "{{ 0" + string.Concat(Enumerable.Repeat(" + 1", 400)) + " }}";
        Assert.Equal("400", ChatTemplate.Parse(chain, "chain").Render([]));
    }

    [Fact]
    public void A_long_conversation_stays_far_below_the_limits()
    {
        ChatTemplate template = ChatTemplate.Parse(ChatFixtures.ReadTemplate("qwen-tools.jinja"), "qwen-tools");
        ChatMessage[] messages = [.. Enumerable.Range(0, 2000).Select(i => new ChatMessage(i % 2 == 0 ? "user" : "assistant", new string('x', 500)))];
        string prompt = template.Render(new ChatPrompt(messages), TemplateLimits.Default with { MaxSteps = TemplateLimits.Default.MaxSteps / 10, MaxCharacters = TemplateLimits.Default.MaxCharacters / 10 });
        Assert.InRange(prompt.Length, 1_000_000, 1_200_000);
    }

    [Fact]
    public void Ten_thousand_mutated_templates_end_well()
    {
        var random = new Random(20251125);
        string[] sources = [.. ChatFixtures.TemplateNames.Select(ChatFixtures.ReadTemplate), .. ChatFixtures.Lines("expressions.jsonl").Select(r => r["template"]!.GetValue<string>())];
        string[] pieces = [.. sources.SelectMany(s => s.Split(' ')).Distinct().Where(p => p.Length is > 0 and < 30), "{%", "%}", "{{", "}}", "{#", "#}", "(", ")", "[", "]", "* 999999999", "'", "loop", "recursive"];
        JsonNode[] conversations = [.. ChatFixtures.Conversations().Select(c => c.Value!["messages"]!)];
        var limits = new TemplateLimits { MaxSteps = 200_000, MaxCharacters = 1 << 22, MaxOutput = 1 << 20 };
        int rendered = 0;
        int refused = 0;
        for (int i = 0; i < 10_000; i++)
        {
            string source = Mutate(sources[random.Next(sources.Length)], pieces, random);
            JsonArray messages = conversations[random.Next(conversations.Length)].AsArray();
            var watch = Stopwatch.StartNew();
            try
            {
                _ = ChatTemplate.Parse(source, "mutated").Render(new ChatPrompt(messages) { BosToken = "<s>" }, limits, ChatFixtures.Clock);
                rendered++;
            }
            catch (TemplateException e)
            {
                Assert.NotEqual(ExitCode.Bug, e.ExitCode);
                Assert.InRange(e.Line, 1, source.Count(c => c is '\n' or '\r') + 1);
                refused++;
            }
            Assert.True(watch.Elapsed < patience, string.Create(CultureInfo.InvariantCulture, $"mutation {i} took {watch.Elapsed}: {source}"));
        }
        Assert.InRange(rendered, 1_000, 9_000);
        Assert.InRange(refused, 1_000, 9_000);
    }

    private static string Mutate(string source, string[] pieces, Random random)
    {
        var text = new StringBuilder(source);
        for (int change = random.Next(1, 4); change > 0; change--)
        {
            int at = random.Next(text.Length + 1);
            int length = Math.Min(random.Next(12), text.Length - at);
            switch (random.Next(5))
            {
                case 0:
                    text.Remove(at, length);
                    break;
                case 1:
                    text.Insert(at, pieces[random.Next(pieces.Length)]);
                    break;
                case 2:
                    text.Remove(at, length).Insert(at, pieces[random.Next(pieces.Length)]);
                    break;
                case 3:
                    text.Insert(at, (char)random.Next(1, random.Next(2) == 0 ? 128 : 0xFFFF));
                    break;
                default:
                    text.Length = at;
                    break;
            }
        }
        return text.ToString();
    }

    /// <summary>The smallest stack that .NET gives on any platform it runs on.</summary>
    private static void RunOnSmallStack(Action action)
    {
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                action();
            }
            catch (Exception e)
            {
                failure = e;
            }
        }, maxStackSize: 512 * 1024);
        thread.Start();
        thread.Join();
        Assert.Null(failure);
    }
}
