namespace HpcLinear.Experiments.PredictiveCoding;

/// <summary>Settings of <see cref="MupcRatio"/>.</summary>
public sealed record MupcRatioSettings
{
    /// <summary>Where the data lie.</summary>
    [Setting(Digits.FolderHelp, InRows = false)]
    public string Data { get; init; } = "";

    /// <summary>N.</summary>
    [Setting("widths N of the hidden layers", Minimum = 1, Maximum = 65536, InRows = false, Full = "1,2,4,8,16,32,64,128,256,512,1024")]
    public IReadOnlyList<int> Widths { get; init; } = [1, 2, 4, 8, 16, 32, 64, 128, 256];

    /// <summary>H.</summary>
    [Setting("hidden layers H; L = H + 1", Minimum = 1, Maximum = 4096, InRows = false, Full = "1,2,4,8,16,32,64,128")]
    public IReadOnlyList<int> Hidden { get; init; } = [1, 2, 4, 8, 16, 32, 64];

    /// <summary>Seeds.</summary>
    [Setting("seeds of weights and of the order of samples", Minimum = 0, Maximum = int.MaxValue, InRows = false)]
    public IReadOnlyList<int> Seeds { get; init; } = [1, 2, 3];

    /// <summary>Network.</summary>
    [Setting("network: parameterisation, with or without skips", Choices = "mupc-skips mupc sp-skips sp")]
    public string Net { get; init; } = "mupc-skips";

    /// <summary>B.</summary>
    [Setting("samples of a minibatch", Minimum = 1, Maximum = 65536)]
    public int Batch { get; init; } = 64;

    /// <summary>Updates.</summary>
    [Setting("updates by Adam on F*", Minimum = 0, Maximum = 1_000_000, Full = "937")]
    public int Updates { get; init; } = 100;

    /// <summary>Rate.</summary>
    [Setting("Adam's learning rate", Minimum = 1e-9, Maximum = 10)]
    public double Rate { get; init; } = 0.01;
}
