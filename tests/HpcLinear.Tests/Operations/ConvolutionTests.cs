using System.Numerics;
using CsCheck;
using HpcLinear.Operations;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.Operations;

public abstract class ConvolutionTests<T> : OperationTests<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private protected override Gen<Call> Calls => ConvolutionCall.Random;

    private protected override IEnumerable<Call> LargeCalls => ConvolutionCall.Large;

    [Theory, AllTargets]
    [Trait("Isa", "limited")]
    public void Every_direction_agrees_on_edges(Target target) => Assert.All(
        new[]
        {
            "conv c1 k1 i1 f1", "conv n3 c2 k3 i1x1x1x1x1 f1x1x1x1x1", "conv c2 k2 i7 f7", "conv c1 k1 i5 f2 s7", "conv c1 k2 i2x3 f5x6 pad3x4", "conv c1 k1 i4 f1 s9", "conv n2 c1 k1 i3 f4 pad9 circular",
            "conv c3 k2 i9 f3 lo-2 hi-3", "conv c3 k2 i9 f3 lo-2 hi4 s2", "conv c2 k4 g2 i6x5 f2x3 d2x1 reflect pad2x1 true", "conv c5 k10 g5 i9x7 f3x3 same_lower s2x2", "conv c5 k5 g5 i8 f5 same_upper replicate s3 d2",
            "conv n1 c1 k1 i2x2x2x2x2x2x2x2 f2x1x2x1x2x1x2x1", "conv n1 c2 k1 i3x2x1x2x3x2 f2x2x1x2x1x1 pad1x0x0x1x0x0 circular", "conv p1 n1 c1 k1 i5 f3", "conv p4 sharedx n1 c1 k1 i5 f3", "conv p4 sharedw n1 c1 k1 i5 f3",
            "conv c1 k1 i1 f3 pad1 replicate", "conv c1 k1 i1 f3 pad1 circular", "conv c1 k1 i2 f2 pad1 reflect s3",
        },
        text => Assert.All(Enum.GetValues<Direction>(), direction => CheckAgreement(new ConvolutionCall(ConvolutionDescriptor.Parse(text), direction), target)));

    [Theory, AllTargets]
    [Trait("Isa", "limited")]
    public void Channels_of_their_own_agree_with_factors_and_with_any_data(Target target)
    {
        foreach (string text in new[]
        {
            "conv n2 c20 k20 g20 i9x12 f3x3 pad1x1", "conv n3 c17 k17 g17 i10x28 f3x3", "conv n1 c16 k16 g16 i8x17 f3x3 lo2x0 hi0x3", "conv n2 c16 k16 g16 i12x30 f5x4 d1x2 pad3x4 true",
            "conv n2 c16 k16 g16 i6x11 f3x3 pad1x1 circular", "conv n2 c16 k16 g16 i6x13 f3x3 s2x1 pad2x2 reflect", "conv n1 c9 k9 g9 i5x6x31 f2x3x3 pad0x1x1", "conv p20 n2 c1 k1 i40 f5 pad2",
            "conv p19 sharedx n2 c1 k1 i33 f3 pad1", "conv p18 n1 c2 k2 g2 i4x19 f3x3 pad1x1 replicate", "conv n5 c24 k24 g24 i3x64 f1x7 pad0x3", "conv n2 c32 k32 g32 i14x14 f3x3 same_upper",
        })
        {
            foreach (Direction direction in Enum.GetValues<Direction>())
            {
                ConvolutionDescriptor d = ConvolutionDescriptor.Parse(text);
                CheckAgreement(new ConvolutionCall(d, direction), target);
                CheckAgreement(new ConvolutionCall(d, direction) { Alpha = -1.5, Beta = 0.75 }, target);
                CheckNonFinite(new ConvolutionCall(d, direction) { Alpha = 0.5 }, target);
            }
        }
    }

    [Theory, AllTargets(CpuOnly = true)]
    [Trait("Isa", "limited")]
    public void Planes_are_read_where_they_lie(Target target)
    {
        // As wide as a vector, wider by less than one and by several, narrower; of one row, and of more than strips go down at once.
        foreach (string text in new[]
        {
            "conv n2 c16 k16 g16 i7x16 f3x3 pad1x1", "conv n1 c17 k17 g17 i1x8 f3x3 pad1x1", "conv n3 c16 k16 g16 i2x4 f3x3 pad1x1 true", "conv n1 c16 k16 g16 i3x32 f3x3 pad1x1", "conv n2 c19 k19 g19 i5x28 f3x3 pad1x1",
            "conv n1 c16 k16 g16 i9x49 f3x3 same_lower true", "conv n1 c16 k16 g16 i26x131 f3x3 pad1x1", "conv p17 n2 c1 k1 i6x14 f3x3 pad1x1", "conv p18 sharedx n2 c1 k1 i8x23 f3x3 pad1x1", "conv n2 c16 k16 g16 i3x1 f3x3 pad1x1",
        })
        {
            ConvolutionDescriptor d = ConvolutionDescriptor.Parse(text);
            using ConvolutionPlan<T> plan = ConvolutionPlan.Create<T>(Targets.Open(target), d);
            Assert.True(d.Input[1] < 8 || plan.Choices[0].Algorithm == "planar, in place", $"{text} on {target}");
            foreach (Direction direction in Enum.GetValues<Direction>())
            {
                CheckGuards(new ConvolutionCall(d, direction), target);
                CheckAgreement(new ConvolutionCall(d, direction) { Alpha = -1.5, Beta = 0.75 }, target);
                CheckNonFinite(new ConvolutionCall(d, direction) { Alpha = 0.5 }, target);
            }
        }
    }

    [Theory, AllTargets]
    [Trait("Isa", "limited")]
    public void Staged_forms_agree_with_factors_and_with_any_data(Target target)
    {
        // Channels or positions as lanes, every kind of rim, step, class and cut.
        foreach (string text in new[]
        {
            "conv n2 c5 k16 i9x13 f3x3 pad1x1", "conv n1 c4 k40 i6x30 f3x2 s2x2 pad1x1", "conv n2 c16 k32 i12 f5 s3 pad2", "conv n1 c12 k24 i31 f3 d4 pad4", "conv n2 c12 k12 i5x6x7 f2x3x3 s1x2x1 pad1x1x0",
            "conv n1 c4 k8 i3x4x3x16 f3x3x3x3 pad1x1x1x1", "conv n1 c32 k32 g2 i8x14 f3x3 s1x2 pad1x1", "conv n1 c17 k19 i10x11 f4x3 d2x1 circular pad3x1", "conv n2 c16 k16 i9x9 f3x3 s2x2 reflect pad1x1 true",
            "conv n1 c20 k3 i14x12 f5x5 s2x2 pad2x2", "conv n1 c3 k16 i15x13 f7x7 s2x2 pad3x3", "conv n1 c16 k16 i14x14 f1x1 s2x2", "conv n12 c16 k16 i7x7 f3x3 pad1x1", "conv n1 c70 k20 i7x7 f3x3 pad1x1",
            "conv n1 c16 k16 i300 f3 s2 pad1", "conv n1 c16 k16 i5x5 f3x3 lo0x2 hi3x0 replicate", "conv n1 c16 k16 i6x5 f3x3 lo-1x0 hi0x-1", "conv p2 n1 c24 k24 i14x14 f3x3 pad1x1", "conv p2 sharedx n1 c24 k24 i14x14 f3x3 pad1x1",
            "conv n1 c2 k16 i40 f17 s5 pad8", "conv n3 c20 k24 i9x11 f1x1", "conv n1 c9 k5 i7x50 f1x1", "conv n2 c20 k40 i15x31 f1x1 s2x2", "conv n1 c16 k16 i4x9x46 f1x1x1 s2x1x3",
        })
        {
            foreach (Direction direction in Enum.GetValues<Direction>())
            {
                ConvolutionDescriptor d = ConvolutionDescriptor.Parse(text);
                CheckAgreement(new ConvolutionCall(d, direction), target);
                CheckAgreement(new ConvolutionCall(d, direction) { Alpha = -1.5, Beta = 0.75 }, target);
                CheckNonFinite(new ConvolutionCall(d, direction) { Alpha = 0.5 }, target);
            }
        }
    }

    [Fact]
    public void The_plan_takes_the_form_whose_lanes_are_used() => Assert.All(Targets.Cpu.Where(t => t != Target.Parse("cpu:scalar")), target =>
    {
        Device device = Targets.Open(target);
        Assert.Equal(("channel-lanes", "channel-lanes"), Forms("conv n8 c32 k64 i28x28 f3x3 pad1x1"));
        Assert.Equal(("channel-lanes", "position-lanes"), Forms("conv n8 c3 k64 i64x64 f7x7 s2x2 pad3x3"));
        Assert.Equal(("position-lanes", "position-lanes"), Forms("conv n1 c512 k512 i7x7 f3x3 pad1x1"));
        Assert.Equal(("gemm", "gemm"), Forms("conv n8 c64 k64 i28x28 f1x1"));

        (string Forward, string Input) Forms(string text)
        {
            using ConvolutionPlan<T> plan = ConvolutionPlan.Create<T>(device, ConvolutionDescriptor.Parse(text));
            return (plan.Choices[0].Algorithm, plan.Choices[1].Algorithm);
        }
    });

    [Theory, AllTargets]
    public void An_axis_too_long_for_its_tables_is_refused(Target target)
    {
        ConvolutionDescriptor d = ConvolutionDescriptor.Parse("conv c1 k1 i2000000000 f3");
        NotSupportedException e = Assert.Throws<NotSupportedException>(() => ConvolutionPlan.Create<T>(Targets.Open(target), d));
        Assert.Contains("table of 6E+09 entries, at most 268435456 are supported", e.Message, StringComparison.Ordinal);
    }

    [Theory, AllTargets]
    public void Alpha_multiplies_finished_sums(Target target)
    {
        // Weights times alpha would overflow; sums times alpha do not.
        foreach (string text in new[] { "conv c1 k1 i4 f3 pad1", "conv c4 k4 g4 i4x4 f3x3 pad1x1", "conv c8 k8 i9 f3 s2", "conv p20 c1 k1 i8 f3 pad1" })
        {
            ConvolutionDescriptor d = ConvolutionDescriptor.Parse(text);
            T alpha = T.CreateChecked(typeof(T) == typeof(float) ? 1e34 : 1e300), large = T.Sqrt(alpha), small = T.One / large;
            using ConvolutionCase<T> c = new(d, Targets.Open(target));
            T[] w = [.. c.W.Select(x => x * large)], x = [.. c.X.Select(v => v * small)], y = c.Forward(x, w);
            T[] scaled = c.Forward(x, w, double.CreateChecked(alpha));
            for (int i = 0; i < y.Length; i++)
            {
                Assert.True(T.IsFinite(scaled[i]) && T.Abs((scaled[i] / alpha) - y[i]) <= T.CreateChecked(1e-5), $"{text} on {target}, element {i}: {scaled[i]} of {y[i]}");
            }
        }
    }

    [Theory, AllTargets]
    public void Gradients_are_the_adjoints_of_forward(Target target) => ConvolutionCall.Descriptors.Check(Sampling.Count(target) / 2, d =>
    {
        using ConvolutionCase<T> c = new(d, Targets.Open(target));
        T[] y = c.Forward(c.X, c.W);
        double depth = y.Length, magnitude = Values.InnerMagnitude(c.Forward(ConvolutionCase<T>.Magnitudes(c.X), ConvolutionCase<T>.Magnitudes(c.W)), c.Dy);
        Tolerance.Equal<T>(Values.Inner(y, c.Dy), Values.Inner(c.X, c.BackwardInput(c.Dy, c.W)), depth, magnitude, $"{d} on {target}, input");
        Tolerance.Equal<T>(Values.Inner(y, c.Dy), Values.Inner(c.W, c.BackwardFilter(c.X, c.Dy)), depth, magnitude, $"{d} on {target}, filter");
    });

    [Theory, AllTargets]
    public void Forward_is_linear_in_the_input_and_in_the_filter(Target target) => ConvolutionCall.Descriptors.Check(Sampling.Count(target) / 4, d =>
    {
        using ConvolutionCase<T> c = new(d, Targets.Open(target));
        T[] other = Values.Random<T>(c.X.Length, 11), otherW = Values.Random<T>(c.W.Length, 12);
        double depth = 3 * ((d.FilterChannels * d.Filter.ElementCount) + 1);
        T[] y = c.Forward(c.X, c.W);
        Close(Sum(y, c.Forward(other, c.W)), c.Forward(Sum(c.X, other), c.W), depth, 2 * depth, $"{d} on {target}, input");
        Close(Sum(y, c.Forward(c.X, otherW)), c.Forward(c.X, Sum(c.W, otherW)), depth, 2 * depth, $"{d} on {target}, filter");
    });

    [Theory, AllTargets]
    public void A_sample_of_a_strided_depthwise_row_has_the_same_bits_in_every_batch(Target target) => SampleBits(ConvolutionDescriptor.Parse("conv n4 c7 k7 g7 i48 f7 s2"), target);

    [Theory, AllTargets]
    public void A_sample_has_the_same_bits_in_every_batch(Target target) => ConvolutionCall.Descriptors.Check(Sampling.Count(target) / 2, d => SampleBits(d, target));

    private static void SampleBits(ConvolutionDescriptor d, Target target)
    {
        if (d.Batch < 2 || d.Problems is not null)
        {
            return;
        }

        Device device = Targets.Open(target);
        using ConvolutionCase<T> all = new(d, device), one = new(d with { Batch = 1 }, device);
        T[] together = all.Forward(all.X, all.W);
        int x = all.X.Length / (int)d.Batch, y = together.Length / (int)d.Batch;
        for (int b = 0; b < d.Batch; b++)
        {
            CallRun<T>.EqualBits([together[(b * y)..((b + 1) * y)]], [one.Forward(all.X[(b * x)..((b + 1) * x)], all.W)], $"{d} on {target}, sample {b}");
        }
    }

    [Theory, AllTargets]
    public void Problems_equal_a_loop_and_shared_gradients_are_summed(Target target) => ConvolutionCall.Descriptors.Check(Sampling.Count(target), d =>
    {
        if (d.Problems is null or 0)
        {
            return;
        }

        Device device = Targets.Open(target);
        int problems = (int)d.ProblemCount;
        using ConvolutionCase<T> all = new(d, device), one = new(d with { Problems = null, SharedInput = false, SharedFilter = false }, device);
        T[] y = all.Forward(all.X, all.W), dx = all.BackwardInput(all.Dy, all.W), dw = all.BackwardFilter(all.X, all.Dy);
        T[] loopY = [], loopDx = [], loopDw = [];
        for (int p = 0; p < problems; p++)
        {
            T[] x = Part(all.X, p, d.SharedInput ? 1 : problems), w = Part(all.W, p, d.SharedFilter ? 1 : problems), dy = Part(all.Dy, p, problems);
            loopY = [.. loopY, .. one.Forward(x, w)];
            loopDx = d.SharedInput && p > 0 ? Sum(loopDx, one.BackwardInput(dy, w)) : [.. loopDx, .. one.BackwardInput(dy, w)];
            loopDw = d.SharedFilter && p > 0 ? Sum(loopDw, one.BackwardFilter(x, dy)) : [.. loopDw, .. one.BackwardFilter(x, dy)];
        }

        double forward = d.FilterChannels * d.Filter.ElementCount, input = problems * d.OutChannels * d.Filter.ElementCount * Wraps(d), filter = problems * d.Batch * d.Output.ElementCount;
        Close(loopY, y, forward, forward, $"{d} on {target}, forward");
        Close(loopDx, dx, input, input, $"{d} on {target}, input");
        Close(loopDw, dw, filter, filter, $"{d} on {target}, filter");
    });

    [Theory, AllTargets]
    public void A_circular_shift_of_the_input_shifts_the_output(Target target) => Gen.Int[2, 12].Select(Gen.Int[2, 12], Gen.Int[1, 5], Gen.Int[1, 5]).Check(Sampling.Count(target) / 8, sizes =>
    {
        (int height, int width, int fh, int fw) = sizes;
        ConvolutionDescriptor d = new()
        {
            Batch = 2, InChannels = 3, OutChannels = 4, Input = [height, width], Filter = [fh, fw], Boundary = Boundary.Circular, Geometry = Geometry.SameUpper,
        };
        using ConvolutionCase<T> c = new(d, Targets.Open(target));
        T[] shiftedFirst = c.Forward(Shift(c.X, height, width), c.W), shiftedLast = Shift(c.Forward(c.X, c.W), height, width);
        Close(shiftedLast, shiftedFirst, 3 * fh * fw, 3 * fh * fw, $"{d} on {target}");
    });

    [Theory, AllTargets]
    public void True_convolution_is_cross_correlation_with_the_reversed_filter(Target target) => ConvolutionCall.Descriptors.Check(Sampling.Count(target) / 8, d =>
    {
        Device device = Targets.Open(target);
        using ConvolutionCase<T> straight = new(d with { TrueConvolution = false }, device), reversed = new(d with { TrueConvolution = true }, device);
        int taps = (int)d.Filter.ElementCount;
        T[] w = (T[])straight.W.Clone();
        for (int at = 0; at < w.Length; at += taps)
        {
            Array.Reverse(w, at, taps);
        }

        Close(straight.Forward(straight.X, straight.W), reversed.Forward(straight.X, w), d.FilterChannels * taps, d.FilterChannels * taps, $"{d} on {target}");
    });

    [Theory, AllTargets]
    public void Padding_is_never_multiplied(Target target)
    {
        // The infinite tap is the upper left one: above the first row and left of the first column it meets only padding.
        ConvolutionDescriptor d = ConvolutionDescriptor.Parse("conv c1 k1 i5x5 f3x3 pad1x1");
        using ConvolutionCase<T> c = new(d, Targets.Open(target));
        T[] w = Values.Filled(9, T.One), x = Values.Filled(25, T.One);
        w[0] = T.PositiveInfinity;
        T[] y = c.Forward(x, w);
        for (int i = 0; i < 25; i++)
        {
            int row = i / 5, column = i % 5, seen = (row is 0 or 4 ? 2 : 3) * (column is 0 or 4 ? 2 : 3);
            Assert.Equal(row == 0 || column == 0 ? T.CreateChecked(seen) : T.PositiveInfinity, y[i]);
        }
    }

    [Theory, AllTargets]
    public void Elements_that_are_never_read_have_a_gradient_of_exactly_zero(Target target)
    {
        using ConvolutionCase<T> c = new(ConvolutionDescriptor.Parse("conv n2 c2 k3 i11 f2 s4"), Targets.Open(target));
        T[] dx = c.BackwardInput(c.Dy, c.W);
        Assert.All(Enumerable.Range(0, dx.Length), i => Assert.Equal(i % 11 % 4 >= 2 || i % 11 >= 10, dx[i] == T.Zero));
    }

    [Theory, AllTargets]
    public void An_empty_batch_leaves_a_zero_filter_gradient_and_an_empty_output(Target target)
    {
        using ConvolutionCase<T> c = new(ConvolutionDescriptor.Parse("conv n0 c2 k3 i11 f2"), Targets.Open(target));
        Assert.Empty(c.Forward(c.X, c.W));
        Assert.Empty(c.BackwardInput(c.Dy, c.W));
        Assert.All(c.BackwardFilter(c.X, c.Dy), x => Assert.Equal(T.Zero, x));
        using ConvolutionCase<T> none = new(ConvolutionDescriptor.Parse("conv p0 n1 c2 k3 i11 f2"), Targets.Open(target));
        Assert.Empty(none.Forward(none.X, none.W));
        Assert.Empty(none.BackwardFilter(none.X, none.Dy));
    }

    [Theory, AllTargets]
    public void A_transposed_convolution_has_the_size_asked_for(Target target)
    {
        ConvolutionDescriptor settings = ConvolutionDescriptor.Parse("conv c1 k1 i9x9 f3x3 s2x2 pad1x1");
        foreach (Shape size in new Shape[] { [7, 9], [8, 10] })
        {
            ConvolutionDescriptor d = ConvolutionDescriptor.ForTransposed([2, 5, 4, 5], [5, 3, 3, 3], size, settings);
            Assert.Equal<Shape>([2, 3, .. size], d.InputShape);
            Assert.Equal<Shape>([2, 5, 4, 5], d.OutputShape);
            CheckAgreement(new ConvolutionCall(d, Direction.BackwardInput), target);
        }
    }

    [Theory, AllTargets]
    public void A_bias_gradient_and_a_bias_are_adjoint(Target target)
    {
        ConvolutionDescriptor d = ConvolutionDescriptor.Parse("conv p3 n2 c2 k5 i9 f3");
        using CallRun<T> gradient = new(new ConvolutionCall(d, Direction.BackwardBias), Targets.Open(target));
        T[] db = gradient.Results()[0], dy = gradient.Data[0], bias = Values.Random<T>(15, 7);
        double direct = 0;
        for (int i = 0; i < dy.Length; i++)
        {
            direct += double.CreateChecked(dy[i]) * double.CreateChecked(bias[(i / (7 * 5 * 2) * 5) + (i / 7 % 5)]);
        }

        Tolerance.Equal<T>(direct, Values.Inner(db, bias), dy.Length, dy.Length, $"{d} on {target}");
    }

    private static T[] Part(T[] all, int part, int parts) => parts == 1 ? all : all[(part * (all.Length / parts))..((part + 1) * (all.Length / parts))];

    private static T[] Sum(T[] left, T[] right) => [.. left.Zip(right, (a, b) => a + b)];

    /// <summary>How many positions of the padded input may stand for one element.</summary>
    private static double Wraps(ConvolutionDescriptor d) => d.ResolveAxes().Aggregate(1.0, (product, a) => product * ((double)a.Padded / a.Input));

    private static T[] Shift(T[] planes, int height, int width)
    {
        T[] shifted = new T[planes.Length];
        for (int i = 0; i < planes.Length; i++)
        {
            int plane = i / (height * width), row = i / width % height, column = i % width;
            shifted[(((plane * height) + ((row + 1) % height)) * width) + ((column + 2) % width)] = planes[i];
        }

        return shifted;
    }

    private static void Close(T[] expected, T[] actual, double depth, double magnitude, string problem)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            Tolerance.Equal<T>(double.CreateChecked(expected[i]), double.CreateChecked(actual[i]), depth, magnitude, $"{problem}, element {i}");
        }
    }
}

public sealed class ConvolutionFloatTests : ConvolutionTests<float>;

public sealed class ConvolutionDoubleTests : ConvolutionTests<double>;
