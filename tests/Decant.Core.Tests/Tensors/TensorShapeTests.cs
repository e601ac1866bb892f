using Decant.Core.Tensors;

namespace Decant.Core.Tests.Tensors;

public class TensorShapeTests
{
    [Fact]
    public void Rows_are_the_product_of_the_outer_dimensions()
    {
        var shape = new TensorShape(4, 3, 5);
        Assert.Equal((12, 5, 60), (shape.RowCount, shape.RowLength, shape.ElementCount));
        Assert.Equal((1, 1, 1), (new TensorShape().RowCount, new TensorShape().RowLength, new TensorShape().ElementCount));
        Assert.Equal("[4, 3, 5]", shape.ToString());
    }

    [Theory]
    [InlineData(long.MaxValue, 2)]
    [InlineData(1L << 40, 1L << 40)]
    [InlineData(-1, 4)]
    public void Impossible_shapes_are_refused(long outer, long inner) =>
        Assert.Throws<ArgumentException>(() => new TensorShape(outer, inner));
}
