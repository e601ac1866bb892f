using System.Text.RegularExpressions;
using Decant.Core.Architectures;

namespace Decant.Architecture.Tests;

/// <summary>Habits that the source keeps.</summary>
public partial class SourceTests
{
    private const int longestFile = 600;

    private static readonly string[] emptyNames = ["Utils", "Util", "Helpers", "Helper", "Common", "Manager", "Misc"];

    public static TheoryData<string> ProjectNames => [.. Product.Projects.Select(p => p.Name)];

    [Theory]
    [MemberData(nameof(ProjectNames))]
    public void No_file_is_longer_than_one_can_read(string project)
    {
        Assert.All(Sources(project), path =>
        {
            int lines = File.ReadLines(path).Count();
            Assert.True(lines <= longestFile, $"{Product.Relative(path)} has {lines} lines; split it by what it does (at most {longestFile})");
        });
    }

    [Theory]
    [MemberData(nameof(ProjectNames))]
    public void Namespaces_follow_folders(string project)
    {
        string folder = Project(project).Folder;
        Assert.All(Sources(project), path =>
        {
            Match match = NamespaceLine().Match(File.ReadAllText(path));
            string inside = Path.GetRelativePath(folder, Path.GetDirectoryName(path)!);
            string expected = inside == "." ? project : project + "." + inside.Replace(Path.DirectorySeparatorChar, '.');
            Assert.True(match.Success, $"{Product.Relative(path)} has no file-scoped namespace");
            Assert.True(match.Groups[1].Value == expected, $"{Product.Relative(path)}: namespace {match.Groups[1].Value}, expected {expected}");
        });
    }

    [Theory]
    [MemberData(nameof(ProjectNames))]
    public void No_type_has_a_name_that_says_nothing(string project)
    {
        Assert.All(Project(project).Assembly.GetTypes().Select(t => t.Name.Split('`')[0]), name =>
            Assert.False(emptyNames.Any(end => name.EndsWith(end, StringComparison.Ordinal)), $"{project}: name the type {name} after what it does"));
    }

    [Theory]
    [MemberData(nameof(ProjectNames))]
    public void Unsafe_code_stays_where_it_belongs(string project)
    {
        if (project == "Decant.Engine")
            return;
        Assert.All(Sources(project), path =>
        {
            if (project == "Decant.Core" && Product.Relative(path) == "src/Decant.Core/Files/MappedFile.cs")
                return;
            string code = CommentOrLiteral().Replace(File.ReadAllText(path), "");
            Assert.False(UnsafeKeyword().IsMatch(code), $"{Product.Relative(path)} uses unsafe; only the engine and Core's MappedFile.cs may");
        });
    }

    /// <summary>What ICU answers depends on the system and on how the program was built; token ids must not.</summary>
    [Theory]
    [MemberData(nameof(ProjectNames))]
    public void Nothing_asks_the_system_for_the_case_of_a_letter(string project) =>
        Assert.All(Sources(project), path => Assert.DoesNotContain(["Rune.ToLower", "Rune.ToUpper", "char.ToUpperInvariant"], call => File.ReadAllText(path).Contains(call, StringComparison.Ordinal)));

    [Theory]
    [MemberData(nameof(ProjectNames))]
    public void Nothing_is_left_for_later(string project)
    {
        Assert.All(Sources(project), path =>
        {
            Match match = Unfinished().Match(File.ReadAllText(path));
            Assert.False(match.Success, $"{Product.Relative(path)} says {match.Value}");
        });
    }

    /// <summary>
    /// Inference, compression and evaluation read specs: a family's name stands in its own file, and in two others for reasons of their own. llama.cpp's
    /// mixtures of types are defined by names of GGUF's architectures; the trial of verification makes a model of its own.
    /// </summary>
    [Theory]
    [MemberData(nameof(ProjectNames))]
    public void Nothing_asks_for_the_name_of_a_family(string project)
    {
        string[] excepted = ["src/Decant.Compression/Methods/Mixtures/MixtureModel.cs", "src/Decant.Compression/Pipeline/Estimates/VerifyTrial.cs"];
        HashSet<string> names = [.. ArchitectureRegistry.All.SelectMany(a => (string?[])[a.Name, a.GgufName, .. a.ModelTypes]).OfType<string>()];
        Assert.True(names.Count > 30);
        Assert.All(Sources(project).Where(path => !excepted.Contains(Product.Relative(path))), path =>
        {
            string relative = Product.Relative(path);
            // The kinds of GGUF's tokenizers have names of families too.
            if (relative.StartsWith("src/Decant.Core/Architectures/Families/", StringComparison.Ordinal) || relative.StartsWith("src/Decant.Core/Tokenizers/", StringComparison.Ordinal))
                return;
            string source = File.ReadAllText(path);
            Match? literal = QuotedWord().Matches(source).FirstOrDefault(match => names.Contains(match.Groups[1].Value));
            Assert.True(literal is null, $"{relative} asks for {literal?.Value}: put what it needs into the spec");
            bool isRegistry = relative.StartsWith("src/Decant.Core/Architectures/", StringComparison.Ordinal);
            Assert.False(!isRegistry && (AskedName().IsMatch(source) || source.Contains("Architectures.Families", StringComparison.Ordinal)), $"{relative} compares the name of an architecture");
        });
    }

    private static ProductProject Project(string name) => Product.Projects.Single(p => p.Name == name);

    private static string[] Sources(string project)
    {
        string[] files = [.. Project(project).SourceFiles];
        Assert.NotEmpty(files);
        return files;
    }

    [GeneratedRegex(@"^namespace ([\w.]+);", RegexOptions.Multiline)]
    private static partial Regex NamespaceLine();

    /// <summary>Comments and text, in which the word may stand.</summary>
    [GeneratedRegex("""//.*|/\*[\s\S]*?\*/|"{3}[\s\S]*?"{3}|"(\\.|[^"\\\n])*"|'(\\.|[^'\\\n])+'""")]
    private static partial Regex CommentOrLiteral();

    [GeneratedRegex("\"([a-z0-9_-]+)\"")]
    private static partial Regex QuotedWord();

    [GeneratedRegex(@"ArchitectureName\s*(==|!=|is\b|switch\b|\.(Equals|StartsWith|Contains)\b)")]
    private static partial Regex AskedName();

    [GeneratedRegex(@"\bunsafe\b")]
    private static partial Regex UnsafeKeyword();

    [GeneratedRegex(@"\b(TODO|FIXME|HACK|XXX)\b|NotImplementedException")]
    private static partial Regex Unfinished();
}
