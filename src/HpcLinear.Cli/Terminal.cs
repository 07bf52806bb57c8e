using Spectre.Console;

namespace HpcLinear.Cli;

/// <summary>Where a command writes: tables and progress on a terminal, plain lines when output is redirected.</summary>
internal sealed class Terminal
{
    private readonly TextWriter output;
    private readonly IAnsiConsole? console;

    public Terminal(TextWriter output, TextWriter error, bool isInteractive, CancellationToken cancellation)
    {
        this.output = output;
        Error = error;
        Cancellation = cancellation;
        console = isInteractive ? AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) }) : null;
    }

    public TextWriter Error { get; }

    public CancellationToken Cancellation { get; }

    public bool IsInteractive => console is not null;

    /// <summary>The same terminal with nothing printed: for commands whose output is one JSON document.</summary>
    public Terminal Silenced() => new(TextWriter.Null, Error, false, Cancellation);

    public void WriteLine(string text = "")
    {
        if (console is null)
        {
            output.WriteLine(text);
            output.Flush();
        }
        else
        {
            console.WriteLine(text);
        }
    }

    public void Write(TextTable table)
    {
        if (console is null)
        {
            table.WriteTo(output);
            output.Flush();
        }
        else
        {
            console.Write(table.ToSpectre());
        }
    }

    /// <summary>Runs work of a known number of steps and shows how far it is.</summary>
    public void WithProgress(string title, int steps, Action<ProgressLine> work)
    {
        if (console is null)
        {
            work(new(null, null));
            return;
        }

        console.Progress()
            .AutoClear(true)
            .AutoRefresh(false)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new ElapsedTimeColumn())
            .Start(context => work(new(context, context.AddTask(Markup.Escape(title), maxValue: Math.Max(1, steps)))));
    }
}
