namespace HpcLinear;

/// <summary>The two shapes of OpenCL kernel: they compute the same, each is fast on its own kind of device.</summary>
public enum KernelFamily
{
    /// <summary>By device type.</summary>
    Automatic,

    /// <summary>One work-item a register block, wide vectors, no local memory.</summary>
    Cpu,

    /// <summary>Work-groups that share tiles in local memory.</summary>
    Gpu,
}
