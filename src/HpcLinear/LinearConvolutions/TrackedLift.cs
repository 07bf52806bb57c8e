using HpcLinear.LinearAlgebra;
using HpcLinear.LinearNetworks;
using HpcLinear.Operations;

namespace HpcLinear.LinearConvolutions;

/// <summary>
/// Layers of an end-to-end filter near given ones: Gauss-Newton on <c>mu(w) = v</c> stacked with <c>|w_l|² - |w_{l+1}|² = delta_l</c>. Where v lies beside the
/// function space, its orthogonal projection is lifted.
/// </summary>
/// <remarks>The equations of delta fix what J leaves open, the scales of the layers, and do not disturb the rest. On the smooth locus the stacked system has full column rank. Source: arXiv:2507.06367.</remarks>
internal sealed class TrackedLift
{
    private const int MostIterations = 30;

    private readonly double[] delta;
    private readonly FlowCrossings? crossings;
    private readonly bool remembers;
    private readonly ulong branch;

    /// <summary>Follows the sheet of a network of one channel, on its branch (the order of roots that layers could exchange), wherever the iteration leads, or from V alone.</summary>
    public TrackedLift(DeepLinearNetwork start, FilterLift how)
    {
        Network = start;
        delta = Invariants.NormDifferences(start);
        remembers = how != FilterLift.Memoryless;
        if (how == FilterLift.FixedBranch)
        {
            crossings = new(start.Architecture);
            branch = BranchOf(start);
        }
    }

    /// <summary>The layers that the next lift starts from.</summary>
    public DeepLinearNetwork Network { get; set; }

    /// <summary>Layers of v; null where the iteration does not converge, the layers are not determined, or the branch is left.</summary>
    public DeepLinearNetwork? Lift(ReadOnlySpan<double> v)
    {
        DeepLinearNetwork? near = remembers ? Network : FilterFactorisation.Of(Network.Architecture, v, delta).Network;
        return near is not null && Solve(near, v) is { } found && (crossings is null || BranchOf(found) == branch) ? found : null;
    }

    /// <summary>Signs of the resultants of layers that may share a root.</summary>
    private ulong BranchOf(DeepLinearNetwork network) =>
        crossings!.SharedRoots == 0 ? 0 : crossings.Signs([.. network.ToLayers().SelectMany(w => w)]) & (ulong.MaxValue >> (64 - crossings.SharedRoots));

    private DeepLinearNetwork? Solve(DeepLinearNetwork at, ReadOnlySpan<double> v)
    {
        int count = at.Parameters;
        double last = double.PositiveInfinity;
        for (int iteration = 0; iteration < MostIterations; iteration++)
        {
            Matrix rows = BalancedLayers.System(at);
            double[] map = at.EndToEnd(), now = Invariants.NormDifferences(at);
            double[] right = [.. v.ToArray().Zip(map, (to, from) => to - from), .. delta.Zip(now, (to, from) => to - from)];
            Matrix step = new(1, count);
            for (int i = 0; i < rows.Rows; i++)
            {
                Matrix.AddScaled(right[i], rows.Row(i), step.Row(0));
            }

            try
            {
                Cholesky.FactorInPlace(Matrix.TransposeMultiply(rows, rows), "JᵀJ").Solve(step);
            }
            catch (ArithmeticException)
            {
                return null;
            }

            double[][] layers = at.ToLayers();
            double length = Math.Sqrt(step.SquaredNorm()), size = 0;
            for (int l = 0, i = 0; l < layers.Length; l++)
            {
                for (int e = 0; e < layers[l].Length; e++, i++)
                {
                    layers[l][e] += step.Elements[i];
                    size += layers[l][e] * layers[l][e];
                }
            }

            at = at.With(layers);
            size = Math.Sqrt(size);
            if (length <= 1e-14 * size || (length <= 1e-9 * size && length > 0.5 * last))
            {
                return at;
            }

            if (!double.IsFinite(length))
            {
                return null;
            }

            last = length;
        }

        return null;
    }
}
