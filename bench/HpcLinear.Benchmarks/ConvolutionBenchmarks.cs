using BenchmarkDotNet.Attributes;
using HpcLinear.Benchmarks.Peers;
using HpcLinear.Cli.Problems;
using HpcLinear.Operations;

namespace HpcLinear.Benchmarks;

/// <summary>Convolutions in their three directions: layers of common networks, one to four axes, depthwise, and one filter a problem.</summary>
public class ConvolutionBenchmarks : DeviceBenchmarks
{
    private static readonly string[] Names = ["C01n32", "C03n32", "C06n32", "C08n32", "C10n32", "C21", "C31", "C40", "P01", "P02", "P03"];

    private ConvolutionPlan<float> plan = null!;
    private Tensor<float> x = null!;
    private Tensor<float> w = null!;
    private Tensor<float> y = null!;
    private readonly Dictionary<string, PeerTask> tasks = [];

    public static IEnumerable<ConvolutionWork> Problems() =>
        from line in ShapeFile.Read("conv").Concat(ShapeFile.Read("pscnv"))
        where Names.Contains(line.Id)
        select new ConvolutionWork(line.Id, line.Kind == "conv" ? Layer(line) : OwnFilters(line));

    /// <summary>Devices, and the one library here that has convolutions.</summary>
    public static IEnumerable<string> TargetsAndLayers() => TargetsAndLibraries().Where(name => name != "openblas");

    [ParamsSource(nameof(TargetsAndLayers))]
    public override string Target { get; set; } = "";

    [ParamsSource(nameof(Problems))]
    public ConvolutionWork Problem { get; set; } = null!;

    [Benchmark]
    public void Forward()
    {
        if (Other is not null)
        {
            tasks["fwd"].Execute();
            return;
        }

        plan.Forward(Queue, x, w, y);
        Queue.Wait();
    }

    [Benchmark]
    public void BackwardInput()
    {
        if (Other is not null)
        {
            tasks["bwdd"].Execute();
            return;
        }

        plan.BackwardInput(Queue, y, w, x);
        Queue.Wait();
    }

    [Benchmark]
    public void BackwardFilter()
    {
        if (Other is not null)
        {
            tasks["bwdw"].Execute();
            return;
        }

        plan.BackwardFilter(Queue, x, y, w);
        Queue.Wait();
    }

    private protected override void Prepare(Peer peer)
    {
        foreach (string operation in (string[])["fwd", "bwdd", "bwdw"])
        {
            tasks[operation] = Own(peer.Forms<float>(new ConvolutionProblem(Problem.Name, Problem.Descriptor), operation).First().Create());
        }
    }

    private protected override void Prepare(Device device)
    {
        ConvolutionDescriptor d = Problem.Descriptor;
        plan = Own(ConvolutionPlan.Create<float>(device, d));
        x = Random(device, d.InputShape);
        w = Random(device, d.FilterShape);
        y = Random(device, d.OutputShape);
    }

    private static ConvolutionDescriptor Layer(ShapeLine line) => new()
    {
        Batch = line["n"], InChannels = line["ic"], OutChannels = line["oc"], Groups = line["g"],
        Input = line.Axes("in"), Filter = line.Axes("k"), Stride = line.Axes("s"), Padding = line.Axes("p"), Dilation = line.Axes("d"),
    };

    private static ConvolutionDescriptor OwnFilters(ShapeLine line) => new()
    {
        Problems = line["p"], Batch = line["n"], InChannels = 1, OutChannels = 1, Input = [line["l"]], Filter = [line["k"]], Stride = [line["s"]],
    };
}

/// <summary>A convolution as a parameter; each direction costs the same.</summary>
public sealed record ConvolutionWork(string Name, ConvolutionDescriptor Descriptor) : Work(Name, Descriptor.Flops, Descriptor.Bytes(sizeof(float)));
