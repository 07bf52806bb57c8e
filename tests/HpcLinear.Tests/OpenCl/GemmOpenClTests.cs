using System.Numerics;
using HpcLinear.Operations;
using Xunit;

namespace HpcLinear.Tests.OpenCl;

[Collection(nameof(OpenClCollection))]
public abstract class GemmOpenClTests<T>(OpenClFixture fixture)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public static TheoryData<KernelFamily, string> Problems()
    {
        TheoryData<KernelFamily, string> data = [];
        foreach (KernelFamily family in new[] { KernelFamily.Cpu, KernelFamily.Gpu })
        {
            foreach (string text in new[]
            {
                "gemm m1 n1 k1", "gemm m3 n5 k7", "gemm m64 n64 k64", "gemm m65 n67 k300", "gemm m13 n33 k17 ta", "gemm m70 n70 k70 tb", "gemm m70 n70 k70 ta tb",
                "gemm m100 n40 k600", "gemm m5 n0 k3", "gemm m0 n5 k3", "gemm m5 n6 k0", "gemm p3 m0 n2 k2", "gemm p0 m2 n2 k2", "gemm p7 m8 n8 k8", "gemm p7 m8 n8 k8 ta tb",
                "gemm p5 m3 n40 k9 shareda", "gemm p5 m30 n40 k9 sharedb", "gemm p5 m30 n40 k9 shareda sharedb", "gemm p2 m30 n40 k9 lda11 ldb50 ldc41 stridea400 strideb500 stridec1300",
                "gemm m200 n1 k33", "gemm m1 n200 k33", "gemm m200 n1 k33 ta", "gemm m200 n2 k33 tb", "gemm p3 m33 n33 k65 tb", "gemm m250 n35 k20", "gemm p11 m1 n1 k100",
            })
            {
                data.Add(family, text);
            }
        }

        return data;
    }

    [Fact]
    public void More_problems_than_one_launch_takes_are_all_done()
    {
        GemmDescriptor d = GemmDescriptor.Parse("gemm p65537 m16 n16 k8");
        using CommandQueue queue = fixture.Device(KernelFamily.Gpu).CreateQueue();
        using GemmPlan<T> plan = GemmPlan.Create<T>(queue.Device, d);
        using Tensor<T> a = queue.Device.Allocate<T>(d.ShapeA), b = queue.Device.Allocate<T>(d.ShapeB), c = queue.Device.Allocate<T>(d.ShapeC);
        queue.Fill(a, T.CreateChecked(3));
        queue.Fill(b, T.One);
        plan.Execute(queue, a, b, c);
        Assert.Equal(-1, queue.Download<T>(c).AsSpan().IndexOfAnyExcept(T.CreateChecked(24)));
    }

    [Theory, MemberData(nameof(Problems))]
    public void Execute_agrees_with_the_reference(KernelFamily family, string text)
    {
        GemmDescriptor d = GemmDescriptor.Parse(text);
        using CommandQueue queue = fixture.Device(family).CreateQueue();
        using GemmPlan<T> plan = GemmPlan.Create<T>(queue.Device, d);
        Shape shapeA = text.Contains("lda", StringComparison.Ordinal) ? [d.RequiredA] : d.ShapeA;
        Shape shapeB = text.Contains("ldb", StringComparison.Ordinal) ? [d.RequiredB] : d.ShapeB;
        Shape shapeC = text.Contains("ldc", StringComparison.Ordinal) ? [d.RequiredC] : d.ShapeC;
        double[] a = Numbers.Random(shapeA.ElementCount, 1), b = Numbers.Random(shapeB.ElementCount, 2), c = Numbers.Random(shapeC.ElementCount, 3);
        using Tensor<T> ta = Numbers.Upload<T>(queue, shapeA, a), tb = Numbers.Upload<T>(queue, shapeB, b), tc = Numbers.Upload<T>(queue, shapeC, c);
        plan.Execute(queue, ta, tb, tc, 0.5, -2);
        GemmReference.Execute(d, a, b, c, 0.5, -2);
        Numbers.AssertClose(text, c, queue.Download<T>(tc), d.Depth, d.Depth + 2);

        // beta = 0 does not read what was there.
        double[] fresh = [.. c.Select(x => text.Contains("ldc", StringComparison.Ordinal) ? x : double.NaN)];
        queue.Upload(Numbers.To<T>(fresh), tc);
        plan.Execute(queue, ta, tb, tc);
        GemmReference.Execute(d, a, b, c);
        Numbers.AssertClose(text, c, queue.Download<T>(tc), d.Depth, d.Depth + 2);
        Assert.True(queue.WorkspaceBytes >= plan.WorkspaceBytes || d.RequiredC == 0);
    }
}

public sealed class GemmOpenClFloatTests(OpenClFixture fixture) : GemmOpenClTests<float>(fixture);

public sealed class GemmOpenClDoubleTests(OpenClFixture fixture) : GemmOpenClTests<double>(fixture);
