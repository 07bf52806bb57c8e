namespace HpcLinear;

/// <summary>What <see cref="Devices.Probe"/> found for one target.</summary>
/// <param name="Target">The target's name.</param>
/// <param name="Available">Whether <see cref="Devices.Open(Target, DeviceOptions?)"/> can open it here.</param>
/// <param name="Name">The hardware's name, e.g. the processor's or the OpenCL device's; empty when unknown.</param>
/// <param name="Detail">What it can do, or why it cannot be opened.</param>
/// <param name="SupportsDouble">Whether it computes in float64.</param>
public sealed record TargetStatus(Target Target, bool Available, string Name, string Detail, bool SupportsDouble);
