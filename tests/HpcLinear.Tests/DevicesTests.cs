using System.Runtime.Intrinsics.X86;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests;

[Trait("Isa", "limited")]
public sealed class DevicesTests
{
    [Theory]
    [InlineData("DOTNET_EnableAVX2", "cpu:avx2")]
    [InlineData("DOTNET_EnableAVX2", "cpu:avx512")]
    [InlineData("DOTNET_EnableAVX512", "cpu:avx512")]
    public void An_instruction_set_that_is_switched_off_is_really_off(string switchName, string target)
    {
        TargetStatus status = Devices.Probe().Single(s => s.Target.ToString() == target);
        if (Environment.GetEnvironmentVariable(switchName) == "0")
        {
            Assert.False(status.Available, $"{switchName}=0, and {target} is offered all the same");
            Assert.Contains("this processor or runtime offers no", status.Detail, StringComparison.Ordinal);
            Assert.StartsWith($"{target} is not available: {status.Detail}; available are ", Assert.Throws<DeviceException>(() => Devices.Open(target)).Message, StringComparison.Ordinal);
        }
        else
        {
            Assert.Equal(target == "cpu:avx2" ? Avx2.IsSupported && Fma.IsSupported : Avx512F.IsSupported, status.Available);
        }
    }

    [Fact]
    public void The_processor_s_own_flags_are_all_used_unless_switched_off()
    {
        Assert.SkipUnless(File.Exists("/proc/cpuinfo"), "flags are read from /proc/cpuinfo");
        Assert.SkipWhen(Environment.GetEnvironmentVariables().Keys.Cast<string>().Any(k => k.StartsWith("DOTNET_Enable", StringComparison.Ordinal)), "instruction sets are switched off");
        string flags = File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("flags", StringComparison.Ordinal)) ?? "";
        Assert.Equal(flags.Split(' ').Contains("avx2"), Devices.Available().Contains(Target.Parse("cpu:avx2")));
        Assert.Equal(flags.Split(' ').Contains("avx512f"), Devices.Available().Contains(Target.Parse("cpu:avx512")));
    }

    [Fact]
    public void Probe_lists_every_cpu_target_once_the_default_first()
    {
        IReadOnlyList<TargetStatus> found = Devices.Probe();
        Assert.Equal(["cpu:avx2", "cpu:avx512", "cpu:portable", "cpu:scalar"], found.Select(s => s.Target.ToString()).Where(t => t.StartsWith("cpu", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        using Device best = Devices.Open("cpu");
        Assert.Equal(found[0].Target, best.Target);
        Assert.All(found, s => Assert.False(string.IsNullOrWhiteSpace(s.Detail)));
        Assert.Equal([.. found.Where(s => s.Available).Select(s => s.Target)], Devices.Available());
    }

    [Theory, AllTargets]
    public void A_device_knows_what_it_is(Target target)
    {
        Device device = Targets.Open(target);
        Assert.Equal(target, device.Target);
        Assert.False(string.IsNullOrWhiteSpace(device.Name));
        Assert.True(device.Parallelism > 0 && device.MaxAllocationBytes > 0);
        Assert.Equal($"{target} ({device.Name})", device.ToString());
    }

    [Theory]
    [InlineData("gpu")]
    [InlineData("")]
    [InlineData("cpu:sse")]
    [InlineData("opencl:")]
    [InlineData("opencl:-1")]
    [InlineData("opencl:x")]
    [InlineData("CPU")]
    public void An_unknown_target_is_refused_with_the_forms_there_are(string text) =>
        Assert.StartsWith(
            $"target: '{text}' is not known; expected cpu, cpu:avx512, cpu:avx2, cpu:portable, cpu:scalar or opencl:N",
            Assert.Throws<ArgumentException>(() => Devices.Open(text)).Message,
            StringComparison.Ordinal);

    [Fact]
    public void An_OpenCL_device_that_is_not_there_is_refused() =>
        Assert.StartsWith("opencl:999 is not available", Assert.Throws<DeviceException>(() => Devices.Open("opencl:999")).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData(-1)]
    [InlineData(1025)]
    public void A_thread_count_out_of_range_is_refused(int threads) =>
        Assert.StartsWith($"options.Threads: a number from 1 to 1024, or 0 for the default, expected, {threads} given", Assert.Throws<ArgumentException>(() => Devices.Open("cpu", new() { Threads = threads })).Message, StringComparison.Ordinal);

    [Fact]
    public void A_device_has_the_threads_it_was_opened_with()
    {
        using Device device = Devices.Open("cpu:scalar", new() { Threads = 3 });
        Assert.Equal(3, device.Parallelism);
    }

    [Fact]
    public void A_target_s_name_reads_back()
    {
        foreach (string name in new[] { "cpu", "cpu:avx512", "cpu:avx2", "cpu:portable", "cpu:scalar", "opencl:0", "opencl:12" })
        {
            Target target = Target.Parse(name);
            Assert.Equal(name, target.ToString());
            Assert.Equal(name.StartsWith("cpu", StringComparison.Ordinal), target.IsCpu);
            Assert.NotEqual(target.IsCpu, target.IsOpenCl);
            Assert.Equal(name.Contains(':', StringComparison.Ordinal) ? name.Split(':')[1] : "", target.Suffix);
        }

        Assert.False(Target.TryParse(null, out _));
    }

    [Fact]
    public void Required_targets_are_read_by_their_short_names() =>
        Assert.Equal(["cpu:avx2", "opencl:0", "opencl:1", "cpu:scalar"], Targets.Parse("avx2, opencl,opencl:1,cpu:scalar").Select(t => t.ToString()));
}
