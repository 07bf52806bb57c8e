using System.Numerics;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using HpcLinear.Benchmarks.Peers;
using HpcLinear.Cli.Bench;
using HpcLinear.Cli.Problems;
using HpcLinear.Operations;
using TorchSharp;
using static TorchSharp.torch;
using Functional = TorchSharp.torch.nn.functional;

namespace HpcLinear.Peers.Torch;

/// <summary>PyTorch's library through TorchSharp: products, convolutions with both gradients, problems as groups or unfolded, compositions as groups or as shifted sums, relaxations by layers or by batches of them, Jacobians by products of layers.</summary>
internal sealed class TorchPeer : Peer
{
    public TorchPeer(int threads)
    {
        TryLoad();
        set_num_threads(threads);
        Version = __version__;
    }

    public override string Name => "pytorch";

    public override string Version { get; }

    public override IEnumerable<PeerForm> Forms<T>(Problem problem, string operation) => problem switch
    {
        GemmProblem { Descriptor: { TransposeA: false, TransposeB: false } d } => [new("", () => Product<T>(d))],
        ConvolutionProblem { Descriptor: { Boundary: Boundary.Zero, TrueConvolution: false, SharedInput: false, SharedFilter: false } d }
            when d.ResolvedLow.SequenceEqual(d.ResolvedHigh) && d.SpatialRank <= 3 => d.Problems is null
                ? d.SpatialRank == 2 ? [new("", () => Convolution<T>(d, operation, false)), new("nhwc", () => Convolution<T>(d, operation, true))] : [new("", () => Convolution<T>(d, operation, false))]
                : d is { InChannels: 1, OutChannels: 1, SpatialRank: 1 } ? [new("groups", () => Groups<T>(d, operation)), .. Unfolded<T>(d, operation)] : [],
        ConvolutionProblem { Descriptor: { Boundary: Boundary.Zero, TrueConvolution: false, SpatialRank: 4, Groups: 1, Batch: 1, Problems: null } d }
            when operation == "fwd" && d.Stride.All(s => s == 1) && d.Dilation.All(s => s == 1) && d.Output.SequenceEqual(d.Input) => [new("sum of conv3d", () => FourAxes<T>(d))],
        CompositionProblem { Descriptor: { } d } when d.Channels.All(c => c == 1) && d.Filters[0].Rank == 1 => [new("groups", () => ChainOfGroups<T>(d)), new("shift", () => ChainOfShifts<T>(d))],
        JacobianProblem jacobian => TorchJacobian<T>.Forms(jacobian, operation),
        RelaxationProblem relaxation => TorchRelaxation<T>.Forms(relaxation, operation),
        _ => [],
    };

    /// <summary>Says in few words what TorchSharp's own search says in many, before that copies its libraries about.</summary>
    private static void TryLoad()
    {
        string library = Path.Combine(AppContext.BaseDirectory, "runtimes", RuntimeInformation.RuntimeIdentifier, "native", "libLibTorchSharp.so");
        try
        {
            if (File.Exists(library))
            {
                _ = NativeLibrary.Load(library);
            }
        }
        catch (DllNotFoundException e)
        {
            Match missing = Regex.Match(e.Message, "GLIBCXX_[0-9.]+");
            throw new NotSupportedException(missing.Success ? $"libtorch needs {missing.Value}, which the libstdc++ of this system lacks" : e.Message, e);
        }
    }

    internal static ScalarType TypeOf<T>() => typeof(T) == typeof(float) ? ScalarType.Float32 : ScalarType.Float64;

    internal static Tensor Operand<T>(ulong seed, params long[] shape)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        RandomOperand operand = new(seed, shape.Aggregate(1L, (a, b) => a * b));
        T[] elements = new T[operand.Count];
        for (long i = 0; i < elements.Length; i++)
        {
            elements[i] = T.CreateTruncating(operand[i]);
        }

        return elements is float[] single ? tensor(single, shape) : tensor((double[])(object)elements, shape);
    }

    private static TorchTask<T> Product<T>(GemmDescriptor d)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Tensor a = Operand<T>(1, [.. d.ShapeA]), b = Operand<T>(2, [.. d.ShapeB]);
        return new(() => d.Problems is null ? mm(a, b) : bmm(a, b), false, a, b);
    }

    private static TorchTask<T> Convolution<T>(ConvolutionDescriptor d, string operation, bool channelsLast)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Tensor x = Lay(Operand<T>(1, [.. d.InputShape])), w = Lay(Operand<T>(2, [.. d.FilterShape])), dy = Lay(Operand<T>(3, [.. d.OutputShape]));
        return Directions<T>(x, w, dy, operation, (left, right) => Convolve(left, right, d.Stride, d.ResolvedLow, d.Dilation, d.Groups));

        Tensor Lay(Tensor t) => channelsLast ? t.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2) : t;
    }

    /// <summary>One group a problem.</summary>
    private static TorchTask<T> Groups<T>(ConvolutionDescriptor d, string operation)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        long p = d.Problems!.Value;
        Tensor x = Operand<T>(1, p, d.Batch, d.Input[0]).transpose(0, 1).contiguous(), dy = Operand<T>(3, p, d.Batch, d.Output[0]).transpose(0, 1).contiguous();
        TorchTask<T> task = Directions<T>(x, Operand<T>(2, p, 1, d.Filter[0]), dy, operation, (left, right) => Convolve(left, right, d.Stride, d.ResolvedLow, d.Dilation, p));
        return operation == "bwdw" ? task : task.Then(result => result.transpose(0, 1).contiguous());
    }

    /// <summary>A strided view of the patches and a batch of products.</summary>
    private static IEnumerable<PeerForm> Unfolded<T>(ConvolutionDescriptor d, string operation)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (operation == "bwdd" || d.Dilation[0] != 1 || d.ResolvedLow[0] != 0)
        {
            return [];
        }

        return [new("unfold", () =>
        {
            long p = d.Problems!.Value, outputs = d.Batch * d.Output[0];
            Tensor x = Operand<T>(1, p, d.Batch, d.Input[0]), w = Operand<T>(2, p, d.Filter[0], 1), dy = Operand<T>(3, p, 1, outputs);
            return new TorchTask<T>(
                () =>
                {
                    using Tensor view = x.unfold(2, d.Filter[0], d.Stride[0]), patches = view.reshape(p, outputs, d.Filter[0]);
                    return operation == "fwd" ? bmm(patches, w) : bmm(dy, patches);
                },
                false, x, w, dy);
        })];
    }

    /// <summary>Positions of the first axis are images; one convolution over three axes for each of its taps, added where they belong.</summary>
    private static TorchTask<T> FourAxes<T>(ConvolutionDescriptor d)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        long length = d.Input[0], low = d.ResolvedLow[0];
        Tensor x = Operand<T>(1, [.. d.InputShape]).squeeze(0).transpose(0, 1).contiguous(), w = Operand<T>(2, [.. d.FilterShape]);
        Tensor[] taps = [.. Enumerable.Range(0, (int)d.Filter[0]).Select(t => w.select(2, t).contiguous())];
        long[] ones = [1, 1, 1], pads = [.. d.ResolvedLow.Skip(1)];
        return new TorchTask<T>(
            () =>
            {
                Tensor sum = Functional.conv3d(x, taps[low], null, ones, pads);
                for (int tap = 0; tap < taps.Length; tap++)
                {
                    if (tap != low)
                    {
                        long shift = tap - low, from = Math.Max(0, -shift), to = Math.Min(length, length - shift);
                        using Tensor part = Functional.conv3d(x.narrow(0, from + shift, to - from), taps[tap], null, ones, pads);
                        _ = sum.narrow(0, from, to - from).add_(part);
                    }
                }

                return sum;
            },
            true, [x, w, .. taps]).Then(y => y.transpose(0, 1).contiguous());
    }

    /// <summary>One group a network: the convolution with a dilated, reversed filter composes.</summary>
    private static TorchTask<T> ChainOfGroups<T>(DeepProductDescriptor d)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        long problems = d.Problems ?? 1;
        Tensor[] w = [.. Enumerable.Range(0, d.Depth).Select(l => Operand<T>((ulong)(l + 1), problems, 1, d.Filters[l][0]))];
        Tensor[] reversed = [.. w.Select(f => f.flip(2).contiguous())];
        return new TorchTask<T>(
            () =>
            {
                Tensor v = w[0].transpose(0, 1);
                long stride = d.Strides[0][0];
                for (int l = 1; l < w.Length; l++)
                {
                    v = Functional.conv1d(v, reversed[l], null, 1, (d.Filters[l][0] - 1) * stride, stride, problems);
                    stride *= d.Strides[l][0];
                }

                return v;
            },
            true, [.. w, .. reversed]);
    }

    /// <summary>One multiply-add of whole arrays for each tap.</summary>
    private static TorchTask<T> ChainOfShifts<T>(DeepProductDescriptor d)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        long problems = d.Problems ?? 1;
        Tensor[] w = [.. Enumerable.Range(0, d.Depth).Select(l => Operand<T>((ulong)(l + 1), problems, d.Filters[l][0]))];
        return new TorchTask<T>(
            () =>
            {
                Tensor v = w[0];
                long stride = d.Strides[0][0];
                for (int l = 1; l < w.Length; l++)
                {
                    long length = v.shape[1], taps = d.Filters[l][0];
                    Tensor next = zeros([problems, length + ((taps - 1) * stride)], dtype: v.dtype);
                    for (long tap = 0; tap < taps; tap++)
                    {
                        _ = next.narrow(1, tap * stride, length).addcmul_(v, w[l].narrow(1, tap, 1), 1);
                    }

                    v = next;
                    stride *= d.Strides[l][0];
                }

                return v;
            },
            true, w);
    }

    private static TorchTask<T> Directions<T>(Tensor x, Tensor w, Tensor dy, string operation, Func<Tensor, Tensor, Tensor> convolve)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (operation == "fwd")
        {
            return new(() => convolve(x, w), false, x, w, dy);
        }

        Tensor variable = (operation == "bwdd" ? x : w).detach().requires_grad_(true);
        Tensor y = operation == "bwdd" ? convolve(variable, w) : convolve(x, variable);
        return new(() => autograd.grad([y], [variable], [dy], retain_graph: true)[0], false, x, w, dy, variable, y) { NeedsGraph = true };
    }

    private static Tensor Convolve(Tensor x, Tensor w, Shape stride, Shape padding, Shape dilation, long groups) => stride.Rank switch
    {
        1 => Functional.conv1d(x, w, null, stride[0], padding[0], dilation[0], groups),
        2 => Functional.conv2d(x, w, null, [.. stride], [.. padding], [.. dilation], groups),
        _ => Functional.conv3d(x, w, null, [.. stride], [.. padding], [.. dilation], groups),
    };
}

/// <summary>An expression of tensors; each call frees its result, so that the next one reuses the memory.</summary>
internal sealed class TorchTask<T> : PeerTask
    where T : unmanaged
{
    private readonly Func<Tensor> expression;
    private readonly bool hasTemporaries;
    private Func<Tensor, Tensor> arrange = result => result.contiguous();

    public TorchTask(Func<Tensor> expression, bool hasTemporaries, params Tensor[] operands)
    {
        this.expression = expression;
        this.hasTemporaries = hasTemporaries;
        Array.ForEach(operands, o => Own(o));
    }

    public bool NeedsGraph { get; init; }

    /// <summary>Puts the result into our order.</summary>
    public TorchTask<T> Then(Func<Tensor, Tensor> order)
    {
        arrange = order;
        return this;
    }

    public override void Execute()
    {
        using DisposeScope? scope = hasTemporaries ? NewDisposeScope() : null;
        using IDisposable? mode = NeedsGraph ? null : no_grad();
        using Tensor result = expression();
    }

    public override Array Download()
    {
        using DisposeScope scope = NewDisposeScope();
        return arrange(expression().detach()).data<T>().ToArray();
    }
}
