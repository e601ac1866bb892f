using Decant.Compression.Methods.Mixtures;
using Decant.Core.Errors;

namespace Decant.Compression.Tests.Methods.Mixtures;

public class FileTypesTests
{
    [Fact]
    public void Names_and_numbers_are_unique()
    {
        Assert.Equal(FileTypes.Names.Count(), FileTypes.Names.Distinct(StringComparer.OrdinalIgnoreCase).Count());
        Assert.Equal(FileTypes.All.Count, FileTypes.All.Select(t => t.Number).Distinct().Count());
        Assert.All(FileTypes.All, t => Assert.NotEmpty(t.Summary));
    }

    [Fact]
    public void Every_format_in_the_table_can_be_written_to_gguf()
    {
        foreach (FileType type in FileTypes.All)
        {
            foreach (string name in type.Rules.Select(r => r.Format).OfType<string>().Append(type.BaseFormatName))
            {
                Assert.True(FileType.Resolve(name).CanEncode, $"{type}: {name}");
                Assert.NotNull(FileType.Resolve(name).GgmlType);
            }
        }
    }

    [Theory]
    [InlineData("q4_k_m", "Q4_K_M")]
    [InlineData("Q4_K", "Q4_K_M")]
    [InlineData("q5_k", "Q5_K_M")]
    [InlineData("Q3_k", "Q3_K_M")]
    [InlineData("iq4_xs", "IQ4_XS")]
    [InlineData("mxfp4_moe", "MXFP4_MOE")]
    public void Names_are_found_in_any_case_and_by_alias(string name, string expected) => Assert.Equal(expected, FileTypes.Get(name).Name);

    [Theory]
    [InlineData("q4km", "Q4_K_M")]
    [InlineData("q4-k-m", "Q4_K_M")]
    [InlineData("Q8", "Q8_0")]
    [InlineData("q6k", "Q6_K")]
    [InlineData("fp16", "F16")]
    [InlineData("bfloat16", "BF16")]
    [InlineData("iq4nl", "IQ4_NL")]
    [InlineData("q5_k_mm", "Q5_K_M")]
    public void An_unknown_name_is_a_usage_error_that_suggests_the_nearest(string name, string suggestion)
    {
        var error = Assert.Throws<UsageException>(() => FileTypes.Get(name));
        Assert.Contains($"'{name}'", error.Message, StringComparison.Ordinal);
        Assert.Contains($"Did you mean {suggestion}?", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_type_that_can_only_be_read_is_not_supported() =>
        Assert.Contains("IQ4_XS", Assert.Throws<NotSupportedModelException>(() => FileTypes.Get("iq2_xs")).Message, StringComparison.Ordinal);
}
