using System.Text.Json;
using System.Text.RegularExpressions;
using Decant.Cli.Verbs;
using Decant.Testing;

namespace Decant.Cli.Tests.Output;

/// <summary>docs/guides/json.md lists every field that a verb writes, and the verbs write every field it lists.</summary>
public sealed partial class JsonGuideTests
{
    public static TheoryData<string> VerbNames => [.. VerbList.All.Select(verb => verb.Name)];

    [Theory]
    [MemberData(nameof(VerbNames))]
    public void The_guide_and_the_documents_agree(string name)
    {
        Dictionary<string, bool> documented = Section(name);
        Assert.NotEmpty(documented);
        string[] always = [.. documented.Where(field => !field.Value && !field.Key.Contains("[]", StringComparison.Ordinal)).Select(field => field.Key)];
        var seen = new HashSet<string>();
        foreach (JsonElement document in Samples(name))
        {
            var paths = new HashSet<string>();
            Flatten(document, "", paths);
            Assert.All(paths, path => Assert.True(documented.ContainsKey(path), $"{path} is not in the guide"));
            Assert.All(always, path => Assert.True(paths.Contains(path), $"'{name}' wrote no {path}, which the guide does not mark with '?'"));
            seen.UnionWith(paths);
        }
        Assert.All(documented.Keys, path => Assert.True(seen.Contains(path), $"{path} stands in the guide, but no sample of '{name}' writes it"));
    }

    [Fact]
    public void The_guide_has_the_error_document()
    {
        var paths = new HashSet<string>();
        Flatten(CommandRun.Of("inspect", "no-such-model", "--json").Json, "", paths);
        Assert.Equal(Section("Errors").Keys.Order(StringComparer.Ordinal), paths.Order(StringComparer.Ordinal));
    }

    private static IEnumerable<JsonElement> Samples(string verb)
    {
        using var folder = new TemporaryFolder();
        string model = SharedModels.Stories;
        string text = folder.Write("text.txt", "Once upon a time");
        string[][] commands = verb switch
        {
            "inspect" => [["inspect", SharedModels.SmolLm, "--tensors"], ["inspect", SharedModels.StoriesFolder]],
            "plan" => [["plan", model, "--to", "q4_k_m", "--tensors"], ["plan", model, "--to", "q8_0"]],
            "compress" =>
            [
                ["compress", model, "-o", folder["q4.gguf"], "--to", "q4_k_m"],
                ["compress", model, "-o", folder["q4.gguf"], "--to", "q4_k_m"],
                ["compress", model, "-o", folder["q8.gguf"], "--to", "q8_0", "--no-verify"],
            ],
            "convert" => [["convert", SharedModels.StoriesFolder, "-o", folder["m.gguf"]], ["convert", model, "-o", folder["m"], "--type", "f16", "--no-verify"]],
            "verify" => [["verify", SharedModels.StoriesFolder, "--against", model], ["verify", model, "--against", model, "--no-logits"]],
            "imatrix" => [["imatrix", model, "--text", SharedModels.StoryText, "-o", folder["i.gguf"], "--context", "64", "--chunks", "2"]],
            "eval" =>
            [
                ["eval", model, "--text", SharedModels.StoryText, "--tokens", "200", "--context", "100"],
                ["eval", model, "--text", SharedModels.StoryText, "--tokens", "200", "--context", "100", "--protocol", "sliding", "--against", SharedModels.StoriesFolder],
            ],
            "run" => [["run", model, "Once upon a time", "-n", "3"]],
            "chat" => [["chat", ChatModel(folder), "-n", "3"]],
            "bench" => [["bench", model, "-p", "4", "-n", "2", "-r", "1"]],
            "tokenize" => [["tokenize", model, "--text", text]],
            "logits" => [["logits", model, "--ids", folder.Write("ids.txt", "1 2 3"), "-o", folder["l.safetensors"]]],
            "pull" => [["pull", HubModel(folder), "--offline"]],
            "list" => [["list", "formats"], ["list", "architectures"], ["list", "kernels"], ["list", "devices"]],
            _ => throw new InvalidOperationException($"The verb {verb} has no sample here."),
        };
        foreach (string[] command in commands)
        {
            CommandRun run = CommandRun.WithInput("Once upon a time\n", [.. command, "--json"]);
            Assert.True(run.ExitCode == 0, $"{string.Join(' ', command)}: {run.Error}");
            yield return run.Json;
        }
    }

    // A cache as a download leaves it; its place is told as to any program.
    private static string HubModel(TemporaryFolder folder)
    {
        string commit = new('a', 40);
        string repository = Path.Combine(folder.Path, "models--org--model");
        Directory.CreateDirectory(Path.Combine(repository, "refs"));
        File.WriteAllText(Path.Combine(repository, "refs", "main"), commit);
        string snapshot = Path.Combine(repository, "snapshots", commit);
        Directory.CreateDirectory(snapshot);
        foreach (string file in Directory.EnumerateFiles(SharedModels.StoriesFolder))
            File.CreateSymbolicLink(Path.Combine(snapshot, Path.GetFileName(file)), file);
        Environment.SetEnvironmentVariable("HF_HUB_CACHE", folder.Path);
        return "hf:org/model";
    }

    private static string ChatModel(TemporaryFolder folder)
    {
        folder.CopyFrom(SharedModels.StoriesFolder);
        folder.Write("chat_template.jinja", "{{ messages[0].content }}");
        return folder.Path;
    }

    // Paths of the section's table; true for those marked with '?'.
    private static Dictionary<string, bool> Section(string name)
    {
        string guide = File.ReadAllText(Path.Combine(SharedFiles.RepositoryRoot, "docs", "guides", "json.md"));
        string section = guide.Split("\n## ").Single(part => part.StartsWith(name + "\n", StringComparison.Ordinal));
        return Field().Matches(section).ToDictionary(match => match.Groups["path"].Value, match => match.Groups["optional"].Success);
    }

    private static void Flatten(JsonElement element, string path, HashSet<string> paths)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                foreach (JsonProperty property in element.EnumerateObject())
                {
                    string inner = path.Length == 0 ? property.Name : $"{path}.{property.Name}";
                    paths.Add(inner);
                    Flatten(property.Value, inner, paths);
                }
                break;
            case JsonValueKind.Array:
                foreach (JsonElement item in element.EnumerateArray())
                    Flatten(item, path + "[]", paths);
                break;
        }
    }

    [GeneratedRegex(@"^\| `(?<path>[^`?]+)(?<optional>\?)?` \|", RegexOptions.Multiline)]
    private static partial Regex Field();
}
