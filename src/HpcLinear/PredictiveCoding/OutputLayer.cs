using System.Numerics;
using HpcLinear.Operations;

namespace HpcLinear.PredictiveCoding;

/// <summary>A network's last prediction from the activities below it, without a second pass through all layers.</summary>
/// <remarks>A network of two layers: the lower has zero weights and hands its input on through a skip, φ(0) being 0, so that φ of the last layer is applied as usual.</remarks>
internal sealed class OutputLayer<T> : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly CommandQueue queue;
    private readonly RelaxationPlan<T> plan;
    private readonly Tensor<T> parameters;
    private readonly Tensor<T> activities;
    private readonly (long From, long To, Shape Shape)[] copies;

    /// <param name="queue">Orders the work.</param>
    /// <param name="network">A network of at least two layers.</param>
    public OutputLayer(CommandQueue queue, RelaxationDescriptor network)
    {
        this.queue = queue;
        int depth = network.Depth;
        RelaxationDescriptor last = network with
        {
            Widths = [network.Widths[^2], network.Widths[^2], network.Widths[^1]],
            Scalings = [1, network.Scaling(depth)],
            Skips = [true, network.Skip(depth)],
            Precisions = [],
        };
        plan = RelaxationPlan.Create<T>(queue.Device, last);
        parameters = queue.Device.Allocate<T>(last.ParameterShape);
        activities = queue.Device.Allocate<T>(last.ActivityShape);
        copies = [(network.WeightOffset(depth), last.WeightOffset(2), [network.Widths[^1] * network.Widths[^2]])];
        if (network.Bias)
        {
            copies = [.. copies, (network.BiasOffset(depth), last.BiasOffset(2), [network.Widths[^1]])];
        }
    }

    /// <summary>Computes P_L.</summary>
    /// <param name="from">Parameters of the whole network.</param>
    /// <param name="below">Z_(L-1).</param>
    /// <param name="prediction">Overwritten.</param>
    public void Predict(TensorView<T> from, TensorView<T> below, TensorView<T> prediction)
    {
        foreach ((long source, long destination, Shape shape) in copies)
        {
            queue.Copy(from.Tensor.View(from.Offset + source, shape), parameters.View(destination, shape));
        }

        plan.Forward(queue, parameters, below, activities, prediction);
    }

    public void Dispose()
    {
        plan.Dispose();
        parameters.Dispose();
        activities.Dispose();
    }
}
