namespace HpcLinear.Operations;

/// <summary>
/// Gradient flow <c>dW_l/dt = -dloss/dW_l</c> of P deep linear networks of one architecture, each on its own, with the square loss by its sufficient statistics:
/// <c>loss(W) = &lt;V A, V&gt;/2 - &lt;B, V&gt;</c>, V = mu(W) as a matrix of <c>Channels[L] x (Channels[0] extent…)</c>.
/// </summary>
/// <remarks>Source: arXiv:2507.06367; docs/operations/gradient-flow.md.</remarks>
public sealed record GradientFlowDescriptor
{
    /// <summary>The networks; <see cref="DeepProductDescriptor.Problems"/> is P, null for a single one without a leading axis.</summary>
    public required DeepProductDescriptor Network { get; init; }

    /// <summary>Whether every network has its own B; A is shared by all.</summary>
    public bool OwnTargets { get; init; }

    /// <summary>Shape of A, <c>[M, M]</c> with M = Channels[0] · extent.</summary>
    public Shape QuadraticShape => [Columns, Columns];

    /// <summary>Shape of B, <c>[Channels[L], M]</c>, with a leading P where every network has its own.</summary>
    public Shape LinearShape => OwnTargets && Network.Problems is { } p ? [p, Network.Channels[^1], Columns] : [Network.Channels[^1], Columns];

    /// <summary>Floating-point operations of one evaluation of all gradients: compositions, their adjoint, and V A.</summary>
    public double Flops => (3 * Network.Flops) + (2.0 * (Network.Problems ?? 1) * Network.Channels[^1] * Columns * Columns);

    private long Columns => Network.SegmentShape(0, Network.Depth).ElementCount / Math.Max(1, Network.Problems ?? 1) / Network.Channels[^1];

    /// <summary>Checks the network, and that vectors of it can be counted.</summary>
    /// <exception cref="ProblemException">The network is not valid, or has more than 2^22 weights or end-to-end elements.</exception>
    public void Validate()
    {
        Network.Validate();
        DeepProductDescriptor one = Network with { Problems = null };
        double weights = Enumerable.Range(0, one.Depth).Sum(l => (double)one.FilterShape(l).ElementCount);
        if (weights > 1 << 22 || one.ComposedShape.ElementCount > 1 << 22)
        {
            throw new ProblemException(ProblemError.Overflow, $"gradient_flow: at most {1 << 22} weights and end-to-end elements expected, got {weights} and {one.ComposedShape.ElementCount} ({this})");
        }
    }

    /// <summary>Shape of the states of layer l at <paramref name="times"/> times: <c>[times, P?, out, in, taps…]</c>.</summary>
    public Shape StateShape(int layer, int times) => [times, .. Network.FilterShape(layer)];

    /// <summary>The problem as one line.</summary>
    public override string ToString() => $"gradient_flow {Network}{(OwnTargets ? " own_targets" : "")}";
}
