using Decant.Cli.Running;

namespace Decant.Cli.Tests.Running;

public sealed class ShellTextTests
{
    [Fact]
    public void Arguments_are_quoted_only_where_a_shell_needs_it() =>
        Assert.Equal("decant run a/b-c_1.gguf 'Once upon' '' 'it'\\''s' 'a\"b' --stop=x", ShellText.Join(["decant", "run", "a/b-c_1.gguf", "Once upon", "", "it's", "a\"b", "--stop=x"]));
}
