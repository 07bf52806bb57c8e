using System.Numerics;
using HpcLinear.Benchmarks.Peers;
using HpcLinear.Cli.Bench;
using HpcLinear.Cli.Problems;
using HpcLinear.Operations;
using static TorchSharp.torch;

namespace HpcLinear.Peers.Torch;

/// <summary>Relaxation of a linear predictive-coding network of equal layers by the closed form of its gradient, with the weights' gradient after it if asked for.</summary>
/// <remarks>A step is <c>e_l = z_l - W_l z_(l-1)</c> for every l, then <c>z_l ← z_l - η (e_l - W_(l+1)ᵀ e_(l+1))</c> for every l &lt; L; the first layer's prediction does
/// not change and is computed once a call. The forms are TorchScript: all results go into memory that the task holds (TorchSharp's own methods have no such form of batched
/// products), and no call crosses from C# but the whole relaxation. Like ours, a call goes on from where the last one ended, but a minibatch starts from its feed-forward state.</remarks>
internal sealed class TorchRelaxation<T> : PeerTask
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Layer by layer, an activity as soon as the error after it is known; or all layers at once.</summary>
    private const string Script = """
        def forward(Z, W):
            z, wt = Z.unbind(0), W.transpose(1, 2).unbind(0)
            for l in range(1, len(wt)):
                torch.mm(z[l - 1], wt[l - 1], out=z[l])

        def loop(Z, W, E, P, G, steps: int, step: float, gradient: int, start: int):
            z, e, g = Z.unbind(0), E.unbind(0), G.unbind(0)
            w, wt, et = W.unbind(0), W.transpose(1, 2).unbind(0), E.transpose(1, 2).unbind(0)
            if start == 1:
                forward(Z, W)
            torch.mm(z[0], wt[0], out=P)
            for t in range(steps):
                torch.sub(z[1], P, out=e[0])
                for l in range(1, len(w)):
                    torch.addmm(z[l + 1], z[l], wt[l], alpha=-1, out=e[l])
                    z[l].addmm_(e[l], w[l], alpha=step).add_(e[l - 1], alpha=-step)
            if gradient == 1:
                torch.sub(z[1], P, out=e[0])
                for l in range(len(w)):
                    if l > 0:
                        torch.addmm(z[l + 1], z[l], wt[l], alpha=-1, out=e[l])
                    torch.addmm(g[l], et[l], z[l], beta=0, alpha=-1 / Z.size(1), out=g[l])
                return G
            return Z[1:-1]

        def bmm(Z, W, E, P, G, steps: int, step: float, gradient: int, start: int):
            if start == 1:
                forward(Z, W)
            first, hidden, after = Z[1], Z[1:-1], Z[2:]
            e1, before, e = E[0], E[:-1], E[1:]
            w, wt = W[1:], W[1:].transpose(1, 2)
            torch.mm(Z[0], W[0].t(), out=P)
            for t in range(steps):
                torch.sub(first, P, out=e1)
                torch.baddbmm(after, hidden, wt, alpha=-1, out=e)
                hidden.baddbmm_(e, w, alpha=step).add_(before, alpha=-step)
            if gradient == 1:
                torch.sub(first, P, out=e1)
                torch.baddbmm(after, hidden, wt, alpha=-1, out=e)
                torch.baddbmm(G, E.transpose(1, 2), Z[:-1], beta=0, alpha=-1 / Z.size(1), out=G)
                return G
            return hidden

        """;

    private readonly jit.CompilationUnit compiled;
    private readonly string form;
    private readonly Tensor start;
    private readonly Tensor activities;
    private readonly object[] arguments;

    private TorchRelaxation(RelaxationProblem problem, RelaxationOperation operation, string form)
    {
        RelaxationDescriptor d = problem.Descriptor;
        (long layers, long batch, long width) = (d.Depth, d.Batch, d.Widths[0]);
        this.form = form;
        compiled = Own(jit.compile(Script));
        Tensor weights = Own(tensor(NetworkTask<T>.ParametersOf(d), TorchPeer.TypeOf<T>()).reshape(layers, width, width));
        start = Own(zeros([layers + 1, batch, width], weights.dtype));
        using (NewDisposeScope())
        using (no_grad())
        {
            _ = start[0].copy_(TorchPeer.Operand<T>(1, batch, width));
            _ = start.slice(0, 1, layers, 1).copy_(TorchPeer.Operand<T>(4, layers - 1, batch, width));
            _ = start[layers].copy_(TorchPeer.Operand<T>(2, batch, width));
        }

        activities = Own(start.clone());
        Tensor errors = Own(zeros([layers, batch, width], weights.dtype)), prediction = Own(zeros([batch, width], weights.dtype)), gradients = Own(zeros_like(weights));
        arguments = [activities, weights, errors, prediction, gradients, problem.Steps, NetworkTask<T>.Step,
            operation == RelaxationOperation.Steps ? 0 : 1, operation == RelaxationOperation.Minibatch ? 1 : 0];
    }

    /// <summary>The forms; none where the network is not a plain linear one of equal layers.</summary>
    public static IEnumerable<PeerForm> Forms(RelaxationProblem problem, string operation)
    {
        RelaxationDescriptor d = problem.Descriptor;
        bool plain = d.Depth > 1 && d == new RelaxationDescriptor { Batch = d.Batch, Widths = d.Widths } && d.Widths.All(w => w == d.Widths[0]);
        return plain ? [.. from form in (string[])["loop", "bmm"] select new PeerForm(form, () => new TorchRelaxation<T>(problem, RelaxationProblem.OperationOf(operation), form))] : [];
    }

    public override void Execute()
    {
        using Tensor result = Run();
    }

    public override Array Download()
    {
        _ = activities.copy_(start);
        using Tensor result = Run();
        return result.data<T>().ToArray();
    }

    private Tensor Run()
    {
        using IDisposable mode = no_grad();
        return compiled.invoke<Tensor>(form, arguments);
    }
}
