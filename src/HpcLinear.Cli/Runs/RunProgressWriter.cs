using System.Diagnostics;
using System.Globalization;
using HpcLinear.Experiments;

namespace HpcLinear.Cli.Runs;

/// <summary>Progress of a run with rate and remaining time: a bar on a terminal, otherwise lines at least a second apart.</summary>
internal sealed class RunProgressWriter(Terminal terminal, ProgressLine line) : IProgress<RunProgress>
{
    private static readonly TimeSpan ShortestRedraw = TimeSpan.FromSeconds(0.2), ShortestRowLine = TimeSpan.FromSeconds(1), ShortestLine = TimeSpan.FromSeconds(30);

    /// <summary>Below it a guess of the remaining time says nothing.</summary>
    private const double LeastShare = 0.02;

    private readonly Stopwatch clock = Stopwatch.StartNew();
    private TimeSpan last = TimeSpan.Zero;

    public void Report(RunProgress value)
    {
        TimeSpan now = clock.Elapsed;
        int at = value.Kept + value.Done + (value.IsRowDone ? 0 : 1);
        string place = string.Create(CultureInfo.InvariantCulture, $"{at}/{value.Rows} {value.Row}");
        if (terminal.IsInteractive)
        {
            if (value.IsRowDone || value.Done == 0 || now - last > ShortestRedraw)
            {
                last = now;
                line.At(value.Share);
                line.Say(string.Join(", ", new[] { place, value.Text, Left(now, value) }.Where(t => t.Length > 0)));
            }
        }
        else if (value.IsRowDone ? value.Share >= 1 || now - last > ShortestRowLine : value.Text.Length > 0 && now - last > ShortestLine)
        {
            last = now;
            terminal.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{now.TotalSeconds,7:F1} s  {string.Join(": ", new[] { place, value.Text }.Where(t => t.Length > 0))}{(value.Share < 1 && Left(now, value) is { Length: > 0 } left ? $"; {left}" : "")}"));
        }
    }

    /// <summary>Rows a minute and what is left at the speed so far.</summary>
    private static string Left(TimeSpan elapsed, RunProgress value)
    {
        if (value.Share < LeastShare)
        {
            return "";
        }

        double left = elapsed.TotalSeconds * (1 - value.Share) / value.Share;
        string rate = value.Done > 1 ? string.Create(CultureInfo.InvariantCulture, $"{value.Done / elapsed.TotalMinutes:G3} rows/min, ") : "";
        return rate + (left < 100 ? string.Create(CultureInfo.InvariantCulture, $"{left:F0} s left") : string.Create(CultureInfo.InvariantCulture, $"{left / 60:F0} min left"));
    }
}
