using BenchmarkDotNet.Attributes;
using HpcLinear.Operations;

namespace HpcLinear.Benchmarks;

/// <summary>A benchmark on one device: the default CPU target and, where there is one, the first OpenCL device; float32, all threads.</summary>
public abstract class DeviceBenchmarks
{
    private readonly List<IDisposable> owned = [];
    private ulong seed;

    /// <summary>The targets that can be opened here.</summary>
    public static IEnumerable<string> Targets() =>
        from target in Devices.Available()
        group target.ToString() by target.IsCpu into kind
        select kind.First();

    /// <summary>Name of the device, such as <c>cpu:avx512</c>.</summary>
    [ParamsSource(nameof(Targets))]
    public string Target { get; set; } = "";

    private protected CommandQueue Queue { get; private set; } = null!;

    [GlobalSetup]
    public void Open()
    {
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
    }

    /// <summary>Makes the plan and its operands.</summary>
    private protected abstract void Prepare(Device device);

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
