using System.Numerics;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Golden;

/// <summary>A transposed convolution to a given output size. Inputs z, w; output out.</summary>
internal sealed class TransposedOperation : IDeviceOperation
{
    public string Name => "conv.transposed";

    public GoldenArray? Compute<T>(GoldenContext<T> context, string output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (output != "out")
        {
            return null;
        }

        GoldenCase golden = context.Case;
        ConvolutionDescriptor forward = ConvolutionDescriptor.ForTransposed(
            golden.Input("z").Shape, golden.Input("w").Shape, golden.Parameters.Extents("output_spatial"), ConvolutionSettings.Read(golden.Parameters));
        ConvolutionPlan<T> plan = context.Own(ConvolutionPlan.Create<T>(context.Device, forward));
        Tensor<T> result = context.Result(forward.InputShape);
        plan.BackwardInput(context.Queue, context.Input("z"), context.Input("w"), result);
        return context.Read(result);
    }
}
