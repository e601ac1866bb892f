using Decant.Core.Errors;

namespace Decant.Core.Templates;

/// <summary>
/// Base of every error of a chat template. Subclasses are split by who must act: <see cref="TemplateSyntaxException"/> (the template
/// is broken or uses what Decant does not know), <see cref="TemplateRuntimeException"/> (it fails on this conversation),
/// <see cref="TemplateRaisedException"/> (it refuses this conversation), <see cref="TemplateLimitException"/> (it wants too much).
/// </summary>
public abstract class TemplateException : DecantException
{
    /// <summary>Creates the error with the message as it is shown.</summary>
    protected TemplateException(string message, string origin, int line)
        : base(message)
    {
        Origin = origin;
        Line = line;
    }

    /// <summary>Where the template came from: a file and key.</summary>
    public string Origin { get; }

    /// <summary>Line of the template, counted from 1.</summary>
    public int Line { get; }

    private protected static string Compose(string detail, string origin, int line) => $"{origin}, line {line}: {detail}";
}

/// <summary>The template cannot be read: a syntax error, or a construct of Jinja that Decant does not support.</summary>
public sealed class TemplateSyntaxException(string detail, string origin, int line)
    : TemplateException(Compose(detail, origin, line), origin, line)
{
    /// <inheritdoc/>
    public override ExitCode ExitCode => ExitCode.NotSupported;
}

/// <summary>The template failed while it ran: wrong types, an unsafe attribute, a division by zero.</summary>
public class TemplateRuntimeException : TemplateException
{
    /// <summary>Creates the error.</summary>
    /// <param name="detail">What went wrong, in the words Python would use where it has any.</param>
    /// <param name="origin">Where the template came from.</param>
    /// <param name="line">Line of the template, counted from 1.</param>
    public TemplateRuntimeException(string detail, string origin, int line)
        : base(Compose(detail, origin, line), origin, line)
    {
    }

    /// <inheritdoc/>
    public override ExitCode ExitCode => ExitCode.BadFile;
}

/// <summary>The template used a variable, attribute or element that this conversation does not have.</summary>
public sealed class TemplateUndefinedException(string detail, string origin, int line) : TemplateRuntimeException(detail, origin, line);

/// <summary>
/// The template refused the conversation by calling <c>raise_exception</c>; the message is the template's own, word for word.
/// </summary>
public sealed class TemplateRaisedException(string message, string origin, int line) : TemplateException(message, origin, line)
{
    /// <inheritdoc/>
    public override ExitCode ExitCode => ExitCode.Usage;
}

/// <summary>The template asked for more steps, text or nesting than <see cref="TemplateLimits"/> allow.</summary>
public sealed class TemplateLimitException(string detail, string origin, int line) : TemplateException(Compose(detail, origin, line), origin, line)
{
    /// <inheritdoc/>
    public override ExitCode ExitCode => ExitCode.BadFile;
}
