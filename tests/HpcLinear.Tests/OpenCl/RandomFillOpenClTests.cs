using HpcLinear.Operations;
using Xunit;

namespace HpcLinear.Tests.OpenCl;

[Collection(nameof(OpenClCollection))]
public sealed class RandomFillOpenClTests(OpenClFixture fixture)
{
    [Theory, InlineData(KernelFamily.Cpu), InlineData(KernelFamily.Gpu)]
    public void Uniform_float32_is_the_philox_stream_to_the_last_bit(KernelFamily family)
    {
        using CommandQueue queue = fixture.Device(family).CreateQueue();
        using RandomFillPlan<float> plan = RandomFillPlan.Create<float>(queue.Device, new() { Distribution = RandomDistribution.Uniform, Shape = [1003] });
        using Tensor<float> tensor = queue.Device.Allocate<float>([1003]);
        plan.Execute(queue, tensor, 0x123456789ABCDEF0, 0.3, -0.7);
        float[] expected = new float[1003];
        for (int n = 0; n < expected.Length; n++)
        {
            float scaled = 0.3f * FloatUniform(0x123456789ABCDEF0, n);
            expected[n] = scaled + -0.7f;
        }

        Assert.Equal(expected, queue.Download<float>(tensor));
    }

    [Theory, InlineData(KernelFamily.Cpu), InlineData(KernelFamily.Gpu)]
    public void Uniform_float64_is_the_philox_stream_to_the_last_bit(KernelFamily family)
    {
        using CommandQueue queue = fixture.Device(family).CreateQueue();
        using RandomFillPlan<double> plan = RandomFillPlan.Create<double>(queue.Device, new() { Distribution = RandomDistribution.Uniform, Shape = [1003] });
        using Tensor<double> tensor = queue.Device.Allocate<double>([1003]);
        plan.Execute(queue, tensor, 42, 0.3, -0.7);
        double[] expected = new double[1003];
        for (int n = 0; n < expected.Length; n++)
        {
            double scaled = 0.3 * DoubleUniform(42, n);
            expected[n] = scaled + -0.7;
        }

        Assert.Equal(expected, queue.Download<double>(tensor));
    }

    [Theory, InlineData(KernelFamily.Cpu), InlineData(KernelFamily.Gpu)]
    public void Normal_elements_are_pairs_of_Box_and_Muller(KernelFamily family)
    {
        using CommandQueue queue = fixture.Device(family).CreateQueue();
        using RandomFillPlan<double> plan = RandomFillPlan.Create<double>(queue.Device, new() { Distribution = RandomDistribution.Normal, Shape = [1003] });
        using RandomFillPlan<float> planFloat = RandomFillPlan.Create<float>(queue.Device, new() { Distribution = RandomDistribution.Normal, Shape = [1003] });
        using Tensor<double> tensor = queue.Device.Allocate<double>([1003]);
        using Tensor<float> tensorFloat = queue.Device.Allocate<float>([1003]);
        plan.Execute(queue, tensor, 42);
        planFloat.Execute(queue, tensorFloat, 42);
        double[] normal = queue.Download<double>(tensor);
        float[] normalFloat = queue.Download<float>(tensorFloat);
        for (int n = 0; n < 1003; n++)
        {
            Assert.Equal(Normal(DoubleUniform(42, n & ~1), DoubleUniform(42, n | 1), n), normal[n], 1e-13);
            Assert.Equal(Normal(FloatUniform(42, n & ~1), FloatUniform(42, n | 1), n), normalFloat[n], 1e-5);
        }
    }

    private static double Normal(double u1, double u2, int n)
    {
        double radius = Math.Sqrt(-2 * Math.Log(1 - u1));
        return n % 2 == 0 ? radius * Math.Cos(2 * Math.PI * u2) : radius * Math.Sin(2 * Math.PI * u2);
    }

    private static float FloatUniform(ulong seed, int n)
    {
        (uint a, uint b, uint c, uint d) = Philox.Block(seed, (ulong)n / 4);
        return ((n % 4) switch { 0 => a, 1 => b, 2 => c, _ => d } >> 8) * (1f / (1 << 24));
    }

    private static double DoubleUniform(ulong seed, int n)
    {
        (uint a, uint b, uint c, uint d) = Philox.Block(seed, (ulong)n / 2);
        (ulong hi, ulong lo) = n % 2 == 0 ? (a, b) : ((ulong)c, d);
        return ((hi << 21) ^ (lo >> 11)) * Math.ScaleB(1, -53);
    }
}
