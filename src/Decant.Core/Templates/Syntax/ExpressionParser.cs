using System.Globalization;
using System.Numerics;
using Decant.Core.Templates.Builtins;
using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Syntax;

/// <summary>
/// Expressions, in Jinja's order of binding: <c>if else</c>, <c>or</c>, <c>and</c>, <c>not</c>, comparisons, <c>+ -</c>, <c>~</c>,
/// <c>* / // %</c>, <c>**</c> (to the left, and weaker than a sign), signs, then calls, subscripts, filters and tests.
/// </summary>
internal sealed class ExpressionParser(TokenStream tokens, NameUses names)
{
    /// <summary>Operators of one level in a row; each makes the tree one deeper.</summary>
    private const int maxChain = 500;

    /// <summary>Python reads and prints no longer decimal integers.</summary>
    private const int maxIntegerDigits = 4300;

    private static readonly Dictionary<string, ComparisonOperator> comparisons = new(StringComparer.Ordinal)
    {
        ["=="] = ComparisonOperator.Equal,
        ["!="] = ComparisonOperator.NotEqual,
        ["<"] = ComparisonOperator.Less,
        ["<="] = ComparisonOperator.LessOrEqual,
        [">"] = ComparisonOperator.Greater,
        [">="] = ComparisonOperator.GreaterOrEqual,
    };

    private static readonly Dictionary<string, ArithmeticOperator> sums = new(StringComparer.Ordinal)
    {
        ["+"] = ArithmeticOperator.Add,
        ["-"] = ArithmeticOperator.Subtract,
    };

    private static readonly Dictionary<string, ArithmeticOperator> products = new(StringComparer.Ordinal)
    {
        ["*"] = ArithmeticOperator.Multiply,
        ["/"] = ArithmeticOperator.Divide,
        ["//"] = ArithmeticOperator.FloorDivide,
        ["%"] = ArithmeticOperator.Modulo,
    };

    private static readonly Dictionary<string, ArithmeticOperator> powers = new(StringComparer.Ordinal) { ["**"] = ArithmeticOperator.Power };

    private static readonly Dictionary<string, TemplateValue> literals = new(StringComparer.Ordinal)
    {
        ["true"] = BoolValue.True,
        ["True"] = BoolValue.True,
        ["false"] = BoolValue.False,
        ["False"] = BoolValue.False,
        ["none"] = NoneValue.Instance,
        ["None"] = NoneValue.Instance,
    };

    private readonly List<TemplateSyntaxException> unknownNames = [];

    /// <summary>Above zero inside the branches of a condition, where Jinja lets an unknown filter or test fail only when it is reached.</summary>
    public int ConditionalDepth { get; set; }

    /// <summary>Fails if a filter or test that is not there was used outside conditions.</summary>
    public void CheckNames()
    {
        if (unknownNames.Count > 0)
            throw unknownNames[0];
    }

    public static bool IsLiteralName(string name) => literals.ContainsKey(name);

    /// <summary>One expression.</summary>
    public Expression Parse(bool withConditional = true)
    {
        tokens.Enter();
        Expression result = withConditional ? ParseConditional() : ParseOr();
        tokens.Leave();
        return result;
    }

    /// <summary>One expression, or a tuple written without parentheses.</summary>
    /// <param name="withConditional">False where a following <c>if</c> belongs to the statement.</param>
    /// <param name="endName">A name that ends the list.</param>
    public Expression ParseTuple(bool withConditional = true, string? endName = null) => ParseTuple(withConditional, endName, isParenthesized: false);

    /// <summary>What follows <c>|</c>: one or more filters over an input that is given later.</summary>
    public FilterExpression ParseBlockFilter()
    {
        FilterExpression filter = ParseFilter(null);
        for (int links = 0; tokens.SkipOperator("|"); links++)
        {
            CheckChain(links);
            filter = ParseFilter(filter);
        }
        return filter;
    }

    private Expression ParseTuple(bool withConditional, string? endName, bool isParenthesized)
    {
        int line = tokens.Current.Line;
        var items = new List<Expression>();
        bool isTuple = false;
        while (true)
        {
            if (items.Count > 0 && !tokens.SkipOperator(","))
                break;
            isTuple |= items.Count > 0;
            if (IsEndOfTuple(endName))
                break;
            items.Add(Parse(withConditional));
        }
        if (items.Count == 1 && !isTuple)
            return items[0];
        if (items.Count == 0 && !isParenthesized)
            throw tokens.Error($"Expected an expression, got '{tokens.Current.Describe()}'");
        return new SequenceExpression(line, SequenceKind.Tuple, items);
    }

    private bool IsEndOfTuple(string? endName) =>
        tokens.Current.Kind is TokenKind.PrintEnd or TokenKind.BlockEnd
        || tokens.Current.IsOperator(")")
        || (endName is not null && tokens.Current.IsName(endName));

    private Expression ParseConditional()
    {
        int line = tokens.Current.Line;
        int unknownBefore = unknownNames.Count;
        Expression result = ParseOr();
        for (int links = 0; tokens.SkipName("if"); links++)
        {
            CheckChain(links);
            unknownNames.RemoveRange(unknownBefore, unknownNames.Count - unknownBefore);
            ConditionalDepth++;
            Expression test = ParseOr();
            Expression? otherwise = tokens.SkipName("else") ? Parse() : null;
            ConditionalDepth--;
            result = new ConditionalExpression(line, test, result, otherwise);
        }
        return result;
    }

    private Expression ParseOr() => ParseLogical("or", () => ParseLogical("and", ParseNot));

    private Expression ParseLogical(string keyword, Func<Expression> parseOperand)
    {
        Expression left = parseOperand();
        for (int links = 0; tokens.Current.IsName(keyword); links++)
        {
            CheckChain(links);
            int line = tokens.Take().Line;
            left = new LogicalExpression(line, keyword == "and", left, parseOperand());
        }
        return left;
    }

    private Expression ParseNot()
    {
        if (!tokens.Current.IsName("not"))
            return ParseComparison();
        int line = tokens.Take().Line;
        tokens.Enter();
        Expression operand = ParseNot();
        tokens.Leave();
        return new UnaryExpression(line, UnaryOperator.Not, operand);
    }

    private Expression ParseComparison()
    {
        int line = tokens.Current.Line;
        Expression first = ParseSum();
        var rest = new List<(ComparisonOperator, Expression)>();
        while (TakeComparison() is { } comparison)
            rest.Add((comparison, ParseSum()));
        return rest.Count == 0 ? first : new ComparisonExpression(line, first, rest);
    }

    private ComparisonOperator? TakeComparison()
    {
        if (tokens.Current.Kind == TokenKind.Operator && comparisons.TryGetValue(tokens.Current.Text, out ComparisonOperator comparison))
        {
            tokens.Take();
            return comparison;
        }
        if (tokens.SkipName("in"))
            return ComparisonOperator.In;
        if (!tokens.Current.IsName("not") || !tokens.Next.IsName("in"))
            return null;
        tokens.Take();
        tokens.Take();
        return ComparisonOperator.NotIn;
    }

    private Expression ParseSum() => ParseArithmetic(sums, ParseConcatenation);

    private Expression ParseConcatenation()
    {
        int line = tokens.Current.Line;
        Expression first = ParseProduct();
        if (!tokens.Current.IsOperator("~"))
            return first;
        var parts = new List<Expression> { first };
        while (tokens.SkipOperator("~"))
            parts.Add(ParseProduct());
        return new ConcatenationExpression(line, parts);
    }

    private Expression ParseProduct() => ParseArithmetic(products, () => ParseArithmetic(powers, () => ParseUnary(withFilter: true)));

    private Expression ParseArithmetic(Dictionary<string, ArithmeticOperator> operators, Func<Expression> parseOperand)
    {
        Expression left = parseOperand();
        for (int links = 0; tokens.Current.Kind == TokenKind.Operator && operators.TryGetValue(tokens.Current.Text, out ArithmeticOperator symbol); links++)
        {
            CheckChain(links);
            int line = tokens.Take().Line;
            left = new ArithmeticExpression(line, symbol, left, parseOperand());
        }
        return left;
    }

    private Expression ParseUnary(bool withFilter)
    {
        Token token = tokens.Current;
        Expression result;
        if (token.IsOperator("-") || token.IsOperator("+"))
        {
            tokens.Take();
            tokens.Enter();
            result = new UnaryExpression(token.Line, token.Text == "-" ? UnaryOperator.Minus : UnaryOperator.Plus, ParseUnary(withFilter: false));
            tokens.Leave();
        }
        else
            result = ParsePrimary();
        result = ParsePostfix(result);
        return withFilter ? ParseFiltersAndTests(result) : result;
    }

    private Expression ParsePrimary()
    {
        Token token = tokens.Current;
        switch (token.Kind)
        {
            case TokenKind.Name:
                tokens.Take();
                if (literals.TryGetValue(token.Text, out TemplateValue? literal))
                    return new ConstantExpression(token.Line, literal);
                names.Add(token.Text);
                return new NameExpression(token.Line, token.Text);
            case TokenKind.String:
                return ParseStrings();
            case TokenKind.Integer:
                return new ConstantExpression(token.Line, new IntegerValue(ReadInteger(tokens.Take().Text)));
            case TokenKind.Float:
                return new ConstantExpression(token.Line, new FloatValue(double.Parse(tokens.Take().Text, NumberStyles.Float, CultureInfo.InvariantCulture)));
            case TokenKind.Operator when token.Text == "(":
                tokens.Take();
                Expression inner = ParseTuple(withConditional: true, endName: null, isParenthesized: true);
                tokens.ExpectOperator(")");
                return inner;
            case TokenKind.Operator when token.Text == "[":
                tokens.Take();
                return new SequenceExpression(token.Line, SequenceKind.List, ParseItems("]", () => Parse()));
            case TokenKind.Operator when token.Text == "{":
                tokens.Take();
                return new DictExpression(token.Line, ParseItems("}", ParseEntry));
            default:
                throw token.Kind == TokenKind.EndOfTemplate ? tokens.Unexpected("an expression") : tokens.Error($"unexpected '{token.Describe()}'");
        }
    }

    private ConstantExpression ParseStrings()
    {
        Token first = tokens.Take();
        if (tokens.Current.Kind != TokenKind.String)
            return new ConstantExpression(first.Line, new StringValue(first.Text));
        var parts = new List<string> { first.Text };
        while (tokens.Current.Kind == TokenKind.String)
            parts.Add(tokens.Take().Text);
        return new ConstantExpression(first.Line, new StringValue(string.Concat(parts)));
    }

    private BigInteger ReadInteger(string text)
    {
        int radix = text.Length < 2 ? 10 : text[1] switch { 'x' or 'X' => 16, 'o' or 'O' => 8, 'b' or 'B' => 2, _ => 10 };
        if (text.Length > maxIntegerDigits)
            throw tokens.Error($"an integer of more than {maxIntegerDigits} digits");
        if (radix == 10)
            return BigInteger.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);
        BigInteger value = BigInteger.Zero;
        foreach (char digit in text.AsSpan(2))
            value = (value * radix) + Convert.ToInt32(digit.ToString(), 16);
        return value;
    }

    private List<T> ParseItems<T>(string close, Func<T> parseItem)
    {
        var items = new List<T>();
        while (!tokens.Current.IsOperator(close))
        {
            if (items.Count > 0)
                tokens.ExpectOperator(",");
            if (tokens.Current.IsOperator(close))
                break;
            items.Add(parseItem());
        }
        tokens.ExpectOperator(close);
        return items;
    }

    private (Expression Key, Expression Value) ParseEntry()
    {
        Expression key = Parse();
        tokens.ExpectOperator(":");
        return (key, Parse());
    }

    private Expression ParsePostfix(Expression target)
    {
        for (int links = 0; ; links++)
        {
            CheckChain(links);
            if (tokens.Current.IsOperator("."))
                target = ParseDot(target);
            else if (tokens.Current.IsOperator("["))
                target = ParseSubscript(target);
            else if (tokens.Current.IsOperator("("))
                target = ParseCall(target);
            else
                return target;
        }
    }

    private Expression ParseFiltersAndTests(Expression input)
    {
        for (int links = 0; ; links++)
        {
            CheckChain(links);
            if (tokens.SkipOperator("|"))
                input = ParseFilter(input);
            else if (tokens.Current.IsName("is"))
                input = ParseTest(input);
            else if (tokens.Current.IsOperator("("))
                input = ParseCall(input);
            else
                return input;
        }
    }

    private Expression ParseDot(Expression target)
    {
        int line = tokens.Take().Line;
        Token token = tokens.Take();
        return token.Kind switch
        {
            TokenKind.Name => new AttributeExpression(line, target, token.Text),
            TokenKind.Integer => new SubscriptExpression(line, target, new ConstantExpression(line, new IntegerValue(ReadInteger(token.Text)))),
            _ => throw tokens.Error($"expected name or number after '.', got '{token.Describe()}'", token.Line),
        };
    }

    private Expression ParseSubscript(Expression target)
    {
        int line = tokens.Take().Line;
        if (TryParseSlice(line, target) is { } slice)
            return slice;
        var items = new List<Expression>();
        while (!tokens.Current.IsOperator("]") && (items.Count == 0 || tokens.SkipOperator(",")))
            items.Add(Parse());
        if (items.Count == 1 && tokens.SkipOperator(":"))
            return FinishSlice(line, target, items[0]);
        tokens.ExpectOperator("]");
        return new SubscriptExpression(line, target, items.Count == 1 ? items[0] : new SequenceExpression(line, SequenceKind.Tuple, items));
    }

    private SliceExpression? TryParseSlice(int line, Expression target) => tokens.SkipOperator(":") ? FinishSlice(line, target, null) : null;

    /// <summary>The rest of a slice after its first colon.</summary>
    private SliceExpression FinishSlice(int line, Expression target, Expression? start)
    {
        Expression? stop = tokens.Current.IsOperator(":") || tokens.Current.IsOperator("]") ? null : Parse();
        Expression? step = null;
        if (tokens.SkipOperator(":") && !tokens.Current.IsOperator("]"))
            step = Parse();
        tokens.ExpectOperator("]");
        return new SliceExpression(line, target, start, stop, step);
    }

    private CallExpression ParseCall(Expression callee)
    {
        int line = tokens.Current.Line;
        return new CallExpression(line, callee, ParseArguments());
    }

    private CallArguments ParseArguments()
    {
        tokens.ExpectOperator("(");
        var positional = new List<Expression>();
        var named = new List<(string, Expression)>();
        Expression? more = null;
        Expression? moreNamed = null;
        bool isFirst = true;
        while (!tokens.Current.IsOperator(")"))
        {
            if (!isFirst)
                tokens.ExpectOperator(",");
            isFirst = false;
            if (tokens.Current.IsOperator(")"))
                break;
            if (moreNamed is null && more is null && tokens.SkipOperator("*"))
                more = Parse();
            else if (moreNamed is null && tokens.SkipOperator("**"))
                moreNamed = Parse();
            else if (moreNamed is null && tokens.Current.Kind == TokenKind.Name && tokens.Next.IsOperator("="))
            {
                string name = tokens.Take().Text;
                tokens.Take();
                named.Add((name, Parse()));
            }
            else if (moreNamed is null && more is null && named.Count == 0)
                positional.Add(Parse());
            else
                throw tokens.Error("invalid syntax for function call expression");
        }
        tokens.ExpectOperator(")");
        return new CallArguments(positional, named, more, moreNamed);
    }

    private FilterExpression ParseFilter(Expression? input)
    {
        int line = tokens.Current.Line;
        string name = ParseDottedName();
        CallArguments arguments = tokens.Current.IsOperator("(") ? ParseArguments() : CallArguments.None;
        Builtin? filter = Filters.Find(name);
        if (filter is null && ConditionalDepth == 0)
            unknownNames.Add(tokens.Error(Filters.Unknown(name), line));
        return new FilterExpression(line, input, name, filter, arguments);
    }

    private Expression ParseTest(Expression input)
    {
        int line = tokens.Take().Line;
        bool isNegated = tokens.SkipName("not");
        string name = ParseDottedName();
        Builtin? test = ValueTests.Find(name);
        if (test is null && ConditionalDepth == 0)
            unknownNames.Add(tokens.Error(ValueTests.Unknown(name), line));
        Expression result = new TestExpression(line, input, name, test, ParseTestArguments());
        return isNegated ? new UnaryExpression(line, UnaryOperator.Not, result) : result;
    }

    private CallArguments ParseTestArguments()
    {
        Token token = tokens.Current;
        if (token.IsOperator("("))
            return ParseArguments();
        bool begins = token.Kind is TokenKind.Name or TokenKind.String or TokenKind.Integer or TokenKind.Float || token.IsOperator("[") || token.IsOperator("{");
        if (!begins || token.IsName("else") || token.IsName("or") || token.IsName("and"))
            return CallArguments.None;
        if (token.IsName("is"))
            throw tokens.Error("You cannot chain multiple tests with is");
        return new CallArguments([ParsePostfix(ParsePrimary())], []);
    }

    private string ParseDottedName()
    {
        string name = tokens.ExpectName();
        while (tokens.SkipOperator("."))
            name += "." + tokens.ExpectName();
        return name;
    }

    private void CheckChain(int links)
    {
        if (links >= maxChain)
            throw tokens.Error($"more than {maxChain} operators in a row");
    }
}
