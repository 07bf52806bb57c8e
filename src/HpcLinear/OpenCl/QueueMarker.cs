using System.Runtime.InteropServices;
using Silk.NET.OpenCL;

namespace HpcLinear.OpenCl;

/// <summary>A task that ends with an event: the driver calls back from a thread of its own.</summary>
internal sealed unsafe class QueueMarker
{
    private const int Complete = 0;

    // The driver holds the address of this delegate's code: it must never be collected.
    private static readonly EventNotifyCallback Callback = OnEvent;

    private readonly TaskCompletionSource done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Target target;
    private readonly ClHandle marker;

    private QueueMarker(Target target, ClHandle marker)
    {
        this.target = target;
        this.marker = marker;
    }

    /// <summary>Ends when the event completes, or with the error of the command that failed.</summary>
    public static Task Watch(Target target, ClHandle marker)
    {
        QueueMarker state = new(target, marker);
        GCHandle self = GCHandle.Alloc(state);
        int code = ClApi.Cl.SetEventCallback(marker.Value, Complete, Callback, (void*)GCHandle.ToIntPtr(self));
        if (code != 0)
        {
            self.Free();
            marker.Dispose();
            throw ClCheck.Exception(code, target, "clSetEventCallback");
        }

        return state.done.Task;
    }

    private static void OnEvent(nint clEvent, int status, void* data)
    {
        GCHandle self = GCHandle.FromIntPtr((nint)data);
        QueueMarker state = (QueueMarker)self.Target!;
        self.Free();
        if (status < 0)
        {
            state.done.TrySetException(ClCheck.Exception(status, state.target, "a queued command"));
        }
        else
        {
            state.done.TrySetResult();
        }

        state.marker.Dispose();
    }
}
