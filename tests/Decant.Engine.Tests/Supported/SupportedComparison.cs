using System.Globalization;
using System.Text.RegularExpressions;

namespace Decant.Engine.Tests.Supported;

/// <summary>
/// Whether docs/supported.md says what is measured. The last digits of an error are a matter of the processor, its size is not; all else is to be
/// the same to the letter.
/// </summary>
internal static partial class SupportedComparison
{
    /// <summary>The largest ratio of what is measured to what the document says.</summary>
    public const double MostRatio = 10;

    // Columns of errors, counted from the left: of a logit, of llama.cpp's logits, of tensors that went through GGUF. Noise floor and tolerance are none of them.
    private static readonly int[] measured = [2, 6, 7];

    /// <summary>The lines that say something else, each with what was measured; empty if there are none.</summary>
    public static IReadOnlyList<string> Differences(string document, string measurement)
    {
        string[] first = document.Split('\n'), second = measurement.Split('\n');
        if (first.Length != second.Length)
            return [$"{first.Length} lines, measured {second.Length}"];
        return [.. first.Zip(second).Where(pair => !AreEqual(pair.First, pair.Second)).Select(pair => $"{pair.First}\nmeasured\n{pair.Second}")];
    }

    private static bool AreEqual(string first, string second)
    {
        if (!first.StartsWith("| ", StringComparison.Ordinal) || first == second)
            return first == second;
        string[] cells = Cells(first), others = Cells(second);
        return cells.Length == others.Length && Enumerable.Range(0, cells.Length).All(i => measured.Contains(i) ? HaveEqualSize(cells[i], others[i]) : cells[i] == others[i]);
    }

    private static string[] Cells(string row) => row.Trim('|', ' ').Split(" | ");

    private static bool HaveEqualSize(string first, string second)
    {
        double[] values = Figures(first), others = Figures(second);
        return ErrorFigure().Replace(first, "#") == ErrorFigure().Replace(second, "#")
            && values.Zip(others).All(pair => pair.First == pair.Second || (pair.First <= MostRatio * pair.Second && pair.Second <= MostRatio * pair.First));
    }

    private static double[] Figures(string cell) => [.. ErrorFigure().Matches(cell).Select(match => double.Parse(match.ValueSpan, CultureInfo.InvariantCulture))];

    // Numbers of tensors and positions are whole.
    [GeneratedRegex(@"\d+\.\d(?:e-\d\d)?(?![\d])")]
    private static partial Regex ErrorFigure();
}
