using BenchmarkDotNet.Attributes;
using HpcLinear.Benchmarks.Peers;
using HpcLinear.Cli.Problems;
using HpcLinear.Operations;

namespace HpcLinear.Benchmarks;

/// <summary>Matrix products: square, as thin as the layers of small networks, and many small ones.</summary>
public class GemmBenchmarks : DeviceBenchmarks
{
    private static readonly string[] Names = ["G064", "G256", "G1024", "S64x512", "B8", "B16", "B64"];

    private GemmPlan<float> plan = null!;
    private Tensor<float> a = null!;
    private Tensor<float> b = null!;
    private Tensor<float> c = null!;
    private PeerTask? task;

    public static IEnumerable<GemmWork> Problems() =>
        from line in ShapeFile.Read("gemm").Concat(ShapeFile.Read("bgemm"))
        where Names.Contains(line.Id)
        select new GemmWork(line.Id, new() { Rows = line["m"], Columns = line["n"], Depth = line["k"], Problems = line.Kind == "bgemm" ? line["b"] : null });

    [ParamsSource(nameof(TargetsAndLibraries))]
    public override string Target { get; set; } = "";

    [ParamsSource(nameof(Problems))]
    public GemmWork Problem { get; set; } = null!;

    [Benchmark]
    public void Multiply()
    {
        if (task is not null)
        {
            task.Execute();
            return;
        }

        plan.Execute(Queue, a, b, c);
        Queue.Wait();
    }

    private protected override void Prepare(Peer peer) =>
        task = Own(peer.Forms<float>(new GemmProblem(Problem.Name, Problem.Descriptor), "product").First().Create());

    private protected override void Prepare(Device device)
    {
        task = null;
        GemmDescriptor d = Problem.Descriptor;
        plan = Own(GemmPlan.Create<float>(device, d));
        a = Random(device, d.ShapeA);
        b = Random(device, d.ShapeB);
        c = Random(device, d.ShapeC);
    }
}

/// <summary>A matrix product as a parameter.</summary>
public sealed record GemmWork(string Name, GemmDescriptor Descriptor) : Work(Name, Descriptor.Flops, Descriptor.Bytes(sizeof(float)));
