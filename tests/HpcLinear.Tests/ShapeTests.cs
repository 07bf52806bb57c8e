using Xunit;

namespace HpcLinear.Tests;

public sealed class ShapeTests
{
    [Fact]
    public void Shapes_with_equal_extents_are_equal()
    {
        Assert.Equal<Shape>([2, 3], [2, 3]);
        Assert.NotEqual<Shape>([2, 3], [3, 2]);
        Assert.NotEqual<Shape>([2, 3], [2, 3, 1]);
        Assert.Equal(Shape.Create([2, 3]).GetHashCode(), Shape.Create([2, 3]).GetHashCode());
        Assert.False(Shape.Scalar.Equals(null));
    }

    [Fact]
    public void ElementCount_is_the_product_and_is_checked()
    {
        Assert.Equal(1, Shape.Scalar.ElementCount);
        Assert.Equal(0, Shape.Create([long.MaxValue, long.MaxValue, 0]).ElementCount);
        Assert.Equal(24, Shape.Create([2, 3, 4]).ElementCount);
        Assert.Throws<OverflowException>(() => Shape.Create([1L << 40, 1L << 40]).ElementCount);
    }

    [Fact]
    public void Texts_are_brackets_and_problem_notation()
    {
        Shape shape = [64, 3, 32];
        Assert.Equal("[64, 3, 32]", shape.ToString());
        Assert.Equal("64x3x32", shape.ToProblemText());
        Assert.Equal("[]", Shape.Scalar.ToString());
    }

    [Fact]
    public void Parts_and_uniform_shapes()
    {
        Shape shape = [64, 3, 32];
        Assert.Equal((64, 32), (shape[0], shape[^1]));
        Assert.Equal<Shape>([32], shape.Skip(2));
        Assert.Equal(Shape.Scalar, shape.Skip(3));
        Assert.Equal<Shape>([7, 7], Shape.Uniform(2, 7));
        Assert.Equal((3, 32L, 64L), (shape.Rank, shape[2], shape[0]));
    }
}
