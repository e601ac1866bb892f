using Decant.Cli.Running;
using Decant.Core.Errors;

namespace Decant.Cli.Tests.Running;

public sealed class ErrorReportTests
{
    public static TheoryData<Exception, ExitCode> Table => new()
    {
        { new InvalidOperationException("x"), ExitCode.Bug },
        { new UsageException("x"), ExitCode.Usage },
        { new BadFileException("x"), ExitCode.BadFile },
        { new IOException("x"), ExitCode.BadFile },
        { new UnauthorizedAccessException("x"), ExitCode.BadFile },
        { new NotSupportedModelException("x"), ExitCode.NotSupported },
        { new NumericalException("x"), ExitCode.Numerical },
        { new LimitNotMetException("x"), ExitCode.LimitNotMet },
        { new InsufficientMemoryException("x"), ExitCode.LimitNotMet },
        { new OperationCanceledException("x"), ExitCode.Cancelled },
        { new AggregateException(new NumericalException("x")), ExitCode.Numerical },
    };

    [Theory]
    [MemberData(nameof(Table), DisableDiscoveryEnumeration = true)]
    public void Every_error_has_its_exit_code(Exception error, ExitCode expected)
    {
        (ExitCode code, string output, string text) = Write(error, asJson: false);
        Assert.Equal(expected, code);
        Assert.Empty(output);
        Assert.StartsWith("decant: ", text, StringComparison.Ordinal);
        Assert.Equal(expected == ExitCode.Bug, text.Contains("report", StringComparison.Ordinal));
        Assert.DoesNotContain(" at Decant.", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_exit_code_but_done_is_in_the_table() =>
        Assert.Equal(Enum.GetValues<ExitCode>().Where(code => code != ExitCode.Done).Order(), Table.Select(row => row.Data.Item2).Distinct().Order());

    [Fact]
    public void The_document_carries_code_kind_and_message()
    {
        (_, string output, _) = Write(new BadFileException("model.gguf: bad"), asJson: true);
        var run = new CommandRun(3, output, "");
        Assert.Equal("""{"exit_code":3,"kind":"bad_file","message":"model.gguf: bad"}""", System.Text.Json.Nodes.JsonNode.Parse(run.Json.GetProperty("error").GetRawText())!.ToJsonString());
    }

    private static (ExitCode Code, string Output, string Error) Write(Exception error, bool asJson)
    {
        using var output = new StringWriter();
        using var text = new StringWriter();
        ExitCode code = ErrorReport.Write(error, new Terminal { Input = TextReader.Null, Output = output, Error = text }, asJson);
        return (code, output.ToString(), text.ToString());
    }
}
