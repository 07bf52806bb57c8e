namespace HpcLinear;

/// <summary>A descriptor does not describe a valid problem.</summary>
public sealed class ProblemException : ArgumentException
{
    /// <summary>A problem refused for the reason <paramref name="code"/>.</summary>
    public ProblemException(ProblemError code, string message)
        : base(message) => Code = code;

    /// <summary>Which rule was broken; the number is stable and is the one golden cases use.</summary>
    public ProblemError Code { get; }
}
