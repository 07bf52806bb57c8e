using HpcLinear.Cli.Bench;
using System.Numerics;
using HpcLinear.Cli.Problems;

namespace HpcLinear.Benchmarks.Peers;

/// <summary>An engine that solves the named problems: another library, or ours. It takes the thread count it was made with.</summary>
internal abstract class Peer : IDisposable
{
    public abstract string Name { get; }

    public abstract string Version { get; }

    /// <summary>The forms in which the engine can do one operation on a problem; none when it cannot.</summary>
    public abstract IEnumerable<PeerForm> Forms<T>(Problem problem, string operation)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>;

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
    }
}

/// <summary>One way to ask an engine for a result.</summary>
/// <param name="Name">Distinguishes the ways, such as <c>nhwc</c>; empty when there is one.</param>
/// <param name="Create">Makes operands in the layout that the engine likes best, which is not timed.</param>
internal sealed record PeerForm(string Name, Func<PeerTask> Create);

/// <summary>One operation with its operands, ready to be timed. Operands are those of <c>hpclinear bench</c>, so that results can be compared.</summary>
internal abstract class PeerTask : ResourceOwner
{
    /// <summary>Starts one call.</summary>
    public abstract void Execute();

    /// <summary>Waits for the calls that were started.</summary>
    public virtual void Wait()
    {
    }

    /// <summary>The result in row-major order of our shapes.</summary>
    public abstract Array Download();
}
