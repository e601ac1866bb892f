using Decant.Testing;

namespace Decant.Engine.Tests.Supported;

/// <summary>docs/supported.md says what the program does: every row is measured anew, and held to its tolerance.</summary>
public class SupportedTableTests
{
    private const string updateVariable = "DECANT_UPDATE_SUPPORTED";

    [Fact]
    public void The_table_of_families_is_what_is_measured()
    {
        SharedFiles.RequireWholeSet();
        Peer.RequireProgram();
        string path = Path.Combine(SharedFiles.RepositoryRoot, "docs", "supported.md");
        string measured = SupportedTable.Document(SupportedTable.Folders().Select(SupportedTable.Row));
        if (Environment.GetEnvironmentVariable(updateVariable) == "1")
            File.WriteAllText(path, measured);
        IReadOnlyList<string> differences = SupportedComparison.Differences(File.ReadAllText(path), measured);
        Assert.True(
            differences.Count == 0,
            $"docs/supported.md does not say what is measured. Write it anew with\n  {updateVariable}=1 dotnet test --project tests/Decant.Engine.Tests\nand look at what changed.\n{string.Join('\n', differences)}");
    }
}
