using System.Numerics;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Golden;

/// <summary>A convolution with bias and its three gradients; with <paramref name="problems"/> every operand has a leading axis of problems.</summary>
/// <remarks>Inputs x, w, bias, gy; outputs y, gx, gw, gb. Inputs that the listed outputs do not need may be missing.</remarks>
internal sealed class ConvolutionOperation(string name, bool problems) : IDeviceOperation
{
    public string Name => name;

    public GoldenArray? Compute<T>(GoldenContext<T> context, string output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (output is not ("y" or "gx" or "gw" or "gb"))
        {
            return null;
        }

        ConvolutionDescriptor descriptor = Describe(context.Case);
        ConvolutionPlan<T> plan = context.Own(ConvolutionPlan.Create<T>(context.Device, descriptor));
        Tensor<T> result;
        switch (output)
        {
            case "y":
                result = context.Result(descriptor.OutputShape);
                plan.Forward(context.Queue, context.Input("x"), context.Input("w"), result, context.Case.HasInput("bias") ? context.Input("bias").AsView() : default);
                break;
            case "gx":
                result = context.Result(descriptor.InputShape);
                plan.BackwardInput(context.Queue, context.Input("gy"), context.Input("w"), result);
                break;
            case "gw":
                result = context.Result(descriptor.FilterShape);
                plan.BackwardFilter(context.Queue, context.Input("x"), context.Input("gy"), result);
                break;
            default:
                result = context.Result(descriptor.BiasShape);
                plan.BackwardBias(context.Queue, context.Input("gy"), result);
                break;
        }

        return context.Read(result);
    }

    private ConvolutionDescriptor Describe(GoldenCase golden)
    {
        ConvolutionDescriptor settings = ConvolutionSettings.Read(golden.Parameters);
        Shape? x = Operand(golden, "x", "gx"), w = Operand(golden, "w", "gw");
        if (x is null || w is null)
        {
            // Only the gradient of the bias can be asked for then: the sum over gy, whatever the filter was.
            Shape gy = golden.Input("gy").Shape;
            int lead = problems ? 1 : 0, d = Math.Max(0, gy.Rank - 2 - lead);
            long channels = gy[lead + 1];
            long[] sharing = problems ? [golden.Expected("gb").Shape[0]] : [];
            settings = settings with { Groups = 1, Geometry = Geometry.Valid, Stride = Shape.Uniform(d, 1), Dilation = Shape.Uniform(d, 1) };
            x = gy;
            w = [.. sharing, channels, channels, .. Shape.Uniform(d, 1)];
        }

        return ConvolutionDescriptor.FromShapes(x, w, settings, problems);
    }

    /// <summary>An operand's shape: its own, or else that of its gradient.</summary>
    private static Shape? Operand(GoldenCase golden, string input, string gradient) => golden.HasInput(input)
        ? golden.Input(input).Shape
        : golden.Outputs.FirstOrDefault(o => o.Name == gradient)?.Shape;
}
