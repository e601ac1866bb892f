using System.Text;
using Decant.Compression.Calibration;
using Decant.Testing;

namespace Decant.Compression.Tests.Calibration;

public class BuiltInTextTests
{
    [Fact]
    public void The_text_is_the_opening_of_the_book_it_names()
    {
        string book = File.ReadAllText(SharedFiles.Require("data", "childrens-books", "train", "289-the-wind-in-the-willows.txt"));
        Assert.Contains(BuiltInText.Text.TrimEnd(), book, StringComparison.Ordinal);
        Assert.Equal(59_820, Encoding.UTF8.GetByteCount(BuiltInText.Text));
        Assert.Contains("59,820", BuiltInText.Name, StringComparison.Ordinal);
        Assert.All(BuiltInText.Text, c => Assert.True(char.IsAscii(c)));
    }
}
