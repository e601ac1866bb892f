using Decant.Testing;

namespace Decant.Cli.Tests;

/// <summary>The models and texts that the verbs are tried on.</summary>
internal static class SharedModels
{
    public static string Stories => SharedFiles.Require("models", "stories260K", "stories260K-f32.gguf");

    public static string StoriesFolder => SharedFiles.Require("models", "stories260K", "hf");

    public static string StoryText => SharedFiles.Require("models", "stories260K", "story.txt");

    public static string SmolLm => SharedFiles.Require("models", "smollm2-135m", "smollm2-135m-q8_0.gguf");

    /// <summary>A model folder without a tokenizer.</summary>
    public static string WithoutTokenizer => SharedFiles.Require("fixtures", "architectures", "llama");

    /// <summary>The start of the greedy continuation of "Once upon a time" that README.md of stories260K gives.</summary>
    public const string StoryStart =
        ", there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, red ball. She wanted to play with it, but it was too high.\n"
        + "Lily's mom said, \"Lily, let's go to the park.\" Lily was sad";
}
