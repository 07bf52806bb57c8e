using System.Numerics;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Golden;

/// <summary>Reductions over all elements and over one axis. Inputs v, u, huge, cancelling.</summary>
internal sealed class ReductionOperation : IDeviceOperation
{
    public string Name => "reduce.all";

    public GoldenArray? Compute<T>(GoldenContext<T> context, string output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => output switch
        {
            "sum" => Reduce(context, ReductionKind.Sum, "v"),
            "sum_axis" => Reduce(context, ReductionKind.Sum, "v", axis: (int)context.Case.Parameters.Number("axis")),
            "sum_sq" => Reduce(context, ReductionKind.SumOfSquares, "v"),
            "dot" => Reduce(context, ReductionKind.Dot, "v", "u"),
            "max" => Reduce(context, ReductionKind.Maximum, "v"),
            "min" => Reduce(context, ReductionKind.Minimum, "v"),
            "max_abs" => Reduce(context, ReductionKind.MaximumMagnitude, "v"),
            "norm2_huge" => Reduce(context, ReductionKind.Norm2, "huge"),
            "sum_cancelling" => Reduce(context, ReductionKind.Sum, "cancelling"),
            "sum_cancelling_compensated" => Reduce(context, ReductionKind.Sum, "cancelling", compensated: true),
            _ => null,
        };

    private static GoldenArray Reduce<T>(GoldenContext<T> context, ReductionKind kind, string left, string? right = null, int? axis = null, bool compensated = false)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ReductionDescriptor descriptor = new() { Kind = kind, Shape = context.Case.Input(left).Shape, Axis = axis, Compensated = compensated };
        ReductionPlan<T> plan = context.Own(ReductionPlan.Create<T>(context.Device, descriptor));
        Tensor<T> result = context.Result(descriptor.ResultShape);
        if (right is null)
        {
            plan.Execute(context.Queue, context.Input(left), result);
        }
        else
        {
            plan.Execute(context.Queue, context.Input(left), context.Input(right), result);
        }

        return context.Read(result);
    }
}
