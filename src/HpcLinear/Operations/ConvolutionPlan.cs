using System.Numerics;
using System.Runtime.CompilerServices;
using HpcLinear.Cpu;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

/// <summary>Makes <see cref="ConvolutionPlan{T}"/>.</summary>
public static class ConvolutionPlan
{
    /// <summary>Prepares a convolution and its gradients for a device.</summary>
    /// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
    /// <exception cref="ProblemException">The descriptor is not valid.</exception>
    /// <exception cref="NotSupportedException">The device has no such element type, or an axis needs a table of more than 2^28 entries (positions times taps).</exception>
    public static ConvolutionPlan<T> Create<T>(Device device, ConvolutionDescriptor descriptor)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(descriptor);
        device.CheckSupports<T>();
        descriptor.Validate();
        ConvolutionPlan<T> plan = device switch
        {
            CpuDevice cpu => new CpuConvolutionPlan<T>(cpu, descriptor),
            OpenClDevice openCl => new OpenClConvolutionPlan<T>(openCl, descriptor),
            _ => throw new NotSupportedException($"{device.Target} has no convolution"),
        };
        plan.Trace();
        return plan;
    }
}

/// <summary>A convolution, its transposed and its gradients, prepared for one device.</summary>
/// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
/// <remarks>Every operation computes <c>out = alpha op + beta out</c> and never reads out when beta = 0. All allocate nothing, and give the same
/// bits for every thread count. Padding is never multiplied: a non-finite element of w meets only elements it should.</remarks>
public abstract class ConvolutionPlan<T> : Plan
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly Shape outputShape;

    private protected ConvolutionPlan(Device device, ConvolutionDescriptor descriptor)
        : base(device, descriptor.ToString())
    {
        Descriptor = descriptor;
        outputShape = descriptor.OutputShape;
        InputShape = descriptor.InputShape;
        FilterShape = descriptor.FilterShape;
        BiasShape = descriptor.BiasShape;
    }

    /// <summary>The problem.</summary>
    public ConvolutionDescriptor Descriptor { get; }

    /// <summary>Shape of x, <c>[problems?, batch, inChannels, input…]</c>.</summary>
    public Shape InputShape { get; }

    /// <summary>Shape of w, <c>[problems?, outChannels, inChannels / groups, filter…]</c>.</summary>
    public Shape FilterShape { get; }

    /// <summary>Shape of the bias, <c>[problems?, outChannels]</c>.</summary>
    public Shape BiasShape { get; }

    /// <summary>Shape of y, <c>[problems?, batch, outChannels, output…]</c>.</summary>
    public Shape OutputShape => outputShape;

    /// <summary>Computes <c>y = alpha (w * x + bias) + beta y</c>.</summary>
    /// <param name="queue">Orders the work; scratch memory is its own.</param>
    /// <param name="input">x, shape <see cref="InputShape"/>.</param>
    /// <param name="filter">w, shape <see cref="FilterShape"/>.</param>
    /// <param name="output">y, shape <see cref="OutputShape"/>; may not overlap the others.</param>
    /// <param name="bias">bias, shape <see cref="BiasShape"/>; the default for none.</param>
    /// <param name="alpha">Factor of the convolution and the bias.</param>
    /// <param name="beta">Factor of the old y; 0 overwrites.</param>
    /// <exception cref="ShapeException">A shape differs from the descriptor's.</exception>
    /// <exception cref="ArgumentException">A tensor of another device, or an output that overlaps an input.</exception>
    /// <exception cref="DeviceException">The device refused.</exception>
    /// <remarks>2·problems·batch·outChannels·(inChannels/groups)·|filter|·|output| flops. Source: equation (1) in docs/operations/convolution.md.</remarks>
    public void Forward(CommandQueue queue, TensorView<T> input, TensorView<T> filter, TensorView<T> output, TensorView<T> bias = default, double alpha = 1, double beta = 0)
    {
        CheckQueue(queue);
        CheckOperand(nameof(input), input, InputShape);
        CheckOperand(nameof(filter), filter, FilterShape);
        CheckOperand(nameof(output), output, outputShape);
        CheckOverlap(output, input, filter);
        if (!bias.IsEmpty)
        {
            CheckOperand(nameof(bias), bias, BiasShape);
            CheckOverlap(output, bias, bias);
        }

        if (output.Shape.ElementCount > 0)
        {
            ForwardCore(queue, input, filter, bias, output, T.CreateTruncating(alpha), T.CreateTruncating(beta));
        }
    }

    /// <summary>Computes the gradient of the input, <c>dx = alpha J(w)ᵀ dy + beta dx</c>; also the transposed convolution of dy with w.</summary>
    /// <param name="queue">Orders the work; scratch memory is its own.</param>
    /// <param name="outputGradient">dy, shape <see cref="OutputShape"/>.</param>
    /// <param name="filter">w, shape <see cref="FilterShape"/>.</param>
    /// <param name="inputGradient">dx, shape <see cref="InputShape"/>; may not overlap the others. Elements that the convolution never reads become <c>beta dx</c>.</param>
    /// <param name="alpha">Factor of the gradient.</param>
    /// <param name="beta">Factor of the old dx; 0 overwrites.</param>
    /// <exception cref="ProblemException">dy has not the output's shape (<see cref="ProblemError.GradientShape"/>).</exception>
    /// <exception cref="ShapeException">Another shape differs from the descriptor's.</exception>
    /// <exception cref="ArgumentException">A tensor of another device, or an output that overlaps an input.</exception>
    /// <exception cref="DeviceException">The device refused.</exception>
    /// <remarks>The adjoint of <see cref="Forward"/> in x, boundary rule included: circular, reflect and replicate padding accumulate. Same flops.</remarks>
    public void BackwardInput(CommandQueue queue, TensorView<T> outputGradient, TensorView<T> filter, TensorView<T> inputGradient, double alpha = 1, double beta = 0)
    {
        CheckQueue(queue);
        CheckGradient(outputGradient);
        CheckOperand(nameof(filter), filter, FilterShape);
        CheckOperand(nameof(inputGradient), inputGradient, InputShape);
        CheckOverlap(inputGradient, outputGradient, filter);
        if (inputGradient.Shape.ElementCount > 0)
        {
            BackwardInputCore(queue, outputGradient, filter, inputGradient, T.CreateTruncating(alpha), T.CreateTruncating(beta));
        }
    }

    /// <summary>Computes the gradient of the filter, <c>dw[m,c,i] = alpha sum over b, o of dy[b,m,o] x[…] + beta dw</c>.</summary>
    /// <param name="queue">Orders the work; scratch memory is its own.</param>
    /// <param name="input">x, shape <see cref="InputShape"/>.</param>
    /// <param name="outputGradient">dy, shape <see cref="OutputShape"/>.</param>
    /// <param name="filterGradient">dw, shape <see cref="FilterShape"/>; may not overlap the others.</param>
    /// <param name="alpha">Factor of the gradient.</param>
    /// <param name="beta">Factor of the old dw; 0 overwrites.</param>
    /// <exception cref="ProblemException">dy has not the output's shape (<see cref="ProblemError.GradientShape"/>).</exception>
    /// <exception cref="ShapeException">Another shape differs from the descriptor's.</exception>
    /// <exception cref="ArgumentException">A tensor of another device, or an output that overlaps an input.</exception>
    /// <exception cref="DeviceException">The device refused.</exception>
    /// <remarks>The adjoint of <see cref="Forward"/> in w. Same flops. Long sums are split into parts fixed by the shape and added in order.</remarks>
    public void BackwardFilter(CommandQueue queue, TensorView<T> input, TensorView<T> outputGradient, TensorView<T> filterGradient, double alpha = 1, double beta = 0)
    {
        CheckQueue(queue);
        CheckOperand(nameof(input), input, InputShape);
        CheckGradient(outputGradient);
        CheckOperand(nameof(filterGradient), filterGradient, FilterShape);
        CheckOverlap(filterGradient, input, outputGradient);
        if (filterGradient.Shape.ElementCount > 0)
        {
            BackwardFilterCore(queue, input, outputGradient, filterGradient, T.CreateTruncating(alpha), T.CreateTruncating(beta));
        }
    }

    /// <summary>Computes the gradient of the bias, <c>db[m] = alpha sum over b, o of dy[b,m,o] + beta db[m]</c>.</summary>
    /// <param name="queue">Orders the work; scratch memory is its own.</param>
    /// <param name="outputGradient">dy, shape <see cref="OutputShape"/>.</param>
    /// <param name="biasGradient">db, shape <see cref="BiasShape"/>; may not overlap dy.</param>
    /// <param name="alpha">Factor of the gradient.</param>
    /// <param name="beta">Factor of the old db; 0 overwrites.</param>
    /// <exception cref="ProblemException">dy has not the output's shape (<see cref="ProblemError.GradientShape"/>).</exception>
    /// <exception cref="ShapeException">db has not the descriptor's shape.</exception>
    /// <remarks>One pass over dy.</remarks>
    public void BackwardBias(CommandQueue queue, TensorView<T> outputGradient, TensorView<T> biasGradient, double alpha = 1, double beta = 0)
    {
        CheckQueue(queue);
        CheckGradient(outputGradient);
        CheckOperand(nameof(biasGradient), biasGradient, BiasShape);
        CheckOverlap(biasGradient, outputGradient, outputGradient);
        if (biasGradient.Shape.ElementCount > 0)
        {
            BackwardBiasCore(queue, outputGradient, biasGradient, T.CreateTruncating(alpha), T.CreateTruncating(beta));
        }
    }

    private protected double Bytes => Descriptor.Bytes(Unsafe.SizeOf<T>());

    private protected abstract void ForwardCore(CommandQueue queue, TensorView<T> input, TensorView<T> filter, TensorView<T> bias, TensorView<T> output, T alpha, T beta);

    private protected abstract void BackwardInputCore(CommandQueue queue, TensorView<T> outputGradient, TensorView<T> filter, TensorView<T> inputGradient, T alpha, T beta);

    private protected abstract void BackwardFilterCore(CommandQueue queue, TensorView<T> input, TensorView<T> outputGradient, TensorView<T> filterGradient, T alpha, T beta);

    private protected abstract void BackwardBiasCore(CommandQueue queue, TensorView<T> outputGradient, TensorView<T> biasGradient, T alpha, T beta);

    private static void CheckOverlap(TensorView<T> output, TensorView<T> first, TensorView<T> second)
    {
        Throw.IfOverlaps("conv", output, first);
        Throw.IfOverlaps("conv", output, second);
    }

    private void CheckGradient(TensorView<T> outputGradient)
    {
        Throw.IfUnusable(nameof(outputGradient), outputGradient, Device);
        if (!outputGradient.Shape.Equals(outputShape))
        {
            throw new ProblemException(ProblemError.GradientShape, $"conv: output gradient has shape {outputGradient.Shape}, expected {outputShape}");
        }
    }
}
