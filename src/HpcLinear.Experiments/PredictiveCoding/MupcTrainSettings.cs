namespace HpcLinear.Experiments.PredictiveCoding;

/// <summary>Settings of <see cref="MupcTrain"/>.</summary>
public sealed record MupcTrainSettings
{
    /// <summary>Where the data lie.</summary>
    [Setting("folder of the data, as MNIST comes: train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-…, plain or .gz", InRows = false)]
    public string Data { get; init; } = "";

    /// <summary>Which arms.</summary>
    [Setting("arms to train", Choices = MupcTrainArm.Names, InRows = false)]
    public IReadOnlyList<string> Arms { get; init; } = ["mupc-activities", "mupc-errors", "mupc-bp", "sp-activities"];

    /// <summary>Seeds of weights and of the order of samples.</summary>
    [Setting("seeds of weights and of the order of samples", Minimum = 0, Maximum = int.MaxValue, InRows = false)]
    public IReadOnlyList<int> Seeds { get; init; } = [1, 2, 3];

    /// <summary>Hidden layers H; L = H + 1.</summary>
    [Setting("hidden layers H", Minimum = 1, Maximum = 4096)]
    public int Hidden { get; init; } = 128;

    /// <summary>Width N.</summary>
    [Setting("width N of the hidden layers", Minimum = 1, Maximum = 65536, Full = "512")]
    public int Width { get; init; } = 64;

    /// <summary>φ.</summary>
    [Setting("activation", Choices = "linear tanh relu gelu silu")]
    public string Activation { get; init; } = "relu";

    /// <summary>B.</summary>
    [Setting("samples of a minibatch", Minimum = 1, Maximum = 65536)]
    public int Batch { get; init; } = 64;

    /// <summary>Training samples used.</summary>
    [Setting("training samples used; 0 for all", Minimum = 0, Maximum = int.MaxValue)]
    public int Samples { get; init; }

    /// <summary>Epochs.</summary>
    [Setting("epochs", Minimum = 1, Maximum = 10000, Full = "5")]
    public int Epochs { get; init; } = 1;

    /// <summary>T of relaxations of activities.</summary>
    [Setting("relaxation steps T of activities; 0 for H", Minimum = 0, Maximum = 1000000)]
    public int Steps { get; init; }

    /// <summary>Their step.</summary>
    [Setting("step of activities, per sample", Minimum = 1e-9, Maximum = 10)]
    public double Step { get; init; } = 0.3;

    /// <summary>T of relaxations of errors.</summary>
    [Setting("relaxation steps of errors", Minimum = 1, Maximum = 1000000)]
    public int ErrorSteps { get; init; } = 2;

    /// <summary>Their step.</summary>
    [Setting("step of errors, per sample; 0 to compute one a minibatch", Minimum = 0, Maximum = 10)]
    public double ErrorStep { get; init; } = 0.005;

    /// <summary>Their method.</summary>
    [Setting("method for errors", Choices = "descent cg gauss-newton")]
    public string ErrorMethod { get; init; } = "descent";

    /// <summary>Adam's rate under μPC.</summary>
    [Setting("Adam's learning rate, mupc", Minimum = 1e-9, Maximum = 10)]
    public double Rate { get; init; } = 0.03;

    /// <summary>Adam's rate under the standard parameterisation.</summary>
    [Setting("Adam's learning rate, sp", Minimum = 1e-9, Maximum = 10)]
    public double StandardRate { get; init; } = 0.001;

    /// <summary>Course of the rate.</summary>
    [Setting("course of the learning rate: cosine falls to 0 at the end", Choices = "cosine constant", Full = "constant")]
    public string Course { get; init; } = "cosine";
}
