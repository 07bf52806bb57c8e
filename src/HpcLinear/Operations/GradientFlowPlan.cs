using System.Numerics;
using HpcLinear.Cpu;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

/// <summary>Makes <see cref="GradientFlowPlan{T}"/>.</summary>
public static class GradientFlowPlan
{
    /// <summary>Prepares gradient flows for a device.</summary>
    /// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
    /// <exception cref="ProblemException">The descriptor is not valid.</exception>
    /// <exception cref="NotSupportedException">The device has no such element type.</exception>
    public static GradientFlowPlan<T> Create<T>(Device device, GradientFlowDescriptor descriptor)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(descriptor);
        device.CheckSupports<T>();
        descriptor.Validate();
        GradientFlowPlan<T> plan = device switch
        {
            CpuDevice cpu => new CpuGradientFlowPlan<T>(cpu, descriptor),
            OpenClDevice openCl => new OpenClGradientFlowPlan<T>(openCl, descriptor),
            _ => throw new NotSupportedException($"{device.Target} has no gradient flow"),
        };
        plan.Trace();
        return plan;
    }
}

/// <summary>Gradient flows of many small networks at once, prepared for one device: a network is a lane of a vector, or a work-item.</summary>
/// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
/// <remarks>Every network has its own time, step size and error control: what one does, and where it lies in the batch, never changes another's bits.</remarks>
public abstract class GradientFlowPlan<T> : Plan
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private protected GradientFlowPlan(Device device, GradientFlowDescriptor descriptor)
        : base(device, descriptor.ToString()) => Descriptor = descriptor;

    /// <summary>The problem.</summary>
    public GradientFlowDescriptor Descriptor { get; }

    /// <summary>Integrates all networks from time 0 to the last of <paramref name="times"/>.</summary>
    /// <param name="queue">Orders the work; scratch memory is its own.</param>
    /// <param name="weights">W_0 … W_{L-1} at the start, shapes <see cref="DeepProductDescriptor.FilterShape"/>.</param>
    /// <param name="quadratic">A, symmetric, shape <see cref="GradientFlowDescriptor.QuadraticShape"/>.</param>
    /// <param name="linear">B, shape <see cref="GradientFlowDescriptor.LinearShape"/>.</param>
    /// <param name="times">When states are wanted: finite, not negative, increasing.</param>
    /// <param name="states">The weights at these times, shapes <see cref="GradientFlowDescriptor.StateShape"/>; from where a flow stopped early on, its last finite state.</param>
    /// <param name="options">The method; null for the default.</param>
    /// <returns>What was found, network by network. Waits for the device.</returns>
    /// <exception cref="ArgumentException">Not L weights or states, wrong times, an overlap, or wrong options.</exception>
    /// <exception cref="ShapeException">A shape differs from the descriptor's.</exception>
    /// <exception cref="NotSupportedException">OpenCL devices integrate the weights by <see cref="FlowMethod.DormandPrince"/> and detect no crossings.</exception>
    /// <remarks>States between steps are interpolated: to order 4 with <see cref="FlowMethod.DormandPrince"/>, else 3. Explicit steps h must keep
    /// <c>h λmax(J Jᵀ) λmax(A)</c> below about 3.</remarks>
    public IReadOnlyList<FlowOutcome> Run(
        CommandQueue queue,
        ReadOnlySpan<TensorView<T>> weights,
        TensorView<T> quadratic,
        TensorView<T> linear,
        ReadOnlySpan<double> times,
        ReadOnlySpan<TensorView<T>> states,
        GradientFlowOptions? options = null)
    {
        CheckQueue(queue);
        options ??= new();
        options.Validate();
        CheckTimes(times);
        CheckCount(nameof(weights), weights.Length);
        CheckCount(nameof(states), states.Length);
        CheckOperand(nameof(quadratic), quadratic, Descriptor.QuadraticShape);
        CheckOperand(nameof(linear), linear, Descriptor.LinearShape);
        for (int l = 0; l < weights.Length; l++)
        {
            CheckOperand(nameof(weights), weights[l], Descriptor.Network.FilterShape(l));
            CheckOperand(nameof(states), states[l], Descriptor.StateShape(l, times.Length));
            Throw.IfOverlapsAny("gradient_flow", states[l], weights);
            Throw.IfOverlaps("gradient_flow", states[l], quadratic);
            Throw.IfOverlaps("gradient_flow", states[l], linear);
        }

        Throw.IfAnyOverlap("gradient_flow", states);
        FlowOutcome[] outcomes = new FlowOutcome[Descriptor.Network.Problems ?? 1];
        if (outcomes.Length > 0)
        {
            RunCore(queue, weights, quadratic, linear, times, states, options, outcomes);
        }

        return outcomes;
    }

    private protected abstract void RunCore(
        CommandQueue queue,
        ReadOnlySpan<TensorView<T>> weights,
        TensorView<T> quadratic,
        TensorView<T> linear,
        ReadOnlySpan<double> times,
        ReadOnlySpan<TensorView<T>> states,
        GradientFlowOptions options,
        FlowOutcome[] outcomes);

    /// <summary>The tolerances that the element type can keep.</summary>
    private protected static (double Relative, double Absolute) Tolerances(GradientFlowOptions options) => typeof(T) == typeof(float)
        ? (Math.Max(options.RelativeTolerance, 5e-7), Math.Max(options.AbsoluteTolerance, 5e-9))
        : (Math.Max(options.RelativeTolerance, 1e-15), options.AbsoluteTolerance);

    private static void CheckTimes(ReadOnlySpan<double> times)
    {
        if (times.IsEmpty)
        {
            throw new ArgumentException("times: at least one expected", nameof(times));
        }

        for (int i = 0; i < times.Length; i++)
        {
            if (!double.IsFinite(times[i]) || times[i] < 0 || (i > 0 && times[i] <= times[i - 1]))
            {
                throw new ArgumentException($"times: finite, not negative and increasing expected, time {i} is {times[i]}{(i > 0 ? $" after {times[i - 1]}" : "")}", nameof(times));
            }
        }
    }

    private void CheckCount(string argument, int given)
    {
        if (given != Descriptor.Network.Depth)
        {
            throw new ArgumentException($"{argument}: {Descriptor.Network.Depth} layers expected, {given} given ({this})", argument);
        }
    }
}
