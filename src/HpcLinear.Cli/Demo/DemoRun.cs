using System.Diagnostics;
using System.Numerics;

namespace HpcLinear.Cli.Demo;

/// <summary>Times and checks the tasks of one target in one element type.</summary>
internal sealed class DemoRun<T>(CommandQueue queue, Action<DemoRow> report, CancellationToken cancellation)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int MostCalls = 5;
    private const double EnoughSeconds = 0.25;

    public CommandQueue Queue => queue;

    /// <summary>Median time of one call; a call that takes long is made once.</summary>
    public void Measure(string task, int digits, double flops, DemoExpectation expected, Tensor<T> result, Action call)
    {
        cancellation.ThrowIfCancellationRequested();
        queue.Fill(result, T.NaN);
        queue.Wait();
        List<double> seconds = [];
        Stopwatch total = Stopwatch.StartNew();
        while (seconds.Count == 0 || (seconds.Count < MostCalls && total.Elapsed.TotalSeconds < EnoughSeconds))
        {
            long start = Stopwatch.GetTimestamp();
            call();
            queue.Wait();
            seconds.Add(Stopwatch.GetElapsedTime(start).TotalSeconds);
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
}
