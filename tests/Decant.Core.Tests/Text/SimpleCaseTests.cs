using System.Text;
using Decant.Core.Text;

namespace Decant.Core.Tests.Text;

/// <summary>Tests run in the runtime's invariant mode, whose mappings are Unicode's own; in a user's program they are those of the system's ICU library.</summary>
public class SimpleCaseTests
{
    [Fact]
    public void Every_code_point_has_the_case_of_the_character_database()
    {
        for (int codePoint = 0; codePoint <= 0x10FFFF; codePoint++)
        {
            if (codePoint == 0xD800)
                codePoint = 0xE000;
            var rune = new Rune(codePoint);
            Assert.Equal(Rune.ToLowerInvariant(rune).Value, SimpleCase.Lower(codePoint));
            Assert.Equal(Rune.ToUpperInvariant(rune).Value, SimpleCase.Upper(codePoint));
        }
    }

    [Theory]
    [InlineData('Ä', 'ä')]
    [InlineData('Σ', 'σ')]
    [InlineData(0x1C89, 0x1C8A)]
    [InlineData(0xA7CB, 0x264)]
    [InlineData(0x10D50, 0x10D70)]
    public void Letters_that_older_tables_lack_have_a_case(int capital, int small)
    {
        Assert.Equal(small, SimpleCase.Lower(capital));
        Assert.Equal(capital, SimpleCase.Upper(small));
    }
}
