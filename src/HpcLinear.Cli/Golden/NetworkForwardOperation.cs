using System.Numerics;
using HpcLinear.Data;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Golden;

/// <summary>A linear convolutional network applied to samples, layer by layer: unpadded, zeros around, or circular.</summary>
/// <remarks>Inputs w1, w2, …, x <c>[batch, channel, position…]</c>; outputs y_valid, y_full, y_circular.</remarks>
internal sealed class NetworkForwardOperation : IDeviceOperation
{
    public string Name => "lcn.forward";

    public GoldenArray? Compute<T>(GoldenContext<T> context, string output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (output is not ("y_valid" or "y_full" or "y_circular"))
        {
            return null;
        }

        DeepProductDescriptor network = LinearNetworkSettings.Describe(context.Case);
        Tensor<T> x = context.Input("x");
        if (x.Shape.Rank != network.Filters[0].Rank + 2 || x.Shape[1] != network.Channels[0])
        {
            throw new DataFormatException(context.Case.Name, $"x {x.Shape}", $"[batch, {network.Channels[0]}, position…] with {network.Filters[0].Rank} axes");
        }

        for (int l = 0; l < network.Depth; l++)
        {
            Tensor<T> w = context.Input(LinearNetworkSettings.Numbered("w", l + 1));
            x = network.Filters[0].Rank == 0 ? Multiply(context, x, w) : Convolve(context, x, w, network.Strides[l], output["y_".Length..]);
        }

        return context.Read(x);
    }

    private static Tensor<T> Multiply<T>(GoldenContext<T> context, Tensor<T> x, Tensor<T> w)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        GemmPlan<T> plan = context.Own(GemmPlan.Create<T>(context.Device, new() { Rows = x.Shape[0], Columns = w.Shape[0], Depth = w.Shape[1], TransposeB = true }));
        Tensor<T> y = context.Result([x.Shape[0], w.Shape[0]]);
        plan.Execute(context.Queue, x, w, y);
        return y;
    }

    private static Tensor<T> Convolve<T>(GoldenContext<T> context, Tensor<T> x, Tensor<T> w, Shape stride, string mode)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Shape input = x.Shape.Skip(2), filter = w.Shape.Skip(2), none = Shape.Uniform(input.Rank, 0);
        for (int a = 0; a < input.Rank && mode == "circular"; a++)
        {
            if (input[a] % stride[a] != 0)
            {
                throw new DataFormatException(context.Case.Name, $"{input[a]} positions and stride {stride[a]} along axis {a}", "a multiple of the stride: a circular layer has positions / stride outputs");
            }
        }

        if (mode == "valid" && input.Zip(filter).Any(a => a.First < a.Second))
        {
            // No place for the filter: no outputs, which is no error.
            return context.Result([x.Shape[0], w.Shape[0], .. Enumerable.Range(0, input.Rank).Select(a => input[a] < filter[a] ? 0 : ((input[a] - filter[a]) / stride[a]) + 1)]);
        }

        // Around the circle, the last output reads as far beyond the end as its filter is longer than the stride.
        Shape before = mode == "full" ? Shape.Create([.. filter.Select(k => k - 1)]) : none;
        Shape after = mode == "circular" ? Shape.Create([.. filter.Zip(stride, (k, s) => Math.Max(0, k - s))]) : before;
        ConvolutionDescriptor layer = new()
        {
            Batch = x.Shape[0], InChannels = x.Shape[1], OutChannels = w.Shape[0], Input = input, Filter = filter, Stride = stride,
            PaddingLow = before, PaddingHigh = after, Boundary = mode == "circular" ? Boundary.Circular : Boundary.Zero,
        };
        ConvolutionPlan<T> plan = context.Own(ConvolutionPlan.Create<T>(context.Device, layer));
        Tensor<T> y = context.Result(layer.OutputShape);
        plan.Forward(context.Queue, x, w, y);
        return y;
    }
}
