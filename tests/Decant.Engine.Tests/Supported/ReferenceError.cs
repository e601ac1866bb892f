using Decant.Core.Architectures;
using Decant.Core.Files;
using Decant.Engine.Inference;
using Decant.Engine.Inference.Encoders;
using Decant.Engine.Inference.Recurrent;
using Decant.Engine.Inference.Reversible;
using Decant.Engine.Kernels;
using Decant.Testing;

namespace Decant.Engine.Tests.Supported;

/// <summary>How far the engine's logits lie from those of transformers, for any kind of model.</summary>
internal static class ReferenceError
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>The largest difference of a logit in a fixture's folder, over all instruction sets of this processor.</summary>
    public static double Of(string folder, Model model) => InstructionSet.All.Where(set => set.IsSupported)
        .Select(set => Of(folder, model, new DecoderOptions { Kernel = set.Name, ThreadCount = 2 })).Aggregate(Math.Max);

    private static double Of(string folder, Model model, DecoderOptions options)
    {
        var expected = new SafetensorsFixture(SharedFiles.Require("fixtures", "architectures", folder, "expected.safetensors"));
        double worst = 0;
        int rows = (int)expected.Shape("input_ids")[0], width = (int)expected.Shape("logits")[^1];
        int perRow = (int)(expected.Shape("logits").Aggregate(1L, (a, b) => a * b) / rows / width);
        for (int row = 0; row < rows; row++)
        {
            int current = row;
            Run(model, options, new Text(expected, row), (position, logits) =>
            {
                ReadOnlySpan<float> reference = expected.Singles("logits").Slice((current * perRow + position) * width, width);
                worst = Math.Max(worst, Closeness.LargestDifference(reference, logits));
            });
        }
        return worst;
    }

    private static void Run(Model model, DecoderOptions options, Text text, LogitsVisitor visit)
    {
        switch (model)
        {
            case DecoderModel decoderModel:
                using (Decoder decoder = Decoder.Load(decoderModel, options, Cancellation))
                using (DecoderSession session = decoder.StartSession(text.Ids.Length))
                    session.Score(text.Ids, 0, visit, Cancellation);
                break;
            case EncoderModel encoderModel:
                using (Encoder encoder = Encoder.Load(encoderModel, options, Cancellation))
                {
                    EncoderOutput output = encoder.Encode(text.Ids, text.Mask, text.Types, Cancellation);
                    if (text.IsClassified)
                        visit(0, encoder.ScoreClasses(output, Cancellation));
                    else
                        encoder.ScoreTokens(output, [.. Enumerable.Range(0, text.Ids.Length).Where(position => text.Mask[position])], visit, Cancellation);
                }
                break;
            case EncoderDecoderModel pair:
                using (EncoderDecoder both = EncoderDecoder.Load(pair, options, Cancellation))
                {
                    EncoderOutput source = both.Encode(text.Ids, text.Mask, Cancellation);
                    using DecoderSession session = both.StartSession(source, text.Targets.Length, Cancellation);
                    session.Score(text.Targets, 0, visit, Cancellation);
                }
                break;
            case Model<RecurrentSpec> recurrent:
                using (RecurrentDecoder decoder = RecurrentDecoder.Load(recurrent, options, Cancellation))
                using (RecurrentSession session = decoder.StartSession())
                    session.Score(text.Ids, 0, visit, Cancellation);
                break;
            case Model<ReformerSpec> reversible:
                using (ReversibleTransformer transformer = ReversibleTransformer.Load(reversible, options, cancellationToken: Cancellation))
                    transformer.Score(text.Ids, 0, visit, Cancellation);
                break;
            default:
                throw new InvalidOperationException($"No way to run {model.Spec.GetType().Name}.");
        }
    }

    /// <summary>One row of a fixture's inputs.</summary>
    private sealed class Text(SafetensorsFixture expected, int row)
    {
        public int[] Ids { get; } = Row(expected, "input_ids", row);

        public bool[] Mask { get; } = [.. Row(expected, "attention_mask", row).Select(value => value == 1)];

        public int[] Types { get; } = expected.Has("token_type_ids") ? Row(expected, "token_type_ids", row) : [];

        public int[] Targets { get; } = expected.Has("decoder_input_ids") ? Row(expected, "decoder_input_ids", row) : [];

        /// <summary>True if the logits are of the text, not of its tokens.</summary>
        public bool IsClassified { get; } = expected.Shape("logits").Length == 2;

        private static int[] Row(SafetensorsFixture expected, string name, int row)
        {
            int length = (int)expected.Shape(name)[1];
            return [.. expected.Integers(name).Skip(row * length).Take(length).Select(id => (int)id)];
        }
    }
}
