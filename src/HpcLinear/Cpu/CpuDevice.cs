using System.Globalization;

namespace HpcLinear.Cpu;

/// <summary>This processor through one of its instruction sets.</summary>
internal sealed class CpuDevice : Device
{
    private CpuDevice(CpuIsa isa, int threads)
        : base(Target.Parse("cpu:" + CpuIsas.NameOf(isa)))
    {
        Isa = isa;
        Team = new ThreadTeam(threads);
    }

    public CpuIsa Isa { get; }

    public ThreadTeam Team { get; }

    public override string Name { get; } = ProcessorName();

    public override int Parallelism => Team.Size;

    public override bool SupportsDouble => true;

    public override long MaxAllocationBytes => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    public static CpuDevice Open(Target target, DeviceOptions options)
    {
        CpuIsa isa = target.Suffix switch
        {
            "avx512" => CpuIsa.Avx512,
            "avx2" => CpuIsa.Avx2,
            "portable" => CpuIsa.Portable,
            "scalar" => CpuIsa.Scalar,
            _ => CpuIsas.Preferred().First(),
        };
        return CpuIsas.WhyNot(isa) is not { } reason
            ? new(isa, options.Threads > 0 ? options.Threads : Settings.Threads)
            : throw new DeviceException(target, $"{target} is not available: {reason}; available are {string.Join(", ", CpuIsas.Preferred().Select(i => "cpu:" + CpuIsas.NameOf(i)))}");
    }

    public static IEnumerable<TargetStatus> Probe()
    {
        foreach (CpuIsa isa in CpuIsas.Preferred().Concat(Enum.GetValues<CpuIsa>()).Distinct())
        {
            string? reason = CpuIsas.WhyNot(isa);
            yield return new(Target.Parse("cpu:" + CpuIsas.NameOf(isa)), reason is null, ProcessorName(), reason ?? CpuIsas.Describe(isa), true);
        }
    }

    public override CommandQueue CreateQueue()
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        return new CpuQueue(this);
    }

    private protected override DeviceBuffer AllocateBuffer(long byteCount) => CpuBuffer.Allocate(Target, byteCount);

    private protected override DeviceBuffer BorrowBuffer<T>(Memory<T> memory) => CpuBuffer.Borrow(memory);

    private protected override void DisposeCore() => Team.Dispose();

    private static string ProcessorName()
    {
        try
        {
            string? line = File.Exists("/proc/cpuinfo") ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal)) : null;
            if (line is not null)
            {
                return line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
            }
        }
        catch (IOException)
        {
            // The name is for display only.
        }

        return string.Create(CultureInfo.InvariantCulture, $"{System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture} processor");
    }
}
