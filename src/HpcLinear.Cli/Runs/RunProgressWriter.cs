using System.Diagnostics;
using System.Globalization;
using HpcLinear.Experiments;

namespace HpcLinear.Cli.Runs;

/// <summary>Progress of a run with rate and remaining time: a bar on a terminal, otherwise a line a row, and now and then one within a long row.</summary>
internal sealed class RunProgressWriter(Terminal terminal, ProgressLine line) : IProgress<RunProgress>
{
    private static readonly TimeSpan ShortestRedraw = TimeSpan.FromSeconds(0.2), ShortestLine = TimeSpan.FromSeconds(30);

    private readonly Stopwatch clock = Stopwatch.StartNew();
    private TimeSpan last = TimeSpan.MinValue;

    public void Report(RunProgress value)
    {
        TimeSpan now = clock.Elapsed;
        int at = value.Kept + value.Done + (value.IsRowDone ? 0 : 1);
        string place = string.Create(CultureInfo.InvariantCulture, $"{at}/{value.Rows} {value.Row}");
        if (terminal.IsInteractive)
        {
            if (value.IsRowDone || last == TimeSpan.MinValue || now - last > ShortestRedraw)
            {
                last = now;
                line.At(value.Share);
                line.Say(string.Join(", ", new[] { place, value.Text, Left(now, value) }.Where(t => t.Length > 0)));
            }
        }
        else if (value.IsRowDone || (value.Text.Length > 0 && now - (last == TimeSpan.MinValue ? TimeSpan.Zero : last) > ShortestLine))
        {
            last = now;
            terminal.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{now.TotalSeconds,7:F1} s  {string.Join(": ", new[] { place, value.Text }.Where(t => t.Length > 0))}{(value.Share < 1 ? $"; {Left(now, value)}" : "")}"));
        }
    }

    /// <summary>Rows a minute and what is left at the speed so far.</summary>
    private static string Left(TimeSpan elapsed, RunProgress value)
    {
        if (value.Share <= 0)
        {
            return "";
        }

        double left = elapsed.TotalSeconds * (1 - value.Share) / value.Share;
        string rate = value.Done > 1 ? string.Create(CultureInfo.InvariantCulture, $"{value.Done / elapsed.TotalMinutes:G3} rows/min, ") : "";
        return rate + (left < 100 ? string.Create(CultureInfo.InvariantCulture, $"{left:F0} s left") : string.Create(CultureInfo.InvariantCulture, $"{left / 60:F0} min left"));
    }
}
