using Xunit;

namespace HpcLinear.Tests;

public sealed class ShapeTests
{
    [Fact]
    public void Shapes_with_equal_extents_are_equal() => Assert.Equal<Shape>([2, 3], [2, 3]);
}
