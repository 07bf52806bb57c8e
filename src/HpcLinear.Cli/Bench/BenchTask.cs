using System.Numerics;

namespace HpcLinear.Cli.Bench;

/// <summary>One operation on one problem, its operands on the device: can be run often, and checked.</summary>
internal abstract class BenchTask : ResourceOwner
{
    /// <summary>Nominal floating-point operations of one call.</summary>
    public abstract double Flops { get; }

    /// <summary>Compulsory bytes of one call: every operand once.</summary>
    public abstract double Bytes { get; }

    /// <summary>Hands one call to the queue.</summary>
    public abstract void Execute();

    /// <summary>Compares the result of the last call with the definition.</summary>
    public abstract BenchCheck Check();

    /// <summary>The elements of the result of the last call, of the task's type.</summary>
    public abstract Array Download();

    /// <summary>A tensor for results; every element is NaN, so that one never written shows.</summary>
    protected Tensor<T> Result<T>(CommandQueue queue, Shape shape)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Tensor<T> tensor = Own(queue.Device.Allocate<T>(shape));
        queue.Fill(tensor, T.NaN);
        return tensor;
    }
}
