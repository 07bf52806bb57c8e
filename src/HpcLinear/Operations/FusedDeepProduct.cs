using System.Numerics;
using HpcLinear.Cpu;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

/// <summary>Many chains of small filters at once, a chain a lane of a vector or a work-item: what is computed between layers and result stays there.</summary>
internal abstract class FusedDeepProduct<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>The most multiply-adds of channels of one filter for which a product would not be better.</summary>
    private const long MaxChannelProducts = 36;

    /// <summary>What is computed of the chains; the same numbers as in <c>fused_deep_product.cl</c>.</summary>
    private protected enum Task
    {
        Compose,
        JacobianProduct,
        Gradients,
    }

    /// <summary>How many chains there are at a time, for <c>Choices</c>.</summary>
    public abstract string Kernel { get; }

    /// <summary>Whether gradients and Jacobian products fit into the caches too.</summary>
    public abstract bool Differentiates { get; }

    /// <summary>Scratch bytes for <see cref="Compose"/>.</summary>
    public abstract long WorkspaceBytes { get; }

    /// <summary>Scratch bytes for <see cref="Gradients"/> and <see cref="JacobianProduct"/>.</summary>
    public abstract long DifferentiatingWorkspaceBytes { get; }

    /// <summary>Prepares the chain; null, with the reason, where this algorithm is not the one to take.</summary>
    public static FusedDeepProduct<T>? Create(Device device, DeepProductDescriptor chain, out string? whyNot)
    {
        whyNot = null;
        if (chain.Depth < 2)
        {
            return null;
        }

        if (Enumerable.Range(0, chain.Depth).Any(l => (double)chain.Channels[l] * chain.Channels[l + 1] > MaxChannelProducts))
        {
            whyNot = $"fused: more than {MaxChannelProducts} pairs of channels make a better product";
            return null;
        }

        return device switch
        {
            CpuDevice cpu => CpuFusedDeepProduct<T>.Create(cpu, chain, out whyNot),
            OpenClDevice openCl => OpenClFusedDeepProduct<T>.Create(openCl, chain, out whyNot),
            _ => null,
        };
    }

    /// <summary>Computes the end-to-end filters.</summary>
    public void Compose(CommandQueue queue, ReadOnlySpan<TensorView<T>> filters, TensorView<T> composed) =>
        Run(queue, Task.Compose, filters, [], composed);

    /// <summary>Computes the gradients of <c>&lt;G, composed&gt;</c>.</summary>
    public void Gradients(CommandQueue queue, ReadOnlySpan<TensorView<T>> filters, TensorView<T> composedGradient, ReadOnlySpan<TensorView<T>> filterGradients) =>
        Run(queue, Task.Gradients, filters, filterGradients, composedGradient);

    /// <summary>Computes the derivatives of the end-to-end filters along the tangents.</summary>
    public void JacobianProduct(CommandQueue queue, ReadOnlySpan<TensorView<T>> filters, ReadOnlySpan<TensorView<T>> tangents, TensorView<T> composedTangent) =>
        Run(queue, Task.JacobianProduct, filters, tangents, composedTangent);

    /// <summary>Gives back tables on the device.</summary>
    public virtual void Dispose()
    {
    }

    /// <param name="queue">Orders the work.</param>
    /// <param name="task">What to compute.</param>
    /// <param name="filters">The layers.</param>
    /// <param name="others">Nothing, tangents, or gradients to be written.</param>
    /// <param name="composed">The result, or the gradient given.</param>
    private protected abstract void Run(CommandQueue queue, Task task, ReadOnlySpan<TensorView<T>> filters, ReadOnlySpan<TensorView<T>> others, TensorView<T> composed);
}
