using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

/// <summary>Relaxation of activities with all layers side by side, <c>kernels/relaxation_layers.cl</c>: every step is a few launches over the whole network, and
/// none waits for the host. For the GPU family.</summary>
internal sealed class OpenClLayerRelaxation<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    // The constants of relaxation_layers.cl and network.cl.
    private const int Tile = 32, Group = 64, Control = 4, Measured = 16, KeepGradient = 0;

    // Steps between two looks at whether any sample is still under way, where tolerances may stop them.
    private const int StepsBetweenLooks = 32;

    private readonly RelaxationLayers<T> layers;
    private readonly KernelEntry errors, losses, sums, record, moves, settle, certified, check, along;
    private readonly LaunchSize bySample;
    private readonly LaunchSize byElement;
    private readonly long batch;
    private readonly long unitTiles;
    private readonly long hiddenTiles;
    private readonly long sampleTiles;
    private readonly long outputs;
    private readonly long hidden;
    private readonly bool later;

    public OpenClLayerRelaxation(OpenClDevice device, RelaxationLayers<T> layers)
    {
        this.layers = layers;
        OpenClProgram program = device.Program<T>("relaxation_layers");
        errors = program.Entry("relax_layer_errors");
        losses = program.Entry("relax_layer_losses");
        sums = program.Entry("relax_layer_sums");
        record = program.Entry("relax_layer_record");
        moves = program.Entry("relax_layer_moves");
        settle = program.Entry("relax_layer_settle");
        certified = program.Entry("relax_layer_certified");
        check = program.Entry("relax_layer_check");
        along = program.Entry("relax_layer_along");
        batch = layers.Network.Batch;
        hidden = layers.HiddenUnits * batch;
        outputs = hidden + (layers.Widths[^1] * batch);
        unitTiles = (layers.Widths.Skip(1).Max() + Tile - 1) / Tile;
        hiddenTiles = layers.Depth == 1 ? 0 : (layers.Widths.Skip(1).SkipLast(1).Max() + Tile - 1) / Tile;
        sampleTiles = (batch + Tile - 1) / Tile;
        later = layers.After.Any(a => a != Activation.Linear);
        bySample = device.Spread(batch);
        byElement = device.Spread(layers.MaxWidth * batch);
    }

    /// <summary>Names of the kernels of a plain step.</summary>
    public string Kernels => $"{errors.Name}, {sums.Name}, {record.Name}, {moves.Name}";

    /// <summary>Whether a launch can count the tiles; else sample slices serve.</summary>
    public bool Fits => sampleTiles <= OpenClDevice.MostGroups && layers.Depth <= OpenClDevice.MostGroups;

    /// <summary>Elements of scratch memory before the energies of a relaxation.</summary>
    public long Elements(RelaxationMethod method, bool measured) =>
        KeptAt + (hidden * method switch { RelaxationMethod.GradientDescent => 0, RelaxationMethod.Heun => 3, _ => 1 }) + (measured ? 2 * hidden : 0);

    /// <summary>Errors, deltas, energies of each layer and sample, the steps of samples with what their energies are compared with, and certificates.</summary>
    private long KeptAt => CertificatesAt + batch;

    private long CertificatesAt => StepsAt + (3 * batch);

    private long SumsAt => outputs + (later ? outputs : 0);

    private long StepsAt => SumsAt + (layers.Depth * batch);

    public void Gradient(OpenClQueue q, RelaxationTables tables, in RelaxationOperands<T> operands, OpenClBuffer memory, int flags, TensorView<T> gradient)
    {
        Errors(q, tables, operands, memory, flags, (OpenClBuffer)operands.Activities.Tensor.Buffer, operands.Activities.Offset);
        Begin(q, tables, moves, flags).View(operands.Parameters).View(operands.Activities).Buffer(memory).Buffer(memory, outputs).Buffer(memory).View(gradient)
            .Buffer(memory, StepsAt).Buffer(memory).Int(KeepGradient).Real(T.Zero).Real(layers.Decay).Launch(hiddenTiles * 16, sampleTiles * 16, layers.Depth - 1, 16, 16);
    }

    /// <summary>Enqueues a whole relaxation; outcomes are those of <c>relax_activities</c> with a slice for every sample. <paramref name="certify"/> writes |g_e|² of every
    /// sample to a place in the scratch memory.</summary>
    public void Relax(
        OpenClQueue q,
        RelaxationTables tables,
        in RelaxationOperands<T> operands,
        OpenClBuffer memory,
        RelaxationOptions options,
        int method,
        int flags,
        TensorView<T> mask,
        long energiesAt,
        long outcomesAt,
        Action<OpenClBuffer, long> certify)
    {
        bool measured = (flags & Measured) != 0, heun = options.Method == RelaxationMethod.Heun;
        OpenClBuffer z = (OpenClBuffer)operands.Activities.Tensor.Buffer;
        long zAt = operands.Activities.Offset, first = KeptAt, second = first + hidden, trial = second + hidden;
        long seen = Elements(options.Method, false);
        T step = T.CreateTruncating(options.Step!.Value), half = T.CreateTruncating(0.5);
        if (method is 2 or 3 && hidden > 0)
        {
            q.Clear(memory, first * Unsafe.SizeOf<T>(), hidden * Unsafe.SizeOf<T>());
        }

        int t = 0;
        for (; t < options.Steps; t++)
        {
            Measure(q, tables, operands, memory, flags, z, zAt);
            Record(q, memory, flags, t, false);
            if (layers.Depth > 1)
            {
                Move(q, operands, z, zAt, first, heun ? KeepGradient : method);
                if (measured)
                {
                    (OpenClBuffer state, long stateAt, long gradientAt) = heun ? (z, zAt, first) : (memory, seen + hidden, seen);
                    Begin(q, tables, settle, flags).Buffer(state, stateAt).Buffer(memory, gradientAt).Buffer(memory, StepsAt).Buffer(memory, outcomesAt)
                        .Real(T.CreateTruncating(options.AbsoluteTolerance)).Real(T.CreateTruncating(options.RelativeTolerance)).Launch(batch * Group, 1, 1, Group);
                }

                if (heun)
                {
                    Along(z, zAt, first, memory, trial, T.One);
                    Errors(q, tables, operands, memory, flags, memory, trial);
                    Move(q, operands, memory, trial, second, KeepGradient);
                    Along(z, zAt, first, z, zAt, half);
                    Along(z, zAt, second, z, zAt, half);
                }
            }

            bool bounded = options.EnergyTolerance > 0 && (t + 1) % options.CheckInterval == 0;
            if (bounded)
            {
                certify(memory, CertificatesAt);
                Begin(q, tables, certified, flags).Buffer(memory, CertificatesAt).Buffer(memory, StepsAt).Buffer(memory, outcomesAt)
                    .Real(T.CreateTruncating(2 * layers.LeastPrecision * options.EnergyTolerance)).Launch(bySample);
            }

            bool looks = (measured || options.EnergyChange > 0) && t % StepsBetweenLooks == StepsBetweenLooks - 1;
            if ((bounded || looks) && AllStopped(q, memory, outcomesAt))
            {
                t++;
                break;
            }
        }

        if (options.TraceEnergy)
        {
            Measure(q, tables, operands, memory, flags, z, zAt);
            Record(q, memory, flags, t, true);
        }
        else if (layers.Depth > 1)
        {
            Begin(q, tables, check, flags).Buffer(z, zAt).Buffer(memory, outcomesAt).Launch(Math.Min(batch, 1 << 20) * Group, 1, 1, Group);
        }

        void Record(OpenClQueue queue, OpenClBuffer scratch, int bits, int at, bool last) => Begin(queue, tables, record, bits).Int(at).Int(last ? 1 : 0).Real(step)
            .Real(T.CreateTruncating(options.DivergenceFactor)).Real(T.CreateTruncating(options.EnergyChange)).Int(options.CheckInterval).Buffer(scratch, SumsAt).Buffer(scratch, StepsAt).Buffer(scratch, energiesAt).Buffer(scratch, outcomesAt).Launch(bySample);

        void Move(OpenClQueue queue, in RelaxationOperands<T> from, OpenClBuffer state, long stateAt, long keptAt, int how)
        {
            OpenClKernel kernel = Begin(queue, tables, moves, flags).View(from.Parameters).Buffer(state, stateAt).Buffer(memory).Buffer(memory, outputs);
            kernel = mask.IsEmpty ? kernel.Buffer(memory) : kernel.View(mask);
            kernel.Buffer(memory, keptAt).Buffer(memory, StepsAt).Buffer(memory, seen).Int(how).Real(T.CreateTruncating(options.Momentum)).Real(layers.Decay)
                .Launch(hiddenTiles * 16, sampleTiles * 16, layers.Depth - 1, 16, 16);
        }

        void Along(OpenClBuffer from, long fromAt, long direction, OpenClBuffer to, long toAt, T factor) => Begin(q, tables, along, flags).Buffer(from, fromAt)
            .Buffer(memory, direction).Buffer(to, toAt).Buffer(memory, StepsAt).Real(factor).Launch(byElement);
    }

    private bool AllStopped(OpenClQueue q, OpenClBuffer memory, long outcomesAt)
    {
        int[] control = new int[batch * Control];
        q.Read(memory, outcomesAt * sizeof(int), MemoryMarshal.AsBytes(control.AsSpan()));
        for (int i = 0; i < control.Length; i += Control)
        {
            if (control[i] < 0 && control[i + 3] == 0)
            {
                return false;
            }
        }

        return true;
    }

    private OpenClKernel Begin(OpenClQueue q, RelaxationTables tables, KernelEntry entry, int flags) => q.Kernel(entry).Int(layers.Depth).Int(flags).Long(batch).Table(tables.Layers).Table(tables.Factors);

    /// <summary>Errors of all layers, and energies of each sample of each layer.</summary>
    private void Measure(OpenClQueue q, RelaxationTables tables, in RelaxationOperands<T> operands, OpenClBuffer memory, int flags, OpenClBuffer state, long stateAt)
    {
        Errors(q, tables, operands, memory, flags, state, stateAt);
        int rows = layers.CrossEntropy ? layers.Depth - 1 : layers.Depth;
        if (rows > 0)
        {
            Begin(q, tables, sums, flags).Int(rows).Buffer(memory).Buffer(memory, SumsAt).Launch(Math.Min(rows * batch, 1 << 20) * Group, 1, 1, Group);
        }
    }

    private void Errors(OpenClQueue q, RelaxationTables tables, in RelaxationOperands<T> operands, OpenClBuffer memory, int flags, OpenClBuffer state, long stateAt)
    {
        Begin(q, tables, errors, flags).View(operands.Parameters).View(operands.Input).View(operands.Target).Buffer(state, stateAt).Buffer(memory).Buffer(memory, outputs)
            .Launch(unitTiles * 16, sampleTiles * 16, layers.Depth, 16, 16);
        if (layers.CrossEntropy)
        {
            Begin(q, tables, losses, flags).View(operands.Target).Buffer(memory).Buffer(memory, SumsAt).Launch(bySample);
        }
    }
}
