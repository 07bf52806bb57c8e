namespace HpcLinear;

/// <summary>The machine refused: a device, a driver or memory. A wrong call throws <see cref="ArgumentException"/> instead.</summary>
public abstract class HpcLinearException : Exception
{
    private protected HpcLinearException(string message, Exception? inner = null)
        : base(message, inner)
    {
    }
}
