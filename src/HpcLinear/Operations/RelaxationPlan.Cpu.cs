using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <remarks>A thread takes a slice of the batch through all steps without waiting for anybody; weights are read in place. Gradients of weights are matrix
/// products over the batch, a layer after the other.</remarks>
internal sealed unsafe class CpuRelaxationPlan<T> : RelaxationPlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly CpuKernels<T> kernels;
    private readonly RelaxationLayers<T> layers;
    private readonly int vectors;
    private readonly int slices;
    private readonly int threads;
    private readonly long groups;
    private readonly Dictionary<(nint Rows, nint Columns), GemmPlan<T>> products = [];
    private readonly GemmPlan<T>[] weightProducts;
    private readonly (GemmPlan<T> Gram, GemmPlan<T> Product)[] spectral = [];
    private readonly Shape[] weightShapes;
    private readonly Shape[] deltaShapes;
    private readonly Shape[] gramShapes;

    public CpuRelaxationPlan(CpuDevice device, RelaxationDescriptor descriptor)
        : base(device, descriptor)
    {
        kernels = CpuKernels<T>.For(device.Isa);
        layers = new(descriptor);
        threads = device.Team.Size;

        // Two vectors of samples halve the traffic of the weights, unless a thread would have none.
        groups = (descriptor.Batch + kernels.Width - 1) / kernels.Width;
        vectors = groups >= 2L * threads ? 2 : 1;
        slices = checked((int)((groups + vectors - 1) / vectors));
        weightProducts = new GemmPlan<T>[layers.Depth + 1];
        weightShapes = new Shape[layers.Depth + 1];
        deltaShapes = new Shape[layers.Depth + 1];
        gramShapes = new Shape[layers.Depth + 1];
        deltaShapes[0] = [descriptor.Batch, layers.Widths[0]];
        bool penalised = descriptor.SpectralPenalty > 0;
        spectral = penalised ? new (GemmPlan<T>, GemmPlan<T>)[layers.Depth + 1] : [];
        for (int l = 1; l <= layers.Depth; l++)
        {
            nint rows = layers.Widths[l], columns = layers.Widths[l - 1];
            weightShapes[l] = [rows, columns];
            deltaShapes[l] = [descriptor.Batch, rows];
            gramShapes[l] = [columns, columns];
            if (!products.TryGetValue((rows, columns), out GemmPlan<T>? product))
            {
                product = GemmPlan.Create<T>(device, new() { Rows = rows, Columns = columns, Depth = descriptor.Batch, TransposeA = true });
                products[(rows, columns)] = product;
            }

            weightProducts[l] = product;
            if (penalised)
            {
                spectral[l] = (GemmPlan.Create<T>(device, new() { Rows = columns, Columns = columns, Depth = rows, TransposeA = true }),
                    GemmPlan.Create<T>(device, new() { Rows = rows, Columns = columns, Depth = columns }));
            }
        }

        double weights = 0;
        for (int l = 1; l <= layers.Depth; l++)
        {
            weights += (double)layers.Widths[l] * layers.Widths[l - 1];
        }

        string kernel = $"{device.Target} strip {kernels.StripRows}x{vectors * kernels.Width}";
        double bytes = sizeof(T) * (weights + (2.0 * descriptor.ActivityCount));
        string[] rejected = ["two-pass: weights would be read twice a step", "layers side by side: threads would wait for each other every step"];
        string slicesText = $"one pass, {slices} slice{(slices == 1 ? "" : "s")} of {vectors * kernels.Width} samples";
        Choices =
        [
            new("relax step", $"{slicesText}; activities held once, a mask as often again, nothing allocated a step", kernel, Bytes(RelaxationTask.Relax, RelaxationMethod.GradientDescent), descriptor.StepFlops, bytes, rejected),
            new("relax step, Heun", slicesText, kernel, Bytes(RelaxationTask.Relax, RelaxationMethod.Heun), 2 * descriptor.StepFlops, 2 * bytes, []),
            new("error coordinates step", slicesText, kernel, Bytes(RelaxationTask.RelaxErrors, default), descriptor.StepFlops, 2 * bytes, []),
            new("conjugate gradients iteration", slicesText, kernel, Bytes(RelaxationTask.SolveErrors, RelaxationMethod.ConjugateGradients), descriptor.StepFlops, 2 * bytes, []),
            new("Gauss-Newton iteration", $"{layers.Widths[^1]} rows of the Jacobian down, {slicesText}", kernel, Bytes(RelaxationTask.SolveErrors, RelaxationMethod.GaussNewton), (1.5 + (layers.Widths[^1] / 2.0)) * descriptor.StepFlops, (1 + layers.Widths[^1]) * bytes, []),
            new("weight gradient", "errors, then a product over the batch a layer", weightProducts[^1].Choices[0].Kernel, Bytes(RelaxationTask.LayerErrors, default) + (ScratchCount * sizeof(T)), descriptor.WeightGradientFlops, bytes, ["sums of lanes: a horizontal sum for every weight"]),
        ];
    }

    public override IReadOnlyList<KernelChoice> Choices { get; }

    private protected override void ForwardCore(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> prediction)
    {
        RelaxationJob<T> job = Describe(RelaxationTask.Forward, operands);
        job.Output = prediction.Pointer();
        Run(queue, ref job, default);
    }

    private protected override void EnergiesCore(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> energies)
    {
        double[] sums = new double[layers.Depth * groups];
        RelaxationJob<T> job = Describe(RelaxationTask.Energies, operands);
        fixed (double* pinned = sums)
        {
            job.Sums = pinned;
            Run(queue, ref job, default);
        }

        T* result = energies.Pointer();
        for (int l = 0; l < layers.Depth; l++)
        {
            result[l] = T.CreateTruncating(Mean(sums, l));
        }
    }

    private protected override void ActivityGradientCore(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> gradient)
    {
        if (layers.Depth == 1)
        {
            return;
        }

        RelaxationJob<T> job = Describe(RelaxationTask.ActivityGradient, operands);
        job.Output = gradient.Pointer();
        Run(queue, ref job, default);
    }

    private protected override void WeightGradientCore(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> gradient)
    {
        long batch = Descriptor.Batch;
        Tensor<T> scratch = queue.Scratch<T>(ScratchCount);
        long inputs = batch * layers.MaxWidth;
        RelaxationJob<T> job = Describe(RelaxationTask.LayerErrors, operands);
        job.Deltas = scratch.AsView().Pointer();
        job.Inputs = job.Deltas + inputs;
        for (int l = 1; l <= layers.Depth; l++)
        {
            job.Layer = l;
            Run(queue, ref job, default);
            TensorView<T> below = layers.Before[l] != Activation.Linear ? scratch.View(inputs, deltaShapes[l - 1]) : BelowOf(l, operands);
            Multiply(queue, l, scratch.View(0, deltaShapes[l]), below, gradient, Descriptor.Scaling(l) * Descriptor.Precision(l));
        }

        Regularise(queue, operands.Parameters, gradient);
    }

    private protected override RelaxationResult RelaxCore(CommandQueue queue, in RelaxationOperands<T> operands, RelaxationOptions options, TensorView<T> mask)
    {
        RelaxationJob<T> job = Describe(RelaxationTask.Relax, operands);
        job.Mask = mask.Pointer();
        return Relax(queue, ref job, options);
    }

    private protected override void ErrorGradientCore(
        CommandQueue queue,
        in RelaxationOperands<T> operands,
        TensorView<T> errors,
        TensorView<T> gradient,
        TensorView<T> weightGradient)
    {
        RelaxationJob<T> job = Describe(RelaxationTask.ErrorGradient, operands);
        job.Errors = errors.Pointer();
        job.Output = gradient.Pointer();
        if (weightGradient.IsEmpty)
        {
            Run(queue, ref job, default);
            return;
        }

        long batch = Descriptor.Batch;
        Tensor<T> scratch = queue.Scratch<T>(ScratchCount);
        long inputs = batch * (layers.HiddenUnits + layers.Widths[^1]);
        job.Deltas = scratch.AsView().Pointer();
        Run(queue, ref job, default);
        for (int l = 1; l <= layers.Depth; l++)
        {
            TensorView<T> below = BelowOf(l, operands);
            if (layers.Before[l] != Activation.Linear)
            {
                Values values = new() { Kernels = kernels, Activation = layers.Before[l], From = below.Pointer(), To = job.Deltas + inputs, Count = below.Shape.ElementCount };
                ((CpuQueue)queue).Team.Run(checked((int)((values.Count + Values.Chunk - 1) / Values.Chunk)), ref values);
                below = scratch.View(inputs, deltaShapes[l - 1]);
            }

            // The output's errors come without their precision, those below with all factors.
            double factor = Descriptor.Scaling(l) * (l == layers.Depth ? Descriptor.Precision(l) : 1);
            Multiply(queue, l, scratch.View(layers.Unit[l] * batch, deltaShapes[l]), below, weightGradient, factor);
        }

        Regularise(queue, operands.Parameters, weightGradient);
    }

    private protected override RelaxationResult RelaxErrorsCore(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> errors, RelaxationOptions options)
    {
        RelaxationJob<T> job = Describe(RelaxationTask.RelaxErrors, operands);
        job.Errors = errors.Pointer();
        return Relax(queue, ref job, options);
    }

    private protected override RelaxationResult SolveErrorsCore(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> errors, RelaxationOptions options)
    {
        RelaxationJob<T> job = Describe(RelaxationTask.SolveErrors, operands);
        job.Errors = errors.Pointer();
        return Relax(queue, ref job, options);
    }

    private protected override double LargestCurvatureCore(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> errors, bool inErrors)
    {
        RelaxationJob<T> job = Describe(inErrors ? RelaxationTask.LargestErrorCurvature : RelaxationTask.LargestCurvature, operands);
        job.Errors = errors.Pointer();
        return Measure(queue, ref job).Aggregate(double.NegativeInfinity, Math.Max);
    }

    private protected override double ErrorGradientSquaresCore(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> mask)
    {
        RelaxationJob<T> job = Describe(RelaxationTask.Certificate, operands);
        job.Mask = mask.Pointer();
        return Measure(queue, ref job).Sum();
    }

    private protected override long FirstOutside(CommandQueue queue, TensorView<T> view, T most)
    {
        T* elements = view.Pointer();
        for (long i = 0; i < view.Shape.ElementCount; i++)
        {
            if (!(elements[i] >= T.Zero && elements[i] <= most))
            {
                return i;
            }
        }

        return -1;
    }

    private protected override void DisposeCore()
    {
        foreach (GemmPlan<T> plan in products.Values)
        {
            plan.Dispose();
        }

        foreach ((GemmPlan<T> gram, GemmPlan<T> product) in spectral)
        {
            gram?.Dispose();
            product?.Dispose();
        }
    }

    /// <summary>Deltas of all layers and one layer's input; or a layer's deltas, its input and a Gram matrix.</summary>
    private long ScratchCount => Math.Max(
        Descriptor.Batch * (layers.HiddenUnits + layers.Widths[^1] + (2 * layers.MaxWidth)),
        Descriptor.SpectralPenalty > 0 ? (long)layers.MaxWidth * layers.MaxWidth : 0);

    private long Bytes(RelaxationTask task, RelaxationMethod method, bool certifies = false, bool masked = false) =>
        RelaxationSlice<T>.Bytes(layers, vectors * kernels.Width, RelaxationJob<T>.ExtraUnits(layers, task, method, certifies, masked)) * threads;

    private TensorView<T> BelowOf(int l, in RelaxationOperands<T> operands) =>
        l == 1 ? operands.Input : operands.Activities.Tensor.View(operands.Activities.Offset + (layers.Unit[l - 1] * Descriptor.Batch), deltaShapes[l - 1]);

    private RelaxationJob<T> Describe(RelaxationTask task, in RelaxationOperands<T> operands) => new()
    {
        Kernels = kernels,
        Layers = layers,
        Task = task,
        Vectors = vectors,
        Parameters = operands.Parameters.Pointer(),
        Input = operands.Input.Pointer(),
        Target = operands.Target.Pointer(),
        Activities = operands.Activities.Pointer(),
        Groups = groups,
    };

    /// <summary>A number for every sample.</summary>
    private double[] Measure(CommandQueue queue, ref RelaxationJob<T> job)
    {
        double[] results = new double[Descriptor.Batch];
        fixed (double* pinned = results)
        {
            job.Results = pinned;
            Run(queue, ref job, default);
        }

        return results;
    }

    private void Run(CommandQueue queue, ref RelaxationJob<T> job, RelaxationMethod method)
    {
        CpuQueue cpu = (CpuQueue)queue;
        long bytes = Bytes(job.Task, method, job.Options?.EnergyTolerance > 0, job.Mask != null);
        job.WorkerBytes = bytes / threads;
        job.Memory = cpu.Workspace(bytes);
        cpu.Team.Run(slices, ref job);
    }

    private RelaxationResult Relax(CommandQueue queue, ref RelaxationJob<T> job, RelaxationOptions options)
    {
        job.Options = options;
        var outcomes = new RelaxationOutcome[groups];
        double[] sums = options.TraceEnergy ? new double[(options.Steps + 1L) * groups] : [];
        fixed (RelaxationOutcome* pinned = outcomes)
        fixed (double* trace = sums)
        {
            job.Outcomes = pinned;
            job.Sums = trace;
            Run(queue, ref job, options.Method);
        }

        RelaxationOutcome? diverged = null;
        int steps = 0;
        bool converged = options.Steps > 0;
        double initial = 0, last = 0;
        foreach (RelaxationOutcome outcome in outcomes)
        {
            if (outcome.DivergedStep >= 0 && (diverged is not { } known || outcome.DivergedStep < known.DivergedStep))
            {
                diverged = outcome;
            }

            steps = Math.Max(steps, outcome.Steps);
            converged &= outcome.Converged;
            initial += outcome.InitialEnergy;
            last += outcome.LastEnergy;
        }

        // Without steps nobody looked at the energies, and a start that is not finite has none.
        bool measured = (options.Steps > 0 || options.TraceEnergy) && diverged is not { DivergedStep: 0 };
        int entries = options.TraceEnergy ? diverged is { } at ? at.DivergedStep : steps + 1 : 0;
        double[] energies = new double[entries];
        for (int t = 0; t < entries; t++)
        {
            energies[t] = Mean(sums, t);
        }

        return new()
        {
            Status = diverged is not null ? RelaxationStatus.Diverged : converged ? RelaxationStatus.Converged : RelaxationStatus.Finished,
            Steps = steps,
            EnergyTrace = energies,
            InitialEnergy = measured ? initial / Descriptor.Batch : double.NaN,
            LastEnergy = measured ? last / Descriptor.Batch : double.NaN,
            DivergedStep = diverged?.DivergedStep ?? -1,
            DivergedLayer = diverged?.DivergedLayer ?? 0,
        };
    }

    private double Mean(double[] sums, int row)
    {
        double sum = 0;
        for (long g = 0; g < groups; g++)
        {
            sum += sums[(row * groups) + g];
        }

        return sum / Descriptor.Batch;
    }

    /// <summary><c>dW_l = -factor/B deltasᵀ below</c>, <c>db_l = -factor/B Σ deltas</c>.</summary>
    private void Multiply(CommandQueue queue, int l, TensorView<T> deltas, TensorView<T> below, TensorView<T> gradient, double factor)
    {
        double alpha = -factor / Descriptor.Batch;
        weightProducts[l].Execute(queue, deltas, below, gradient.Tensor.View(gradient.Offset + layers.Weights[l], weightShapes[l]), alpha);
        if (!Descriptor.Bias)
        {
            return;
        }

        T* to = gradient.Pointer() + layers.Biases[l], from = deltas.Pointer();
        nint width = layers.Widths[l];
        T scale = T.CreateTruncating(alpha);
        for (long s = 0; s < Descriptor.Batch; s++)
        {
            kernels.Elementwise(ElementwiseOperation.Copy, from + (s * width), from, to, width, scale, s == 0 ? T.Zero : T.One);
        }
    }

    /// <summary>Adds <c>wd W + 2 sp W (WᵀW - I)</c>.</summary>
    private void Regularise(CommandQueue queue, TensorView<T> parameters, TensorView<T> gradient)
    {
        double decay = Descriptor.WeightDecay - (2 * Descriptor.SpectralPenalty);
        if (Descriptor.WeightDecay == 0 && Descriptor.SpectralPenalty == 0)
        {
            return;
        }

        for (int l = 1; l <= layers.Depth; l++)
        {
            TensorView<T> w = parameters.Tensor.View(parameters.Offset + layers.Weights[l], weightShapes[l]);
            TensorView<T> dw = gradient.Tensor.View(gradient.Offset + layers.Weights[l], weightShapes[l]);
            if (Descriptor.SpectralPenalty > 0)
            {
                TensorView<T> gram = queue.Scratch<T>(ScratchCount).View(0, gramShapes[l]);
                spectral[l].Gram.Execute(queue, w, w, gram);
                spectral[l].Product.Execute(queue, w, gram, dw, 2 * Descriptor.SpectralPenalty, 1);
            }

            kernels.Elementwise(ElementwiseOperation.Copy, w.Pointer(), w.Pointer(), dw.Pointer(), w.Shape.ElementCount, T.CreateTruncating(decay), T.One);
        }
    }

    /// <summary>φ of many elements.</summary>
    private struct Values : ITeamJob
    {
        public const long Chunk = 1 << 12;
        public CpuKernels<T> Kernels;
        public Activation Activation;
        public T* From;
        public T* To;
        public long Count;

        public readonly void Execute(int index, int worker)
        {
            long at = index * Chunk, count = Math.Min(Chunk, Count - at);
            T* slopes = stackalloc T[(int)Chunk];
            Kernels.Activate(Activation, From + at, To + at, slopes, count);
        }
    }
}
