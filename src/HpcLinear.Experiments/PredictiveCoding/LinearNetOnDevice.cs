using HpcLinear.Operations;

namespace HpcLinear.Experiments.PredictiveCoding;

/// <summary>A network on its device, its gradients as functions of host arrays.</summary>
internal sealed class LinearNetOnDevice : IDisposable
{
    private readonly CommandQueue queue;
    private readonly RelaxationPlan<double> plan;
    private readonly Tensor<double> weights, input, target, errors, activities, gradient, prediction, layers, weightGradient;

    public LinearNetOnDevice(CommandQueue queue, LinearNet net)
    {
        this.queue = queue;
        Network = net.Network;
        plan = RelaxationPlan.Create<double>(queue.Device, Network);
        weights = Upload(net.Parameters, Network.ParameterShape);
        input = Upload(net.Input, Network.InputShape);
        target = Upload(net.Target, Network.TargetShape);
        errors = queue.Device.Allocate<double>(Network.ActivityShape);
        activities = queue.Device.Allocate<double>(Network.ActivityShape);
        gradient = queue.Device.Allocate<double>(Network.ActivityShape);
        prediction = queue.Device.Allocate<double>(Network.TargetShape);
        layers = queue.Device.Allocate<double>([Network.Depth]);
        weightGradient = queue.Device.Allocate<double>(Network.ParameterShape);
    }

    public RelaxationDescriptor Network { get; }

    public double[] Forward()
    {
        plan.Forward(queue, weights, input, activities, prediction);
        return queue.Download<double>(activities);
    }

    /// <summary>Gradient in the activities.</summary>
    public void ActivityGradient(double[] state, double[] result)
    {
        queue.Upload(state, activities);
        plan.ActivityGradient(queue, weights, input, target, activities, gradient);
        queue.Download<double>(gradient, result);
    }

    /// <summary>Gradient in the errors, and the activities that belong to them.</summary>
    public void ErrorGradient(double[] state, double[] result, double[] resultingActivities)
    {
        queue.Upload(state, errors);
        plan.ErrorGradient(queue, weights, input, target, errors, activities, gradient);
        queue.Download<double>(gradient, result);
        queue.Download<double>(activities, resultingActivities);
    }

    /// <summary>Relaxes from the feed-forward state and returns what is found there.</summary>
    public (RelaxationResult Result, double Energy, double[] WeightGradient) Relax(bool inErrors, RelaxationOptions options)
    {
        RelaxationResult result;
        if (inErrors)
        {
            queue.Fill(errors, 0.0);
            result = plan.RelaxErrors(queue, weights, input, target, errors, activities, options);
        }
        else
        {
            plan.Forward(queue, weights, input, activities, prediction);
            result = plan.Relax(queue, weights, input, target, activities, options);
        }

        plan.Energies(queue, weights, input, target, activities, layers);
        plan.WeightGradient(queue, weights, input, target, activities, weightGradient);
        return (result, queue.Download<double>(layers).Sum(), queue.Download<double>(weightGradient));
    }

    public void Dispose()
    {
        foreach (Tensor<double> tensor in (Tensor<double>[])[weights, input, target, errors, activities, gradient, prediction, layers, weightGradient])
        {
            tensor.Dispose();
        }

        plan.Dispose();
    }

    private Tensor<double> Upload(double[] values, Shape shape)
    {
        Tensor<double> tensor = queue.Device.Allocate<double>(shape);
        queue.Upload(values, tensor);
        return tensor;
    }
}
