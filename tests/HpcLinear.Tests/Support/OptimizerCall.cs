using System.Globalization;
using CsCheck;
using HpcLinear.Operations;

namespace HpcLinear.Tests.Support;

/// <summary>Inputs: the gradient. Outputs, updated in place: the parameters and the moments.</summary>
internal sealed class OptimizerCall : Call
{
    private readonly OptimizerDescriptor descriptor;
    private readonly double rate;
    private readonly long update;

    public OptimizerCall(OptimizerDescriptor descriptor, double rate, long update)
    {
        this.descriptor = descriptor;
        this.rate = rate;
        this.update = update;
        Beta = 1;
        Inputs = [new("gradient", descriptor.Shape)];
        string[] moments = descriptor.Moments switch { 0 => [], 1 => ["velocity"], _ => ["firstMoment", "secondMoment"] };
        Outputs = [new("parameters", descriptor.Shape), .. moments.Select(m => new Operand(m, descriptor.Shape))];
    }

    public static Gen<Call> Random { get; } = Draws(draw => new OptimizerCall(
        Kind(draw.Int(0, 2), Shape.Create(draw.Chance(0.3) ? [draw.Extent(70), draw.Extent(70)] : [draw.Chance(0.02) ? 0 : draw.Extent(5000)])) with { Epsilon = draw.Pick(1e-8, 1e-3) },
        draw.Pick(0.1, 1, -0.01),
        draw.Pick(1, 2, 1000)));

    public static IEnumerable<Call> Large => Enumerable.Range(0, 3).Select(kind => new OptimizerCall(Kind(kind, [100_003]), 0.1, 3));

    public override string Operation => "optimizer";

    public override IReadOnlyList<Operand> Inputs { get; }

    public override IReadOnlyList<Operand> Outputs { get; }

    /// <summary>A dozen roundings, none of them shared between elements.</summary>
    public override double DepthOfSum => 9;

    public override double Cost => descriptor.Shape.ElementCount;

    public override Plan Plan<T>(Device device) => OptimizerPlan.Create<T>(device, descriptor);

    public override void Execute<T>(Plan plan, CommandQueue queue, TensorView<T>[] inputs, TensorView<T>[] outputs)
    {
        OptimizerPlan<T> optimizer = (OptimizerPlan<T>)plan;
        switch (descriptor.Moments)
        {
            case 0:
                optimizer.Execute(queue, inputs[0], outputs[0], rate);
                break;
            case 1:
                optimizer.Execute(queue, inputs[0], outputs[0], outputs[1], rate);
                break;
            default:
                optimizer.Execute(queue, inputs[0], outputs[0], outputs[1], outputs[2], rate, update);
                break;
        }
    }

    /// <summary>The second moment is a mean of squares.</summary>
    public override double Before(int output, double random) => output == 2 ? Math.Abs(random) : random;

    public override void Define(double[][] inputs, double[][] outputs, double alpha, double beta) => Define(inputs, outputs, rate);

    /// <summary>With all signs alike nothing cancels.</summary>
    public override void DefineMagnitudes(double[][] inputs, double[][] outputs) => Define(inputs, outputs, -Math.Abs(rate));

    public override double Bound<T>(double expected, double magnitude, double largest) => Tolerance.Of<T>(DepthOfSum, magnitude);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{descriptor} rate {rate} update {update}");

    private static OptimizerDescriptor Kind(int kind, Shape shape) => kind switch
    {
        0 => new() { Rule = OptimizerRule.GradientDescent, Shape = shape },
        1 => new() { Rule = OptimizerRule.GradientDescent, Shape = shape, Momentum = 0.75 },
        _ => new() { Rule = OptimizerRule.Adam, Shape = shape },
    };

    private void Define(double[][] inputs, double[][] outputs, double learningRate)
    {
        double none = 0;
        for (int i = 0; i < outputs[0].Length; i++)
        {
            OptimizerReference.Apply(
                descriptor,
                inputs[0][i],
                ref outputs[0][i],
                ref outputs.Length > 1 ? ref outputs[1][i] : ref none,
                ref outputs.Length > 2 ? ref outputs[2][i] : ref none,
                learningRate,
                update);
        }
    }
}
