using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

internal sealed class CpuConvolutionPlan<T> : ConvolutionPlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public CpuConvolutionPlan(CpuDevice device, ConvolutionDescriptor descriptor)
        : base(device, descriptor)
    {
    }

    public override IReadOnlyList<KernelChoice> Choices => [];

    private protected override void ForwardCore(CommandQueue queue, TensorView<T> input, TensorView<T> filter, TensorView<T> bias, TensorView<T> output, T alpha, T beta) => throw new NotSupportedException();

    private protected override void BackwardInputCore(CommandQueue queue, TensorView<T> outputGradient, TensorView<T> filter, TensorView<T> inputGradient, T alpha, T beta) => throw new NotSupportedException();

    private protected override void BackwardFilterCore(CommandQueue queue, TensorView<T> input, TensorView<T> outputGradient, TensorView<T> filterGradient, T alpha, T beta) => throw new NotSupportedException();

    private protected override void BackwardBiasCore(CommandQueue queue, TensorView<T> outputGradient, TensorView<T> biasGradient, T alpha, T beta) => throw new NotSupportedException();
}
