using System.Numerics;
using HpcLinear.Cpu;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

/// <summary>Makes <see cref="GemmPlan{T}"/>.</summary>
public static class GemmPlan
{
    /// <summary>Prepares matrix products for a device.</summary>
    /// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
    /// <exception cref="ProblemException">The descriptor is not valid.</exception>
    /// <exception cref="NotSupportedException">The device has no such element type.</exception>
    public static GemmPlan<T> Create<T>(Device device, GemmDescriptor descriptor)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(device);
        ArgumentNullException.ThrowIfNull(descriptor);
        device.CheckSupports<T>();
        descriptor.Validate();
        GemmPlan<T> plan = device switch
        {
            CpuDevice cpu => new CpuGemmPlan<T>(cpu, descriptor),
            OpenClDevice openCl => new OpenClGemmPlan<T>(openCl, descriptor),
            _ => throw new NotSupportedException($"{device.Target} has no gemm"),
        };
        plan.Trace();
        return plan;
    }
}

/// <summary>Matrix products prepared for one device.</summary>
/// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
public abstract class GemmPlan<T> : Plan
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    // Executing allocates nothing: shapes and lengths are found once.
    private readonly (Shape Shape, long Required, bool Dense) a;
    private readonly (Shape Shape, long Required, bool Dense) b;
    private readonly (Shape Shape, long Required, bool Dense) c;

    private protected GemmPlan(Device device, GemmDescriptor descriptor)
        : base(device, descriptor.ToString())
    {
        Descriptor = descriptor;
        a = (descriptor.ShapeA, descriptor.RequiredA, descriptor.LeadingA is null && descriptor.StrideA is null or 0);
        b = (descriptor.ShapeB, descriptor.RequiredB, descriptor.LeadingB is null && descriptor.StrideB is null or 0);
        c = (descriptor.ShapeC, descriptor.RequiredC, descriptor.LeadingC is null && descriptor.StrideC is null);
    }

    /// <summary>The problem.</summary>
    public GemmDescriptor Descriptor { get; }

    /// <summary>Computes <c>C[p] = alpha op(A[p]) op(B[p]) + beta C[p]</c>.</summary>
    /// <param name="queue">Orders the work; scratch memory is its own.</param>
    /// <param name="a">A; shape <see cref="GemmDescriptor.ShapeA"/>, or with leading dimensions or strides set any view long enough.</param>
    /// <param name="b">B; likewise.</param>
    /// <param name="c">C; likewise. May not overlap A or B. Elements between rows and between problems are left alone.</param>
    /// <param name="alpha">Factor of the product.</param>
    /// <param name="beta">Factor of the old C; 0 overwrites C without reading it.</param>
    /// <exception cref="ShapeException">A dense operand's shape differs from the descriptor's.</exception>
    /// <exception cref="ArgumentException">A buffer too short, of another device, or overlapping the output.</exception>
    /// <remarks>2·problems·rows·columns·depth flops. Allocates nothing. Bits do not depend on the thread count.</remarks>
    public void Execute(CommandQueue queue, TensorView<T> a, TensorView<T> b, TensorView<T> c, double alpha = 1, double beta = 0)
    {
        CheckQueue(queue);
        CheckMatrix(nameof(a), a, this.a);
        CheckMatrix(nameof(b), b, this.b);
        CheckMatrix(nameof(c), c, this.c);
        Throw.IfOverlaps("gemm", c, a);
        Throw.IfOverlaps("gemm", c, b);
        if (this.c.Required > 0)
        {
            ExecuteCore(queue, a, b, c, T.CreateTruncating(alpha), T.CreateTruncating(beta));
        }
    }

    private protected abstract void ExecuteCore(CommandQueue queue, TensorView<T> a, TensorView<T> b, TensorView<T> c, T alpha, T beta);

    private void CheckMatrix(string argument, TensorView<T> view, (Shape Shape, long Required, bool Dense) matrix)
    {
        if (matrix.Dense)
        {
            CheckOperand(argument, view, matrix.Shape);
        }
        else
        {
            Throw.IfUnusable(argument, view, Device);
            if (view.Shape.ElementCount < matrix.Required)
            {
                throw new ArgumentException($"{argument}: at least {matrix.Required} elements expected, {view.Shape.ElementCount} given ({this})", argument);
            }
        }
    }
}
