namespace HpcLinear.Experiments.PredictiveCoding;

/// <summary>Settings of <see cref="MupcDepth"/>.</summary>
public sealed record MupcDepthSettings
{
    /// <summary>Where the data lie.</summary>
    [Setting(Digits.FolderHelp, InRows = false)]
    public string Data { get; init; } = "";

    /// <summary>Which arms.</summary>
    [Setting("arms: parameterisation, and the paper's relaxation and rate, ours, ours in errors, back-propagation, or the output layer alone", Choices = MupcDepthArm.Names, InRows = false)]
    public IReadOnlyList<string> Arms { get; init; } = ["mupc-paper", "mupc-activities", "mupc-errors", "mupc-bp", "mupc-head", "sp-paper", "sp-activities", "sp-bp"];

    /// <summary>H.</summary>
    [Setting("hidden layers H; L = H + 1", Minimum = 1, Maximum = 4096, InRows = false)]
    public IReadOnlyList<int> Hidden { get; init; } = [8, 16, 32, 64, 128];

    /// <summary>φ.</summary>
    [Setting("activations", Choices = "linear tanh relu gelu silu", InRows = false)]
    public IReadOnlyList<string> Activations { get; init; } = ["linear", "tanh", "relu"];

    /// <summary>Seeds.</summary>
    [Setting("seeds of weights and of the order of samples", Minimum = 0, Maximum = int.MaxValue, InRows = false, Full = "1,2,3")]
    public IReadOnlyList<int> Seeds { get; init; } = [1];

    /// <summary>N.</summary>
    [Setting("width N of the hidden layers", Minimum = 1, Maximum = 65536, Full = "512")]
    public int Width { get; init; } = 64;

    /// <summary>B.</summary>
    [Setting("samples of a minibatch", Minimum = 1, Maximum = 65536)]
    public int Batch { get; init; } = 64;

    /// <summary>Training samples used.</summary>
    [Setting("training samples used; 0 for all", Minimum = 0, Maximum = int.MaxValue, Full = "0")]
    public int Samples { get; init; } = 8000;

    /// <summary>Epochs.</summary>
    [Setting("epochs", Minimum = 1, Maximum = 10000)]
    public int Epochs { get; init; } = 1;

    /// <summary>T.</summary>
    [Setting("relaxation steps T of activities; 0 for H", Minimum = 0, Maximum = 1000000)]
    public int Steps { get; init; }

    /// <summary>The paper's step.</summary>
    [Setting("step of activities on the mean over the batch, paper, linear and tanh; a sample's is a B-th of it", Minimum = 1e-9, Maximum = 1e6)]
    public double PaperStep { get; init; } = 1;

    /// <summary>The paper's step, relu.</summary>
    [Setting("the same of other activations", Minimum = 1e-9, Maximum = 1e6)]
    public double PaperReluStep { get; init; } = 0.5;

    /// <summary>The paper's rate.</summary>
    [Setting("Adam's learning rate, paper", Minimum = 1e-9, Maximum = 10)]
    public double PaperRate { get; init; } = 0.1;

    /// <summary>ε.</summary>
    [Setting("Adam's ε: gradients far below it move nothing", Minimum = 1e-300, Maximum = 1)]
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>Our step.</summary>
    [Setting("step of activities, per sample, activities", Minimum = 1e-9, Maximum = 10)]
    public double Step { get; init; } = 0.3;

    /// <summary>T of relaxations of errors.</summary>
    [Setting("relaxation steps of errors", Minimum = 1, Maximum = 1000000)]
    public int ErrorSteps { get; init; } = 2;

    /// <summary>Their step.</summary>
    [Setting("step of errors, per sample", Minimum = 1e-9, Maximum = 10)]
    public double ErrorStep { get; init; } = 0.005;

    /// <summary>Our rate under μPC.</summary>
    [Setting("Adam's learning rate but of paper, mupc", Minimum = 1e-9, Maximum = 10)]
    public double Rate { get; init; } = 0.03;

    /// <summary>Our rate under the standard parameterisation.</summary>
    [Setting("Adam's learning rate but of paper, sp", Minimum = 1e-9, Maximum = 10)]
    public double StandardRate { get; init; } = 0.001;
}
