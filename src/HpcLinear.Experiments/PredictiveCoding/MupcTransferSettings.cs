namespace HpcLinear.Experiments.PredictiveCoding;

/// <summary>Settings of <see cref="MupcTransfer"/>.</summary>
public sealed record MupcTransferSettings
{
    /// <summary>Where the data lie.</summary>
    [Setting(Digits.FolderHelp, InRows = false)]
    public string Data { get; init; } = "";

    /// <summary>Rates.</summary>
    [Setting("Adam's learning rates", Minimum = 1e-9, Maximum = 100, InRows = false, Full = "0.5,0.1,0.05,0.01")]
    public IReadOnlyList<double> Rates { get; init; } = [0.3, 0.1, 0.03, 0.01, 0.003];

    /// <summary>Steps.</summary>
    [Setting("steps of activities, per sample: a batch-th of steps on the mean over the batch", Minimum = 1e-12, Maximum = 1000, InRows = false, Full = "15.625,1.5625,0.15625,0.015625,0.0015625,0.00015625")]
    public IReadOnlyList<double> Steps { get; init; } = [1, 0.3, 0.1, 0.03, 0.01, 0.001];

    /// <summary>N at the least H.</summary>
    [Setting("widths N, with the first number of hidden layers", Minimum = 1, Maximum = 65536, InRows = false, Full = "64,128,256,512,1024")]
    public IReadOnlyList<int> Widths { get; init; } = [32, 64, 128, 256];

    /// <summary>H at the width for depths.</summary>
    [Setting("hidden layers H, with one width", Minimum = 1, Maximum = 4096, InRows = false, Full = "8,16,32,64,128")]
    public IReadOnlyList<int> Hidden { get; init; } = [8, 16, 32, 64];

    /// <summary>That width.</summary>
    [Setting("that width", Minimum = 1, Maximum = 65536, InRows = false, Full = "512")]
    public int DepthWidth { get; init; } = 64;

    /// <summary>Network.</summary>
    [Setting("network: parameterisation, with or without skips", Choices = "mupc-skips mupc sp-skips sp")]
    public string Net { get; init; } = "mupc-skips";

    /// <summary>φ.</summary>
    [Setting("activation", Choices = "linear tanh relu gelu silu")]
    public string Activation { get; init; } = "relu";

    /// <summary>Seeds.</summary>
    [Setting("seeds of weights and of the order of samples", Minimum = 0, Maximum = int.MaxValue, InRows = false, Full = "1,2,3")]
    public IReadOnlyList<int> Seeds { get; init; } = [1];

    /// <summary>B.</summary>
    [Setting("samples of a minibatch", Minimum = 1, Maximum = 65536)]
    public int Batch { get; init; } = 64;

    /// <summary>Training samples used.</summary>
    [Setting("training samples used; 0 for all", Minimum = 0, Maximum = int.MaxValue, Full = "0")]
    public int Samples { get; init; } = 6400;

    /// <summary>Epochs.</summary>
    [Setting("epochs", Minimum = 1, Maximum = 10000)]
    public int Epochs { get; init; } = 1;
}
