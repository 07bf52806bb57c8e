using BenchmarkDotNet.Attributes;
using HpcLinear.Benchmarks.Compare;
using HpcLinear.Benchmarks.Peers;
using HpcLinear.Operations;

namespace HpcLinear.Benchmarks;

/// <summary>A benchmark on one device: the default CPU target and, where there is one, the first OpenCL device, and in some classes other libraries; float32, all threads.</summary>
public abstract class DeviceBenchmarks
{
    private readonly List<IDisposable> owned = [];
    private ulong seed;

    /// <summary>The targets that can be opened here.</summary>
    public static IEnumerable<string> Targets() =>
        from target in Devices.Available()
        group target.ToString() by target.IsCpu into kind
        select kind.First();

    /// <summary>The same and the libraries that can be loaded.</summary>
    public static IEnumerable<string> TargetsAndLibraries() => Targets().Concat(Libraries());

    /// <summary>Name of the device, such as <c>cpu:avx512</c>, or of a library.</summary>
    [ParamsSource(nameof(Targets))]
    public virtual string Target { get; set; } = "";

    /// <summary>The library that is measured instead of a device; null for a device.</summary>
    private protected Peer? Other { get; private set; }

    private protected CommandQueue Queue { get; private set; } = null!;

    [GlobalSetup]
    public void Open()
    {
        if (Libraries().Contains(Target))
        {
            Other = Own(EngineChoice.Create(Target, Environment.ProcessorCount));
            Prepare(Other);
            return;
        }

        Device device = Own(Devices.Open(Target));
        Queue = Own(device.CreateQueue());
        Prepare(device);
        Queue.Wait();
    }

    [GlobalCleanup]
    public void Close()
    {
        for (int i = owned.Count - 1; i >= 0; i--)
        {
            owned[i].Dispose();
        }

        owned.Clear();
        Other = null;
    }

    /// <summary>Makes the plan and its operands.</summary>
    private protected abstract void Prepare(Device device);

    /// <summary>The same for a library.</summary>
    private protected virtual void Prepare(Peer peer)
    {
    }

    /// <summary>Libraries that can be loaded here.</summary>
    private protected static IEnumerable<string> Libraries() => EngineChoice.Loadable;

    private protected T Own<T>(T resource)
        where T : IDisposable
    {
        owned.Add(resource);
        return resource;
    }

    /// <summary>Normal numbers, other ones at each call.</summary>
    private protected Tensor<float> Random(Device device, Shape shape)
    {
        Tensor<float> tensor = Own(device.Allocate<float>(shape));
        using RandomFillPlan<float> fill = RandomFillPlan.Create<float>(device, new() { Shape = shape, Distribution = RandomDistribution.Normal });
        fill.Execute(Queue, tensor, ++seed);
        Queue.Wait();
        return tensor;
    }
}
