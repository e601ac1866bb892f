using System.Text.RegularExpressions;
using Decant.Compression.Pipeline;
using Decant.Testing;

namespace Decant.Architecture.Tests;

/// <summary>What the README shows is what is compiled and run.</summary>
public partial class ReadmeTests
{
    [Fact]
    public void The_library_example_is_the_one_that_is_compiled_here()
    {
        string source = Product.Read("tests", "Decant.Architecture.Tests", "ReadmeExample.cs");
        string compiled = source.Split("// <example>\n")[1].Split("// </example>\n")[0];
        Assert.Contains("```csharp\n" + compiled + "```\n", Product.Read("README.md"), StringComparison.Ordinal);
        Assert.InRange(compiled.Count(c => c == '\n'), 10, 28);
    }

    [Fact]
    public void The_library_example_runs()
    {
        string model = SharedFiles.Require("models", "stories260K", "stories260K-f32.gguf");
        using var folder = new TemporaryFolder();
        CompressResult result = Example.Compress(model, folder["small.gguf"], "q8_0");
        // 8.5 bits, but for rows of 172 that hold no whole blocks and become F16.
        Assert.InRange(result.BitsPerWeight, 8.5, 11);
        Assert.Equal(result.OutputByteCount, new FileInfo(folder["small.gguf"]).Length);
        Assert.True(result.Verification!.Passed);
        string story = Example.Continue(folder["small.gguf"], "Once upon a time", tokenCount: 32);
        Assert.InRange(story.Length, 40, 400);
        Assert.Equal(Example.Continue(model, "Once upon a time", tokenCount: 8), Example.Continue(folder["small.gguf"], "Once upon a time", tokenCount: 8));
    }

    [Fact]
    public void Relative_links_lead_somewhere()
    {
        string[] pages = [Path.Combine(Product.Root, "README.md"), .. Directory.GetFiles(Path.Combine(Product.Root, "docs"), "*.md", SearchOption.AllDirectories)];
        Assert.InRange(pages.Length, 5, 200);
        foreach (string page in pages)
        {
            foreach (Match link in Link().Matches(File.ReadAllText(page)))
            {
                string target = Path.Combine(Path.GetDirectoryName(page)!, link.Groups[1].Value.Split('#')[0]);
                Assert.True(File.Exists(target) || Directory.Exists(target), $"{Product.Relative(page)} links to {link.Groups[1].Value}, which is not there");
            }
        }
    }

    [Fact]
    public void The_test_command_is_the_one_that_continuous_integration_runs()
    {
        string command = Assert.Single(Product.Read("README.md").Split('\n'), line => line.StartsWith("dotnet test ", StringComparison.Ordinal));
        Assert.Contains("grep -m1 '^dotnet test ' README.md", Product.Read(".ci", "run"), StringComparison.Ordinal);
        Assert.StartsWith("dotnet test --solution Decant.slnx -c Release", command, StringComparison.Ordinal);
    }

    /// <summary>Markdown links to files of the repository.</summary>
    [GeneratedRegex(@"\]\((?!https?:|#|mailto:)([^)\s]+)\)")]
    private static partial Regex Link();
}
