namespace HpcLinear.Cli.Golden;

/// <summary>A computed output: real elements, or whole numbers that are compared as such.</summary>
internal sealed class GoldenArray
{
    private GoldenArray(Shape shape, double[] reals, long[]? integers)
    {
        Shape = shape;
        Reals = reals;
        Integers = integers;
    }

    public Shape Shape { get; }

    public double[] Reals { get; }

    public long[]? Integers { get; }

    public static GoldenArray OfReals(Shape shape, double[] elements) => new(shape, elements, null);

    public static GoldenArray OfIntegers(Shape shape, long[] elements) => new(shape, Array.ConvertAll(elements, x => (double)x), elements);
}
