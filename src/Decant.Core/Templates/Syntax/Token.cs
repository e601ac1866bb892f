namespace Decant.Core.Templates.Syntax;

internal enum TokenKind
{
    /// <summary>Text outside tags, white-space control already applied.</summary>
    Data,
    PrintBegin,
    PrintEnd,
    BlockBegin,
    BlockEnd,
    Name,
    /// <summary>A string literal, escapes resolved.</summary>
    String,
    Integer,
    Float,
    Operator,
    EndOfTemplate,
}

/// <summary>A piece of a template.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">Its text; for a string literal the value.</param>
/// <param name="Line">The line it begins on, from 1.</param>
internal readonly record struct Token(TokenKind Kind, string Text, int Line)
{
    public bool IsName(string name) => Kind == TokenKind.Name && Text == name;

    public bool IsOperator(string symbol) => Kind == TokenKind.Operator && Text == symbol;

    /// <summary>For messages.</summary>
    public string Describe() => Kind switch
    {
        TokenKind.Data => "template data",
        TokenKind.PrintBegin => "begin of print statement",
        TokenKind.PrintEnd => "end of print statement",
        TokenKind.BlockBegin => "begin of statement block",
        TokenKind.BlockEnd => "end of statement block",
        TokenKind.EndOfTemplate => "end of template",
        TokenKind.String => "a string",
        _ => Text,
    };
}
