using System.Reflection;
using Xunit;
using Xunit.Sdk;
using Xunit.v3;

namespace HpcLinear.Tests.Support;

/// <summary>Runs a theory once for every target: the available ones and the required ones.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class AllTargetsAttribute : DataAttribute
{
    /// <summary>Leaves OpenCL out, e.g. where the caller's own memory is computed on.</summary>
    public bool CpuOnly { get; init; }

    public override ValueTask<IReadOnlyCollection<ITheoryDataRow>> GetData(MethodInfo testMethod, DisposalTracker disposalTracker) =>
        new([.. (CpuOnly ? Targets.Cpu : Targets.All).Select(t => new TheoryDataRow(t))]);

    public override bool SupportsDiscoveryEnumeration() => false;
}
