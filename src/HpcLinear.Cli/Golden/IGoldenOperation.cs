using System.Numerics;

namespace HpcLinear.Cli.Golden;

/// <summary>An operation that golden cases test: maps a case to its outputs.</summary>
internal interface IGoldenOperation
{
    /// <summary>The name in <c>case.json</c>.</summary>
    string Name { get; }
}

/// <summary>An operation that is computed on every target.</summary>
internal interface IDeviceOperation : IGoldenOperation
{
    /// <summary>Why this kind of device cannot run the operation; null when it can.</summary>
    string? WhyNot(Device device) => null;

    /// <summary>Computes one output; null when the operation has none of that name.</summary>
    GoldenArray? Compute<T>(GoldenContext<T> context, string output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;
}

/// <summary>An operation on the host alone: it is checked once.</summary>
internal interface IHostOperation : IGoldenOperation
{
    /// <summary>Computes one output; null when the operation has none of that name.</summary>
    GoldenArray? Compute(GoldenCase golden, string output);
}
