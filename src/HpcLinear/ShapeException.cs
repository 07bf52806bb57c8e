namespace HpcLinear;

/// <summary>A tensor's shape differs from the one the operation was planned for.</summary>
public sealed class ShapeException : ArgumentException
{
    /// <summary>Names the argument, both shapes and the problem.</summary>
    public ShapeException(string argument, Shape expected, Shape actual, string problem)
        : base($"{argument}: shape {expected} expected, {actual} given ({problem})")
    {
        Expected = expected;
        Actual = actual;
    }

    /// <summary>The shape the plan asks for.</summary>
    public Shape Expected { get; }

    /// <summary>The shape that was given.</summary>
    public Shape Actual { get; }
}
