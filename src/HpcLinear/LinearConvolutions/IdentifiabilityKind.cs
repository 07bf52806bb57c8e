namespace HpcLinear.LinearConvolutions;

/// <summary>What an end-to-end filter and the invariants say about the kernel <c>K = J Jᵀ</c> there, and so about a flow on the function space.</summary>
public enum IdentifiabilityKind
{
    /// <summary>Almost every filter has one kernel: the flow is one of filters, <c>dv/dt = -K_delta(v) grad</c>.</summary>
    Unique,

    /// <summary>Finitely many kernels, told apart by which of some equal layers is which. The label does not change along a flow, so each label has a flow of filters; there is no
    /// kernel of (v, delta) alone.</summary>
    Label,

    /// <summary>Finitely many kernels, by how the roots of a polynomial are dealt to layers. Layers that come to share a root change the branch: no flow of filters beyond that.</summary>
    Branch,
}
