using System.Numerics;
using HpcLinear.Operations;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.OpenCl;

[Collection(nameof(OpenClCollection))]
public abstract class ReductionOpenClTests<T>(OpenClFixture fixture)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private static readonly ReductionKind[] Summing = [ReductionKind.Sum, ReductionKind.SumOfSquares, ReductionKind.Dot];

    /// <summary>One element, less than a vector, vectors and a rest, a chunk and a rest; rows and columns, wide and narrow, cut and whole; nothing.</summary>
    private static readonly (Shape Shape, int? Axis)[] Problems =
    [
        ([1], null), ([5], null), ([200], null), ([3, 4, 7], null), ([16_384], null), ([50_003], null), ([4, 3], 1), ([3, 40_000], 1), ([700, 130], 1), ([0, 3], 1), ([], null),
        ([5, 1], 0), ([5, 17], 0), ([3, 6, 130], 1), ([2, 1000, 3], 1), ([3000, 33], 0), ([2, 300, 70], 1), ([40, 9, 2], 1), ([20_000, 2], 0),
    ];

    private static readonly (Shape Shape, int? Axis)[] Empty = [([0], null), ([2, 0], null), ([2, 0], 1), ([2, 0, 3], 1)];

    public static TheoryData<KernelFamily, ReductionKind, bool> Kinds()
    {
        TheoryData<KernelFamily, ReductionKind, bool> data = [];
        foreach (KernelFamily family in new[] { KernelFamily.Cpu, KernelFamily.Gpu })
        {
            foreach (ReductionKind kind in Enum.GetValues<ReductionKind>())
            {
                data.Add(family, kind, false);
                if (Summing.Contains(kind))
                {
                    data.Add(family, kind, true);
                }
            }
        }

        return data;
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Execute_agrees_with_the_reference(KernelFamily family, ReductionKind kind, bool compensated)
    {
        foreach ((Shape shape, int? axis) in kind is ReductionKind.Minimum or ReductionKind.Maximum ? Problems : [.. Problems, .. Empty])
        {
            ReductionDescriptor d = new() { Kind = kind, Shape = shape, Axis = axis, Compensated = compensated };
            Check(family, d, Numbers.Random(shape.ElementCount, 1), Numbers.Random(shape.ElementCount, 2));
        }
    }

    [Theory, MemberData(nameof(Kinds))]
    public void Values_that_are_not_finite_come_out_as_the_reference_says(KernelFamily family, ReductionKind kind, bool compensated)
    {
        double[] bad = [double.NaN, double.PositiveInfinity, double.NegativeInfinity];
        foreach ((Shape shape, int? axis) in new (Shape, int?)[] { ([1], null), ([40_001], null), ([3, 70], 1), ([300, 37], 0) })
        {
            ReductionDescriptor d = new() { Kind = kind, Shape = shape, Axis = axis, Compensated = compensated };
            foreach (double value in bad)
            {
                foreach (long at in new[] { 0, shape.ElementCount / 2, shape.ElementCount - 1 })
                {
                    double[] x = Numbers.Random(shape.ElementCount, 1);
                    x[at] = value;
                    Check(family, d, x, Numbers.Random(shape.ElementCount, 2));
                }
            }
        }
    }

    [Theory, InlineData(KernelFamily.Cpu), InlineData(KernelFamily.Gpu)]
    public void A_compensated_sum_survives_cancellation(KernelFamily family)
    {
        // Powers of two that only an exact sum carries beside ones; they cancel across chunks.
        double large = Math.ScaleB(1, typeof(T) == typeof(float) ? 40 : 90);
        foreach ((Shape shape, int? axis) in new (Shape, int?)[] { ([90_001], null), ([2001, 5], 0) })
        {
            long inner = axis is null ? 1 : shape[1], length = shape[0];
            double[] x = new double[shape.ElementCount];
            Array.Fill(x, 1);
            for (long i = 0; i < length / 4; i++)
            {
                for (long j = 0; j < inner; j++)
                {
                    (x[(i * inner) + j], x[((length - 1 - i) * inner) + j]) = (large, -large);
                }
            }

            T[] sums = Run(fixture.Device(family), new() { Kind = ReductionKind.Sum, Shape = shape, Axis = axis, Compensated = true }, x, x);
            Assert.All(sums, s => Assert.Equal(T.CreateChecked(length - (length / 4 * 2)), s));
        }
    }

    [Theory, InlineData(KernelFamily.Cpu), InlineData(KernelFamily.Gpu)]
    public void A_norm_neither_overflows_nor_underflows(KernelFamily family)
    {
        int exponent = typeof(T) == typeof(float) ? 100 : 900;
        foreach (double scale in new[] { Math.ScaleB(1, exponent), Math.ScaleB(1, -exponent) })
        {
            double[] x = new double[30_000];
            Array.Fill(x, 2 * scale);
            ReductionDescriptor d = new() { Kind = ReductionKind.Norm2, Shape = [30_000] };
            double norm = double.CreateChecked(Run(fixture.Device(family), d, x, x)[0]);
            Assert.Equal(2 * Math.Sqrt(30_000), norm / scale, 1e-4);
            double zero = double.CreateChecked(Run(fixture.Device(family), d, new double[30_000], x)[0]);
            Assert.Equal(0, zero);
        }
    }

    private static T[] Run(Device device, ReductionDescriptor d, double[] x, double[] y)
    {
        using CommandQueue queue = device.CreateQueue();
        using ReductionPlan<T> plan = ReductionPlan.Create<T>(device, d);
        using Tensor<T> tx = Numbers.Upload<T>(queue, d.Shape, x), ty = Numbers.Upload<T>(queue, d.Shape, y), result = device.Allocate<T>(d.ResultShape);
        queue.Fill(result, T.NaN);
        if (d.Kind == ReductionKind.Dot)
        {
            plan.Execute(queue, tx, ty, result);
        }
        else
        {
            plan.Execute(queue, tx, result);
        }

        return queue.Download<T>(result);
    }

    private void Check(KernelFamily family, ReductionDescriptor d, double[] x, double[] y)
    {
        double[] expected = ReductionReference.Execute(d, x, y), magnitudes = ReductionReference.Execute(d, Values.Magnitudes(x), Values.Magnitudes(y));
        Tolerance.Equal(expected, Run(fixture.Device(family), d, x, y), magnitudes, new ReductionCall(d).Bound<T>, $"{d}, {family} family");
    }
}

public sealed class ReductionOpenClFloatTests(OpenClFixture fixture) : ReductionOpenClTests<float>(fixture);

public sealed class ReductionOpenClDoubleTests(OpenClFixture fixture) : ReductionOpenClTests<double>(fixture);
