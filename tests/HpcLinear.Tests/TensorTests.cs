using System.Numerics;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests;

public abstract class TensorTests<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    [Theory, AllTargets]
    public void A_new_tensor_holds_zeros(Target target)
    {
        using CommandQueue queue = Targets.Open(target).CreateQueue();
        using Tensor<T> tensor = queue.Device.Allocate<T>([3, 5, 7]);
        Assert.All(queue.Download<T>(tensor), x => Assert.Equal(T.Zero, x));
    }

    [Theory, AllTargets]
    public void Uploads_copies_fills_and_downloads_touch_their_window_only(Target target)
    {
        using CommandQueue queue = Targets.Open(target).CreateQueue();
        foreach (int length in new[] { 1, 2, 63, 1000, 300_001 })
        {
            using Tensor<T> from = queue.Device.Allocate<T>([length]), into = queue.Device.Allocate<T>([length + 6]);
            T[] data = Values.Random<T>(length, length);
            queue.Fill(into, T.One);
            queue.Upload(data, from);
            queue.Copy(from, into.View(3, [length]));
            Assert.Equal([T.One, T.One, T.One, .. data, T.One, T.One, T.One], queue.Download<T>(into));
            queue.Fill(into.View(2, [length]), T.NaN);
            T[] filled = queue.Download<T>(into);
            Assert.Equal([T.One, T.One, .. Values.Filled(length, T.NaN), data[^1], T.One, T.One, T.One], filled);
            Assert.Equal(data, queue.Download<T>(from));
            queue.Upload(data.AsSpan(), into.View(6, [length]));
            T[] part = new T[length];
            queue.Download(into.View(6, [length]), part.AsSpan());
            Assert.Equal(data, part);
        }
    }

    [Theory, AllTargets(CpuOnly = true)]
    public void Copies_and_fills_stay_between_guard_pages(Target target)
    {
        using CommandQueue queue = Targets.Open(target).CreateQueue();
        foreach (int length in new[] { 0, 1, 3, 17, 4096, 65_537, 300_001 })
        {
            foreach (Guard guard in Enum.GetValues<Guard>())
            {
                using GuardedMemory<T> left = new(length, guard), right = new(length, guard);
                using Tensor<T> a = queue.Device.Borrow(left.Memory, [length]), b = queue.Device.Borrow(right.Memory, [length]);
                T[] data = Values.Random<T>(length, 1);
                queue.Upload(data, a);
                queue.Copy<T>(a, b);
                Assert.Equal(data, queue.Download<T>(b));
                queue.Fill(a, T.One);
                Assert.All(queue.Download<T>(a), x => Assert.Equal(T.One, x));
                left.Check($"fill of {length}");
                right.Check($"copy of {length}");
            }
        }
    }

    [Theory, AllTargets]
    public void Lengths_that_differ_are_refused_by_name(Target target)
    {
        using CommandQueue queue = Targets.Open(target).CreateQueue();
        using Tensor<T> tensor = queue.Device.Allocate<T>([2, 3]), other = queue.Device.Allocate<T>([5]);
        Assert.StartsWith("source: 6 elements expected for shape [2, 3], 5 given", Assert.Throws<ArgumentException>("source", () => queue.Upload(new T[5], tensor)).Message, StringComparison.Ordinal);
        Assert.StartsWith("source: 6 elements expected for shape [2, 3], 7 given", Assert.Throws<ArgumentException>("source", () => queue.Upload(new T[7], tensor)).Message, StringComparison.Ordinal);
        Assert.StartsWith("destination: 6 elements expected for shape [2, 3], 5 given", Assert.Throws<ArgumentException>("destination", () => queue.Download(tensor, new T[5].AsSpan())).Message, StringComparison.Ordinal);
        Assert.Equal("destination: shape [2, 3] expected, [5] given (copy)", Assert.Throws<ShapeException>(() => queue.Copy<T>(tensor, other)).Message);
        Assert.StartsWith("copy: output overlaps an input", Assert.Throws<ArgumentException>(() => queue.Copy(tensor.View(0, [4]), tensor.View(2, [4]))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>("source", () => queue.Upload((T[])null!, tensor));
        Assert.Throws<ArgumentNullException>("destination", () => queue.Upload(new T[1], default));
        Assert.Throws<ArgumentNullException>("source", () => queue.Download<T>(default));
        Assert.Throws<ArgumentNullException>("destination", () => queue.Fill<T>(default, T.One));
    }

    [Theory, AllTargets]
    public void Disposed_objects_are_refused(Target target)
    {
        Device device = Devices.Open(target, new() { Threads = target.IsCpu ? 2 : 0 });
        CommandQueue queue = device.CreateQueue(), open = device.CreateQueue();
        Tensor<T> tensor = device.Allocate<T>([3]), kept = device.Allocate<T>([3]);
        tensor.Dispose();
        tensor.Dispose();
        Assert.True(tensor.IsDisposed);
        Assert.Contains("destination: the tensor [3] was disposed", Assert.Throws<ObjectDisposedException>(() => queue.Upload(new T[3], tensor)).Message, StringComparison.Ordinal);
        Assert.Contains("source: the tensor [3] was disposed", Assert.Throws<ObjectDisposedException>(() => queue.Download<T>(tensor)).Message, StringComparison.Ordinal);
        queue.Dispose();
        queue.Dispose();
        Assert.True(queue.IsDisposed);
        Assert.Throws<ObjectDisposedException>(() => queue.Upload(new T[3], kept));
        Assert.Throws<ObjectDisposedException>(queue.Wait);
        Assert.Throws<ObjectDisposedException>(queue.Flush);
        kept.Dispose();
        open.Dispose();
        device.Dispose();
        device.Dispose();
        Assert.True(device.IsDisposed);
        Assert.Throws<ObjectDisposedException>(() => device.Allocate<T>([1]));
        Assert.Throws<ObjectDisposedException>(device.CreateQueue);
    }

    [Theory, AllTargets]
    public void A_tensor_of_another_device_is_refused(Target target)
    {
        using Device stranger = Devices.Open("cpu:scalar", new() { Threads = 1 });
        using CommandQueue queue = Targets.Open(target).CreateQueue();
        using Tensor<T> foreign = stranger.Allocate<T>([3]);
        string opening = target == stranger.Target ? "another opening of " : "";
        Assert.StartsWith($"destination: a tensor of {target} expected, one of {opening}cpu:scalar given", Assert.Throws<ArgumentException>("destination", () => queue.Upload(new T[3], foreign)).Message, StringComparison.Ordinal);
    }

    [Theory, AllTargets]
    public void Allocations_that_cannot_be_are_refused(Target target)
    {
        Device device = Targets.Open(target);
        Assert.Throws<ArgumentNullException>("shape", () => device.Allocate<T>(null!));
        Assert.StartsWith("shape: every extent must be at least 0, got [2, -1]", Assert.Throws<ArgumentException>("shape", () => device.Allocate<T>([2, -1])).Message, StringComparison.Ordinal);
        ProblemException overflow = Assert.Throws<ProblemException>(() => device.Allocate<T>([1L << 40, 1L << 40]));
        Assert.Equal(ProblemError.Overflow, overflow.Code);
        Assert.Equal("shape: shape [1099511627776, 1099511627776] has more than 2^63 - 1 bytes", overflow.Message);
        Assert.Equal(ProblemError.Overflow, Assert.Throws<ProblemException>(() => device.Allocate<T>([1L << 62])).Code);
        long elements = 1L << 50;
        NativeMemoryException memory = Assert.Throws<NativeMemoryException>(() => device.Allocate<T>([elements]));
        long bytes = elements * (typeof(T) == typeof(float) ? 4 : 8);
        Assert.Equal((bytes, device.Target), (memory.RequestedBytes, memory.Target));
        Assert.Equal($"{target}: {bytes} bytes requested, {memory.AvailableBytes} bytes can be had in one allocation", memory.Message);
        Assert.InRange(memory.AvailableBytes, 1, bytes - 1);
        Assert.Equal($"{target} computes in float and double, not in Half", Assert.Throws<NotSupportedException>(() => device.Allocate<Half>([1])).Message);
    }

    [Theory, AllTargets]
    public void Empty_tensors_are_tensors(Target target)
    {
        using CommandQueue queue = Targets.Open(target).CreateQueue();
        using Tensor<T> empty = queue.Device.Allocate<T>([3, 0, 5]), nothing = queue.Device.Allocate<T>([0]), scalar = queue.Device.Allocate<T>(Shape.Scalar);
        queue.Upload(Array.Empty<T>(), empty);
        queue.Fill(empty, T.One);
        queue.Copy<T>(empty, nothing);
        Assert.Empty(queue.Download<T>(empty));
        queue.Fill(scalar, T.One);
        Assert.Equal([T.One], queue.Download<T>(scalar));
    }

    [Theory, AllTargets(CpuOnly = true)]
    public void Borrowed_memory_is_the_callers_own(Target target)
    {
        using CommandQueue queue = Targets.Open(target).CreateQueue();
        T[] mine = Values.Random<T>(10, 1);
        using (Tensor<T> borrowed = queue.Device.Borrow<T>(mine.AsMemory(2, 6), [2, 3]))
        {
            queue.Fill(borrowed[1], T.One);
        }

        Assert.Equal([T.One, T.One, T.One], mine[5..8]);
        Assert.Equal(Values.Random<T>(10, 1)[..5], mine[..5]);
        Assert.StartsWith("memory: 12 elements expected for shape [12], 10 given", Assert.Throws<ArgumentException>("memory", () => queue.Device.Borrow<T>(mine, [12])).Message, StringComparison.Ordinal);
    }

    [Theory, AllTargets]
    public void Only_host_memory_can_be_borrowed(Target target)
    {
        if (target.IsOpenCl)
        {
            Assert.Equal($"{target} has memory of its own: allocate a tensor and upload", Assert.Throws<NotSupportedException>(() => Targets.Open(target).Borrow<T>(new T[3], [3])).Message);
        }
    }

    [Fact]
    public void Views_are_windows()
    {
        Device device = Targets.Open(Target.Parse("cpu:scalar"));
        using Tensor<T> tensor = device.Allocate<T>([4, 3, 2]);
        TensorView<T> view = tensor[2][1];
        Assert.Equal((14L, true), (view.Offset, view.Shape.Equals([2])));
        Assert.Equal(tensor.View(14, [2]), view);
        Assert.NotEqual(tensor.View(14, [1, 2]), view);
        Assert.Equal<Shape>([6, 4], tensor.AsView().Reshape([6, 4]).Shape);
        Assert.StartsWith("newShape: [5] has 5 elements, the view [4, 3, 2] has 24", Assert.Throws<ArgumentException>(() => tensor.AsView().Reshape([5])).Message, StringComparison.Ordinal);
        Assert.StartsWith("offset: a view [5] at 20 does not fit a tensor [4, 3, 2] of 24 elements", Assert.Throws<ArgumentOutOfRangeException>(() => tensor.View(20, [5])).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => tensor.View(-1, [2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => tensor.View(long.MaxValue, [2]));
        Assert.Throws<ArgumentOutOfRangeException>(() => tensor.View(0, [-1]));
        Assert.Throws<ArgumentException>(() => tensor.AsView().Reshape([-4, -6]));
        Assert.Throws<ArgumentOutOfRangeException>(() => tensor[4]);
        Assert.Throws<ArgumentOutOfRangeException>(() => tensor.View(0, Shape.Scalar)[0]);
        Assert.True(default(TensorView<T>).IsEmpty);
        Assert.Throws<InvalidOperationException>(() => default(TensorView<T>).Tensor);
    }

    [Theory, AllTargets]
    public async Task Waiting_ends_and_can_be_given_up(Target target)
    {
        using CommandQueue queue = Targets.Open(target).CreateQueue();
        using Tensor<T> tensor = queue.Device.Allocate<T>([1000]);
        queue.Fill(tensor, T.One);
        queue.Flush();
        await queue.WaitAsync(TestContext.Current.CancellationToken);
        queue.Wait();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => queue.WaitAsync(new CancellationToken(canceled: true)));
    }
}

public sealed class TensorFloatTests : TensorTests<float>;

public sealed class TensorDoubleTests : TensorTests<double>;
