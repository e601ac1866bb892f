using System.CommandLine;
using System.Globalization;

namespace Decant.Cli.Running;

/// <summary>Ranges of numeric options. What is no number at all is reported by the parser itself.</summary>
internal static class OptionRanges
{
    /// <summary>Refuses values below <paramref name="least"/>.</summary>
    public static Option<T> AtLeast<T>(this Option<T> option, double least)
    {
        option.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && double.TryParse(token.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && !(value >= least))
                result.AddError(string.Create(CultureInfo.InvariantCulture, $"{option.Name} must be at least {least}, not {token.Value}."));
        });
        return option;
    }

    /// <summary>Refuses values outside <paramref name="least"/> to <paramref name="most"/>.</summary>
    public static Option<T> Between<T>(this Option<T> option, double least, double most)
    {
        option.Validators.Add(result =>
        {
            if (result.Tokens is [var token] && double.TryParse(token.Value, NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
                && !(value >= least && value <= most))
            {
                result.AddError(string.Create(CultureInfo.InvariantCulture, $"{option.Name} must be between {least} and {most}, not {token.Value}."));
            }
        });
        return option;
    }
}
