using System.Reflection;
using System.Xml.Linq;
using Decant.Testing;

namespace Decant.Architecture.Tests;

/// <summary>One project under <c>src</c>: its folder, its project file and its built assembly.</summary>
internal sealed record ProductProject(string Name, string ProjectFile, Assembly Assembly)
{
    public string Folder => Path.GetDirectoryName(ProjectFile)!;

    public XDocument Xml => XDocument.Load(ProjectFile);

    /// <summary>All C# files, build output excluded.</summary>
    public IEnumerable<string> SourceFiles => Directory.EnumerateFiles(Folder, "*.cs", SearchOption.AllDirectories)
        .Where(path => !Path.GetRelativePath(Folder, path).Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj"));
}

/// <summary>The product as it lies in the repository.</summary>
internal static class Product
{
    private static readonly Lazy<IReadOnlyList<ProductProject>> projects = new(FindProjects);

    public static string Root => SharedFiles.RepositoryRoot;

    public static IReadOnlyList<ProductProject> Projects => projects.Value;

    /// <summary>A path in the repository, with forward slashes, for messages.</summary>
    public static string Relative(string path) => Path.GetRelativePath(Root, path).Replace('\\', '/');

    public static string Read(params string[] parts) => File.ReadAllText(Path.Combine([Root, .. parts]));

    private static List<ProductProject> FindProjects()
    {
        var found = new List<ProductProject>();
        foreach (string file in Directory.EnumerateFiles(Path.Combine(Root, "src"), "*.csproj", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            string name = Path.GetFileNameWithoutExtension(file);
            string assemblyName = XDocument.Load(file).Descendants("AssemblyName").FirstOrDefault()?.Value ?? name;
            string path = Path.Combine(AppContext.BaseDirectory, assemblyName + ".dll");
            Assert.True(File.Exists(path), $"{name} is not built beside the tests: reference it in Decant.Architecture.Tests.csproj");
            found.Add(new ProductProject(name, file, Assembly.LoadFrom(path)));
        }
        return found;
    }
}
