using System.Runtime.InteropServices;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

/// <content>Conjugate gradients, Gauss-Newton, certificates and curvatures, <c>kernels/relaxation_solvers.cl</c>: compiled when they are first asked for.</content>
internal sealed partial class OpenClRelaxationPlan<T>
{
    // Of relaxation_solvers.cl.
    private const int Conjugate = 6, Newton = 7;

    private readonly Lazy<SolverKernels> solvers;

    private long CertificateUnits => 2L * layers.HiddenUnits;

    private long MaskedCertificateUnits => 3L * layers.HiddenUnits;

    private long CurvatureUnits => 7L * layers.HiddenUnits;

    private protected override RelaxationResult SolveErrorsCore(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> errors, RelaxationOptions options)
    {
        OpenClQueue q = (OpenClQueue)queue;
        bool conjugate = options.Method == RelaxationMethod.ConjugateGradients;
        long extra = SolverUnits(options.Method), at = items * samples * (baseUnits + extra);
        OpenClBuffer memory = q.Workspace(Bytes(extra) + OutcomeBytes(options));
        OpenClKernel kernel = Begin(q, solvers.Value.Solve, operands, Flags(options) | Certified(options), extra, memory).View(operands.Target).View(operands.Activities).View(errors)
            .Buffer(memory, at).Buffer(memory, OutcomeAt(options, at)).Int(conjugate ? Conjugate : Newton).Int(conjugate && layers.Exact ? 1 : 0).Int(options.Steps);
        Stops(kernel, options).Launch(size);
        return Read(q, memory, at, options);
    }

    private protected override double LargestCurvatureCore(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> errors, bool inErrors)
    {
        OpenClQueue q = (OpenClQueue)queue;
        long at = items * samples * (baseUnits + CurvatureUnits), batch = Descriptor.Batch, count = 2 * Tridiagonal.Iterations * batch;
        OpenClBuffer memory = q.Workspace(Bytes(CurvatureUnits) + (count * Marshal.SizeOf<T>()));
        TensorView<T> start = inErrors ? errors : operands.Activities;
        OpenClKernel kernel = Begin(q, solvers.Value.Curvature, operands, 0, CurvatureUnits, memory).View(operands.Target);
        kernel = start.IsEmpty ? kernel.Buffer(memory) : kernel.View(start);
        kernel.Int(start.IsEmpty ? 0 : 1).Int(inErrors ? 1 : 0).Int(Tridiagonal.Iterations).Real(layers.Decay).Buffer(memory, at).Launch(size);
        T[] coefficients = ReadElements(q, memory, at, count);
        Span<double> diagonal = stackalloc double[Tridiagonal.Iterations], beside = stackalloc double[Tridiagonal.Iterations];
        double largest = double.NegativeInfinity;
        for (long s = 0; s < batch; s++)
        {
            for (int i = 0; i < Tridiagonal.Iterations; i++)
            {
                diagonal[i] = double.CreateTruncating(coefficients[(i * batch) + s]);
                beside[i] = double.CreateTruncating(coefficients[((Tridiagonal.Iterations + i) * batch) + s]);
            }

            largest = Math.Max(largest, Tridiagonal.Largest(diagonal, beside));
        }

        return largest;
    }

    private protected override double ErrorGradientSquaresCore(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> mask)
    {
        OpenClQueue q = (OpenClQueue)queue;
        long at = items * samples * (baseUnits + MaskedCertificateUnits);
        OpenClBuffer memory = q.Workspace(Bytes(MaskedCertificateUnits) + (Descriptor.Batch * Marshal.SizeOf<T>()));
        Certify(q, operands, mask, memory, 0, at);
        return ReadElements(q, memory, at, Descriptor.Batch).Sum(double.CreateTruncating);
    }

    /// <summary>Enqueues |g_e|² of every sample.</summary>
    private void Certify(OpenClQueue q, in RelaxationOperands<T> operands, TensorView<T> mask, OpenClBuffer memory, long slicesAt, long squaresAt)
    {
        OpenClKernel kernel = Begin(q, solvers.Value.Certify, operands, mask.IsEmpty ? 0 : HasMask, MaskedCertificateUnits, memory, slicesAt).View(operands.Target).View(operands.Activities);
        kernel = mask.IsEmpty ? kernel.Buffer(memory) : kernel.View(mask);
        kernel.Buffer(memory, squaresAt).Launch(size);
    }

    /// <summary>Rows that the methods keep: e, φ', g, p and a trial; then E_L and a row of sides; then what each has of its own.</summary>
    private long SolverUnits(RelaxationMethod method)
    {
        long outputs = layers.Widths[^1];
        return (5 * layers.HiddenUnits) + (2 * outputs) + (method == RelaxationMethod.GaussNewton ? (outputs * outputs) + (2 * outputs * layers.MaxWidth) : layers.HiddenUnits);
    }

    private static T[] ReadElements(OpenClQueue q, OpenClBuffer memory, long at, long count)
    {
        T[] elements = new T[count];
        q.Read(memory, at * Marshal.SizeOf<T>(), MemoryMarshal.AsBytes(elements.AsSpan()));
        return elements;
    }

    private sealed class SolverKernels(OpenClProgram program)
    {
        public KernelEntry Solve { get; } = program.Entry("relax_solve");

        public KernelEntry Certify { get; } = program.Entry("relax_certify");

        public KernelEntry Curvature { get; } = program.Entry("relax_curvature");
    }
}

/// <summary>The tables of layers and of their factors on a device: see <c>kernels/network.cl</c>.</summary>
internal sealed class RelaxationTables : IDisposable
{
    private RelaxationTables(OpenClBuffer layers, OpenClBuffer factors) => (Layers, Factors) = (layers, factors);

    public OpenClBuffer Layers { get; }

    public OpenClBuffer Factors { get; }

    public static RelaxationTables Create<T>(OpenClDevice device, long[] layers, T[] factors)
        where T : unmanaged
    {
        OpenClBuffer table = device.AllocateTable(MemoryMarshal.Cast<long, int>(layers));
        try
        {
            return new(table, device.AllocateTable(MemoryMarshal.Cast<T, int>(factors)));
        }
        catch
        {
            table.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Layers.Dispose();
        Factors.Dispose();
    }
}
