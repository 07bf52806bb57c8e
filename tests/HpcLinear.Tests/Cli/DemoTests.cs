using System.Numerics;
using System.Text.Json;
using HpcLinear.Cli.Demo;
using HpcLinear.Data;
using Xunit;

namespace HpcLinear.Tests.Cli;

public sealed class DemoTests
{
    [Fact]
    public void The_quick_demonstration_is_right_on_the_default_target()
    {
        CommandLine run = CommandLine.Run("demo", "--quick", "--target", "cpu", "--json");
        Assert.True(run.ExitCode == 0, run.Output + run.Error);
        using JsonDocument document = JsonDocument.Parse(run.Output);
        JsonElement[] rows = [.. document.RootElement.GetProperty("rows").EnumerateArray()], training = [.. document.RootElement.GetProperty("training").EnumerateArray()];
        Assert.Equal(2 * 9, rows.Length);
        Assert.Equal(["back-propagation", "muPC, errors", "muPC, activities"], training.Select(row => row.GetProperty("rule").GetString()!));
        Assert.All(training, row => Assert.Equal(200, row.GetProperty("updates").GetInt32()));
        Assert.All(rows.Concat(training), row => Assert.True(row.GetProperty("is_right").GetBoolean()));
    }

    [Fact]
    public void Digits_are_learned_on_every_target_in_both_types()
    {
        DigitTraining training = Quick();
        foreach (Target target in Devices.Available().Where(t => t.Suffix != "scalar"))
        {
            using Device device = Devices.Open(target);
            Check(Train<float>(training, device, DigitTraining.Rules[0]));
            if (device.SupportsDouble)
            {
                Check(Train<double>(training, device, DigitTraining.Rules[0]));
            }
        }

        static void Check(DemoTrainingRow row) => Assert.True(row.IsRight && row.Failure is null, row.ToString());
    }

    [Fact]
    public void A_training_that_diverges_is_wrong_and_says_why()
    {
        using Device device = Devices.Open(Target.Cpu);
        DemoTrainingRow row = Train<float>(Quick(), device, DigitTraining.Rules[2] with { Relaxation = new() { Steps = 32, Step = 1e3 } });
        Assert.False(row.IsRight);
        Assert.NotNull(row.Failure);
        Assert.Equal("WRONG", row.ToCells()[^1]);
    }

    [Fact]
    public void A_training_of_the_output_layer_alone_is_wrong()
    {
        // At a vanishing step activities stay where they were fed forward: only the output layer has an error.
        using Device device = Devices.Open(Target.Cpu);
        DemoTrainingRow row = Train<float>(Quick(), device, DigitTraining.Rules[2] with { Relaxation = new() { Steps = 1, Step = 1e-9 } });
        Assert.True(!row.IsRight && row.Failure is null, row.ToString());
    }

    private static DigitTraining Quick()
    {
        string assets = Path.Combine(AppContext.BaseDirectory, "Assets");
        LabelledData digits = DigitTraining.ReadDigits(Path.Combine(assets, "t10k-images-idx3-ubyte.gz"), Path.Combine(assets, "t10k-labels-idx1-ubyte.gz"));
        return new(digits, 1000, isQuick: true);
    }

    private static DemoTrainingRow Train<T>(DigitTraining training, Device device, DemoRule rule)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        using CommandQueue queue = device.CreateQueue();
        return training.Train<T>(queue, rule, (_, _) => { }, TestContext.Current.CancellationToken);
    }
}
