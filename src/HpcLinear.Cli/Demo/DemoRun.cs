using System.Diagnostics;
using System.Numerics;

namespace HpcLinear.Cli.Demo;

/// <summary>Times and checks the tasks of one target in one element type.</summary>
internal sealed class DemoRun<T>(CommandQueue queue, Action<DemoRow> report, CancellationToken cancellation)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int MostCalls = 5;
    private const double EnoughSeconds = 0.15, LongSeconds = 1;

    public CommandQueue Queue => queue;

    /// <summary>Median time of a call after a first one that warms up; a call that takes a second is made once.</summary>
    public void Measure(string task, int digits, double flops, DemoExpectation expected, Tensor<T> result, Action call)
    {
        queue.Fill(result, T.NaN);
        queue.Wait();
        double first = Time(call), counted = 0;
        List<double> seconds = first >= LongSeconds ? [first] : [];
        while (first < LongSeconds && seconds.Count < MostCalls && counted < EnoughSeconds)
        {
            cancellation.ThrowIfCancellationRequested();
            seconds.Add(Time(call));
            counted += seconds[^1];
        }

        seconds.Sort();
        double median = seconds[seconds.Count / 2];
        report(new(
            queue.Device.Target.ToString(),
            typeof(T) == typeof(float) ? "f32" : "f64",
            task,
            digits,
            median * 1e3,
            flops / median / 1e9,
            expected.WorstError(queue, result),
            expected.Tolerance<T>()));
    }

    private double Time(Action call)
    {
        long start = Stopwatch.GetTimestamp();
        call();
        queue.Wait();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }
}
