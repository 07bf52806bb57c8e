using HpcLinear.Cli.Bench;
using HpcLinear.Cli.Comparison;
using HpcLinear.Cli.Problems;

namespace HpcLinear.Benchmarks.Peers;

/// <summary>This engine, by the tasks of <c>hpclinear bench</c>.</summary>
internal sealed class OurEngine : Peer
{
    private readonly Device device;
    private readonly CommandQueue queue;

    public OurEngine(int threads)
    {
        device = Devices.Open((string?)null, new DeviceOptions { Threads = threads });
        queue = device.CreateQueue();
    }

    public override string Name => ComparisonRow.Ours;

    public override string Version => $"{typeof(Device).Assembly.GetName().Version?.ToString(3)} {device.Target}";

    public override IEnumerable<PeerForm> Forms<T>(Problem problem, string operation) =>
        from task in BenchRunner.Tasks<T>(queue, problem)
        where task.Id == ComparisonRow.NameOf(problem.Id, operation)
        select new PeerForm("", () => new OurTask(task.Create(), queue));

    protected override void Dispose(bool disposing)
    {
        queue.Dispose();
        device.Dispose();
        base.Dispose(disposing);
    }
}

/// <summary>A task of <c>hpclinear bench</c>.</summary>
internal sealed class OurTask : PeerTask
{
    private readonly BenchTask task;
    private readonly CommandQueue queue;

    public OurTask(BenchTask task, CommandQueue queue)
    {
        this.task = Own(task);
        this.queue = queue;
    }

    public override void Execute() => task.Execute();

    public override void Wait() => queue.Wait();

    public override Array Download() => task.Download();

    /// <summary>Compares the result with the definition.</summary>
    public bool IsRight() => task.Check().Passed;
}
