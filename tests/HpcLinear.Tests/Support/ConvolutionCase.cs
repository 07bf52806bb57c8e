using System.Numerics;
using HpcLinear.Operations;

namespace HpcLinear.Tests.Support;

/// <summary>A convolution on a device as functions of host arrays, with random x, w and dy.</summary>
internal sealed class ConvolutionCase<T> : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly ConvolutionPlan<T> plan;
    private readonly CommandQueue queue;
    private readonly Tensor<T> x;
    private readonly Tensor<T> w;
    private readonly Tensor<T> y;

    public ConvolutionCase(ConvolutionDescriptor descriptor, Device device)
    {
        plan = ConvolutionPlan.Create<T>(device, descriptor);
        queue = device.CreateQueue();
        x = device.Allocate<T>(descriptor.InputShape);
        w = device.Allocate<T>(descriptor.FilterShape);
        y = device.Allocate<T>(descriptor.OutputShape);
        X = Values.Random<T>(x.Shape.ElementCount, 1);
        W = Values.Random<T>(w.Shape.ElementCount, 2);
        Dy = Values.Random<T>(y.Shape.ElementCount, 3);
    }

    public T[] X { get; }

    public T[] W { get; }

    public T[] Dy { get; }

    public static T[] Magnitudes(T[] values) => Array.ConvertAll(values, T.Abs);

    public T[] Forward(T[] input, T[] filter, double alpha = 1)
    {
        queue.Upload(input, x);
        queue.Upload(filter, w);
        plan.Forward(queue, x, w, y, alpha: alpha);
        return queue.Download<T>(y);
    }

    public T[] BackwardInput(T[] outputGradient, T[] filter)
    {
        queue.Upload(outputGradient, y);
        queue.Upload(filter, w);
        plan.BackwardInput(queue, y, w, x);
        return queue.Download<T>(x);
    }

    public T[] BackwardFilter(T[] input, T[] outputGradient)
    {
        queue.Upload(input, x);
        queue.Upload(outputGradient, y);
        plan.BackwardFilter(queue, x, y, w);
        return queue.Download<T>(w);
    }

    public void Dispose()
    {
        y.Dispose();
        w.Dispose();
        x.Dispose();
        queue.Dispose();
        plan.Dispose();
    }
}
