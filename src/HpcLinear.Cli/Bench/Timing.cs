using System.Diagnostics;

namespace HpcLinear.Cli.Bench;

/// <summary>Seconds of one call.</summary>
/// <param name="Median">Median over the samples.</param>
/// <param name="Best">The fastest sample.</param>
/// <param name="Samples">Their number.</param>
internal readonly record struct Timing(double Median, double Best, int Samples)
{
    public const int FewestSamples = 5;

    private const int MostSamples = 2000, MostCallsASample = 10000;
    private const double ShortestSample = 50e-6, LongestRun = 20;

    /// <summary>Times a call: warmed up, short calls grouped to samples of 50 µs, for at least <paramref name="minSeconds"/> and so many samples.</summary>
    public static Timing Of(Action call, Action wait, double minSeconds, CancellationToken cancellation, int fewestSamples = FewestSamples)
    {
        call();
        wait();
        double one = Sample(call, wait, 1);
        if (one < 0.05)
        {
            Sample(call, wait, 3);
            one = Math.Max(Sample(call, wait, 1), 1e-9);
        }

        int calls = (int)Math.Clamp(ShortestSample / one, 1, MostCallsASample);
        List<double> samples = [];
        Stopwatch run = Stopwatch.StartNew();
        while ((samples.Count < fewestSamples || (run.Elapsed.TotalSeconds < minSeconds && samples.Count < MostSamples)) && run.Elapsed.TotalSeconds < LongestRun)
        {
            cancellation.ThrowIfCancellationRequested();
            samples.Add(Sample(call, wait, calls));
        }

        samples.Sort();
        return new(samples[samples.Count / 2], samples[0], samples.Count);
    }

    /// <summary>Seconds of one call, measured over several and the wait for the last.</summary>
    private static double Sample(Action call, Action wait, int calls)
    {
        long start = Stopwatch.GetTimestamp();
        for (int i = 0; i < calls; i++)
        {
            call();
        }

        wait();
        return Stopwatch.GetElapsedTime(start).TotalSeconds / calls;
    }
}
