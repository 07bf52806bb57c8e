using Silk.NET.OpenCL;

namespace HpcLinear.OpenCl;

/// <summary>An in-order cl_command_queue with its own kernel objects and scratch memory.</summary>
internal sealed unsafe class OpenClQueue : CommandQueue
{
    private readonly OpenClDevice device;
    private readonly CL cl = ClApi.Cl;
    private readonly ClHandle handle;
    private OpenClKernel?[] kernels = new OpenClKernel?[64];
    private OpenClBuffer? workspace;

    public OpenClQueue(OpenClDevice device)
        : base(device)
    {
        this.device = device;
        handle = device.NewQueue();
    }

    public override long WorkspaceBytes => (workspace?.ByteCount ?? 0) + ScratchBytes;

    internal nint Handle => handle.Value;

    /// <summary>This queue's object of a kernel, ready for its first argument.</summary>
    public OpenClKernel Kernel(KernelEntry entry)
    {
        int index = entry.Index;
        if (index >= kernels.Length)
        {
            Array.Resize(ref kernels, Math.Max(index + 1, kernels.Length * 2));
        }

        return (kernels[index] ??= new(this, entry)).Begin();
    }

    /// <summary>At least <paramref name="byteCount"/> bytes of scratch memory, valid until the next call; allocates only when larger than ever before.</summary>
    public OpenClBuffer Workspace(long byteCount)
    {
        if (workspace is null || workspace.ByteCount < byteCount)
        {
            // Queued work that uses the old block keeps it alive in the driver.
            workspace?.Dispose();
            workspace = null;
            workspace = device.AllocateRaw(byteCount);
        }

        return workspace;
    }

    /// <summary>Sets bytes of a buffer to zero, in order with the kernels.</summary>
    public void Clear(OpenClBuffer buffer, long offset, long byteCount)
    {
        int zero = 0;
        ClCheck.Check(cl.EnqueueFillBuffer(Handle, buffer.Memory.Value, &zero, sizeof(int), (nuint)offset, (nuint)byteCount, 0, null, null), device.Target, "clEnqueueFillBuffer");
    }

    /// <summary>Waits for earlier work and copies bytes of a buffer to the host.</summary>
    public void Read(OpenClBuffer buffer, long offset, Span<byte> destination)
    {
        fixed (byte* to = destination)
        {
            int code = cl.EnqueueReadBuffer(Handle, buffer.Memory.Value, true, (nuint)offset, (nuint)destination.Length, to, 0, null, null);
            ClCheck.CheckAllocation(code, device, "clEnqueueReadBuffer", destination.Length);
        }
    }

    public override void Flush()
    {
        base.Flush();
        ClCheck.Check(cl.Flush(Handle), device.Target, "clFlush");
    }

    public override void Wait()
    {
        base.Wait();
        ClCheck.Check(cl.Finish(Handle), device.Target, "clFinish");
    }

    public override Task WaitAsync(CancellationToken cancellationToken = default)
    {
        CheckOpen();
        if (cancellationToken.IsCancellationRequested)
        {
            return Task.FromCanceled(cancellationToken);
        }

        nint marker = 0;
        ClCheck.Check(cl.EnqueueMarkerWithWaitList(Handle, 0, null, &marker), device.Target, "clEnqueueMarkerWithWaitList");
        Task done = QueueMarker.Watch(device.Target, new(ClKind.Event, marker));
        ClCheck.Check(cl.Flush(Handle), device.Target, "clFlush");
        return done.WaitAsync(cancellationToken);
    }

    private protected override void UploadCore<T>(ReadOnlySpan<T> source, TensorView<T> destination)
    {
        OpenClBuffer buffer = (OpenClBuffer)destination.Tensor.Buffer;
        fixed (T* from = source)
        {
            int code = cl.EnqueueWriteBuffer(Handle, buffer.Memory.Value, true, (nuint)(destination.Offset * sizeof(T)), (nuint)((long)source.Length * sizeof(T)), from, 0, null, null);
            ClCheck.CheckAllocation(code, device, "clEnqueueWriteBuffer", (long)source.Length * sizeof(T));
        }
    }

    private protected override void DownloadCore<T>(TensorView<T> source, Span<T> destination)
    {
        OpenClBuffer buffer = (OpenClBuffer)source.Tensor.Buffer;
        fixed (T* to = destination)
        {
            int code = cl.EnqueueReadBuffer(Handle, buffer.Memory.Value, true, (nuint)(source.Offset * sizeof(T)), (nuint)((long)destination.Length * sizeof(T)), to, 0, null, null);
            ClCheck.CheckAllocation(code, device, "clEnqueueReadBuffer", (long)destination.Length * sizeof(T));
        }
    }

    private protected override void CopyCore<T>(TensorView<T> source, TensorView<T> destination)
    {
        nint from = ((OpenClBuffer)source.Tensor.Buffer).Memory.Value, to = ((OpenClBuffer)destination.Tensor.Buffer).Memory.Value;
        nuint fromAt = (nuint)(source.Offset * sizeof(T)), toAt = (nuint)(destination.Offset * sizeof(T)), bytes = (nuint)(source.Shape.ElementCount * sizeof(T));
        ClCheck.Check(cl.EnqueueCopyBuffer(Handle, from, to, fromAt, toAt, bytes, 0, null, null), device.Target, "clEnqueueCopyBuffer");
    }

    private protected override void FillCore<T>(TensorView<T> destination, T value)
    {
        nint memory = ((OpenClBuffer)destination.Tensor.Buffer).Memory.Value;
        nuint at = (nuint)(destination.Offset * sizeof(T)), bytes = (nuint)(destination.Shape.ElementCount * sizeof(T));
        ClCheck.Check(cl.EnqueueFillBuffer(Handle, memory, &value, (nuint)sizeof(T), at, bytes, 0, null, null), device.Target, "clEnqueueFillBuffer");
    }

    private protected override void DisposeCore()
    {
        // The device may have failed: closing must still give everything back, so the code is not looked at.
        _ = cl.Finish(Handle);
        DisposeScratch();
        workspace?.Dispose();
        workspace = null;
        foreach (OpenClKernel? kernel in kernels)
        {
            kernel?.Dispose();
        }

        handle.Dispose();
    }
}
