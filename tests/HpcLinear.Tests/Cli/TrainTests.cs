using System.Globalization;
using System.Text;
using System.Text.Json;
using HpcLinear.Cli;
using HpcLinear.Cli.Training;
using HpcLinear.Data;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.Cli;

public sealed class TrainTests : IDisposable
{
    private const string Network = "relax n8 i6 w7 h3 o3 tanh mupc skip";

    private readonly TemporaryFolder folder = new();

    public TrainTests()
    {
        Write("train", 45, 1);
        Write("test", 20, 2);
    }

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("pc", "f32")]
    [InlineData("errors", "f64")]
    [InlineData("bp", "f32")]
    [InlineData("errors", "f32", "--course", "cosine", "--method", "gauss-newton")]
    [InlineData("pc", "f64", "--course", "cosine", "--method", "momentum", "--step", "auto")]
    public void A_run_interrupted_again_and_again_ends_with_the_bits_of_a_whole_one(string rule, string type, params string[] more)
    {
        string[] options = ["--epochs", "40", "--rule", rule, "--type", type, "--standardise", .. more];
        Assert.Equal(0, Train([.. options, "--checkpoint", folder.File("whole"), "--rows", folder.File("whole.jsonl")]).ExitCode);
        string[] parts = [.. options, "--checkpoint", folder.File("parts"), "--rows", folder.File("parts.jsonl")];

        // At once, at the end of an epoch, then after times that grow until nothing is left to do.
        Assert.Equal(130, TrainUntil(" updates an epoch", parts).ExitCode);
        Assert.Equal(0, CheckpointFile.Read(folder.File("parts")).GetInt64("updates"));
        Assert.Equal(130, TrainUntil("epoch 2/40", [.. parts, "--resume"]).ExitCode);
        Assert.Equal(10, CheckpointFile.Read(folder.File("parts")).GetInt64("updates"));
        int code = 130, interruptions = 0;
        for (double milliseconds = 1; code == 130; milliseconds *= 1.5, interruptions++)
        {
            using CancellationTokenSource interrupted = new(TimeSpan.FromMilliseconds(milliseconds));
            code = Run([.. parts, "--resume"], new StringWriter(), interrupted.Token).ExitCode;
        }

        Assert.Equal(0, code);
        Assert.True(interruptions > 1, "never interrupted");
        Assert.Equal(File.ReadAllBytes(folder.File("whole")), File.ReadAllBytes(folder.File("parts")));
        Assert.Equal(RowsWithoutTimes("whole.jsonl"), RowsWithoutTimes("parts.jsonl"));
        Assert.Equal(40, RowsWithoutTimes("parts.jsonl").Length);
    }

    [Fact]
    public void A_process_killed_between_checkpoints_loses_rows_and_updates_that_come_again()
    {
        Assert.Equal(0, Train("--epochs", "3", "--checkpoint", folder.File("c"), "--rows", folder.File("r")).ExitCode);
        byte[] whole = File.ReadAllBytes(folder.File("c"));
        string[] rows = RowsWithoutTimes("r");
        File.Delete(folder.File("c"));
        File.Delete(folder.File("r"));
        Assert.Equal(130, TrainUntil("epoch 1/3", "--epochs", "3", "--checkpoint", folder.File("c"), "--rows", folder.File("r")).ExitCode);

        // What a later checkpoint would have known, and half a line.
        File.AppendAllText(folder.File("r"), "{\"epoch\":2,\"update\":10,\"loss\":0}\n{\"epoch\":3,\"upd");
        File.WriteAllBytes(folder.File("c.tmp"), whole[..100]);
        Assert.Equal(0, Train("--epochs", "3", "--checkpoint", folder.File("c"), "--rows", folder.File("r"), "--resume").ExitCode);
        Assert.Equal(whole, File.ReadAllBytes(folder.File("c")));
        Assert.Equal(rows, RowsWithoutTimes("r"));
        Assert.False(File.Exists(folder.File("c.tmp")));
    }

    [Fact]
    public void More_epochs_continue_a_finished_run_and_no_thread_count_changes_bits()
    {
        Assert.Equal(0, Train("--epochs", "4", "--checkpoint", folder.File("whole"), "--threads", "1").ExitCode);
        Assert.Equal(0, Train("--epochs", "2", "--checkpoint", folder.File("c"), "--threads", "2").ExitCode);
        Assert.Contains("resumed from", Train("--epochs", "4", "--checkpoint", folder.File("c"), "--resume", "--every", "0").Output, StringComparison.Ordinal);
        Assert.Equal(File.ReadAllBytes(folder.File("whole")), File.ReadAllBytes(folder.File("c")));

        // Nothing is left to do: that is no error.
        CommandLine again = Train("--epochs", "4", "--checkpoint", folder.File("c"), "--resume");
        Assert.Equal(0, again.ExitCode);
        Assert.Contains("20 updates in", again.LastLine, StringComparison.Ordinal);
    }

    [Theory, AllTargets]
    public void Relaxing_errors_by_computed_steps_and_by_solvers_goes_the_same_way_on_every_target(Target target)
    {
        foreach (string[] method in new string[][] { [], ["--method", "cg"], ["--method", "gauss-newton"] })
        {
            string[] options = ["--rule", "errors", "--epochs", "2", "--type", "f64", "--json", .. method];
            Assert.Equal(Loss([.. options, "--target", "cpu:scalar"]), Loss([.. options, "--target", target.ToString()]), 1e-9);
        }

        double Loss(string[] options)
        {
            CommandLine run = Train(options);
            Assert.Equal((0, ""), (run.ExitCode, run.Error));
            using JsonDocument document = JsonDocument.Parse(run.Output);
            return document.RootElement.GetProperty("rows")[1].GetProperty("loss").GetDouble();
        }
    }

    [Fact]
    public void Digits_are_learned()
    {
        string assets = Path.Combine(AppContext.BaseDirectory, "Assets");
        foreach (string kind in new[] { "images-idx3-ubyte.gz", "labels-idx1-ubyte.gz" })
        {
            File.Copy(Path.Combine(assets, $"t10k-{kind}"), folder.File($"t10k-{kind}"));
            File.Copy(Path.Combine(assets, $"t10k-{kind}"), folder.File($"train-{kind}"));
        }

        CommandLine run = CommandLine.Run("train", "relax n50 i784 w32 h3 o10 relu mupc skip", "--data", folder.Path, "--limit", "3000", "--rate", "0.05", "--json");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        using JsonDocument document = JsonDocument.Parse(run.Output);
        Assert.Equal(60, document.RootElement.GetProperty("updates").GetInt32());
        Assert.Equal(1, document.RootElement.GetProperty("rows").GetArrayLength());
        Assert.InRange(document.RootElement.GetProperty("test_accuracy").GetDouble(), 0.75, 1);
    }

    [Fact]
    public void Real_targets_have_a_loss_and_no_accuracy()
    {
        foreach (string part in new[] { "train", "test" })
        {
            NpyFile.Write(folder.File($"{part}-inputs.npy"), [16, 1], [.. Enumerable.Range(0, 16).Select(i => i / 16.0)]);
            NpyFile.Write(folder.File($"{part}-targets.npy"), [16, 1], [.. Enumerable.Range(0, 16).Select(i => 1 - (i / 8.0))]);
        }

        CommandLine run = CommandLine.Run("train", "relax n16 d1x8x1 tanh bias", "--data", folder.Path, "--epochs", "200", "--rate", "0.01");
        Assert.Equal((0, ""), (run.ExitCode, run.Error));
        Assert.DoesNotContain("accuracy", run.Output, StringComparison.Ordinal);
        Assert.InRange(double.Parse(run.LastLine.Split(' ')[^1], CultureInfo.InvariantCulture), 0, 0.01);
    }

    [Fact]
    public void An_existing_checkpoint_is_not_overwritten()
    {
        File.WriteAllText(folder.File("c"), "precious");
        Refused($"--checkpoint: a new file, or --resume to continue from it, expected, {folder.File("c")}, which exists, given", "--checkpoint", folder.File("c"));
        Refused($"{folder.File("c")}: no zip archive", "--checkpoint", folder.File("c"), "--resume");
        Assert.Equal("precious", File.ReadAllText(folder.File("c")));
        File.WriteAllText(folder.File("r"), "rows\n");
        Refused($"--rows: a new file expected, {folder.File("r")}, which exists, given", "--rows", folder.File("r"));
    }

    [Theory]
    [InlineData("rate '0.03', expected '0.02'", "--rate", "0.02")]
    [InlineData("course 'constant', expected 'cosine over 1 epochs'", "--course", "cosine")]
    [InlineData("method 'GradientDescent', expected 'Nesterov'", "--method", "nesterov")]
    [InlineData("step '0.3', expected 'auto'", "--step", "auto")]
    [InlineData("seed '1', expected '2'", "--seed", "2")]
    [InlineData("type 'f32', expected 'f64'", "--type", "f64")]
    [InlineData("steps '4', expected '5'", "--steps", "5")]
    [InlineData("rule 'PredictiveCoding', expected 'BackPropagation'", "--rule", "bp")]
    [InlineData("optimizer 'Adam', expected 'GradientDescent'", "--optimizer", "sgd")]
    [InlineData("samples '45', expected '44'", "--limit", "44")]
    [InlineData("standardised 'no', expected 'yes'", "--standardise")]
    public void A_checkpoint_of_another_training_is_refused(string message, params string[] options)
    {
        Assert.Equal(0, Train("--checkpoint", folder.File("c")).ExitCode);
        byte[] before = File.ReadAllBytes(folder.File("c"));
        Refused($"{folder.File("c")}: {message}", [.. options, "--checkpoint", folder.File("c"), "--resume"]);
        Assert.Equal(before, File.ReadAllBytes(folder.File("c")));
    }

    [Fact]
    public void A_checkpoint_of_another_network_or_of_other_data_is_refused()
    {
        Assert.Equal(0, Train("--checkpoint", folder.File("c")).ExitCode);
        CommandLine run = CommandLine.Run("train", Network.Replace("h3", "h4", StringComparison.Ordinal), "--data", folder.Path, "--checkpoint", folder.File("c"), "--resume");
        Assert.Equal(2, run.ExitCode);
        Assert.Contains($"network '{Network}', expected 'relax n8 i6 w7 h4 o3 tanh mupc skip'", run.Error, StringComparison.Ordinal);
        Write("train", 45, 7);
        Refused($"{folder.File("c")}: data_mean '", "--checkpoint", folder.File("c"), "--resume");
    }

    [Fact]
    public void A_cosine_course_falls_to_nothing_and_ends_with_its_epochs()
    {
        double[] rates = [.. Enumerable.Range(0, 1000).Select(u => TrainingPlan.CosineRate(0.5, u, 1000))];
        Assert.Equal(0.5, rates[0]);
        Assert.Equal(0.25, rates[500], 1e-12);
        Assert.InRange(rates[999], 1e-9, 2e-6);
        Assert.Equal(rates.OrderDescending(), rates);
        Assert.InRange(TrainingPlan.CosineRate(1e-9, long.MaxValue - 1, long.MaxValue), double.Epsilon, 1e-9);
        Assert.Equal(0, Train("--epochs", "2", "--course", "cosine", "--checkpoint", folder.File("c")).ExitCode);
        Refused($"{folder.File("c")}: course 'cosine over 2 epochs', expected 'cosine over 3 epochs'", "--epochs", "3", "--course", "cosine", "--checkpoint", folder.File("c"), "--resume");
    }

    [Theory]
    [InlineData("relax n8 d6x4x3 mupc", 0.03)]
    [InlineData("relax n8 d6x4x3 ntp", 0.03)]
    [InlineData("relax n8 d6x4x3", 0.001)]
    public void The_default_rate_is_that_of_the_parameterisation(string network, double rate)
    {
        Assert.Equal(0, CommandLine.Run("train", network, "--data", folder.Path, "--rule", "exact", "--checkpoint", folder.File("c")).ExitCode);
        Assert.Equal(rate, CheckpointFile.Read(folder.File("c")).GetDouble("rate"));
    }

    [Fact]
    public void Divergence_says_where_and_what_to_change_and_exits_1()
    {
        CommandLine run = Train("--step", "50", "--steps", "40", "--checkpoint", folder.File("c"));
        Assert.Equal(1, run.ExitCode);
        Assert.Matches(@"^hpclinear: epoch 1, update 1: diverged at step \d+, layer \d; a step of (0\.\d+) is stable at the feed-forward state: no update; try --step \1; no checkpoint was written", run.Error);
        Assert.False(File.Exists(folder.File("c")));
        run = Train("--rule", "bp", "--optimizer", "sgd", "--rate", "1e30", "--epochs", "9", "--checkpoint", folder.File("c"), "--every", "0", "--json");
        Assert.Equal(1, run.ExitCode);
        Assert.Matches(@"^hpclinear: epoch 1, update \d: .*; try --rate 1E\+29; .* is the last checkpoint", run.Error);
        using JsonDocument document = JsonDocument.Parse(run.Output);
        Assert.NotEqual("done", document.RootElement.GetProperty("status").GetString());
        Assert.Equal(document.RootElement.GetProperty("updates").GetInt64(), CheckpointFile.Read(folder.File("c")).GetInt64("updates"));
    }

    [Theory]
    [InlineData("--rule: pc, errors, bp or exact expected, 'x' given", "--rule", "x")]
    [InlineData("--steps: none with --rule exact expected, 3 given", "--rule", "exact", "--steps", "3")]
    [InlineData("training: activation Tanh given, Linear expected: only linear networks have an exact equilibrium", "--rule", "exact")]
    [InlineData("--optimizer: adam or sgd expected, 'x' given", "--optimizer", "x")]
    [InlineData("--steps: none with --rule bp expected, 3 given", "--rule", "bp", "--steps", "3")]
    [InlineData("--step: none with --rule bp expected, 0.5 given", "--rule", "bp", "--step", "0.5")]
    [InlineData("--steps: 1 or more expected, 0 given", "--steps", "0")]
    [InlineData("--step: a finite number above 0 or auto expected, 0 given", "--step", "0")]
    [InlineData("--step: a finite number above 0 or auto expected, big given", "--step", "big")]
    [InlineData("--step: none with --method cg, which finds its own, expected, 0.5 given", "--rule", "errors", "--method", "cg", "--step", "0.5")]
    [InlineData("--method: none with --rule bp expected, gd given", "--rule", "bp", "--method", "gd")]
    [InlineData("--method: gd, momentum, nesterov, heun, adaptive, cg or gauss-newton expected, 'x' given", "--method", "x")]
    [InlineData("training: Relaxation by Heun given; ErrorCoordinates takes ", "--rule", "errors", "--method", "heun")]
    [InlineData("training: Relaxation by GaussNewton given; only ErrorCoordinates takes it", "--method", "gauss-newton")]
    [InlineData("--course: constant or cosine expected, 'x' given", "--course", "x")]
    [InlineData("--rate: a finite number above 0 expected, NaN given", "--rate", "NaN")]
    [InlineData("--rate: a finite number above 0 expected, -1 given", "--rate", "-1")]
    [InlineData("--epochs: 1 or more expected, 0 given", "--epochs", "0")]
    [InlineData("--threads: a number from 1 to 1024, or 0 for one a processor, expected, -1 given", "--threads", "-1")]
    [InlineData("--limit: 1 to 45 samples expected, 46 given", "--limit", "46")]
    [InlineData("--limit: 1 to 45 samples expected, 0 given", "--limit", "0")]
    [InlineData("NETWORK: minibatches of at most 7 samples expected, n8 given", "--limit", "7")]
    [InlineData("--resume: --checkpoint FILE to resume from expected, none given", "--resume")]
    [InlineData("--every: --checkpoint FILE to write expected, none given", "--every", "5")]
    [InlineData("--every: seconds from 0 to 1000000 expected, -1 given", "--checkpoint", "x", "--every", "-1")]
    [InlineData("option --rate has a value that cannot be read; see hpclinear train --help", "--rate", "fast")]
    [InlineData("option --checkpoint needs a value; see hpclinear train --help", "--checkpoint", "--resume")]
    [InlineData("no-such-folder/c: the folder ", "--checkpoint", "no-such-folder/c")]
    [InlineData("--rows: ", "--rows", "no-such-folder/r")]
    [InlineData("--resume: a checkpoint expected, no-such-file, which does not exist, given", "--checkpoint", "no-such-file", "--resume")]
    [InlineData("target: 'gpu' is not known", "--target", "gpu")]
    [InlineData("--type: f32 or f64 expected, 'f16' given", "--type", "f16")]
    public void A_wrong_call_is_refused(string message, params string[] options) => Refused(message, options);

    [Theory]
    [InlineData("NETWORK: an input of 6, as in ", "relax n8 d5x3")]
    [InlineData("class 2 of sample ", "relax n8 d6x2")]
    [InlineData("relax: 'n' is missing", "relax d6x3")]
    public void A_network_that_does_not_fit_the_data_is_refused(string message, string network)
    {
        CommandLine run = CommandLine.Run("train", network, "--data", folder.Path);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(message, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_data_are_named()
    {
        CommandLine run = CommandLine.Run("train", Network, "--data", folder.File("none"));
        Assert.Equal((2, $"hpclinear: {folder.File("none")}: no such folder, expected a folder of data"), (run.ExitCode, run.Error.TrimEnd()));
        File.Delete(folder.File("test-targets.npy"));
        Refused($"{folder.Path}: none of the files looked for, expected test-targets.npy", "--rows", folder.File("r"));

        // What failed left no rows behind that would be in the way of the next call.
        Write("test", 20, 2);
        Assert.Equal(0, Train("--rows", folder.File("r")).ExitCode);
    }

    private CommandLine Train(params string[] options) => Run(options, new StringWriter(), default);

    /// <summary>Interrupted when a text is written.</summary>
    private CommandLine TrainUntil(string text, params string[] options)
    {
        using CancellationTokenSource interrupted = new();
        return Run(options, new InterruptingWriter(text, interrupted), interrupted.Token);
    }

    private CommandLine Run(string[] options, StringWriter output, CancellationToken cancellation)
    {
        using (output)
        {
            using StringWriter error = new();
            int code = Program.Run(["train", Network, "--data", folder.Path, .. options], output, error, false, cancellation);
            return new(code, output.ToString(), error.ToString());
        }
    }

    private void Refused(string message, params string[] options)
    {
        CommandLine run = CommandLine.Run(["train", Network, "--data", folder.Path, .. options]);
        Assert.Equal(2, run.ExitCode);
        Assert.Single(run.Error.TrimEnd().Split('\n'));
        Assert.StartsWith($"hpclinear: {message}", run.Error, StringComparison.Ordinal);
    }

    private string[] RowsWithoutTimes(string file) => [.. File.ReadLines(folder.File(file)).Select(line => line[..line.IndexOf(",\"seconds\"", StringComparison.Ordinal)])];

    /// <summary>Three classes that a line can nearly part.</summary>
    private void Write(string part, int samples, int seed)
    {
        Random random = new(seed);
        long[] classes = [.. Enumerable.Range(0, samples).Select(_ => (long)random.Next(3))];
        classes[0] = 2;
        NpyFile.Write(folder.File($"{part}-inputs.npy"), [samples, 6], [.. Enumerable.Range(0, samples * 6).Select(i => (float)random.NextDouble() + (classes[i / 6] == i % 3 ? 0.7f : 0))]);
        NpyFile.Write(folder.File($"{part}-targets.npy"), [samples], classes);
    }

    private sealed class InterruptingWriter(string text, CancellationTokenSource source) : StringWriter(CultureInfo.InvariantCulture)
    {
        public override Encoding Encoding => Encoding.UTF8;

        public override void WriteLine(string? value)
        {
            base.WriteLine(value);
            if (value?.Contains(text, StringComparison.Ordinal) == true)
            {
                source.Cancel();
            }
        }
    }
}
