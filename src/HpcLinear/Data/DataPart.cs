namespace HpcLinear.Data;

/// <summary>Which samples of a data set.</summary>
public enum DataPart
{
    /// <summary>Those that weights are fitted to.</summary>
    Training,

    /// <summary>Those that accuracy is measured on.</summary>
    Test,
}
