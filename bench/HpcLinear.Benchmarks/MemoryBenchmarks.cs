using BenchmarkDotNet.Attributes;

namespace HpcLinear.Benchmarks;

/// <summary>How fast one core copies memory: the yardstick for every operation that moves more bytes than it computes.</summary>
public class MemoryBenchmarks
{
    private float[] source = [];
    private float[] target = [];

    /// <summary>Copies that fit the first cache, the last cache, and neither.</summary>
    public static IEnumerable<Work> Copies() => from kibibytes in (int[])[16, 4096, 262144]
                                                select new Work($"copy {kibibytes} KiB", 0, 2048.0 * kibibytes);

    [ParamsSource(nameof(Copies))]
    public Work Problem { get; set; } = null!;

    [GlobalSetup]
    public void Allocate()
    {
        int count = (int)(Problem.Bytes / 2 / sizeof(float));
        source = new float[count];
        target = new float[count];
        Array.Fill(source, 1f);
        Array.Fill(target, 2f);
    }

    [Benchmark]
    public void Copy() => source.AsSpan().CopyTo(target);
}
