using System.Globalization;
using System.Numerics;
using HpcLinear.Cpu;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

/// <summary>Makes <see cref="OptimizerPlan{T}"/>.</summary>
public static class OptimizerPlan
{
    /// <summary>Prepares an optimizer for a device.</summary>
    /// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
    /// <exception cref="ProblemException">The descriptor is not valid.</exception>
    /// <exception cref="NotSupportedException">The device has no such element type.</exception>
    public static OptimizerPlan<T> Create<T>(Device device, OptimizerDescriptor descriptor)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(descriptor);
        device.CheckSupports<T>();
        descriptor.Validate();
        OptimizerPlan<T> plan = device switch
        {
            CpuDevice cpu => new CpuOptimizerPlan<T>(cpu, descriptor),
            OpenClDevice openCl => new OpenClOptimizerPlan<T>(openCl, descriptor),
            _ => throw new NotSupportedException($"{device.Target} has no optimizer"),
        };
        plan.Trace();
        return plan;
    }
}

/// <summary>An optimizer prepared for one device. One pass over parameters, gradient and moments; nothing is kept in the plan.</summary>
/// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
public abstract class OptimizerPlan<T> : Plan
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private protected OptimizerPlan(Device device, OptimizerDescriptor descriptor)
        : base(device, descriptor.ToString()) => Descriptor = descriptor;

    /// <summary>The problem.</summary>
    public OptimizerDescriptor Descriptor { get; }

    /// <summary>Gradient descent without momentum, <c>w = w - r g</c>.</summary>
    /// <param name="queue">Orders the work.</param>
    /// <param name="gradient">g, shape <see cref="OptimizerDescriptor.Shape"/>.</param>
    /// <param name="parameters">w, the same shape; updated in place.</param>
    /// <param name="learningRate">r, finite.</param>
    /// <exception cref="InvalidOperationException">The rule keeps moments.</exception>
    /// <exception cref="ShapeException">A shape differs from the descriptor's.</exception>
    public void Execute(CommandQueue queue, TensorView<T> gradient, TensorView<T> parameters, double learningRate)
    {
        CheckMoments(0);
        Check(queue, gradient, parameters, learningRate);
        Run(queue, gradient, parameters, default, default, learningRate, 1);
    }

    /// <summary>Gradient descent with momentum, <c>v = μ v + g</c>, <c>w = w - r v</c>.</summary>
    /// <param name="queue">Orders the work.</param>
    /// <param name="gradient">g, shape <see cref="OptimizerDescriptor.Shape"/>.</param>
    /// <param name="parameters">w, the same shape; updated in place.</param>
    /// <param name="velocity">v, the same shape, zeros before the first update; updated in place.</param>
    /// <param name="learningRate">r, finite.</param>
    /// <exception cref="InvalidOperationException">The rule has no velocity.</exception>
    /// <exception cref="ShapeException">A shape differs from the descriptor's.</exception>
    public void Execute(CommandQueue queue, TensorView<T> gradient, TensorView<T> parameters, TensorView<T> velocity, double learningRate)
    {
        CheckMoments(1);
        Check(queue, gradient, parameters, learningRate);
        CheckMoment(nameof(velocity), velocity, gradient);
        Throw.IfAnyOverlap<T>("optimizer", [parameters, velocity]);
        Run(queue, gradient, parameters, velocity, default, learningRate, 1);
    }

    /// <summary>Adam with the correction of its moments' bias.</summary>
    /// <param name="queue">Orders the work.</param>
    /// <param name="gradient">g, shape <see cref="OptimizerDescriptor.Shape"/>.</param>
    /// <param name="parameters">w, the same shape; updated in place.</param>
    /// <param name="firstMoment">m, the same shape, zeros before the first update; updated in place.</param>
    /// <param name="secondMoment">v, the same shape, zeros before the first update, never negative; updated in place.</param>
    /// <param name="learningRate">r, finite.</param>
    /// <param name="update">t, the number of this update, from 1.</param>
    /// <exception cref="InvalidOperationException">The rule is another.</exception>
    /// <exception cref="ShapeException">A shape differs from the descriptor's.</exception>
    public void Execute(CommandQueue queue, TensorView<T> gradient, TensorView<T> parameters, TensorView<T> firstMoment, TensorView<T> secondMoment, double learningRate, long update)
    {
        CheckMoments(2);
        Check(queue, gradient, parameters, learningRate);
        CheckMoment(nameof(firstMoment), firstMoment, gradient);
        CheckMoment(nameof(secondMoment), secondMoment, gradient);
        Throw.IfAnyOverlap<T>("optimizer", [parameters, firstMoment, secondMoment]);
        if (update < 1)
        {
            throw new ArgumentOutOfRangeException(nameof(update), update, $"update: {update} given, 1 or more expected");
        }

        Run(queue, gradient, parameters, firstMoment, secondMoment, learningRate, update);
    }

    private protected abstract void ExecuteCore(
        CommandQueue queue,
        TensorView<T> gradient,
        TensorView<T> parameters,
        TensorView<T> first,
        TensorView<T> second,
        OptimizerFactors<T> factors);

    private void Run(CommandQueue queue, TensorView<T> gradient, TensorView<T> parameters, TensorView<T> first, TensorView<T> second, double learningRate, long update)
    {
        if (Descriptor.Shape.ElementCount > 0)
        {
            ExecuteCore(queue, gradient, parameters, first, second, OptimizerFactors<T>.Of(Descriptor, learningRate, update));
        }
    }

    private void CheckMoments(int given)
    {
        if (given != Descriptor.Moments)
        {
            throw new InvalidOperationException($"{Descriptor}: " + Descriptor.Moments switch
            {
                0 => "keeps no moments: Execute(queue, gradient, parameters, learningRate)",
                1 => "keeps a velocity: Execute(queue, gradient, parameters, velocity, learningRate)",
                _ => "keeps two moments: Execute(queue, gradient, parameters, firstMoment, secondMoment, learningRate, update)",
            });
        }
    }

    private void Check(CommandQueue queue, TensorView<T> gradient, TensorView<T> parameters, double learningRate)
    {
        CheckQueue(queue);
        CheckOperand(nameof(gradient), gradient, Descriptor.Shape);
        CheckOperand(nameof(parameters), parameters, Descriptor.Shape);
        Throw.IfOverlaps("optimizer", parameters, gradient);
        if (!double.IsFinite(learningRate))
        {
            throw new ArgumentOutOfRangeException(nameof(learningRate), learningRate, string.Create(CultureInfo.InvariantCulture, $"learningRate: {learningRate} given, a finite number expected"));
        }
    }

    private void CheckMoment(string argument, TensorView<T> moment, TensorView<T> gradient)
    {
        CheckOperand(argument, moment, Descriptor.Shape);
        Throw.IfOverlaps("optimizer", moment, gradient);
    }
}
