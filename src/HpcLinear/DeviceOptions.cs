namespace HpcLinear;

/// <summary>Settings of a device, fixed when it is opened.</summary>
public sealed record DeviceOptions
{
    /// <summary>Threads of a CPU device; 0 takes <c>HPCLINEAR_THREADS</c> or else one a processor. Results do not depend on it.</summary>
    public int Threads { get; init; }

    /// <summary>Kernel family of an OpenCL device; <see cref="KernelFamily.Automatic"/> chooses by the device's type.</summary>
    public KernelFamily KernelFamily { get; init; }
}
