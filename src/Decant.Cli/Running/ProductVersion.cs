using System.Reflection;

namespace Decant.Cli.Running;

/// <summary>The version of this build.</summary>
internal static class ProductVersion
{
    /// <summary>As in <c>0.1.0</c>, without the commit that the build appends.</summary>
    public static string Text { get; } =
        typeof(ProductVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0.0.0";
}
