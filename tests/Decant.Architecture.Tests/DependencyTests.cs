using System.Xml.Linq;

namespace Decant.Architecture.Tests;

/// <summary>Who may know whom, and which packages there are.</summary>
public class DependencyTests
{
    /// <summary>The arrows: a project and those it may use. What is not here may use nothing of ours.</summary>
    private static readonly Dictionary<string, string[]> arrows = new(StringComparer.Ordinal)
    {
        ["Decant.Core"] = [],
        ["Decant.Engine"] = ["Decant.Core"],
        ["Decant.Compression"] = ["Decant.Core", "Decant.Engine"],
        ["Decant.Evaluation"] = ["Decant.Core", "Decant.Engine"],
        ["Decant.Hub"] = ["Decant.Core"],
        ["Decant.Server"] = ["Decant.Core", "Decant.Engine"],
        ["Decant.Cli"] = ["Decant.Core", "Decant.Engine", "Decant.Compression", "Decant.Evaluation", "Decant.Hub", "Decant.Server"],
    };

    /// <summary>Projects that must stay free of packages: they are what others build on.</summary>
    private static readonly string[] withoutPackages = ["Decant.Core", "Decant.Engine"];

    [Fact]
    public void Assemblies_refer_only_to_those_below_them()
    {
        Assert.InRange(Product.Projects.Count, 5, arrows.Count);
        foreach (ProductProject project in Product.Projects)
        {
            string[] allowed = arrows[project.Name];
            string[] used = [.. project.Assembly.GetReferencedAssemblies().Select(a => a.Name!).Where(IsOurs)];
            string[] declared = [.. Items(project.Xml, "ProjectReference").Select(i => Path.GetFileNameWithoutExtension(i.Replace('\\', '/')))];
            Assert.All(used.Concat(declared), other => Assert.True(allowed.Contains(other), $"{project.Name} uses {other}; it may use: {string.Join(", ", allowed)}"));
        }
    }

    [Fact]
    public void The_projects_that_others_build_on_use_no_package()
    {
        foreach (ProductProject project in Product.Projects.Where(p => withoutPackages.Contains(p.Name)))
            Assert.Empty(Items(project.Xml, "PackageReference"));
    }

    [Fact]
    public void Unsafe_code_is_allowed_where_the_design_puts_it_and_nowhere_else()
    {
        foreach (ProductProject project in Product.Projects)
        {
            bool isAllowed = project.Xml.Descendants("AllowUnsafeBlocks").Any(e => e.Value == "true");
            Assert.Equal(project.Name is "Decant.Core" or "Decant.Engine", isAllowed);
        }
    }

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        string solution = Product.Read("Decant.slnx");
        foreach (string folder in new[] { "src", "tests" })
        {
            foreach (string file in Directory.EnumerateFiles(Path.Combine(Product.Root, folder), "*.csproj", SearchOption.AllDirectories))
                Assert.Contains($"\"{Product.Relative(file)}\"", solution, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Every_package_is_explained_in_dependencies_md()
    {
        // Below this heading stand those that were turned down.
        string page = Product.Read("docs", "dependencies.md").Split("## Considered")[0];
        (string Name, string Version)[] packages =
        [
            .. XDocument.Load(Path.Combine(Product.Root, "Directory.Packages.props")).Descendants("PackageVersion")
                .Select(e => (e.Attribute("Include")!.Value, e.Attribute("Version")!.Value)),
        ];
        Assert.InRange(packages.Length, 5, 60);
        foreach ((string name, string version) in packages)
            Assert.True(page.Contains($"| {name} | {version} |", StringComparison.Ordinal), $"docs/dependencies.md has no row '| {name} | {version} | ...'");
        string[] rows = [.. page.Split('\n').Where(l => l.StartsWith("| ", StringComparison.Ordinal)).Select(l => l.Split('|')[1].Trim()).Where(n => n is not ("package" or "---"))];
        Assert.All(rows, row => Assert.True(packages.Any(p => p.Name == row), $"docs/dependencies.md explains {row}, which is not used"));
    }

    [Fact]
    public void Every_referenced_package_has_its_version_in_one_place()
    {
        string[] known = [.. XDocument.Load(Path.Combine(Product.Root, "Directory.Packages.props")).Descendants("PackageVersion").Select(e => e.Attribute("Include")!.Value)];
        IEnumerable<string> files = Directory.EnumerateFiles(Product.Root, "*.csproj", SearchOption.AllDirectories)
            .Where(f => !Product.Relative(f).StartsWith("artifacts/", StringComparison.Ordinal))
            .Append(Path.Combine(Product.Root, "Directory.Build.props"));
        foreach (string file in files)
        {
            XDocument xml = XDocument.Load(file);
            Assert.All(Items(xml, "PackageReference"), name => Assert.Contains(name, known));
            Assert.All(xml.Descendants("PackageReference"), e => Assert.Null(e.Attribute("Version")));
        }
    }

    private static bool IsOurs(string name) => name.StartsWith("Decant", StringComparison.OrdinalIgnoreCase);

    private static IEnumerable<string> Items(XDocument xml, string kind) => xml.Descendants(kind).Select(e => e.Attribute("Include")!.Value);
}
