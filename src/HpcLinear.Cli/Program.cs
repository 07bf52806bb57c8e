using System.Runtime.InteropServices;
using CommandLine;
using HpcLinear.Cli.Verbs;

namespace HpcLinear.Cli;

/// <summary>The command line <c>hpclinear</c>: 0 done, 1 a check failed, 2 a wrong call or a refusing machine, 130 interrupted.</summary>
internal static class Program
{
    private static int interruptions;

    private const string ShowCursor = "\u001b[?25h";

    /// <summary>How long work may go on after Ctrl-C or SIGTERM before the process ends anyway. A command that writes files on the way out asks for more.</summary>
    internal static TimeSpan Grace { get; set; } = TimeSpan.FromMilliseconds(300);

    private static int Main(string[] args)
    {
        using CancellationTokenSource interrupted = new();
        using PosixSignalRegistration pressed = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupt), terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupt);
        return Run(args, Console.Out, Console.Error, !Console.IsOutputRedirected, interrupted.Token);

        void Interrupt(PosixSignalContext context)
        {
            context.Cancel = true;
            interrupted.Cancel();

            // Whoever asks twice does not want to wait.
            TimeSpan grace = Interlocked.Increment(ref interruptions) == 1 ? Grace : TimeSpan.Zero;
            _ = Task.Delay(grace).ContinueWith(_ => Leave(), TaskScheduler.Default);
        }
    }

    private static void Leave()
    {
        if (!Console.IsOutputRedirected)
        {
            Console.Out.Write(ShowCursor);
        }

        Environment.Exit(ExitCode.Interrupted);
    }

    /// <summary>Runs one command line in this process and returns its exit code.</summary>
    internal static int Run(string[] args, TextWriter output, TextWriter error, bool isInteractive = false, CancellationToken cancellation = default)
    {
        Terminal terminal = new(output, error, isInteractive, cancellation);
        try
        {
            if (Arguments.FindMissingValue(args) is { } missing)
            {
                throw new ArgumentException(missing);
            }

            using Parser parser = new(settings =>
            {
                settings.HelpWriter = null;
                settings.ParsingCulture = System.Globalization.CultureInfo.InvariantCulture;
                settings.EnableDashDash = true;
            });
            ParserResult<object> parsed = parser.ParseArguments(Arguments.Prepare(args), VerbTable.Types);
            return parsed is Parsed<object> { Value: IVerb verb }
                ? verb.Run(terminal)
                : HelpWriter.Write(terminal, args, (NotParsed<object>)parsed);
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Interrupted;
        }
        catch (Exception refused) when (Messages.IsExpected(refused))
        {
            error.WriteLine($"hpclinear: {Messages.OneLine(refused)}");
            return ExitCode.Refused;
        }
#pragma warning disable CA1031 // The last resort: a user sees a line, never a stack trace.
        catch (Exception unexpected)
        {
            error.WriteLine($"hpclinear: internal error: {unexpected.GetType().Name}: {Messages.OneLine(unexpected)}");
            return ExitCode.Refused;
        }
#pragma warning restore CA1031
    }
}
