using System.Numerics;

namespace HpcLinear.Operations;

/// <summary>A problem prepared for one device: made once, immutable, thread-safe, executed often without allocating.</summary>
public abstract class Plan : IDisposable
{
    private protected Plan(Device device, string problem)
    {
        Device = device;
        Problem = problem;
    }

    /// <summary>The device the plan was made for.</summary>
    public Device Device { get; }

    /// <summary>The problem as one line of text.</summary>
    public string Problem { get; }

    /// <summary>What was chosen for each of the plan's operations, and why not something else.</summary>
    public abstract IReadOnlyList<KernelChoice> Choices { get; }

    /// <summary>Scratch memory that executing takes from the queue, in bytes: the largest over <see cref="Choices"/>.</summary>
    public long WorkspaceBytes => Choices.Max(c => c.WorkspaceBytes);

    /// <summary>Whether the plan was disposed.</summary>
    public bool IsDisposed { get; private set; }

    /// <summary>Gives back what the plan holds on the device (offset tables).</summary>
    public void Dispose()
    {
        if (!IsDisposed)
        {
            IsDisposed = true;
            DisposeCore();
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>The problem and the device.</summary>
    public override string ToString() => $"{Problem} on {Device.Target}";

    private protected virtual void DisposeCore()
    {
    }

    /// <summary>Prints the choices when tracing is on. Called at the end of every factory.</summary>
    internal void Trace()
    {
        if (Settings.TracePlans)
        {
            foreach (KernelChoice choice in Choices)
            {
                Console.Error.WriteLine($"hpclinear: {this}: {choice}");
            }
        }
    }

    private protected void CheckQueue(CommandQueue queue)
    {
        ArgumentNullException.ThrowIfNull(queue);
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        queue.CheckOpen();
        if (!ReferenceEquals(queue.Device, Device))
        {
            throw new ArgumentException($"queue: a queue of {Device.Target} expected, one of {queue.Device.Target} given", nameof(queue));
        }
    }

    /// <summary>Checks one operand: usable on this device and of exactly this shape.</summary>
    private protected void CheckOperand<T>(string argument, TensorView<T> view, Shape expected)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        Throw.IfUnusable(argument, view, Device);
        if (!view.Shape.Equals(expected))
        {
            throw new ShapeException(argument, expected, view.Shape, ToString());
        }
    }
}
