using System.Globalization;
using System.Runtime.InteropServices;
using CommandLine;
using HpcLinear.Cli;
using HpcLinear.Cli.Comparison;
using HpcLinear.Cli.Problems;

namespace HpcLinear.Benchmarks.Compare;

/// <summary><c>build.sh bench compare</c>: this engine and others on the same problems, taking turns.</summary>
internal sealed class CompareCommand
{
    private readonly CompareOptions options;
    private readonly Terminal terminal;
    private readonly ComparisonFile file = new();
    private readonly List<(string Text, Problem Problem)> problems;
    private readonly List<ComparisonRow> recorded;
    private readonly ComparisonFile? against;
    private readonly HashSet<string> noted = [];

    private CompareCommand(CompareOptions options, Terminal terminal)
    {
        options.Check();
        this.options = options;
        this.terminal = terminal;
        against = options.Against is null ? null : ComparisonFile.Read(options.Against);
        recorded = options.Recorded is null ? [] : [.. ComparisonFile.Read(options.Recorded).Rows.Select(r => r with { Checked = ComparisonRow.Recorded })];
        problems = [.. ReadProblems(options).Where(p => EngineHost.Operations(p.Problem).Length > 0 && options.Takes(p.Problem.Id))];
        if (against is not null)
        {
            HashSet<string> known = [.. against.Rows.Select(r => r.Problem)];
            problems.RemoveAll(p => !known.Contains(p.Problem.Id));
        }

        if (problems.Count == 0)
        {
            throw new ArgumentException("no problem is left to compare: see --filter, --quick and --against");
        }
    }

    /// <summary>Exit code: 0 done, 1 a wrong result or a regression, 2 a wrong call.</summary>
    public static int Run(string[] args)
    {
        Terminal terminal = new(Console.Out, Console.Error, false, CancellationToken.None);
        try
        {
            using Parser parser = new(settings =>
            {
                settings.HelpWriter = Console.Error;
                settings.ParsingCulture = CultureInfo.InvariantCulture;
            });
            return parser.ParseArguments<CompareOptions>(args).MapResult(options => new CompareCommand(options, terminal).Run(), _ => ExitCode.Refused);
        }
        catch (Exception e) when (Messages.IsExpected(e))
        {
            Console.Error.WriteLine($"compare: {Messages.OneLine(e)}");
            return ExitCode.Refused;
        }
    }

    private static IEnumerable<(string Text, Problem Problem)> ReadProblems(CompareOptions options)
    {
        string path = options.Problems ?? Path.Combine(AppContext.BaseDirectory, "shapes", "peers.txt");
        _ = ProblemNotation.ReadFile(path); // for its messages
        return from line in File.ReadLines(path)
               let text = line.Split('#')[0].Trim()
               where text.Length > 0
               select (text, ProblemNotation.Parse(text));
    }

    private int Run()
    {
        Describe();
        Save(); // a place that cannot be written is known before anything is measured
        foreach (int threads in options.Threads)
        {
            List<EngineProcess> engines = Start(threads);
            try
            {
                foreach (string type in options.Types)
                {
                    file.About.Add(("ceiling", CeilingMeasurement.Measure(type, threads).ToString()));
                    Measure(engines, type, problems, 1, options.Rounds);
                    if (against is not null)
                    {
                        MeasureSuspectsAgain(engines, type, threads);
                    }
                }
            }
            finally
            {
                engines.ForEach(e => e.Dispose());
            }
        }

        Save();
        IReadOnlyList<ComparisonTable> tables = ComparisonTable.Of(file.Rows);
        CompareReport.Write(terminal, tables);
        bool wrong = file.Rows.Any(r => r.Checked == ComparisonRow.Failed);
        return (against is null || CompareReport.WriteRegressions(terminal, Regression.Find(against.Rows, file.Rows), against)) && !wrong ? ExitCode.Done : ExitCode.CheckFailed;
    }

    private void Describe()
    {
        using Device device = Devices.Open((string?)null);
        file.About.Add(("cpu", $"{device.Name}, {Environment.ProcessorCount} {(Environment.ProcessorCount == 1 ? "processor" : "processors")}"));
        file.About.Add(("date", DateTime.UtcNow.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture)));
        file.About.Add(("runtime", $"{RuntimeInformation.FrameworkDescription}, {RuntimeInformation.OSDescription}"));
        file.About.Add(("note", string.Create(CultureInfo.InvariantCulture, $"{options.Rounds} rounds, all engines take turns at each problem, at least {options.MinSeconds} s a measurement; milliseconds are medians of one call")));
    }

    private List<EngineProcess> Start(int threads)
    {
        List<EngineProcess> engines = [];
        foreach (EngineChoice choice in options.Peers.Prepend(EngineChoice.Ours))
        {
            if (EngineProcess.Start(choice, threads, out string? reason) is { } engine)
            {
                engines.Add(engine);
                if (!file.About.Contains(("engine", $"{engine.Name} {engine.Version}")))
                {
                    file.About.Add(("engine", $"{engine.Name} {engine.Version}"));
                }
            }
            else if (choice == EngineChoice.Ours)
            {
                throw new NotSupportedException($"{choice.Name}: {reason}");
            }
            else
            {
                Note($"{choice.Name} is skipped: {reason}");
            }
        }

        return engines;
    }

    private void Measure(List<EngineProcess> engines, string type, IReadOnlyList<(string Text, Problem Problem)> list, int firstRound, int rounds)
    {
        for (int round = firstRound; round < firstRound + rounds; round++)
        {
            terminal.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{DateTime.Now:HH:mm:ss} {type}, {engines[0].Threads} threads, round {round}"));
            foreach ((string text, Problem problem) in list)
            {
                foreach (EngineProcess engine in engines.Where(e => e.IsAlive))
                {
                    try
                    {
                        List<ComparisonRow> rows = engine.Time(type, round, options.MinSeconds, round == 1, problem.Id, text, Note);
                        file.Rows.AddRange(rows.Select(r => Finish(r, problem)));
                    }
                    catch (IOException e)
                    {
                        Note(e.Message);
                    }
                }

                AddOnce("problem", text);
                foreach (ComparisonRow row in recorded.Where(r => round == 1 && r.Problem == problem.Id && r.Type == type && r.Threads == engines[0].Threads))
                {
                    AddOnce("engine", $"{row.Library} {row.Version}, recorded: see the file given with --recorded");
                    file.Rows.Add(row);
                }
            }

            Save();
        }
    }

    /// <summary>Noise makes some row look slow in every run; three more rounds tell.</summary>
    private void MeasureSuspectsAgain(List<EngineProcess> engines, string type, int threads)
    {
        HashSet<string> suspects = [.. from r in Regression.Find(against!.Rows, file.Rows) where r.Row.Key.Type == type && r.Row.Key.Threads == threads select r.Row.Key.Problem];
        if (suspects.Count > 0)
        {
            Measure(engines, type, [.. problems.Where(p => suspects.Contains(p.Problem.Id))], options.Rounds + 1, Math.Max(3, options.Rounds));
        }
    }

    /// <summary>Adds GFLOP/s, and the first round's check: a later round repeats the same calls.</summary>
    private ComparisonRow Finish(ComparisonRow row, Problem problem)
    {
        double flops = problem switch
        {
            GemmProblem gemm => gemm.Descriptor.Flops,
            ConvolutionProblem conv => conv.Descriptor.Flops,
            CompositionProblem chain => chain.NominalFlops,
            JacobianProblem jacobian => jacobian.NominalFlops(jacobian.Operations.First(o => JacobianProblem.NameOf(o) == row.Operation)),
            RelaxationProblem relaxation => relaxation.Flops(RelaxationProblem.OperationOf(row.Operation)),
            _ => double.NaN,
        };
        string state = row.Checked;
        if (state == ComparisonRow.Unchecked)
        {
            state = file.Rows.FirstOrDefault(r => r.Round == 1 && (r.Problem, r.Operation, r.Type, r.Threads, r.Engine) == (row.Problem, row.Operation, row.Type, row.Threads, row.Engine))?.Checked ?? state;
        }

        double milliseconds = state == ComparisonRow.Failed ? double.NaN : row.Milliseconds;
        if (row.Checked == ComparisonRow.Failed)
        {
            Note($"{row.Engine}: {row.Name} is WRONG");
        }

        return row with { Milliseconds = milliseconds, Gflops = flops / milliseconds / 1e6, Checked = state };
    }

    private void AddOnce(string key, string value)
    {
        if (!file.About.Contains((key, value)))
        {
            file.About.Add((key, value));
        }
    }

    private void Note(string text)
    {
        if (noted.Add(text))
        {
            terminal.WriteLine(text);
        }
    }

    /// <summary>After every round, so that an interrupted run leaves something.</summary>
    private void Save()
    {
        if (options.Csv is not null)
        {
            file.Write(options.Csv);
        }
    }
}
