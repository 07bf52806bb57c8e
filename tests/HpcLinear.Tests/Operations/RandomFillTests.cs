using System.Numerics;
using HpcLinear.Operations;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.Operations;

public abstract class RandomFillTests<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    [Theory, AllTargets]
    [Trait("Isa", "limited")]
    public void Uniform_elements_are_the_words_of_Philox_on_every_device(Target target)
    {
        foreach (int length in new[] { 1, 2, 3, 4, 5, 63, 1001, 200_003 })
        {
            foreach (ulong seed in new ulong[] { 0, 1, 0xdeadbeefcafef00d })
            {
                T[] drawn = Fill(Targets.Open(target), RandomDistribution.Uniform, length, seed);
                for (int i = 0; i < length; i++)
                {
                    Assert.True(Uniform(seed, i) == drawn[i], $"seed {seed:x} element {i} of {length}: {Uniform(seed, i):R} expected, {drawn[i]:R} drawn on {target}");
                }
            }
        }
    }

    [Theory, AllTargets]
    public void A_fill_does_not_depend_on_threads_shape_or_repetition(Target target)
    {
        foreach (RandomDistribution distribution in Enum.GetValues<RandomDistribution>())
        {
            T[] first = Fill(Targets.Open(target), distribution, 70_001, 5);
            Assert.Equal(first, Fill(Targets.Open(target), distribution, 70_001, 5));
            Assert.Equal(first[..1000], Fill(Targets.Open(target), distribution, 1000, 5));
            Assert.NotEqual(first, Fill(Targets.Open(target), distribution, 70_001, 6));
            foreach (int threads in target.IsCpu ? new[] { 1, 2, 7 } : [])
            {
                Assert.Equal(first, Fill(Targets.Open(target, threads), distribution, 70_001, 5));
            }
        }
    }

    [Theory, AllTargets]
    public void Normal_elements_are_close_to_those_of_the_yardstick(Target target)
    {
        T[] expected = Fill(Targets.Open(Target.Parse("cpu:scalar")), RandomDistribution.Normal, 10_007, 9), drawn = Fill(Targets.Open(target), RandomDistribution.Normal, 10_007, 9);
        for (int i = 0; i < expected.Length; i++)
        {
            Tolerance.Equal<T>(double.CreateChecked(expected[i]), double.CreateChecked(drawn[i]), 16, 8, $"element {i} on {target}");
        }
    }

    [Theory, AllTargets]
    public void Moments_are_those_of_the_distribution(Target target)
    {
        const int Count = 400_000;
        double[] uniform = Values.ToDouble(Fill(Targets.Open(target), RandomDistribution.Uniform, Count, 3)), normal = Values.ToDouble(Fill(Targets.Open(target), RandomDistribution.Normal, Count, 3));
        Assert.All(uniform, x => Assert.True(x is >= 0 and < 1));
        Assert.All(normal, x => Assert.True(double.IsFinite(x)));

        // Six standard deviations of each estimate.
        double slack = 6 / Math.Sqrt(Count);
        Assert.InRange(uniform.Average(), 0.5 - (slack * 0.29), 0.5 + (slack * 0.29));
        Assert.InRange(uniform.Average(x => x * x), (1 / 3.0) - (slack * 0.3), (1 / 3.0) + (slack * 0.3));
        Assert.InRange(normal.Average(), -slack, slack);
        Assert.InRange(normal.Average(x => x * x), 1 - (slack * Math.Sqrt(2)), 1 + (slack * Math.Sqrt(2)));
        Assert.InRange(normal.Average(x => x * x * x), -slack * Math.Sqrt(15), slack * Math.Sqrt(15));
        Assert.InRange(normal.Average(x => x * x * x * x), 3 - (slack * Math.Sqrt(96)), 3 + (slack * Math.Sqrt(96)));
        Assert.InRange(normal.Zip(normal.Skip(1), (a, b) => a * b).Average(), -slack, slack);
        Assert.InRange(normal.Zip(normal.Skip(2), (a, b) => a * b).Average(), -slack, slack);
    }

    [Theory, AllTargets]
    public void Scale_and_shift_are_applied(Target target)
    {
        T[] plain = Fill(Targets.Open(target), RandomDistribution.Uniform, 999, 3), scaled = Fill(Targets.Open(target), RandomDistribution.Uniform, 999, 3, -4, 0.5);
        for (int i = 0; i < plain.Length; i++)
        {
            Tolerance.Equal<T>((-4 * double.CreateChecked(plain[i])) + 0.5, double.CreateChecked(scaled[i]), 1, 4, $"element {i} on {target}");
        }
    }

    [Theory, AllTargets]
    public void Executing_allocates_nothing(Target target)
    {
        using CommandQueue queue = Targets.Open(target).CreateQueue();
        using RandomFillPlan<T> plan = RandomFillPlan.Create<T>(queue.Device, new() { Distribution = RandomDistribution.Normal, Shape = [1000] });
        using Tensor<T> tensor = queue.Device.Allocate<T>([1000]);
        plan.Execute(queue, tensor, 1);
        long before = GC.GetAllocatedBytesForCurrentThread();
        plan.Execute(queue, tensor, 2);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        queue.Wait();
    }

    [Theory, AllTargets(CpuOnly = true)]
    public void Stays_between_guard_pages(Target target)
    {
        using CommandQueue queue = Targets.Open(target).CreateQueue();
        foreach (RandomDistribution distribution in Enum.GetValues<RandomDistribution>())
        {
            for (int length = 0; length < 40; length++)
            {
                foreach (Guard guard in Enum.GetValues<Guard>())
                {
                    using RandomFillPlan<T> plan = RandomFillPlan.Create<T>(queue.Device, new() { Distribution = distribution, Shape = [length] });
                    using GuardedMemory<T> memory = new(length, guard);
                    using Tensor<T> tensor = queue.Device.Borrow(memory.Memory, [length]);
                    plan.Execute(queue, tensor, 1);
                    memory.Check(plan.ToString());
                }
            }
        }
    }

    [Fact]
    public void Wrong_calls_are_refused()
    {
        Device device = Targets.Open(Target.Parse("cpu:scalar"));
        Assert.Equal("random: sizes must not be negative, got [-1]", Assert.Throws<ProblemException>(() => RandomFillPlan.Create<T>(device, new() { Distribution = RandomDistribution.Normal, Shape = [-1] })).Message);
        using RandomFillPlan<T> plan = RandomFillPlan.Create<T>(device, new() { Distribution = RandomDistribution.Normal, Shape = [3, 4] });
        using CommandQueue queue = device.CreateQueue();
        using Tensor<T> other = device.Allocate<T>([4, 3]);
        Assert.Equal("output: shape [3, 4] expected, [4, 3] given (random Normal [3, 4] on cpu:scalar)", Assert.Throws<ShapeException>(() => plan.Execute(queue, other, 1)).Message);
    }

    /// <summary>Four float32 a block of Philox, one word each; two float64, the high bits from the first word.</summary>
    private static T Uniform(ulong seed, int index)
    {
        if (typeof(T) == typeof(float))
        {
            (uint a, uint b, uint c, uint d) = Philox.Block(seed, (ulong)index / 4);
            return T.CreateChecked((new[] { a, b, c, d }[index % 4] >> 8) * Math.ScaleB(1, -24));
        }

        (uint w0, uint w1, uint w2, uint w3) = Philox.Block(seed, (ulong)index / 2);
        (ulong high, ulong low) = index % 2 == 0 ? (w0, w1) : (w2, w3);
        return T.CreateChecked(((high << 21) | (low >> 11)) * Math.ScaleB(1, -53));
    }

    private static T[] Fill(Device device, RandomDistribution distribution, int length, ulong seed, double scale = 1, double shift = 0)
    {
        using CommandQueue queue = device.CreateQueue();
        using RandomFillPlan<T> plan = RandomFillPlan.Create<T>(device, new() { Distribution = distribution, Shape = [length] });
        using Tensor<T> tensor = device.Allocate<T>([length]);
        queue.Fill(tensor, T.NaN);
        plan.Execute(queue, tensor, seed, scale, shift);
        return queue.Download<T>(tensor);
    }
}

public sealed class RandomFillFloatTests : RandomFillTests<float>;

public sealed class RandomFillDoubleTests : RandomFillTests<double>;
