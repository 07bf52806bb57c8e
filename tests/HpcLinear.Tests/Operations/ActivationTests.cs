using System.Numerics;
using HpcLinear.Operations;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.Operations;

public abstract class ActivationTests<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private static readonly double[] Points = [0, 1, -1, 0.5, -0.5, 0.49, -0.51, 1e-9, -1e-9, 3, -3, 20, -20, 89, -89, 750, -750, 1e20, -1e20, .. Enumerable.Range(0, 200).Select(i => (i - 100) / 13.0)];

    [Theory, AllTargets]
    public void Values_and_derivatives_are_those_of_the_definition(Target target)
    {
        foreach (Activation activation in Enum.GetValues<Activation>())
        {
            (T[] values, T[] slopes) = Apply(target, activation, [.. Points.Select(T.CreateChecked)]);
            for (int i = 0; i < Points.Length; i++)
            {
                double z = double.CreateChecked(T.CreateChecked(Points[i]));
                (double value, double slope) = RelaxationReference.Activate(activation, z);

                // A small value must be right to its own size: nothing may cancel near 0.
                Tolerance.Equal<T>(value, double.CreateChecked(values[i]), 1, Math.Max(Math.Abs(value), Math.Abs(z) > 1 ? 1 : Math.Abs(z)), $"{activation}({z}) on {target}");
                Tolerance.Equal<T>(slope, double.CreateChecked(slopes[i]), 1, 2, $"{activation}'({z}) on {target}");
            }
        }
    }

    [Theory, AllTargets]
    public void NaN_stays_NaN(Target target)
    {
        foreach (Activation activation in Enum.GetValues<Activation>())
        {
            Assert.All(Apply(target, activation, [.. Enumerable.Repeat(T.NaN, 19)]).Values, v => Assert.True(T.IsNaN(v), $"{activation}"));
        }
    }

    private static (T[] Values, T[] Slopes) Apply(Target target, Activation activation, T[] z)
    {
        Device device = Targets.Open(target);
        using CommandQueue queue = device.CreateQueue();
        using ActivationPlan<T> plan = ActivationPlan.Create<T>(device, new() { Activation = activation, Shape = [z.Length] });
        using Tensor<T> input = device.Allocate<T>([z.Length]), value = device.Allocate<T>([z.Length]), slope = device.Allocate<T>([z.Length]);
        queue.Upload(z, input);
        plan.Execute(queue, input, value, slope);
        return (queue.Download<T>(value), queue.Download<T>(slope));
    }
}

public sealed class ActivationFloatTests : ActivationTests<float>;

public sealed class ActivationDoubleTests : ActivationTests<double>;
