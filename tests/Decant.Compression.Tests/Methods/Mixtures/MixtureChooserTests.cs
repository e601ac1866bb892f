using Decant.Compression.Methods.Mixtures;
using Decant.Core.Errors;
using Decant.Core.Formats;
using Decant.Core.Tensors;

namespace Decant.Compression.Tests.Methods.Mixtures;

public class MixtureChooserTests
{
    private static readonly MixtureModel model = new("llama", 16, 32, 8, 0);

    private static TensorInfo Matrix(string name, params long[] shape) => new(name, new TensorShape(shape), TensorFormats.F32);

    private static string Choose(string type, MixtureModel facts, TensorInfo tensor, bool hasImportance = false, bool isUntied = true)
    {
        List<TensorInfo> tensors = [tensor];
        if (isUntied && tensor.Name != "output.weight")
            tensors.Add(Matrix("output.weight", 512, 256));
        return new MixtureChooser(FileTypes.Get(type), facts, hasImportance).Choose(tensors)[0].Target.Name;
    }

    [Theory]
    [InlineData("Q4_K_M", 256, "Q4_K")]
    [InlineData("Q4_K_M", 96, "Q5_0")]
    [InlineData("Q5_K_S", 96, "Q5_1")]
    [InlineData("Q6_K", 96, "Q8_0")]
    [InlineData("Q2_K", 96, "Q4_0")]
    [InlineData("Q3_K_S", 96, "Q4_0")]
    [InlineData("TQ1_0", 96, "Q4_0")]
    [InlineData("TQ2_0", 96, "Q4_0")]
    [InlineData("IQ4_XS", 96, "IQ4_NL")]
    [InlineData("Q4_K_M", 40, "F16")]
    [InlineData("Q8_0", 40, "F16")]
    [InlineData("Q4_0", 40, "F16")]
    [InlineData("F16", 40, "F16")]
    public void A_row_that_blocks_do_not_divide_falls_back(string type, long rowLength, string expected)
    {
        var chooser = new MixtureChooser(FileTypes.Get(type), model, false);
        TensorChoice choice = chooser.Choose([Matrix("blk.5.attn_q.weight", 64, rowLength), Matrix("output.weight", 8, 256)])[0];
        Assert.Equal(expected, choice.Target.Name);
        Assert.Equal(rowLength != 256 && type != "F16", choice.Notice is not null);
    }

    [Theory]
    [InlineData("blk.0.attn_norm.weight", 64, 256)]
    [InlineData("blk.0.ffn_gate_inp.weight", 8, 256)]
    [InlineData("blk.0.ssm_conv1d.weight", 64, 256)]
    [InlineData("position_embd.weight", 64, 256)]
    [InlineData("token_types.weight", 2, 256)]
    [InlineData("blk.0.attn_q.bias", 2, 256)]
    [InlineData("blk.0.attn_q.weight", 1, 256)]
    public void Small_tensors_and_tables_keep_their_type(string name, long rows, long columns) =>
        Assert.Equal("F32", Choose("Q4_K_M", model, Matrix(name, rows, columns)));

    [Fact]
    public void A_vector_keeps_its_type() => Assert.Equal("F32", Choose("Q4_0", model, Matrix("output_norm.weight", 256)));

    [Theory]
    [InlineData("Q4_K_M", "output.weight", "Q6_K")]
    [InlineData("Q8_0", "output.weight", "Q8_0")]
    [InlineData("MXFP4_MOE", "output.weight", "Q8_0")]
    [InlineData("TQ2_0", "output.weight", "Q6_K")]
    [InlineData("TQ2_0", "token_embd.weight", "Q4_K")]
    [InlineData("Q4_0", "token_embd.weight", "Q4_0")]
    [InlineData("MXFP4_MOE", "token_embd.weight", "Q8_0")]
    public void Head_and_embedding_have_rules_of_their_own(string type, string name, string expected) =>
        Assert.Equal(expected, Choose(type, model, Matrix(name, 512, 256)));

    [Fact]
    public void A_tied_embedding_counts_as_the_head() =>
        Assert.Equal("Q6_K", Choose("Q4_0", model, Matrix("token_embd.weight", 512, 256), isUntied: false));

    [Fact]
    public void The_head_of_falcon_gets_eight_bits() =>
        Assert.Equal("Q8_0", Choose("Q4_K_M", model with { Architecture = "falcon" }, Matrix("output.weight", 512, 256)));

    [Theory]
    [InlineData("Q4_K_M", "blk.0.attn_v.weight", "Q8_0")]
    [InlineData("Q4_K_M", "blk.0.attn_k.weight", "Q8_0")]
    [InlineData("Q4_K_M", "blk.0.attn_output.weight", "Q5_K")]
    [InlineData("Q3_K_L", "blk.0.attn_output.weight", "Q3_K")]
    [InlineData("Q2_K", "blk.0.attn_output.weight", "Q5_K")]
    [InlineData("MXFP4_MOE", "blk.0.attn_v.weight", "Q8_0")]
    public void Eight_experts_keep_more_of_attention(string type, string name, string expected) =>
        Assert.Equal(expected, Choose(type, model with { ExpertCount = 8 }, Matrix(name, 256, 256)));

    [Fact]
    public void Expert_matrices_count_layers_by_name()
    {
        MixtureModel experts = model with { ExpertCount = 4 };
        Assert.Equal("Q6_K", Choose("Q4_K_M", experts, Matrix("blk.15.ffn_down_exps.weight", 4, 256, 256)));
        Assert.Equal("Q4_K", Choose("Q4_K_M", experts, Matrix("blk.3.ffn_down_exps.weight", 4, 256, 256)));
        Assert.Equal("MXFP4", Choose("MXFP4_MOE", experts, Matrix("blk.3.ffn_up_exps.weight", 4, 256, 256)));
        var error = Assert.Throws<BadFileException>(() => Choose("Q4_K_M", experts, Matrix("blk.16.ffn_down_exps.weight", 4, 256, 256)));
        Assert.Contains("blk.16.ffn_down_exps.weight", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Q4_K_M")]
    [InlineData("Q3_K_S")]
    public void Values_of_a_model_of_80_layers_get_five_bits(string type)
    {
        var chooser = new MixtureChooser(FileTypes.Get(type), model with { LayerCount = 80, HeadCount = 64 }, false);
        TensorInfo[] tensors = [.. Enumerable.Range(0, 80).Select(i => Matrix($"blk.{i}.attn_v.weight", 256, 256)), Matrix("output.weight", 8, 256)];
        Assert.Equal("Q5_K", chooser.Choose(tensors)[11].Target.Name);
    }

    [Fact]
    public void Layers_are_counted_in_block_order_whatever_the_order_of_the_file()
    {
        var chooser = new MixtureChooser(FileTypes.Get("Q4_K_S"), model with { LayerCount = 12 }, false);
        TensorInfo[] tensors = [.. Enumerable.Range(0, 12).Reverse().Select(i => Matrix($"blk.{i}.attn_v.weight", 256, 256)), Matrix("output.weight", 8, 256)];
        IReadOnlyList<TensorChoice> choices = chooser.Choose(tensors);
        string[] more = [.. choices.Where(c => c.Target.Name == "Q5_K").Select(c => c.Source.Name)];
        Assert.Equal(["blk.3.attn_v.weight", "blk.2.attn_v.weight", "blk.1.attn_v.weight", "blk.0.attn_v.weight"], more);
        Assert.Equal(tensors, choices.Select(c => c.Source));
    }

    [Fact]
    public void Two_bits_without_importance_are_refused_with_the_tensor_and_the_remedy()
    {
        var chooser = new MixtureChooser(FileTypes.Get("Q2_K_S"), model, false);
        IReadOnlyList<TensorChoice> choices = chooser.Choose([Matrix("token_embd.weight", 512, 256), Matrix("blk.0.attn_q.weight", 256, 256), Matrix("output.weight", 8, 256)]);
        var error = Assert.Throws<UsageException>(() => chooser.RequireImportance(choices, _ => false));
        Assert.Contains("blk.0.attn_q.weight", error.Message, StringComparison.Ordinal);
        Assert.Contains("decant imatrix", error.Message, StringComparison.Ordinal);
        chooser.RequireImportance(choices, name => name == "blk.0.attn_q.weight");
    }

    [Fact]
    public void An_override_beats_the_mixture_and_the_first_match_wins()
    {
        TypeOverride[] overrides = [TypeOverride.Parse("blk\\.0\\.attn=q8_0"), TypeOverride.Parse("ATTN_Q=F16")];
        IReadOnlyList<TensorChoice> choices = new MixtureChooser(FileTypes.Get("Q4_0"), model, false, overrides)
            .Choose([Matrix("blk.0.attn_q.weight", 256, 256), Matrix("blk.1.attn_q.weight", 256, 256), Matrix("blk.1.attn_k.weight", 256, 256), Matrix("output.weight", 8, 256)]);
        Assert.Equal(["Q8_0", "F16", "Q4_0", "Q6_K"], choices.Select(c => c.Target.Name));
        Assert.Equal(ChoiceReason.Override, choices[0].Reason);
    }

    [Fact]
    public void An_override_that_cannot_hold_a_row_is_an_error()
    {
        var chooser = new MixtureChooser(FileTypes.Get("Q4_0"), model, false, [TypeOverride.Parse("attn_q=Q6_K")]);
        var error = Assert.Throws<UsageException>(() => chooser.Choose([Matrix("blk.0.attn_q.weight", 64, 576)]));
        Assert.Contains("blk.0.attn_q.weight has rows of 576", error.Message, StringComparison.Ordinal);
        Assert.Contains("Q8_0 would do", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_override_that_decides_nothing_is_an_error()
    {
        var chooser = new MixtureChooser(FileTypes.Get("Q4_0"), model, false, [TypeOverride.Parse("q_proj=Q8_0")]);
        var error = Assert.Throws<UsageException>(() => chooser.Choose([Matrix("blk.0.ffn_down.weight", 64, 256)]));
        Assert.Contains("blk.0.ffn_down.weight", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("attn_q", "REGEX=TYPE")]
    [InlineData("=Q8_0", "REGEX=TYPE")]
    [InlineData("attn_q=", "REGEX=TYPE")]
    [InlineData("attn_q=Q9_0", "Did you mean")]
    [InlineData("attn_q=I32", "cannot be written")]
    [InlineData("attn_(=Q8_0", "no regular expression")]
    public void A_malformed_override_is_a_usage_error(string text, string part) =>
        Assert.Contains(part, Assert.Throws<UsageException>(() => TypeOverride.Parse(text)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_pattern_that_backtracks_without_end_is_stopped()
    {
        TypeOverride evil = TypeOverride.Parse("(a+)+!=Q8_0");
        Assert.Contains("takes too long", Assert.Throws<UsageException>(() => evil.Matches(new string('a', 64) + ".weight")).Message, StringComparison.Ordinal);
    }
}
