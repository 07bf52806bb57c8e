using System.Numerics;
using HpcLinear.Benchmarks.Peers;
using HpcLinear.Cli.Bench;
using HpcLinear.Cli.Problems;
using TorchSharp;
using static TorchSharp.torch;

namespace HpcLinear.Peers.Torch;

/// <summary>Products with the Jacobian of a product of equal square matrices by products of the layers before and after, and K as sums of outer products.</summary>
internal sealed class TorchJacobian<T> : PeerTask
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly JacobianOperation operation;
    private readonly Tensor[] w;
    private readonly Tensor[] directions;
    private readonly Tensor u;
    private readonly long problems;
    private readonly long width;

    private TorchJacobian(JacobianProblem problem, JacobianOperation operation)
    {
        this.operation = operation;
        (problems, width) = (problem.Descriptor.Problems ?? 1, problem.Descriptor.Channels[0]);
        w = Layers(1);
        directions = Layers(JacobianTask<T>.DirectionSeed);
        u = Own(TorchPeer.Operand<T>(JacobianTask<T>.CotangentSeed, problems, width, width));

        Tensor[] Layers(ulong seed) => [.. Enumerable.Range(0, problem.Descriptor.Depth).Select(l => Own(TorchPeer.Operand<T>(seed + (ulong)l, problems, width, width)))];
    }

    public static IEnumerable<PeerForm> Forms(JacobianProblem problem, string operation) =>
        problem.Operations.Where(o => JacobianProblem.NameOf(o) == operation).Select(o => new PeerForm("", () => new TorchJacobian<T>(problem, o)));

    public override void Execute()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        _ = Compute();
    }

    public override Array Download()
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable mode = no_grad();
        return cat([.. Compute().Select(t => t.reshape(-1))]).data<T>().ToArray();
    }

    private Tensor[] Compute() => operation switch
    {
        JacobianOperation.Product => [Product()],
        JacobianOperation.TransposeProduct => TransposeProduct(),
        _ => [Kernel()],
    };

    /// <summary>TorchSharp adds its last operand to the product of the first two.</summary>
    private Tensor Product()
    {
        Tensor a = w[0], d = directions[0];
        for (int l = 1; l < w.Length; l++)
        {
            d = baddbmm(directions[l], a, bmm(w[l], d));
            a = l + 1 < w.Length ? bmm(w[l], a) : a;
        }

        return d;
    }

    private Tensor[] TransposeProduct()
    {
        Tensor[] before = Before(), gradients = new Tensor[w.Length];
        Tensor b = u;
        for (int l = w.Length - 1; l >= 1; l--)
        {
            gradients[l] = bmm(b, before[l].transpose(1, 2));
            b = bmm(w[l].transpose(1, 2), b);
        }

        gradients[0] = b;
        return gradients;
    }

    /// <summary><c>K[(i,j),(k,m)] = sum over l of (A_l A_lᵀ)[i,k] (B_lᵀ B_l)[j,m]</c>: one product of depth L, its axes put into order.</summary>
    private Tensor Kernel()
    {
        int depth = w.Length;
        Tensor[] before = Before(), after = new Tensor[depth];
        Tensor identity = eye(width, dtype: w[0].dtype).expand(problems, width, width);
        for (int l = depth - 2; l >= 0; l--)
        {
            after[l] = l == depth - 2 ? w[l + 1] : bmm(after[l + 1], w[l + 1]);
        }

        Tensor left = stack(Enumerable.Range(0, depth).Select(l => (l == depth - 1 ? identity : bmm(after[l], after[l].transpose(1, 2))).reshape(problems, width * width)), 1);
        Tensor right = stack(Enumerable.Range(0, depth).Select(l => (l == 0 ? identity : bmm(before[l].transpose(1, 2), before[l])).reshape(problems, width * width)), 1);
        return bmm(left.transpose(1, 2), right).reshape(problems, width, width, width, width).permute(0, 1, 3, 2, 4).contiguous();
    }

    /// <summary>Layers 0 … l - 1 as one, for l &gt; 0.</summary>
    private Tensor[] Before()
    {
        Tensor[] before = new Tensor[w.Length];
        for (int l = 1; l < w.Length; l++)
        {
            before[l] = l == 1 ? w[0] : bmm(w[l - 1], before[l - 1]);
        }

        return before;
    }
}
