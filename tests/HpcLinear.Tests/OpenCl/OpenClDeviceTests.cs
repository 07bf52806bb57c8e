using HpcLinear.OpenCl;
using HpcLinear.Operations;
using HpcLinear.Tests.Support;
using Silk.NET.OpenCL;
using Xunit;

namespace HpcLinear.Tests.OpenCl;

/// <summary>What a device refuses, how, and what its size does not change.</summary>
[Collection(nameof(OpenClCollection))]
public sealed class OpenClDeviceTests(OpenClFixture fixture)
{
    [Fact]
    public void A_source_that_does_not_compile_is_refused_with_the_compiler_s_text()
    {
        OpenClDevice device = (OpenClDevice)fixture.Device(KernelFamily.Cpu);
        KernelBuildException e = Assert.Throws<KernelBuildException>(() => device.Programs.Build("broken.cl", "-DREAL=float", "__kernel void broken(__global REAL *x) { x[0] = nowhere; }"));
        Assert.Equal(("broken.cl", "-DREAL=float", "clBuildProgram", -11, device.Target), (e.File, e.Options, e.Call, e.Code, e.Target));
        Assert.Contains("CL_BUILD_PROGRAM_FAILURE", e.Log, StringComparison.Ordinal);
        Assert.Contains("nowhere", e.Log, StringComparison.Ordinal);
        Assert.StartsWith("opencl:0 refused clBuildProgram (code -11) for broken.cl with -DREAL=float: CL_BUILD_PROGRAM_FAILURE: ", e.Message, StringComparison.Ordinal);
    }

    [Theory, InlineData("gemm"), InlineData("convolution"), InlineData("elementwise"), InlineData("activation"), InlineData("random"), InlineData("reduction"), InlineData("relaxation"), InlineData("relaxation_layers"), InlineData("self_correlation")]
    public void Every_kernel_file_compiles_alone_without_options(string name)
    {
        OpenClDevice device = (OpenClDevice)fixture.Device(KernelFamily.Cpu);
        device.Programs.Build(name + ".cl", "-cl-std=CL1.2", KernelSource.Read(name)).Dispose();
        device.Programs.Build(name + ".cl", "-cl-std=CL1.2 -DGPU=1", KernelSource.Read(name)).Dispose();
    }

    [Fact]
    public void A_device_without_float64_computes_in_float_and_refuses_double()
    {
        using Device device = fixture.Device(KernelFamily.Cpu, d => d with { SupportsDouble = false });
        string message = $"opencl:0 ({device.Name}) has no float64: use float, or a cpu target";
        GemmDescriptor d = GemmDescriptor.Parse("gemm m3 n4 k5");
        Assert.Equal(message, Assert.Throws<NotSupportedException>(() => device.Allocate<double>([3])).Message);
        Assert.Equal(message, Assert.Throws<NotSupportedException>(() => GemmPlan.Create<double>(device, d)).Message);
        Assert.Contains("float32 only", ((OpenClDevice)device).Description.Detail, StringComparison.Ordinal);
        using CallRun<float> run = new(new GemmCall(d), device);
        run.CheckAgreement(run.Results());
    }

    [Fact]
    public void More_memory_than_the_device_allocates_at_once_is_refused()
    {
        using Device device = fixture.Device(KernelFamily.Cpu, d => d with { MaxAllocation = 4096 });
        NativeMemoryException e = Assert.Throws<NativeMemoryException>(() => device.Allocate<float>([1025]));
        Assert.Equal(4100, e.RequestedBytes);
        device.Allocate<float>([1024]).Dispose();
    }

    [Theory, InlineData(KernelFamily.Cpu), InlineData(KernelFamily.Gpu)]
    public void The_same_bits_come_out_of_any_number_of_compute_units_and_of_less_local_memory(KernelFamily family)
    {
        ReductionDescriptor sum = new() { Kind = ReductionKind.Sum, Shape = [100_003] };
        Call[] calls =
        [
            new ReductionCall(sum), new ReductionCall(sum with { Compensated = true }), new ReductionCall(sum with { Kind = ReductionKind.Norm2 }),
            new ReductionCall(sum with { Shape = [900, 35], Axis = 0 }), new ReductionCall(sum with { Shape = [3, 20_000], Axis = 1, Kind = ReductionKind.Dot }),
            new SelfCorrelationCall(new() { OutChannels = 20, InChannels = 3, Filter = [3, 3], Stride = [1, 1] }), new GemmCall(GemmDescriptor.Parse("gemm m70 n45 k333")), new GemmCall(GemmDescriptor.Parse("gemm m250 n35 k700")),
            .. ConvolutionCall.Large.OrderBy(c => c.Cost).Take(4),
        ];
        using Device one = fixture.Device(family, d => d with { ComputeUnits = 1 }), three = fixture.Device(family, d => d with { ComputeUnits = 3 }), many = fixture.Device(family, d => d with { ComputeUnits = 132 });
        using Device scarce = fixture.Device(family, d => d with { LocalMemory = 32 << 10 });
        foreach (Call call in calls)
        {
            using CallRun<float> small = new(call, one);
            float[][] expected = small.Results();
            small.CheckAgreement(expected);
            foreach (Device device in new[] { three, many, scarce })
            {
                using CallRun<float> run = new(call, device);
                CallRun<float>.EqualBits(expected, run.Results(), $"{call} with {device.Parallelism} compute units and {((OpenClDevice)device).Description.LocalMemory} bytes of local memory, {family} family");
            }
        }
    }

    [Fact]
    public void The_family_follows_the_device_s_type_unless_told_otherwise()
    {
        Assert.True(((OpenClDevice)fixture.Device(KernelFamily.Gpu)).IsGpuFamily);
        Assert.False(((OpenClDevice)fixture.Device(KernelFamily.Cpu)).IsGpuFamily);
        Assert.SkipWhen(Environment.GetEnvironmentVariable("HPCLINEAR_KERNEL_FAMILY") is { Length: > 0 }, "HPCLINEAR_KERNEL_FAMILY tells otherwise");
        Assert.Equal(KernelFamily.Cpu, Opened(d => d with { Type = DeviceType.Cpu }));
        Assert.Equal(KernelFamily.Gpu, Opened(d => d with { Type = DeviceType.Gpu }));
        Assert.Equal(KernelFamily.Cpu, Opened(d => d with { Type = DeviceType.Gpu, MaxWorkGroup = 128 }));

        KernelFamily Opened(Func<OpenClDescription, OpenClDescription> change)
        {
            OpenClDevice known = (OpenClDevice)fixture.Device(KernelFamily.Cpu);
            using OpenClDevice device = new(known.Target, change(known.Description), new());
            return device.Family;
        }
    }
}
