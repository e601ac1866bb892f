using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Syntax;

/// <summary>Text and tags of a template. A tag is one method and one line in <see cref="ParseTag"/>.</summary>
internal sealed class StatementParser
{
    private readonly TokenStream tokens;
    private readonly NameUses names = new();
    private readonly ExpressionParser expressions;
    private int loopDepth;

    private StatementParser(TokenStream tokens)
    {
        this.tokens = tokens;
        expressions = new ExpressionParser(tokens, names);
    }

    /// <summary>The statements of a whole template.</summary>
    /// <exception cref="TemplateSyntaxException">The template is broken or uses what is not supported.</exception>
    public static IReadOnlyList<Statement> Parse(string source, string origin)
    {
        var parser = new StatementParser(new TokenStream(Lexer.Read(source, origin), origin));
        List<Statement> statements = parser.ParseBody(opener: null, []);
        parser.expressions.CheckNames();
        return statements;
    }

    /// <summary>Statements up to a tag of the given names (which is left standing) or the end of the template.</summary>
    private List<Statement> ParseBody(Token? opener, string[] endTags)
    {
        tokens.Enter();
        var body = new List<Statement>();
        while (true)
        {
            Token token = tokens.Take();
            switch (token.Kind)
            {
                case TokenKind.Data:
                    body.Add(new DataStatement(token.Line, token.Text));
                    break;
                case TokenKind.PrintBegin:
                    body.Add(new PrintStatement(token.Line, expressions.ParseTuple()));
                    tokens.Expect(TokenKind.PrintEnd);
                    break;
                case TokenKind.BlockBegin when tokens.Current.Kind == TokenKind.Name && endTags.Contains(tokens.Current.Text):
                    tokens.Leave();
                    return body;
                case TokenKind.BlockBegin:
                    body.Add(ParseTag());
                    tokens.Expect(TokenKind.BlockEnd);
                    break;
                default:
                    if (opener is { } open)
                        throw tokens.Error($"Unexpected end of template: '{open.Text}' of line {open.Line} needs {string.Join(" or ", endTags)}");
                    tokens.Leave();
                    return body;
            }
        }
    }

    private Statement ParseTag()
    {
        if (tokens.Current.Kind != TokenKind.Name)
            throw tokens.Error("tag name expected");
        Token tag = tokens.Take();
        return tag.Text switch
        {
            "if" => ParseIf(tag),
            "for" => ParseFor(tag),
            "set" => ParseSet(tag),
            "macro" => ParseMacro(tag),
            "call" => ParseCallBlock(tag),
            "filter" => ParseFilterBlock(tag),
            "with" => ParseWith(tag),
            "generation" => ParseGeneration(tag),
            "print" => ParsePrint(tag),
            "break" when loopDepth > 0 => new BreakStatement(tag.Line),
            "continue" when loopDepth > 0 => new ContinueStatement(tag.Line),
            "break" or "continue" => throw tokens.Error($"'{tag.Text}' outside a loop", tag.Line),
            "include" or "import" or "from" or "extends" => ParseLoad(tag),
            "block" or "autoescape" => throw tokens.Error($"the tag '{tag.Text}' is not supported", tag.Line),
            _ => throw tokens.Error($"Encountered unknown tag '{tag.Text}'", tag.Line),
        };
    }

    private PrintStatement ParsePrint(Token tag)
    {
        var parts = new List<Expression> { expressions.Parse() };
        while (tokens.SkipOperator(","))
            parts.Add(expressions.Parse());
        return new PrintStatement(tag.Line, new ConcatenationExpression(tag.Line, parts));
    }

    private IfStatement ParseIf(Token tag)
    {
        var branches = new List<(Expression, IReadOnlyList<Statement>)>();
        expressions.ConditionalDepth++;
        while (true)
        {
            Expression test = expressions.ParseTuple(withConditional: false);
            branches.Add((test, ParseBranch(tag, "elif", "else", "endif")));
            string next = tokens.Take().Text;
            if (next == "elif")
                continue;
            List<Statement> otherwise = next == "else" ? ParseBranch(tag, "endif") : [];
            if (next == "else")
                tokens.Take();
            expressions.ConditionalDepth--;
            return new IfStatement(tag.Line, branches, otherwise);
        }
    }

    /// <summary>The end of the tag (Jinja allows Python's colon in front of it), and the body behind it.</summary>
    private List<Statement> ParseBranch(Token tag, params string[] endTags)
    {
        tokens.SkipOperator(":");
        tokens.Expect(TokenKind.BlockEnd);
        return ParseBody(tag, endTags);
    }

    /// <summary>As <see cref="ParseBranch"/>, with the name of the one end tag taken.</summary>
    private List<Statement> ParseBlock(Token tag, string endTag)
    {
        List<Statement> body = ParseBranch(tag, endTag);
        tokens.Take();
        return body;
    }

    private ForStatement ParseFor(Token tag)
    {
        AssignmentTarget target = ParseTarget(endName: "in", withNamespace: false);
        if (HasName(target, "loop"))
            throw tokens.Error("can't assign to special loop variable in for-loop target", tag.Line);
        if (!tokens.SkipName("in"))
            throw tokens.Unexpected("'in'");
        Expression iterable = expressions.ParseTuple(withConditional: false, endName: "recursive");
        Expression? filter = tokens.SkipName("if") ? expressions.Parse() : null;
        bool isRecursive = tokens.SkipName("recursive");
        loopDepth++;
        List<Statement> body = ParseBranch(tag, "endfor", "else");
        loopDepth--;
        List<Statement> otherwise = tokens.Take().Text == "else" ? ParseBlock(tag, "endfor") : [];
        return new ForStatement(tag.Line, target, iterable, filter, isRecursive, body, otherwise);
    }

    private Statement ParseSet(Token tag)
    {
        AssignmentTarget target = ParseTarget(endName: null, withNamespace: true);
        if (tokens.SkipOperator("="))
            return new SetStatement(tag.Line, target, expressions.ParseTuple());
        FilterExpression? filter = tokens.SkipOperator("|") ? expressions.ParseBlockFilter() : null;
        return new SetBlockStatement(tag.Line, target, filter, ParseBlock(tag, "endset"));
    }

    private WithStatement ParseWith(Token tag)
    {
        var assignments = new List<(AssignmentTarget, Expression)>();
        while (tokens.Current.Kind != TokenKind.BlockEnd)
        {
            if (assignments.Count > 0)
                tokens.ExpectOperator(",");
            AssignmentTarget target = ParseSingleTarget(withNamespace: false);
            tokens.ExpectOperator("=");
            assignments.Add((target, expressions.Parse()));
        }
        return new WithStatement(tag.Line, assignments, ParseBlock(tag, "endwith"));
    }

    private FilterBlockStatement ParseFilterBlock(Token tag)
    {
        FilterExpression filter = expressions.ParseBlockFilter();
        return new FilterBlockStatement(tag.Line, filter, ParseBlock(tag, "endfilter"));
    }

    /// <summary>transformers marks the assistant's words with this tag; what it prints is its body, in a scope of its own.</summary>
    private WithStatement ParseGeneration(Token tag)
    {
        int outerLoops = loopDepth;
        loopDepth = 0;
        List<Statement> body = ParseBlock(tag, "endgeneration");
        loopDepth = outerLoops;
        return new WithStatement(tag.Line, [], body);
    }

    private MacroStatement ParseMacro(Token tag)
    {
        Token name = tokens.Current;
        return new MacroStatement(tag.Line, ParseMacroRest(tag, CheckName(tokens.ExpectName(), name.Line), "endmacro", ParseParameters));
    }

    private CallBlockStatement ParseCallBlock(Token tag)
    {
        CallExpression? call = null;
        MacroDefinition caller = ParseMacroRest(tag, "caller", "endcall", () =>
        {
            List<(string, Expression?)> parameters = tokens.Current.IsOperator("(") ? ParseParameters() : [];
            call = expressions.Parse() as CallExpression ?? throw tokens.Error("expected call", tag.Line);
            return parameters;
        });
        return new CallBlockStatement(tag.Line, caller, call!);
    }

    private MacroDefinition ParseMacroRest(Token tag, string name, string endTag, Func<List<(string, Expression?)>> parseHead)
    {
        int outerLoops = loopDepth;
        loopDepth = 0;
        names.EnterMacro();
        List<(string Name, Expression? Default)> parameters = parseHead();
        List<Statement> body = ParseBlock(tag, endTag);
        HashSet<string> used = names.LeaveMacro();
        loopDepth = outerLoops;
        bool Uses(string special) => used.Contains(special) && parameters.TrueForAll(p => p.Name != special);
        return new MacroDefinition(name, parameters, body, Uses("caller"), Uses("varargs"), Uses("kwargs"));
    }

    private List<(string Name, Expression? Default)> ParseParameters()
    {
        var parameters = new List<(string Name, Expression? Default)>();
        tokens.ExpectOperator("(");
        while (!tokens.Current.IsOperator(")"))
        {
            if (parameters.Count > 0)
                tokens.ExpectOperator(",");
            int line = tokens.Current.Line;
            string name = CheckName(tokens.ExpectName(), line);
            if (parameters.Exists(p => p.Name == name))
                throw tokens.Error($"duplicate argument '{name}'", line);
            Expression? value = tokens.SkipOperator("=") ? expressions.Parse() : null;
            if (value is null && parameters.Exists(p => p.Default is not null))
                throw tokens.Error("non-default argument follows default argument", line);
            parameters.Add((name, value));
        }
        tokens.ExpectOperator(")");
        return parameters;
    }

    /// <summary>The rest of a tag that would load another template is read only to find the tag's end.</summary>
    private LoadStatement ParseLoad(Token tag)
    {
        if (tokens.Current.Kind == TokenKind.BlockEnd)
            throw tokens.Error("Expected an expression, got 'end of statement block'");
        while (tokens.Current.Kind is not (TokenKind.BlockEnd or TokenKind.EndOfTemplate))
            tokens.Take();
        return new LoadStatement(tag.Line, tag.Text);
    }

    private AssignmentTarget ParseTarget(string? endName, bool withNamespace)
    {
        AssignmentTarget first = ParseSingleTarget(withNamespace);
        if (!tokens.Current.IsOperator(","))
            return first;
        var targets = new List<AssignmentTarget> { first };
        while (tokens.SkipOperator(","))
        {
            if (tokens.Current.IsOperator("=") || tokens.Current.Kind == TokenKind.BlockEnd || (endName is not null && tokens.Current.IsName(endName)))
                break;
            targets.Add(ParseSingleTarget(withNamespace));
        }
        return new TupleTarget(targets);
    }

    private AssignmentTarget ParseSingleTarget(bool withNamespace)
    {
        if (tokens.SkipOperator("("))
        {
            tokens.Enter();
            var targets = new List<AssignmentTarget>();
            bool isTuple = false;
            while (!tokens.Current.IsOperator(")"))
            {
                if (targets.Count > 0)
                {
                    tokens.ExpectOperator(",");
                    isTuple = true;
                }
                if (tokens.Current.IsOperator(")"))
                    break;
                targets.Add(ParseSingleTarget(withNamespace));
            }
            tokens.ExpectOperator(")");
            tokens.Leave();
            return targets.Count == 1 && !isTuple ? targets[0] : new TupleTarget(targets);
        }
        int line = tokens.Current.Line;
        string name = CheckName(tokens.ExpectName(), line);
        return withNamespace && tokens.SkipOperator(".") ? new NamespaceTarget(name, tokens.ExpectName()) : new NameTarget(name);
    }

    private string CheckName(string name, int line) =>
        ExpressionParser.IsLiteralName(name) ? throw tokens.Error($"can't assign to '{name}'", line) : name;

    private static bool HasName(AssignmentTarget target, string name) => target switch
    {
        NameTarget n => n.Name == name,
        TupleTarget t => t.Targets.Any(inner => HasName(inner, name)),
        _ => false,
    };
}
