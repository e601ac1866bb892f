using Decant.Core.Tokenizers;
using FsCheck.Xunit;

namespace Decant.Core.Tests.Tokenizers;

public sealed class StopTextFilterTests
{
    [Fact]
    public void Without_stops_everything_passes_at_once()
    {
        var filter = new StopTextFilter([]);
        Assert.Equal(["one ", "", "two", ""], new[] { filter.Push("one "), filter.Push(""), filter.Push("two"), filter.Flush() });
        Assert.Null(filter.Found);
    }

    [Fact]
    public void A_stop_string_across_pieces_ends_the_text_and_is_dropped()
    {
        var filter = new StopTextFilter(["\nUser:"]);
        Assert.Equal("Hello", filter.Push("Hello\nU"));
        Assert.Equal("", filter.Push("se"));
        Assert.Equal("", filter.Push("r: more"));
        Assert.Equal("\nUser:", filter.Found);
        Assert.Equal("", filter.Push("again"));
        Assert.Equal("", filter.Flush());
    }

    [Fact]
    public void A_false_start_is_released()
    {
        var filter = new StopTextFilter(["STOP"]);
        Assert.Equal("a ", filter.Push("a ST"));
        Assert.Equal("STAR ", filter.Push("AR ST"));
        Assert.Equal("ST", filter.Flush());
        Assert.Null(filter.Found);
    }

    [Fact]
    public void The_earliest_of_several_stops_wins()
    {
        var filter = new StopTextFilter(["world", "lo"]);
        Assert.Equal("hel", filter.Push("hello world"));
        Assert.Equal("lo", filter.Found);
    }

    [Fact]
    public void An_empty_stop_is_refused() => Assert.Throws<ArgumentException>(() => new StopTextFilter([""]));

    [Property]
    public void Pieces_joined_are_the_text_up_to_the_stop(FsCheck.NonEmptyArray<byte> letters, byte cut)
    {
        // Two letters only, so that false starts are common.
        string text = string.Concat(letters.Get.Select(b => (b & 1) == 0 ? 'a' : 'b'));
        const string stop = "abba";
        var filter = new StopTextFilter([stop]);
        int size = cut % 5 + 1;
        string passed = string.Concat(text.Chunk(size).Select(piece => filter.Push(new string(piece)))) + filter.Flush();
        int at = text.IndexOf(stop, StringComparison.Ordinal);
        Assert.Equal(at < 0 ? text : text[..at], passed);
        Assert.Equal(at < 0 ? null : stop, filter.Found);
    }
}
