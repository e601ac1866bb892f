using System.Runtime.CompilerServices;

namespace Decant.Core.Templates.Syntax;

/// <summary>The tokens of a template with a reading position, and the nesting that both parsers share.</summary>
internal sealed class TokenStream(List<Token> tokens, string origin)
{
    /// <summary>Brackets, blocks and operators inside one another. Python's own limit is reached at about the same depth.</summary>
    private const int maxNesting = 100;

    private int position;
    private int nesting;

    public string Origin { get; } = origin;

    public Token Current => tokens[position];

    public Token Next => tokens[Math.Min(position + 1, tokens.Count - 1)];

    public Token Take()
    {
        Token token = Current;
        if (position < tokens.Count - 1)
            position++;
        return token;
    }

    public bool SkipOperator(string symbol)
    {
        if (!Current.IsOperator(symbol))
            return false;
        Take();
        return true;
    }

    public bool SkipName(string name)
    {
        if (!Current.IsName(name))
            return false;
        Take();
        return true;
    }

    public void ExpectOperator(string symbol)
    {
        if (!SkipOperator(symbol))
            throw Unexpected($"'{symbol}'");
    }

    public string ExpectName() => Current.Kind == TokenKind.Name ? Take().Text : throw Unexpected("a name");

    public void Expect(TokenKind kind)
    {
        if (Current.Kind != kind)
            throw Unexpected($"'{new Token(kind, "", 0).Describe()}'");
        Take();
    }

    /// <summary>Goes one level deeper; <see cref="Leave"/> follows unless parsing fails.</summary>
    public void Enter()
    {
        if (++nesting > maxNesting || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
            throw Error($"nested more than {maxNesting} deep");
    }

    public void Leave() => nesting--;

    public TemplateSyntaxException Unexpected(string expected) => Current.Kind == TokenKind.EndOfTemplate
        ? Error($"unexpected end of template, expected {expected}")
        : Error($"expected {expected}, got '{Current.Describe()}'");

    public TemplateSyntaxException Error(string detail) => new(detail, Origin, Current.Line);

    public TemplateSyntaxException Error(string detail, int line) => new(detail, Origin, line);
}
