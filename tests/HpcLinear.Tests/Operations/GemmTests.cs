using System.Numerics;
using CsCheck;
using HpcLinear.Operations;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.Operations;

public abstract class GemmTests<T> : OperationTests<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private protected override Gen<Call> Calls => GemmCall.Random;

    private protected override IEnumerable<Call> LargeCalls => GemmCall.Large;

    [Theory, AllTargets]
    public void Problems_equal_a_loop_over_single_products(Target target) =>
        GemmCall.Descriptors.Check(Sampling.Count(target) / 8, d =>
        {
            if (d.ProblemCount < 2 || d.RequiredC == 0 || d.Depth == 0)
            {
                return;
            }

            Device device = Targets.Open(target);
            GemmDescriptor dense = d with { LeadingC = null, StrideC = null };
            using CallRun<T> all = new(new GemmCall(dense), device);
            T[] together = all.Results()[0];
            GemmDescriptor single = dense with { Problems = null, StrideA = null, StrideB = null };
            using CallRun<T> one = new(new GemmCall(single), device);
            long size = single.Rows * single.Columns;
            for (long p = 0; p < d.ProblemCount; p++)
            {
                one.Queue.Upload(all.Data[0].AsSpan((int)(p * dense.EffectiveStrideA), (int)single.RequiredA), one.Inputs[0]);
                one.Queue.Upload(all.Data[1].AsSpan((int)(p * dense.EffectiveStrideB), (int)single.RequiredB), one.Inputs[1]);
                T[] alone = one.Results()[0];
                for (int i = 0; i < size; i++)
                {
                    Tolerance.Equal<T>(double.CreateChecked(alone[i]), double.CreateChecked(together[(p * size) + i]), single.Depth, single.Depth, $"{d} problem {p} element {i}");
                }
            }
        });

    [Theory, AllTargets]
    public void Products_associate(Target target) => Gen.Int[1, 40].Select(Gen.Int[1, 40], Gen.Int[1, 40], Gen.Int[1, 40]).Check(10, sizes =>
    {
        (int m, int k, int l, int n) = sizes;
        Device device = Targets.Open(target);
        T[] a = Values.Random<T>(m * k, 1), b = Values.Random<T>(k * l, 2), c = Values.Random<T>(l * n, 3);
        T[] left = Multiply(device, Multiply(device, a, b, m, k, l), c, m, l, n), right = Multiply(device, a, Multiply(device, b, c, k, l, n), m, k, n);
        for (int i = 0; i < left.Length; i++)
        {
            Tolerance.Equal<T>(double.CreateChecked(left[i]), double.CreateChecked(right[i]), k + l, k * l, $"{sizes} element {i}");
        }
    });

    [Theory, AllTargets]
    public void Without_depth_only_the_old_values_count(Target target)
    {
        using CallRun<T> overwritten = new(new GemmCall(GemmDescriptor.Parse("gemm m3 n5 k0")), Targets.Open(target));
        Assert.All(overwritten.Results()[0], x => Assert.Equal(T.Zero, x));
        using CallRun<T> kept = new(new GemmCall(GemmDescriptor.Parse("gemm m3 n5 k0")) { Beta = 2 }, Targets.Open(target));
        Assert.Equal([.. kept.Old[0].Select(x => x + x)], kept.Results()[0]);
    }

    [Theory, AllTargets]
    public void Elements_between_rows_and_problems_are_left_alone(Target target)
    {
        using CallRun<T> run = new(new GemmCall(GemmDescriptor.Parse("gemm p3 m4 n5 k6 ldc9 stridec50")), Targets.Open(target));
        T[] c = run.Results()[0];
        for (int i = 0; i < c.Length; i++)
        {
            bool inside = i % 50 < 4 * 9 && i % 50 % 9 < 5;
            Assert.Equal(!inside, T.IsNaN(c[i]));
        }
    }

    private static T[] Multiply(Device device, T[] a, T[] b, int m, int k, int n)
    {
        using CallRun<T> run = new(new GemmCall(new() { Rows = m, Columns = n, Depth = k }), device);
        run.Queue.Upload(a, run.Inputs[0]);
        run.Queue.Upload(b, run.Inputs[1]);
        return run.Results()[0];
    }
}

public sealed class GemmFloatTests : GemmTests<float>;

public sealed class GemmDoubleTests : GemmTests<double>;
