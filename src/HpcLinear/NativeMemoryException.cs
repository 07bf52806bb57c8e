namespace HpcLinear;

/// <summary>An allocation is larger than the memory of the host or of the device.</summary>
public sealed class NativeMemoryException : HpcLinearException
{
    /// <summary>A refusal of <paramref name="requestedBytes"/> where at most <paramref name="availableBytes"/> can be had.</summary>
    public NativeMemoryException(Target target, long requestedBytes, long availableBytes)
        : base($"{target}: {requestedBytes} bytes requested, {availableBytes} bytes can be had in one allocation")
    {
        Target = target;
        RequestedBytes = requestedBytes;
        AvailableBytes = availableBytes;
    }

    /// <summary>The device.</summary>
    public Target Target { get; }

    /// <summary>The size asked for.</summary>
    public long RequestedBytes { get; }

    /// <summary>The largest size that could be had.</summary>
    public long AvailableBytes { get; }
}
