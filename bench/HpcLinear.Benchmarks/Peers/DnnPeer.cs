using HpcLinear.Cli.Problems;
using HpcLinear.Operations;
using static HpcLinear.Benchmarks.Peers.DnnApi;

namespace HpcLinear.Benchmarks.Peers;

/// <summary>oneDNN, float32: products and convolutions in the layouts that it chooses itself, reorders not timed.</summary>
/// <remarks>The thread count is that of OpenMP, so <c>OMP_NUM_THREADS</c> must be set before the library is loaded. Independent problems of one channel are groups of one
/// convolution. Four axes are a sum of convolutions over three, one for each tap of the first axis, whose positions are images of a batch.</remarks>
internal sealed unsafe class DnnPeer : Peer
{
    private readonly nint engine;
    private readonly nint stream;

    public DnnPeer()
    {
        int* version = DnnApi.Version();
        Version = $"{version[0]}.{version[1]}.{version[2]}";
        Check(EngineCreate(out engine, CpuEngine, 0));
        Check(StreamCreate(out stream, engine, InOrder));
    }

    public override string Name => "onednn";

    public override string Version { get; }

    public override IEnumerable<PeerForm> Forms<T>(Problem problem, string operation) => typeof(T) != typeof(float) ? [] : problem switch
    {
        GemmProblem { Descriptor: { TransposeA: false, TransposeB: false } d } => [new("", () => new DnnProduct(engine, stream, d))],
        ConvolutionProblem { Descriptor: { Boundary: Boundary.Zero, TrueConvolution: false, SharedInput: false, SharedFilter: false } d }
            when d.SpatialRank <= 3 && (d.Problems is null || (d.InChannels == 1 && d.OutChannels == 1)) => [new("", () => new DnnConvolution(engine, stream, d, operation))],
        ConvolutionProblem { Descriptor: { Boundary: Boundary.Zero, TrueConvolution: false, SpatialRank: 4, Groups: 1, Batch: 1, Problems: null } d }
            when d.Stride.All(s => s == 1) && d.Dilation.All(s => s == 1) && d.Output.SequenceEqual(d.Input) && d.ResolvedLow.Zip(d.Filter).All(a => (2 * a.First) + 1 == a.Second) => [new("sum of 3-D", () => new DnnFourAxes(engine, stream, d, operation))],
        _ => [],
    };

    protected override void Dispose(bool disposing)
    {
        _ = StreamDestroy(stream);
        _ = EngineDestroy(engine);
        base.Dispose(disposing);
    }
}
