namespace HpcLinear.Operations;

/// <summary>The definition of <see cref="ElementwisePlan{T}"/> as code, in float64.</summary>
public static class ElementwiseReference
{
    /// <summary>The function of one element or one pair.</summary>
    public static double Apply(ElementwiseOperation operation, double a, double b) => operation switch
    {
        ElementwiseOperation.Copy => a,
        ElementwiseOperation.Negate => -a,
        ElementwiseOperation.Magnitude => Math.Abs(a),
        ElementwiseOperation.Square => a * a,
        ElementwiseOperation.SquareRoot => Math.Sqrt(a),
        ElementwiseOperation.Reciprocal => 1 / a,
        ElementwiseOperation.Add => a + b,
        ElementwiseOperation.Subtract => a - b,
        ElementwiseOperation.Multiply => a * b,
        ElementwiseOperation.Divide => a / b,
        ElementwiseOperation.Minimum => Math.Min(a, b),
        ElementwiseOperation.Maximum => Math.Max(a, b),
        _ => throw new ArgumentOutOfRangeException(nameof(operation), operation, "operation: a defined elementwise operation expected"),
    };
}
