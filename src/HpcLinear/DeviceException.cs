namespace HpcLinear;

/// <summary>A device cannot be opened, or refused a call.</summary>
public class DeviceException : HpcLinearException
{
    /// <summary>A refusal with a message of its own.</summary>
    public DeviceException(Target target, string message, Exception? inner = null)
        : base(message, inner) => Target = target;

    /// <summary>A refusal of one call by a driver.</summary>
    public DeviceException(Target target, string call, int code, string message)
        : base(message)
    {
        Target = target;
        Call = call;
        Code = code;
    }

    /// <summary>The device.</summary>
    public Target Target { get; }

    /// <summary>The driver's function, e.g. <c>clEnqueueNDRangeKernel</c>; empty when no call was made.</summary>
    public string Call { get; } = "";

    /// <summary>The driver's error code; 0 when no call was made.</summary>
    public int Code { get; }
}
