using System.Globalization;
using CsCheck;
using HpcLinear.Operations;

namespace HpcLinear.Tests.Support;

internal sealed class ElementwiseCall(ElementwiseDescriptor descriptor) : Call
{
    private static readonly ElementwiseOperation[] Signed = [ElementwiseOperation.Negate, ElementwiseOperation.Subtract, ElementwiseOperation.Minimum, ElementwiseOperation.Maximum];

    public override string Operation => "elementwise";

    public override IReadOnlyList<Operand> Inputs { get; } = descriptor.IsBinary ? [new("a", descriptor.Shape), new("b", descriptor.Shape)] : [new("a", descriptor.Shape)];

    public override IReadOnlyList<Operand> Outputs { get; } = [new("output", descriptor.Shape)];

    public override double DepthOfSum => 1;

    public override double Cost => descriptor.Shape.ElementCount;

    public static Gen<ElementwiseDescriptor> Descriptors { get; } = new DrawGen<ElementwiseDescriptor>(Describe, d => d.Shape.ElementCount);

    public static Gen<Call> Random { get; } = Draws(draw =>
    {
        (double alpha, double beta) = draw.Factors();
        return new ElementwiseCall(Describe(draw)) { Alpha = alpha, Beta = beta };
    });

    public static IEnumerable<Call> Large => Enum.GetValues<ElementwiseOperation>().Select(o => new ElementwiseCall(new() { Operation = o, Shape = [100_003] }));

    public override Plan Plan<T>(Device device) => ElementwisePlan.Create<T>(device, descriptor);

    public override void Execute<T>(Plan plan, CommandQueue queue, TensorView<T>[] inputs, TensorView<T>[] outputs)
    {
        if (descriptor.IsBinary)
        {
            ((ElementwisePlan<T>)plan).Execute(queue, inputs[0], inputs[1], outputs[0], Alpha, Beta);
        }
        else
        {
            ((ElementwisePlan<T>)plan).Execute(queue, inputs[0], outputs[0], Alpha, Beta);
        }
    }

    public override void Define(double[][] inputs, double[][] outputs, double alpha, double beta) =>
        Define(inputs, outputs, alpha, beta, descriptor.Operation);

    /// <summary>What can cancel or change sign is measured by the sum of magnitudes. Every element is bounded by itself.</summary>
    public override void DefineMagnitudes(double[][] inputs, double[][] outputs) =>
        Define(inputs, outputs, Math.Abs(Alpha), Math.Abs(Beta), Signed.Contains(descriptor.Operation) ? ElementwiseOperation.Add : descriptor.Operation);

    public override double Bound<T>(double expected, double magnitude, double largest) => Tolerance.Of<T>(1, magnitude);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{descriptor} alpha {Alpha} beta {Beta}");

    private static void Define(double[][] inputs, double[][] outputs, double alpha, double beta, ElementwiseOperation operation)
    {
        for (int i = 0; i < outputs[0].Length; i++)
        {
            outputs[0][i] = (alpha * ElementwiseReference.Apply(operation, inputs[0][i], inputs[^1][i])) + (beta == 0 ? 0 : beta * outputs[0][i]);
        }
    }

    private static ElementwiseDescriptor Describe(Draw draw)
    {
        int rank = draw.Int(0, 3);
        long[] shape = new long[rank];
        for (int a = 0; a < rank; a++)
        {
            shape[a] = draw.Chance(0.02) ? 0 : draw.Extent(rank switch { 1 => 5000, 2 => 90, _ => 20 });
        }

        return new() { Operation = draw.Pick(Enum.GetValues<ElementwiseOperation>()), Shape = Shape.Create(shape) };
    }
}
