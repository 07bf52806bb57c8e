using CsCheck;
using HpcLinear.Operations;

namespace HpcLinear.Tests.Support;

internal sealed class ReductionCall(ReductionDescriptor descriptor) : Call
{
    private static readonly ReductionKind[] Selecting = [ReductionKind.Minimum, ReductionKind.Maximum, ReductionKind.MaximumMagnitude];

    public override string Operation => "reduce";

    public override IReadOnlyList<Operand> Inputs { get; } = [.. Enumerable.Repeat(new Operand("input", descriptor.Shape), descriptor.Kind == ReductionKind.Dot ? 2 : 1)];

    public override IReadOnlyList<Operand> Outputs { get; } = [new("result", descriptor.ResultShape)];

    public override double DepthOfSum => descriptor.Extents.Length;

    public override double Cost => descriptor.Shape.ElementCount;

    public static Gen<ReductionDescriptor> Descriptors { get; } = new DrawGen<ReductionDescriptor>(Describe, d => d.Shape.ElementCount);

    public static Gen<Call> Random { get; } = Draws(draw => new ReductionCall(Describe(draw)));

    public static IEnumerable<Call> Large =>
        from kind in Enum.GetValues<ReductionKind>()
        from shape in new Shape[] { [1_000_003], [257, 1031], [3, 100_000] }
        from axis in new int?[] { null, shape.Rank - 1, 0 }
        from compensated in kind is ReductionKind.Sum or ReductionKind.SumOfSquares or ReductionKind.Dot ? new[] { false, true } : [false]
        where shape.Rank > 1 || axis is null
        select new ReductionCall(new() { Kind = kind, Shape = shape, Axis = axis, Compensated = compensated });

    public override Plan Plan<T>(Device device) => ReductionPlan.Create<T>(device, descriptor);

    public override void Execute<T>(Plan plan, CommandQueue queue, TensorView<T>[] inputs, TensorView<T>[] outputs)
    {
        if (descriptor.Kind == ReductionKind.Dot)
        {
            ((ReductionPlan<T>)plan).Execute(queue, inputs[0], inputs[1], outputs[0]);
        }
        else
        {
            ((ReductionPlan<T>)plan).Execute(queue, inputs[0], outputs[0]);
        }
    }

    public override void Define(double[][] inputs, double[][] outputs, double alpha, double beta) =>
        ReductionReference.Execute(descriptor, inputs[0], inputs[^1]).CopyTo(outputs[0], 0);

    /// <summary>A selected element is exact; a compensated sum has the bound of its description, beside the float64 definition's own rounding of products.</summary>
    public override double Bound<T>(double expected, double magnitude, double largest)
    {
        double unit = Tolerance.Unit<T>(), n = DepthOfSum;
        return Selecting.Contains(descriptor.Kind) ? 0
            : descriptor.Compensated ? (2 * unit * Math.Abs(expected)) + (n * n * unit * unit * magnitude) + Tolerance.Of<double>(n, magnitude)
            : base.Bound<T>(expected, magnitude, largest);
    }

    public override string ToString() => descriptor.ToString();

    private static ReductionDescriptor Describe(Draw draw)
    {
        while (true)
        {
            int rank = draw.Int(0, 4);
            ReductionKind kind = draw.Pick(Enum.GetValues<ReductionKind>());
            long[] shape = new long[rank];
            for (int a = 0; a < rank; a++)
            {
                shape[a] = !Selecting.Contains(kind) && draw.Chance(0.02) ? 0 : draw.Extent(rank switch { 1 => 20_000, 2 => 200, 3 => 40, _ => 14 });
            }

            ReductionDescriptor d = new()
            {
                Kind = kind, Shape = Shape.Create(shape), Axis = rank > 0 && draw.Chance(0.6) ? draw.Int(0, rank - 1) : null,
                Compensated = draw.Chance(0.4) && kind is ReductionKind.Sum or ReductionKind.SumOfSquares or ReductionKind.Dot && draw.Chance(0.4),
            };
            if (d.Shape.ElementCount <= 60_000)
            {
                return d;
            }
        }
    }
}
