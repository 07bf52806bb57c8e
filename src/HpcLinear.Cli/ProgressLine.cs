using Spectre.Console;

namespace HpcLinear.Cli;

/// <summary>How far a command is; shows nothing when output is redirected.</summary>
/// <remarks>Drawn only when something changes: a thread that redraws would disturb what is being timed.</remarks>
internal sealed class ProgressLine(ProgressContext? context, ProgressTask? task)
{
    private const int Width = 64;

    /// <summary>Says what is being done now.</summary>
    public void Say(string text)
    {
        if (task is not null)
        {
            task.Description = Markup.Escape(text.Length > Width ? text[..(Width - 1)] + "…" : text.PadRight(Width));
            context?.Refresh();
        }
    }

    /// <summary>A share of all steps is done, from 0 to 1.</summary>
    public void At(double share)
    {
        if (task is not null)
        {
            task.Value = share * task.MaxValue;
            context?.Refresh();
        }
    }

    /// <summary>One step is done.</summary>
    public void Advance()
    {
        task?.Increment(1);
        context?.Refresh();
    }
}
