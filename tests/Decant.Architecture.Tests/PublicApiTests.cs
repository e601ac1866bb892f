using Decant.Testing;

namespace Decant.Architecture.Tests;

/// <summary>The public surface of every assembly, as text in the repository: a change of it shows in a review.</summary>
public class PublicApiTests
{
    private const string updateVariable = "DECANT_UPDATE_API";

    public static TheoryData<string> ProjectNames => [.. Product.Projects.Select(p => p.Name)];

    [Theory]
    [MemberData(nameof(ProjectNames))]
    public void The_public_surface_is_the_approved_one(string project)
    {
        string path = Path.Combine(SharedFiles.RepositoryRoot, "tests", "Decant.Architecture.Tests", "PublicApi", project + ".txt");
        string[] actual = [.. PublicSurface.Describe(Product.Projects.Single(p => p.Name == project).Assembly)];
        if (Environment.GetEnvironmentVariable(updateVariable) == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, string.Join('\n', actual) + "\n");
        }
        string[] approved = File.Exists(path) ? File.ReadAllLines(path) : [];
        string[] added = [.. actual.Except(approved).Select(l => "+ " + l.Trim())];
        string[] removed = [.. approved.Except(actual).Select(l => "- " + l.Trim())];
        Assert.True(
            actual.SequenceEqual(approved),
            $"""
            The public surface of {project} is not that of {Product.Relative(path)}:
            {string.Join('\n', added.Concat(removed).Take(40))}
            ({added.Length} lines added, {removed.Length} removed.) If the change is meant, approve it with
              {updateVariable}=1 dotnet test --project tests/Decant.Architecture.Tests
            and commit the changed file.
            """);
    }
}
