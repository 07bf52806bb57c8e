using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

/// <remarks>A work-item takes a slice of the batch through all steps of a call in one launch (<c>kernels/relaxation.cl</c>, <c>relaxation_solvers.cl</c>); what became
/// of it is read back once. Gradients of weights are products over the batch, a layer after the other.</remarks>
internal sealed partial class OpenClRelaxationPlan<T> : RelaxationPlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    // The constants of network.cl and relaxation_slice.cl.
    private const int Layer = 8, Factors = 4, Vectors = 2, Control = 4, KeepGradient = 0;
    private const int HasBias = 1, CrossEntropy = 2, HasMask = 4, Traced = 8, Measured = 16, Summed = 32, Deltas = 64, Watched = 128;
    private const int GroupItems = 64;

    private readonly RelaxationLayers<T> layers;
    private readonly RelaxationTables tables;
    private readonly OpenClLayerRelaxation<T>? sideBySide;
    private readonly KernelEntry forward;
    private readonly KernelEntry measure;
    private readonly KernelEntry activitiesKernel;
    private readonly KernelEntry errorsKernel;
    private readonly KernelEntry means;
    private readonly KernelEntry bias;
    private readonly LaunchSize size;
    private readonly LaunchSize meansSize;
    private readonly LaunchSize biasSize;
    private readonly int samples;
    private readonly long slices;
    private readonly long items;
    private readonly int networkFlags;
    private readonly long baseUnits;
    private readonly long outputUnits;
    private readonly Dictionary<(nint Rows, nint Columns), GemmPlan<T>> products = [];
    private readonly (GemmPlan<T> Gram, GemmPlan<T> Product)[] spectral;
    private readonly ElementwisePlan<T>? decay;
    private readonly Shape allWeights;
    private readonly Shape[] weightShapes;
    private readonly Shape[] deltaShapes;
    private readonly Shape[] gramShapes;

    public OpenClRelaxationPlan(OpenClDevice device, RelaxationDescriptor descriptor)
        : base(device, descriptor)
    {
        layers = new(descriptor);
        int depth = layers.Depth;
        OpenClProgram program = device.Program<T>("relaxation");
        forward = program.Entry("relax_forward");
        measure = program.Entry("relax_measure");
        activitiesKernel = program.Entry("relax_activities");
        errorsKernel = program.Entry("relax_errors");
        means = program.Entry("relax_means");
        bias = program.Entry("relax_bias");
        outputUnits = layers.HiddenUnits + layers.Widths[^1];
        meansSize = device.Spread(depth);
        biasSize = device.Spread(outputUnits);
        baseUnits = depth + 1 + layers.Widths[0] + layers.Widths[^1] + layers.Widths[1] + (6 * layers.MaxWidth) + layers.HiddenUnits;
        networkFlags = (descriptor.Bias ? HasBias : 0) | (layers.CrossEntropy ? CrossEntropy : 0);
        if (device.IsGpuFamily)
        {
            int local = Math.Min(GroupItems, device.Description.MaxWorkGroup);
            (samples, slices) = (1, descriptor.Batch);
            size = new(Math.Clamp((slices + local - 1) / local, 1, 64L * device.Parallelism) * local, local);
        }
        else
        {
            samples = Vectors * device.Lanes(Unsafe.SizeOf<T>());
            slices = (descriptor.Batch + samples - 1) / samples;
            size = new(Math.Min(slices, 16L * device.Parallelism), 1);
        }

        items = size.Global;
        solvers = new(() => new(device.Program<T>("relaxation_solvers")));
        weightShapes = new Shape[depth + 1];
        deltaShapes = new Shape[depth + 1];
        gramShapes = new Shape[depth + 1];
        deltaShapes[0] = [descriptor.Batch, layers.Widths[0]];
        bool penalised = descriptor.SpectralPenalty > 0;
        spectral = penalised ? new (GemmPlan<T>, GemmPlan<T>)[depth + 1] : [];
        for (int l = 1; l <= depth; l++)
        {
            nint rows = layers.Widths[l], columns = layers.Widths[l - 1];
            weightShapes[l] = [rows, columns];
            deltaShapes[l] = [descriptor.Batch, rows];
            gramShapes[l] = [columns, columns];
            if (!products.ContainsKey((rows, columns)))
            {
                products[(rows, columns)] = GemmPlan.Create<T>(device, new() { Rows = rows, Columns = columns, Depth = descriptor.Batch, TransposeA = true });
            }

            if (penalised)
            {
                spectral[l] = (GemmPlan.Create<T>(device, new() { Rows = columns, Columns = columns, Depth = rows, TransposeA = true }),
                    GemmPlan.Create<T>(device, new() { Rows = rows, Columns = columns, Depth = columns }));
            }
        }

        allWeights = [descriptor.WeightOffset(depth + 1)];
        decay = descriptor.WeightDecay == 0 && !penalised ? null : ElementwisePlan.Create<T>(device, new() { Operation = ElementwiseOperation.Copy, Shape = allWeights });
        OpenClLayerRelaxation<T>? whole = device.IsGpuFamily ? new(device, layers) : null;
        sideBySide = whole is { Fits: true } ? whole : null;

        // Last, when no kernel can fail to build any more.
        tables = RelaxationTables.Create(device, LayerTable(layers), FactorTable(layers));
        Choices = Describe(device);
    }

    public override IReadOnlyList<KernelChoice> Choices { get; }

    private protected override void ForwardCore(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> prediction)
    {
        OpenClQueue q = (OpenClQueue)queue;
        Begin(q, forward, operands, 0, 0, q.Workspace(Bytes(0))).View(operands.Activities).View(prediction).Launch(size);
    }

    private protected override void EnergiesCore(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> energies)
    {
        OpenClQueue q = (OpenClQueue)queue;
        OpenClBuffer memory = q.Workspace(MeasureBytes);
        long at = items * samples * baseUnits;
        Begin(q, measure, operands, Summed, 0, memory).View(operands.Target).View(operands.Activities)
            .Buffer(memory, at).Buffer(memory).Buffer(memory).Launch(size);
        q.Kernel(means).Long(layers.Depth).Long(Descriptor.Batch).Buffer(memory, at).View(energies).Launch(meansSize);
    }

    private protected override void ActivityGradientCore(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> gradient)
    {
        if (layers.Depth == 1)
        {
            return;
        }

        OpenClQueue q = (OpenClQueue)queue;
        if (sideBySide is not null)
        {
            sideBySide.Gradient(q, tables, operands, q.Workspace(SideBySideBytes(RelaxationMethod.GradientDescent, false)), networkFlags, gradient);
            return;
        }

        OpenClBuffer memory = q.Workspace(Bytes(layers.HiddenUnits));
        OpenClKernel kernel = Begin(q, activitiesKernel, operands, 0, layers.HiddenUnits, memory).View(operands.Target).View(operands.Activities).Buffer(memory).Buffer(memory).Buffer(memory)
            .View(gradient).Int(KeepGradient).Int(1).Real(T.Zero).Real(T.Zero).Real(layers.Decay).Real(T.Zero).Real(T.Zero);
        Stops(kernel, null).Launch(size);
    }

    private protected override void WeightGradientCore(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> gradient)
    {
        OpenClQueue q = (OpenClQueue)queue;
        TensorView<T> scratch = queue.Scratch<T>(ScratchCount).AsView();
        OpenClBuffer memory = q.Workspace(Bytes(0)), deltas = (OpenClBuffer)scratch.Tensor.Buffer;
        Begin(q, measure, operands, Deltas, 0, memory).View(operands.Target).View(operands.Activities)
            .Buffer(memory).Buffer(deltas).Buffer(deltas, outputUnits * Descriptor.Batch).Launch(size);
        Multiply(q, operands, scratch.Tensor, gradient, hiddenPrecision: true);
    }

    private protected override RelaxationResult RelaxCore(CommandQueue queue, in RelaxationOperands<T> operands, RelaxationOptions options, TensorView<T> mask)
    {
        OpenClQueue q = (OpenClQueue)queue;
        bool certifies = options.EnergyTolerance > 0;
        int flags = Flags(options) | (mask.IsEmpty ? 0 : HasMask) | (certifies ? Watched : 0);
        if (sideBySide is not null && options.Method != RelaxationMethod.AdaptiveHeun && (options.Steps > 0 || options.TraceEnergy))
        {
            bool measured = (flags & Measured) != 0;
            long energiesAt = sideBySide.Elements(options.Method, measured), own = SideBySideBytes(options.Method, measured) + OutcomeBytes(options);
            long slicesAt = (own + Unsafe.SizeOf<T>() - 1) / Unsafe.SizeOf<T>();
            OpenClBuffer scratch = q.Workspace(certifies ? (slicesAt * Unsafe.SizeOf<T>()) + Bytes(MaskedCertificateUnits) : own);
            RelaxationOperands<T> at = operands;
            sideBySide.Relax(q, tables, operands, scratch, options, Code(options.Method), networkFlags | flags, mask, energiesAt, OutcomeAt(options, energiesAt), (to, place) => Certify(q, at, mask, to, slicesAt, place));
            return Read(q, scratch, energiesAt, options);
        }

        long extra = (layers.HiddenUnits * ((mask.IsEmpty ? 0 : 1) + KeptStates(options.Method))) + (certifies ? CertificateUnits : 0), energies = items * samples * (baseUnits + extra);
        OpenClBuffer memory = q.Workspace(Bytes(extra) + OutcomeBytes(options));
        bool adaptive = options.Method == RelaxationMethod.AdaptiveHeun;
        OpenClKernel kernel = Begin(q, activitiesKernel, operands, flags, extra, memory).View(operands.Target).View(operands.Activities);
        kernel = mask.IsEmpty ? kernel.Buffer(memory) : kernel.View(mask);
        kernel.Buffer(memory, energies).Buffer(memory, OutcomeAt(options, energies)).Buffer(memory).Int(Code(options.Method)).Int(options.Steps)
            .Real(T.CreateTruncating(adaptive ? Math.Min(options.Step!.Value, options.Horizon) : options.Step!.Value)).Real(T.CreateTruncating(options.Momentum)).Real(layers.Decay)
            .Real(T.CreateTruncating(options.Horizon)).Real(T.CreateTruncating(options.StepTolerance));
        Stops(kernel, options).Launch(size);
        return Read(q, memory, energies, options);
    }

    private protected override void ErrorGradientCore(
        CommandQueue queue,
        in RelaxationOperands<T> operands,
        TensorView<T> errors,
        TensorView<T> gradient,
        TensorView<T> weightGradient)
    {
        OpenClQueue q = (OpenClQueue)queue;
        bool weights = !weightGradient.IsEmpty;
        long extra = 3 * layers.HiddenUnits;
        OpenClBuffer memory = q.Workspace(Bytes(extra)), deltas = weights ? (OpenClBuffer)queue.Scratch<T>(ScratchCount).Buffer : memory;
        OpenClKernel kernel = Begin(q, errorsKernel, operands, weights ? Deltas : 0, extra, memory).View(operands.Target).View(operands.Activities).View(errors).Buffer(memory).Buffer(memory)
            .View(gradient).Buffer(deltas).Buffer(deltas, outputUnits * Descriptor.Batch)
            .Int(KeepGradient).Int(1).Real(T.Zero).Real(T.Zero);
        Stops(kernel, null).Launch(size);
        if (weights)
        {
            Multiply(q, operands, queue.Scratch<T>(ScratchCount), weightGradient, hiddenPrecision: false);
        }
    }

    private protected override RelaxationResult RelaxErrorsCore(CommandQueue queue, in RelaxationOperands<T> operands, TensorView<T> errors, RelaxationOptions options)
    {
        OpenClQueue q = (OpenClQueue)queue;
        long extra = 3 * layers.HiddenUnits, at = items * samples * (baseUnits + extra);
        OpenClBuffer memory = q.Workspace(Bytes(extra) + OutcomeBytes(options));
        OpenClKernel kernel = Begin(q, errorsKernel, operands, Flags(options) | Certified(options), extra, memory).View(operands.Target).View(operands.Activities).View(errors)
            .Buffer(memory, at).Buffer(memory, OutcomeAt(options, at)).Buffer(memory).Buffer(memory).Buffer(memory)
            .Int(Code(options.Method)).Int(options.Steps).Real(T.CreateTruncating(options.Step!.Value)).Real(T.CreateTruncating(options.Momentum));
        Stops(kernel, options).Launch(size);
        return Read(q, memory, at, options);
    }

    private protected override long FirstOutside(CommandQueue queue, TensorView<T> view, T most) =>
        Array.FindIndex(queue.Download(view), x => !(x >= T.Zero && x <= most));

    private protected override void DisposeCore()
    {
        tables.Dispose();
        decay?.Dispose();
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

    private static long[] LayerTable(RelaxationLayers<T> layers)
    {
        long[] table = new long[(layers.Depth + 1) * Layer];
        for (int l = 0; l <= layers.Depth; l++)
        {
            Span<long> row = table.AsSpan(l * Layer, Layer);
            row[0] = layers.Widths[l];
            if (l > 0)
            {
                (row[1], row[2], row[3]) = (layers.Unit[l], layers.Weights[l], layers.Biases[l]);
                (row[4], row[5], row[6]) = (layers.Skips[l] ? 1 : 0, (int)layers.Before[l], (int)layers.After[l]);
            }
        }

        return table;
    }

    private static T[] FactorTable(RelaxationLayers<T> layers)
    {
        T[] table = new T[(layers.Depth + 1) * Factors];
        for (int l = 1; l <= layers.Depth; l++)
        {
            Span<T> row = table.AsSpan(l * Factors, Factors);
            (row[0], row[1], row[2], row[3]) = (layers.Scalings[l], layers.Precisions[l], layers.ReturnFactors[l], T.CreateTruncating(layers.Network.Precision(l) / 2));
        }

        return table;
    }

    /// <summary>Arrays of hidden units that a method keeps besides the activities.</summary>
    private static int KeptStates(RelaxationMethod method) => method switch
    {
        RelaxationMethod.GradientDescent => 0,
        RelaxationMethod.Momentum or RelaxationMethod.Nesterov => 1,
        _ => 3,
    };

    private static int Code(RelaxationMethod method) => method switch
    {
        RelaxationMethod.GradientDescent => 1,
        RelaxationMethod.Momentum => 2,
        RelaxationMethod.Nesterov => 3,
        RelaxationMethod.Heun => 4,
        RelaxationMethod.AdaptiveHeun => 5,
        _ => throw new ArgumentOutOfRangeException(nameof(method), method, "relax: a defined method expected"),
    };

    private static int Flags(RelaxationOptions options) =>
        (options.TraceEnergy ? Traced : 0) | (options.AbsoluteTolerance > 0 || options.RelativeTolerance > 0 ? Measured : 0) | (options.EnergyChange > 0 ? Watched : 0);

    /// <summary>The gradient in error coordinates certifies energies itself.</summary>
    private static int Certified(RelaxationOptions options) => options.EnergyTolerance > 0 ? Measured : 0;

    /// <summary>The arguments that say when samples stop; null: never.</summary>
    private OpenClKernel Stops(OpenClKernel kernel, RelaxationOptions? options) => kernel
        .Real(T.CreateTruncating(options?.AbsoluteTolerance ?? 0)).Real(T.CreateTruncating(options?.RelativeTolerance ?? 0)).Real(T.CreateTruncating(options?.DivergenceFactor ?? 1))
        .Real(options?.EnergyTolerance > 0 ? T.CreateTruncating(2 * layers.LeastPrecision * options.EnergyTolerance) : -T.One)
        .Real(T.CreateTruncating(options?.EnergyChange ?? 0)).Int(options?.CheckInterval ?? 1);

    private KernelChoice[] Describe(OpenClDevice device)
    {
        double weights = 0;
        for (int l = 1; l <= layers.Depth; l++)
        {
            weights += (double)layers.Widths[l] * layers.Widths[l - 1];
        }

        double bytes = Unsafe.SizeOf<T>() * (weights + (2.0 * Descriptor.ActivityCount));
        string way = $"one pass, {slices} slice{(slices == 1 ? "" : "s")} of {samples} sample{(samples == 1 ? "" : "s")}", where = size.Text(device);
        long hidden = layers.HiddenUnits;
        KernelChoice[] steps = sideBySide is null
            ?
            [
                new("relax step", way, $"{activitiesKernel.Name} {where}", Bytes(0), Descriptor.StepFlops, bytes, [device.IsGpuFamily ? "layers side by side: more tiles than a launch counts" : "layers side by side: weights would be read twice a step"]),
                new("relax step, Heun", way, $"{activitiesKernel.Name} {where}", Bytes(4 * hidden), 2 * Descriptor.StepFlops, 2 * bytes, []),
            ]
            :
            [
                new("relax step", "layers side by side", sideBySide.Kernels, SideBySideBytes(RelaxationMethod.GradientDescent, false), Descriptor.StepFlops, bytes, ["one pass over slices: an item a sample leaves the device idle unless samples are many"]),
                new("relax step, Heun", "layers side by side", sideBySide.Kernels, SideBySideBytes(RelaxationMethod.Heun, false), 2 * Descriptor.StepFlops, 2 * bytes, []),
                new("relax step, adaptive Heun", way, $"{activitiesKernel.Name} {where}", Bytes(4 * hidden), 2 * Descriptor.StepFlops, 2 * bytes, ["layers side by side: steps are controlled sample by sample"]),
            ];
        return
        [
            .. steps,
            new("error coordinates step", way, $"{errorsKernel.Name} {where}", Bytes(3 * hidden), Descriptor.StepFlops, 2 * bytes, []),
            new("conjugate gradients iteration", way, $"relax_solve {where}", Bytes(SolverUnits(RelaxationMethod.ConjugateGradients)), Descriptor.StepFlops, 2 * bytes, []),
            new("Gauss-Newton iteration", $"{layers.Widths[^1]} rows of the Jacobian down, {way}", $"relax_solve {where}", Bytes(SolverUnits(RelaxationMethod.GaussNewton)), (1.5 + (layers.Widths[^1] / 2.0)) * Descriptor.StepFlops, (1 + layers.Widths[^1]) * bytes, []),
            new("weight gradient", "errors, then a product over the batch a layer", $"{measure.Name}, {products[(layers.Widths[^1], layers.Widths[^2])].Choices[0].Kernel}", Bytes(0) + (ScratchCount * Unsafe.SizeOf<T>()), Descriptor.WeightGradientFlops, bytes, []),
        ];
    }

    /// <summary>Deltas of all layers and φ of their inputs; or a Gram matrix.</summary>
    private long ScratchCount => Math.Max(
        Descriptor.Batch * (outputUnits + layers.HiddenUnits),
        Descriptor.SpectralPenalty > 0 ? (long)layers.MaxWidth * layers.MaxWidth : 0);

    private long MeasureBytes => Bytes(0) + (Descriptor.Batch * layers.Depth * Unsafe.SizeOf<T>());

    /// <summary>Scratch memory of all items, with more arrays of units besides the slices' own.</summary>
    private long Bytes(long extraUnits) => items * samples * (baseUnits + extraUnits) * Unsafe.SizeOf<T>();

    private long SideBySideBytes(RelaxationMethod method, bool measured) => sideBySide!.Elements(method, measured) * Unsafe.SizeOf<T>();

    /// <summary>Energies of every sample: at the start, before the last step, and before every step when traced.</summary>
    private static long EnergyRows(RelaxationOptions options) => options.TraceEnergy ? 3L + options.Steps : 2;

    private long OutcomeBytes(RelaxationOptions options) => (((EnergyRows(options) * Descriptor.Batch) + 1) * Unsafe.SizeOf<T>()) + (slices * Control * sizeof(int));

    /// <summary>Where the slices' integers start behind the energies, in integers.</summary>
    private long OutcomeAt(RelaxationOptions options, long energiesAt) => (energiesAt + (EnergyRows(options) * Descriptor.Batch)) * Unsafe.SizeOf<T>() / sizeof(int);

    private OpenClKernel Begin(OpenClQueue q, KernelEntry entry, in RelaxationOperands<T> operands, int flags, long extraUnits, OpenClBuffer memory, long memoryAt = 0) =>
        q.Kernel(entry).Int(layers.Depth).Int(networkFlags | flags).Long(Descriptor.Batch).Long(slices).Long(baseUnits + extraUnits).Table(tables.Layers).Table(tables.Factors)
            .Buffer(memory, memoryAt).View(operands.Parameters).View(operands.Input);

    private RelaxationResult Read(OpenClQueue q, OpenClBuffer memory, long energiesAt, RelaxationOptions options)
    {
        long batch = Descriptor.Batch, rows = EnergyRows(options);
        byte[] bytes = new byte[(rows * batch * Unsafe.SizeOf<T>()) + (slices * Control * sizeof(int))];
        q.Read(memory, energiesAt * Unsafe.SizeOf<T>(), bytes);
        ReadOnlySpan<int> control = MemoryMarshal.Cast<byte, int>(bytes.AsSpan(checked((int)(rows * batch * Unsafe.SizeOf<T>()))));
        int diverged = -1, layer = 0, steps = 0;
        bool converged = options.Steps > 0;
        double initial = 0, last = 0;
        for (int i = 0; i < slices; i++)
        {
            ReadOnlySpan<int> own = control.Slice(i * Control, Control);
            if (own[0] >= 0 && (diverged < 0 || own[0] < diverged))
            {
                (diverged, layer) = (own[0], own[1]);
            }

            steps = Math.Max(steps, own[2]);
            converged &= own[3] != 0;
            if (own[2] > 0 || own[3] != 0 || (options.TraceEnergy && own[0] < 0))
            {
                long first = (long)i * samples, count = Math.Min(samples, batch - first);
                initial += Sum(bytes, first, count);
                last += Sum(bytes, batch + first, count);
            }
        }

        bool known = (options.Steps > 0 || options.TraceEnergy) && diverged != 0;
        double[] trace = new double[options.TraceEnergy ? diverged >= 0 ? diverged : steps + 1 : 0];
        for (int t = 0; t < trace.Length; t++)
        {
            trace[t] = Sum(bytes, (2 + t) * batch, batch) / batch;
        }

        return new()
        {
            Status = diverged >= 0 ? RelaxationStatus.Diverged : converged ? RelaxationStatus.Converged : RelaxationStatus.Finished,
            Steps = steps,
            EnergyTrace = trace,
            InitialEnergy = known ? initial / batch : double.NaN,
            LastEnergy = known ? last / batch : double.NaN,
            DivergedStep = diverged,
            DivergedLayer = layer,
        };
    }

    private static double Sum(byte[] energies, long first, long count)
    {
        double sum = 0;
        foreach (T energy in MemoryMarshal.Cast<byte, T>(energies).Slice(checked((int)first), checked((int)count)))
        {
            sum += double.CreateTruncating(energy);
        }

        return sum;
    }

    private TensorView<T> InputOf(int l, in RelaxationOperands<T> operands, Tensor<T> scratch) =>
        l == 1 ? operands.Input
        : layers.Before[l] != Activation.Linear ? scratch.View((outputUnits + layers.Unit[l - 1]) * Descriptor.Batch, deltaShapes[l - 1])
        : operands.Activities.Tensor.View(operands.Activities.Offset + (layers.Unit[l - 1] * Descriptor.Batch), deltaShapes[l - 1]);

    /// <summary><c>dW_l = -a_l λ_l/B deltasᵀ inputs</c>, <c>db_l = -a_l λ_l/B Σ deltas</c>, and what the regularisers add.</summary>
    private void Multiply(OpenClQueue queue, in RelaxationOperands<T> operands, Tensor<T> scratch, TensorView<T> gradient, bool hiddenPrecision)
    {
        for (int l = 1; l <= layers.Depth; l++)
        {
            double factor = Descriptor.Scaling(l) * (hiddenPrecision || l == layers.Depth ? Descriptor.Precision(l) : 1);
            products[(layers.Widths[l], layers.Widths[l - 1])].Execute(
                queue,
                scratch.View(layers.Unit[l] * Descriptor.Batch, deltaShapes[l]),
                InputOf(l, operands, scratch),
                gradient.Tensor.View(gradient.Offset + layers.Weights[l], weightShapes[l]),
                -factor / Descriptor.Batch);
        }

        if (Descriptor.Bias)
        {
            queue.Kernel(bias).Int(layers.Depth).Long(Descriptor.Batch).Int(hiddenPrecision ? 1 : 0).Table(tables.Layers).Table(tables.Factors)
                .Buffer((OpenClBuffer)scratch.Buffer).View(gradient).Launch(biasSize);
        }

        if (decay is null)
        {
            return;
        }

        for (int l = 1; l <= layers.Depth && Descriptor.SpectralPenalty > 0; l++)
        {
            TensorView<T> w = operands.Parameters.Tensor.View(operands.Parameters.Offset + layers.Weights[l], weightShapes[l]), gram = scratch.View(0, gramShapes[l]);
            spectral[l].Gram.Execute(queue, w, w, gram);
            spectral[l].Product.Execute(queue, w, gram, gradient.Tensor.View(gradient.Offset + layers.Weights[l], weightShapes[l]), 2 * Descriptor.SpectralPenalty, 1);
        }

        decay.Execute(queue, operands.Parameters.Tensor.View(operands.Parameters.Offset, allWeights), gradient.Tensor.View(gradient.Offset, allWeights), Descriptor.WeightDecay - (2 * Descriptor.SpectralPenalty), 1);
    }
}
