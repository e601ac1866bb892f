using System.Globalization;
using Decant.Core.Templates.Printing;
using Decant.Core.Templates.Rendering;
using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Builtins;

/// <summary>The <c>attribute</c> of filters: <c>'a.b.0'</c> goes through elements and attributes, an integer takes an element.</summary>
internal static class AttributePath
{
    /// <summary>A function from an item to what the path leads to; <paramref name="otherwise"/> in place of anything undefined on the way.</summary>
    public static Func<TemplateValue, TemplateValue> Getter(RenderContext context, TemplateValue? attribute, TemplateValue? otherwise = null)
    {
        TemplateValue[] path = attribute switch
        {
            null or NoneValue => [],
            StringValue s => [.. s.Text.Split('.').Select(Part)],
            _ => [attribute],
        };
        return item =>
        {
            foreach (TemplateValue part in path)
            {
                context.Step();
                item = Members.Item(context, item, part);
                if (otherwise is not (null or NoneValue) && item is UndefinedValue)
                    item = otherwise;
            }
            return item;
        };
    }

    /// <summary>As a key to order by: text in lower case unless case counts; several attributes, separated by commas, give a list.</summary>
    public static Func<TemplateValue, TemplateValue> SortKey(RenderContext context, TemplateValue? attribute, bool caseSensitive, TemplateValue? otherwise = null)
    {
        TemplateValue Plain(TemplateValue value) => caseSensitive || value is not StringValue s ? value : context.Text(CaseMapping.Lower(s.Text));
        if (attribute is not StringValue several || !several.Text.Contains(',', StringComparison.Ordinal))
        {
            Func<TemplateValue, TemplateValue> getter = Getter(context, attribute, otherwise);
            return item => Plain(getter(item));
        }
        Func<TemplateValue, TemplateValue>[] getters = [.. several.Text.Split(',').Select(a => Getter(context, new StringValue(a), otherwise))];
        return item => context.List([.. getters.Select(g => Plain(g(item)))]);
    }

    private static TemplateValue Part(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int index) ? new IntegerValue(index) : new StringValue(text);
}
