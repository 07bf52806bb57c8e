using System.Numerics;
using HpcLinear.LinearNetworks;
using HpcLinear.Operations;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.LinearNetworks;

public abstract class SquareLossTests<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    [Theory, AllTargets]
    public void Statistics_give_the_loss_that_a_convolution_of_the_data_gives(Target target)
    {
        Device device = Targets.Open(target);
        using CommandQueue queue = device.CreateQueue();
        if (!device.SupportsDouble)
        {
            Assert.Throws<NotSupportedException>(() => SquareLoss.Measure<T>(queue, Sizes(1, 1, 1, [], [], []), [T.One], [T.One]));
            return;
        }

        Random random = new(5);
        for (int trial = 0; trial < 40; trial++)
        {
            SquareLossDescriptor d = Draw(random, trial % 5);
            T[] x = Data(d.InputShape, random), y = Data(d.TargetShape, random);
            double[] map = Drawn.Numbers((int)d.MapShape.ElementCount, random);
            foreach (LossMeasurement.Way way in Enum.GetValues<LossMeasurement.Way>().Where(w => w != LossMeasurement.Way.Recurrence || d.Input.Rank == 1))
            {
                SquareLoss loss = SquareLoss.Measure<T>(queue, d, x, y, way);
                double want = Direct(d, x, y, map);
                Assert.True(Math.Abs(loss.Value(map) - want) <= 1e-13 * (1 + want) * d.MapShape.ElementCount, $"{d} {way}: {loss.Value(map)} instead of {want}");
                Assert.Equal(d.Stride, loss.Stride);
                Assert.InRange(loss.Rank(), 0, Math.Min(d.Samples * d.Output.ElementCount, d.InChannels * d.Filter.ElementCount));
                AssertSymmetric(loss);
            }
        }
    }

    [Fact]
    public void Ways_agree_on_many_blocks_and_the_measurement_takes_one_of_them()
    {
        using CommandQueue queue = Targets.Open(Target.Parse("cpu:portable")).CreateQueue();
        Random random = new(9);
        foreach (SquareLossDescriptor d in (SquareLossDescriptor[])[Sizes(700, 2, 1, [400], [9], [2]), Sizes(2, 1, 2, [6000], [60], [1]), Sizes(3000, 1, 3, [28, 28], [3, 4], [2, 1])])
        {
            T[] x = Data(d.InputShape, random), y = Data(d.TargetShape, random);
            SquareLoss any = SquareLoss.Measure<T>(queue, d, x, y);
            foreach (LossMeasurement.Way way in d.Input.Rank == 1 ? [LossMeasurement.Way.Patches, LossMeasurement.Way.Recurrence] : (LossMeasurement.Way[])[LossMeasurement.Way.Moments, LossMeasurement.Way.Patches])
            {
                SquareLoss one = SquareLoss.Measure<T>(queue, d, x, y, way);
                Near(one.A, any.A);
                Near(one.B, any.B);
                Assert.Equal(one.C, any.C, 1e-12 * one.C);
            }
        }

        static void Near(ReadOnlySpan<double> want, ReadOnlySpan<double> got)
        {
            for (int i = 0; i < want.Length; i++)
            {
                Assert.Equal(want[i], got[i], 1e-11);
            }
        }
    }

    [Fact]
    public void Data_that_are_not_finite_are_refused_with_their_sample()
    {
        using CommandQueue queue = Targets.Open(Target.Parse("cpu:scalar")).CreateQueue();
        SquareLossDescriptor d = Sizes(3, 1, 1, [4], [2], [1]);
        T[] x = new T[12], y = new T[9];
        x[6] = T.NaN;
        Assert.StartsWith("input: element 2 of sample 1 is NaN", Assert.Throws<ArgumentException>("input", () => SquareLoss.Measure<T>(queue, d, x, y)).Message, StringComparison.Ordinal);
        x[6] = T.Zero;
        y[8] = T.NegativeInfinity;
        Assert.StartsWith("target: element 2 of sample 2 is -", Assert.Throws<ArgumentException>("target", () => SquareLoss.Measure<T>(queue, d, x, y)).Message, StringComparison.Ordinal);
        Assert.StartsWith("target: 9 elements expected for shape [3, 1, 3], 8 given", Assert.Throws<ArgumentException>("target", () => SquareLoss.Measure<T>(queue, d, x, y.AsSpan(1))).Message, StringComparison.Ordinal);
    }

    private static SquareLossDescriptor Sizes(long samples, long channels, long outputs, Shape input, Shape filter, Shape stride) =>
        new() { Samples = samples, InChannels = channels, OutChannels = outputs, Input = input, Filter = filter, Stride = stride };

    private static SquareLossDescriptor Draw(Random random, int axes)
    {
        int most = axes switch { 1 => 12, 2 => 6, _ => 4 };
        return Sizes(1 + random.Next(4), 1 + random.Next(3), 1 + random.Next(3), Extents(most), Extents(most / 2), Extents(3));

        Shape Extents(int largest) => [.. Enumerable.Range(0, axes).Select(_ => (long)(1 + random.Next(largest)))];
    }

    private static T[] Data(Shape shape, Random random) => [.. Drawn.Numbers((int)shape.ElementCount, random).Select(T.CreateTruncating)];

    /// <summary>The definition.</summary>
    private static double Direct(SquareLossDescriptor d, T[] x, T[] y, double[] map)
    {
        int taps = (int)d.Filter.ElementCount, positions = (int)d.Output.ElementCount, extent = (int)d.Input.ElementCount;
        double sum = 0;
        for (int at = 0; at < y.Length; at++)
        {
            int p = at % positions, o = at / positions % (int)d.OutChannels, i = at / positions / (int)d.OutChannels;
            double value = -double.CreateTruncating(y[at]);
            for (int c = 0; c < d.InChannels; c++)
            {
                for (int n = 0; n < taps; n++)
                {
                    int place = 0, size = 1, restP = p, restN = n;
                    for (int axis = d.Input.Rank - 1; axis >= 0; axis--)
                    {
                        place += size * (((restP % (int)d.Output[axis]) * (int)d.Stride[axis]) + (restN % (int)d.Filter[axis]));
                        (restP, restN, size) = (restP / (int)d.Output[axis], restN / (int)d.Filter[axis], size * (int)d.Input[axis]);
                    }

                    value += map[(((o * (int)d.InChannels) + c) * taps) + n] * double.CreateTruncating(x[(((i * (int)d.InChannels) + c) * extent) + place]);
                }
            }

            sum += value * value;
        }

        return sum / (2 * d.Samples);
    }

    private static void AssertSymmetric(SquareLoss loss)
    {
        int taps = loss.B.Length / (int)loss.MapShape[0];
        for (int i = 0; i < taps; i++)
        {
            for (int j = 0; j < i; j++)
            {
                Assert.Equal(loss.A[(i * taps) + j], loss.A[(j * taps) + i], 1e-14);
            }
        }
    }
}

public sealed class SquareLossFloatTests : SquareLossTests<float>;

public sealed class SquareLossDoubleTests : SquareLossTests<double>;

public sealed class SquareLossOfNetworksTests
{
    [Fact]
    public void Gradients_and_Hessian_products_are_derivatives()
    {
        Random random = new(11);
        for (int trial = 0; trial < 20; trial++)
        {
            DeepLinearNetwork network = Drawn.Network(random, trial % 5);
            SquareLoss loss = Loss(network, random);
            double[][] direction = Drawn.Layers(network.Architecture, random), gradients = loss.Gradients(network), products = loss.HessianProduct(network, direction);
            const double H = 1e-5;
            double slope = (loss.Value(Drawn.Moved(network, H, direction)) - loss.Value(Drawn.Moved(network, -H, direction))) / (2 * H);
            Assert.Equal(slope, gradients.Zip(direction, Drawn.Dot).Sum(), 1e-6 * (1 + Math.Abs(slope)));
            double[][] ahead = loss.Gradients(Drawn.Moved(network, H, direction)), behind = loss.Gradients(Drawn.Moved(network, -H, direction));
            for (int l = 0; l < network.Depth; l++)
            {
                double size = 1 + products[l].Max(Math.Abs);
                Assert.All(products[l].Select((p, i) => (p, (ahead[l][i] - behind[l][i]) / (2 * H))), pair => Assert.Equal(pair.Item2, pair.p, 1e-6 * size));
            }
        }
    }

    [Fact]
    public void Gauss_Newton_drops_the_term_of_the_gradient()
    {
        Random random = new(12);
        DeepLinearNetwork network = Drawn.Network(random, 2, 3), single = Drawn.Network(random, 1, 1);
        double[][] direction = Drawn.Layers(network.Architecture, random), one = Drawn.Layers(single.Architecture, random);
        SquareLoss loss = Loss(network, random);
        Assert.True(loss.GaussNewtonProduct(network, direction).Zip(direction, Drawn.Dot).Sum() > 0);
        Assert.NotEqual(loss.GaussNewtonProduct(network, direction)[0], loss.HessianProduct(network, direction)[0]);

        // With the gradient gone, and with one layer, nothing is dropped.
        SquareLoss solved = new(loss.MapShape, loss.A, new SquareLoss(loss.MapShape, loss.A, new double[loss.B.Length], 0).Gradient(network.EndToEnd()), 0);
        AssertSame(solved.GaussNewtonProduct(network, direction), solved.HessianProduct(network, direction));
        SquareLoss other = Loss(single, random);
        AssertSame(other.GaussNewtonProduct(single, one), other.HessianProduct(single, one));

        static void AssertSame(double[][] want, double[][] got) =>
            Assert.All(want.Zip(got), layer => Assert.All(layer.First.Zip(layer.Second), pair => Assert.Equal(pair.First, pair.Second, 1e-12)));
    }

    [Fact]
    public void Few_samples_leave_A_singular_and_the_rank_says_so()
    {
        using CommandQueue queue = Targets.Open(Target.Parse("cpu:scalar")).CreateQueue();
        Random random = new(13);
        SquareLossDescriptor d = new() { Samples = 2, InChannels = 1, OutChannels = 1, Input = [9], Filter = [7], Stride = [1] };
        SquareLoss loss = SquareLoss.Measure<double>(queue, d, Drawn.Numbers(18, random), Drawn.Numbers(6, random));
        Assert.Equal(6, loss.Rank());
        Assert.Equal(7, loss.Spectrum().Length);
        SquareLoss nothing = SquareLoss.Measure<double>(queue, d with { Filter = [10] }, Drawn.Numbers(18, random), []);
        Assert.Equal(0, nothing.Rank());
        Assert.Equal(0, nothing.Value(new double[10]));
    }

    [Fact]
    public void Wrong_arguments_are_refused_with_their_names()
    {
        SquareLoss loss = new([1, 1, 2], [1, 0, 0, 1], [0, 0], 0);
        Says("map: 2 elements expected for shape [1, 1, 2], 3 given", () => loss.Value(new double[3]));
        Says("a: 4 elements expected for 2 rows of 2, 3 given", () => new SquareLoss([1, 1, 2], new double[3], [0, 0], 0));
        Says("a: a symmetric matrix expected, 1 at [1, 0] and 0 at [0, 1]", () => new SquareLoss([1, 1, 2], [1, 0, 1, 1], [0, 0], 0));
        Says("b: element 1 is NaN", () => new SquareLoss([1, 1, 2], [1, 0, 0, 1], [0, double.NaN], 0));
        Says("mapShape: a shape [out, in, filter…]", () => new SquareLoss([2], [1], [0, 0], 0));
        DeepLinearNetwork network = new(new() { Channels = [1, 1], Filters = [[3]], Strides = [[1]] }, [[1, 2, 3]]);
        Says("network: a map of shape [1, 1, 2] expected, [1, 1, 3] given", () => loss.Value(network));
        using CommandQueue queue = Targets.Open(Target.Parse("cpu:scalar")).CreateQueue();
        SquareLoss strided = SquareLoss.Measure<double>(queue, new() { Samples = 1, InChannels = 1, OutChannels = 1, Input = [3], Filter = [3], Stride = [2] }, [1, 2, 3], [1]);
        Says("network: a total stride of [2] expected, [1] given", () => strided.Gradients(network));
        Assert.Throws<ArgumentOutOfRangeException>("threshold", () => loss.Rank(1));
        Assert.Contains("same number of axes", Assert.Throws<ProblemException>(() => (Valid() with { Stride = [] }).Validate()).Message, StringComparison.Ordinal);
        Assert.Contains("every size must be positive", Assert.Throws<ProblemException>(() => (Valid() with { Samples = 0 }).Validate()).Message, StringComparison.Ordinal);
        Assert.Contains("stride must be positive", Assert.Throws<ProblemException>(() => (Valid() with { Stride = [0] }).Validate()).Message, StringComparison.Ordinal);
        Assert.Equal(ProblemError.Overflow, Assert.Throws<ProblemException>(() => (Valid() with { Filter = [long.MaxValue / 2] }).Validate()).Code);
        Assert.Equal("square_loss n1 c2 k3 i4 f2 s1", Valid().ToString());

        static SquareLossDescriptor Valid() => new() { Samples = 1, InChannels = 2, OutChannels = 3, Input = [4], Filter = [2], Stride = [1] };
        static void Says(string text, Func<object> act) => Assert.StartsWith(text, Assert.Throws<ArgumentException>(act).Message, StringComparison.Ordinal);
    }

    /// <summary>A loss of random data for a network's map.</summary>
    internal static SquareLoss Loss(DeepLinearNetwork network, Random random)
    {
        DeepProductDescriptor d = network.Architecture;
        using CommandQueue queue = Targets.Open(Target.Parse("cpu:scalar")).CreateQueue();
        SquareLossDescriptor sizes = SquareLossDescriptor.Of(d, 3, [.. d.ComposedShape.Skip(2).Select(k => k + 2)]);
        return SquareLoss.Measure<double>(queue, sizes, Drawn.Numbers((int)sizes.InputShape.ElementCount, random), Drawn.Numbers((int)sizes.TargetShape.ElementCount, random));
    }
}
