using System.Globalization;
using System.Numerics;
using System.Text.Json;
using System.Text.Json.Nodes;
using Decant.Core.Templates.Rendering;

namespace Decant.Core.Templates.Values;

/// <summary>JSON as template values: a number with point or exponent is a float, any other an integer of any size.</summary>
internal static class JsonValues
{
    public static TemplateValue Convert(RenderContext context, JsonNode? node)
    {
        context.Step();
        return node switch
        {
            null => NoneValue.Instance,
            JsonObject dict => ConvertObject(context, dict),
            JsonArray list => context.List([.. list.Select(item => Convert(context, item))]),
            _ => ConvertScalar(context, node.AsValue()),
        };
    }

    private static DictValue ConvertObject(RenderContext context, JsonObject source)
    {
        var dict = new DictValue();
        try
        {
            foreach ((string key, JsonNode? value) in source)
                context.Set(dict, new StringValue(key), Convert(context, value));
        }
        catch (ArgumentException e)
        {
            // JsonObject checks its keys only when it is first walked.
            throw context.Error($"a variable holds the same key twice: {e.Message}");
        }
        return dict;
    }

    private static TemplateValue ConvertScalar(RenderContext context, JsonValue value)
    {
        switch (value.GetValueKind())
        {
            case JsonValueKind.True:
                return BoolValue.True;
            case JsonValueKind.False:
                return BoolValue.False;
            case JsonValueKind.String:
                return new StringValue(value.GetValue<string>());
            case JsonValueKind.Number:
                return ConvertNumber(context, value);
            default:
                return NoneValue.Instance;
        }
    }

    private static TemplateValue ConvertNumber(RenderContext context, JsonValue value)
    {
        if (!value.TryGetValue(out JsonElement element))
        {
            if (value.TryGetValue(out double real))
                return new FloatValue(real);
            if (value.TryGetValue(out float single))
                return new FloatValue(single);
        }
        string text = element.ValueKind == JsonValueKind.Number ? element.GetRawText() : value.ToJsonString();
        if (text.AsSpan().IndexOfAny(".eE") >= 0)
            return new FloatValue(double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture));
        return text.Length <= 4300
            ? new IntegerValue(BigInteger.Parse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture))
            : throw context.LimitError("an integer of more than 4300 digits in the variables");
    }
}
