namespace HpcLinear.Operations;

/// <summary>The definition of <see cref="OptimizerPlan{T}"/> as code, in float64.</summary>
public static class OptimizerReference
{
    /// <summary>Updates one parameter in place.</summary>
    /// <param name="descriptor">The rule and its factors.</param>
    /// <param name="gradient">g.</param>
    /// <param name="parameter">w.</param>
    /// <param name="first">The velocity, or m of Adam; ignored where there is none.</param>
    /// <param name="second">v of Adam; ignored elsewhere.</param>
    /// <param name="learningRate">r.</param>
    /// <param name="update">t, from 1; Adam's only.</param>
    public static void Apply(OptimizerDescriptor descriptor, double gradient, ref double parameter, ref double first, ref double second, double learningRate, long update = 1)
    {
        ArgumentNullException.ThrowIfNull(descriptor);
        if (descriptor.Rule == OptimizerRule.Adam)
        {
            double b1 = descriptor.FirstMomentDecay, b2 = descriptor.SecondMomentDecay;
            first = (b1 * first) + ((1 - b1) * gradient);
            second = (b2 * second) + ((1 - b2) * gradient * gradient);
            double mean = first / (1 - Math.Pow(b1, update)), square = second / (1 - Math.Pow(b2, update));
            parameter -= learningRate * mean / (Math.Sqrt(square) + descriptor.Epsilon);
            return;
        }

        double velocity = gradient;
        if (descriptor.Momentum > 0)
        {
            velocity = first = (descriptor.Momentum * first) + gradient;
        }

        parameter -= learningRate * velocity;
    }
}
