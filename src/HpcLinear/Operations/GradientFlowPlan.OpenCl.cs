using System.Numerics;
using System.Runtime.CompilerServices;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

/// <remarks>A network a work-item; <c>gradient_flow.cl</c> says how.</remarks>
internal sealed class OpenClGradientFlowPlan<T> : GradientFlowPlan<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>What the kernel keeps of a network, without the layers' norms; the same order as in <c>gradient_flow.cl</c>.</summary>
    private const int KeptScalars = 12;

    private const int Stages = RungeKutta.Stages;

    /// <summary>Steps of every network in a launch: devices that also serve a display end long ones.</summary>
    private const int AttemptsALaunch = 256;

    /// <summary>More products than this are no small network.</summary>
    private const long MostProducts = 1 << 22;

    private readonly KernelEntry load;
    private readonly KernelEntry run;
    private readonly KernelEntry store;
    private readonly OpenClBuffer table;
    private readonly LaunchSize size;
    private readonly int[] offsets;
    private readonly int values;
    private readonly int products;
    private readonly int columns;
    private readonly long networks;
    private readonly long fixedElements;

    public OpenClGradientFlowPlan(OpenClDevice device, GradientFlowDescriptor descriptor)
        : base(device, descriptor)
    {
        DeepProductDescriptor one = descriptor.Network with { Problems = null };
        networks = descriptor.Network.Problems ?? 1;
        columns = (int)descriptor.QuadraticShape[0];
        if (one.OptimalMultiplyAdds > MostProducts)
        {
            throw new NotSupportedException($"gradient_flow: {one.OptimalMultiplyAdds} products a network, at most {MostProducts} on {device.Target} ({descriptor})");
        }

        NetworkProducts list = new(one);
        (offsets, values, products) = (list.Offsets, list.Values, list.Count);
        OpenClProgram program = device.Program<T>("gradient_flow");
        (load, run, store) = (program.Entry("gradient_flow_load"), program.Entry("gradient_flow_run"), program.Entry("gradient_flow_store"));
        size = device.Spread(networks);
        table = device.AllocateTable(list.Table);
        fixedElements = (networks * (KeptEach + Weights + 1)) + (size.Global * ((2L * values) + ((Stages + 1) * (Weights + 1L))));
        double bytes = (double)Unsafe.SizeOf<T>() * networks * 2 * Weights;
        Choices = [new("flow", "a network a work-item", $"{run.Name} {size.Text(device)}", fixedElements * Unsafe.SizeOf<T>(), descriptor.Flops, bytes, [])];
    }

    public override IReadOnlyList<KernelChoice> Choices { get; }

    private int Weights => offsets[^1];

    private int KeptEach => KeptScalars + offsets.Length - 1;

    private protected override void RunCore(
        CommandQueue queue,
        ReadOnlySpan<TensorView<T>> weights,
        TensorView<T> quadratic,
        TensorView<T> linear,
        ReadOnlySpan<double> times,
        ReadOnlySpan<TensorView<T>> states,
        GradientFlowOptions options,
        FlowOutcome[] outcomes)
    {
        if (options.Method != FlowMethod.DormandPrince || options.Coordinates != FlowCoordinates.Weights || options.Regauge || options.DetectCrossings)
        {
            throw new NotSupportedException($"gradient_flow: weights by DormandPrince without regauge and crossings expected on {Device.Target}, got {options}");
        }

        OpenClQueue q = (OpenClQueue)queue;
        long stateElements = networks * (Weights + 1L), outElements = times.Length * networks * Weights;
        Tensor<T> scratch = queue.Scratch<T>(fixedElements + times.Length + outElements);
        TensorView<T> kept = scratch.View(0, [networks, KeptEach]), state = scratch.View(kept.Shape.ElementCount, [stateElements]);
        TensorView<T> at = scratch.View(state.Offset + stateElements, [times.Length]), found = scratch.View(at.Offset + times.Length, [outElements]);
        TensorView<T> work = scratch.View(found.Offset + outElements, [fixedElements - kept.Shape.ElementCount - stateElements]);
        T[] rounded = new T[times.Length];
        for (int i = 0; i < times.Length; i++)
        {
            rounded[i] = T.CreateChecked(times[i]);
        }

        queue.Upload(rounded, at);
        for (int l = 0; l < weights.Length; l++)
        {
            q.Kernel(load).Long(networks).Int(Weights).Int(offsets[l]).Int(offsets[l + 1] - offsets[l]).View(weights[l]).View(state).View(kept).Int(KeptEach).Launch(size);
        }

        (double relative, double absolute) = Tolerances(options);
        T[] scalars = new T[networks * KeptEach];
        bool open = true;
        while (open)
        {
            q.Kernel(run).Long(networks).Int(Weights).Int(values).Int(products).Int(columns).Int(Descriptor.Network.Channels[^1]).Int(offsets.Length - 1).Table(table)
                .View(quadratic).View(linear).Long(Descriptor.OwnTargets ? Descriptor.Network.Channels[^1] * columns : 0).Int(times.Length).View(at).View(found).View(state).View(kept)
                .View(work).Long(size.Global).Real(T.CreateChecked(absolute)).Real(T.CreateChecked(relative)).Int(Math.Min(options.MaxSteps, 1 << 24)).Int(AttemptsALaunch).Launch(size);
            queue.Download(kept, scalars);
            open = false;
            for (long p = 0; p < networks; p++)
            {
                open |= scalars[p * KeptEach] <= T.Zero;
            }
        }

        for (int l = 0; l < states.Length; l++)
        {
            q.Kernel(store).Long(networks * times.Length).Int(Weights).Int(offsets[l]).Int(offsets[l + 1] - offsets[l]).View(found).View(states[l]).Launch(size);
        }

        T[] energies = queue.Download<T>(state);
        queue.Wait();
        for (int p = 0; p < outcomes.Length; p++)
        {
            ReadOnlySpan<T> of = scalars.AsSpan(p * KeptEach, KeptEach);
            outcomes[p] = new()
            {
                Status = (FlowStatus)(Number(of[0]) - 1), Time = Number(of[1]), InitialLoss = Number(of[4]), Loss = Number(of[5]), LossIncrease = Number(of[6]), InvariantDrift = Number(of[7]),
                Steps = (int)Number(of[8]), Refused = (int)Number(of[9]), Dissipated = Number(energies[(p * (Weights + 1)) + Weights]),
                SharedRoots = 0, FirstSharedRoot = double.NaN, SelfCrossings = 0, FirstSelfCrossing = double.NaN,
            };
        }

        static double Number(T value) => double.CreateChecked(value);
    }

    private protected override void DisposeCore() => table.Dispose();
}
