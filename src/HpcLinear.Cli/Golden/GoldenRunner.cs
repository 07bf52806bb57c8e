using System.Numerics;
using HpcLinear.Data;

namespace HpcLinear.Cli.Golden;

/// <summary>Runs golden cases on targets. One count is one output of one case on one target in one element type.</summary>
internal sealed class GoldenRunner(Terminal terminal, bool single, bool @double)
{
    private readonly GoldenTally tally = new();
    private readonly List<GoldenCase> cases = [];

    /// <summary>Runs every case below the folders.</summary>
    /// <exception cref="DataFormatException">A folder does not exist or holds no case.</exception>
    public GoldenTally Run(IEnumerable<string> folders, IReadOnlyList<Target> targets)
    {
        foreach (string file in folders.SelectMany(Find).Distinct().Order(StringComparer.Ordinal))
        {
            Load(file);
        }

        foreach (GoldenCase golden in cases)
        {
            if (GoldenOperations.Find(golden.Operation) is IHostOperation host)
            {
                RunOnHost(golden, host);
            }
        }

        GoldenCase[] onDevices = [.. cases.Where(c => GoldenOperations.Find(c.Operation) is IDeviceOperation)];
        terminal.WithProgress("golden cases", onDevices.Length * targets.Count, progress =>
        {
            foreach (Target target in onDevices.Length == 0 ? [] : targets)
            {
                using Device device = Devices.Open(target);
                using CommandQueue queue = device.CreateQueue();
                foreach (GoldenCase golden in onDevices)
                {
                    terminal.Cancellation.ThrowIfCancellationRequested();
                    progress.Say($"{target} {golden.Name}");
                    IDeviceOperation operation = (IDeviceOperation)GoldenOperations.Find(golden.Operation)!;
                    if (single)
                    {
                        RunOnDevice<float>(golden, operation, device, queue, [.. golden.Outputs.Where(o => o.HasSingle)]);
                    }

                    if (@double)
                    {
                        RunOnDevice<double>(golden, operation, device, queue, golden.Outputs);
                    }

                    progress.Advance();
                }
            }
        });
        return tally;
    }

    private static IEnumerable<string> Find(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new DataFormatException(folder, File.Exists(folder) ? "a file" : "no such folder", "a folder of golden cases");
        }

        string[] files = Directory.GetFiles(folder, GoldenCase.FileName, SearchOption.AllDirectories);
        return files.Length > 0 ? files.Select(Path.GetFullPath) : throw new DataFormatException(folder, $"no {GoldenCase.FileName} below it", "a folder of golden cases");
    }

    private void Load(string file)
    {
        try
        {
            GoldenCase golden = GoldenCase.Read(file);
            if (GoldenOperations.Find(golden.Operation) is null)
            {
                Fail(new(golden.Name, "-", "host", "-", null, $"the operation '{golden.Operation}' is not known"));
                return;
            }

            cases.Add(golden);
        }
        catch (Exception e) when (Messages.IsExpected(e))
        {
            Fail(new(GoldenCase.NameOf(file), "-", "host", "-", null, Messages.OneLine(e)));
        }
    }

    private void RunOnHost(GoldenCase golden, IHostOperation operation)
    {
        foreach (GoldenOutput output in golden.Outputs)
        {
            Judge(golden, output, "host", false, () => operation.Compute(golden, output.Name));
        }
    }

    private void RunOnDevice<T>(GoldenCase golden, IDeviceOperation operation, Device device, CommandQueue queue, IReadOnlyList<GoldenOutput> outputs)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (typeof(T) == typeof(double) && !device.SupportsDouble)
        {
            tally.Skip($"{device.Target} ({device.Name}) has no float64", outputs.Count);
            return;
        }

        if (operation.WhyNot(device) is { } reason)
        {
            tally.Skip(reason, outputs.Count);
            return;
        }

        using GoldenContext<T> context = new(golden, device, queue);
        foreach (GoldenOutput output in outputs)
        {
            Judge(golden, output, device.Target.ToString(), typeof(T) == typeof(float), () => operation.Compute(context, output.Name));
        }
    }

    private void Judge(GoldenCase golden, GoldenOutput output, string target, bool isSingle, Func<GoldenArray?> compute)
    {
        string type = target == "host" ? "-" : isSingle ? "f32" : "f64";
        try
        {
            GoldenComparison comparison = compute() is { } got
                ? GoldenComparison.Of(got, output, isSingle)
                : new(false, double.NaN, $"{golden.Operation} has no output '{output.Name}'");
            if (comparison.Passed)
            {
                tally.Pass();
            }
            else
            {
                Fail(new(golden.Name, output.Name, target, type, double.IsNaN(comparison.Worst) ? null : comparison.Worst, comparison.Message));
            }
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // Whatever an operation throws, the other outputs are still to be checked; the exception is a failure, never a skip.
            Fail(new(golden.Name, output.Name, target, type, null, $"{e.GetType().Name}: {Messages.OneLine(e)}"));
        }
    }

    private void Fail(GoldenFailure failure)
    {
        tally.Fail(failure);
        terminal.WriteLine(failure.ToString());
    }
}
