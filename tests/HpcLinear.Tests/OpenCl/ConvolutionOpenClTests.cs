using System.Numerics;
using HpcLinear.Operations;
using Xunit;

namespace HpcLinear.Tests.OpenCl;

[Collection(nameof(OpenClCollection))]
public abstract class ConvolutionOpenClTests<T>(OpenClFixture fixture)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private static readonly string[] Texts =
    [
        "conv c1 k1 i1 f1", "conv n2 c3 k4 i9 f3", "conv n2 c2 k4 i40 f5 s2 pad2", "conv n3 c4 k4 i17 f3 s4", "conv n0 c2 k3 i8 f3", "conv n2 c1 k2 i7 f9 pad4",
        "conv n2 c3 k16 i8x8 f3x3 pad1x1", "conv n1 c8 k20 i14x14 f3x3 pad1x1", "conv n2 c16 k13 i9x11 f3x2 s2x3 lo2x1 hi0x3", "conv n2 c5 k7 i12x10 f3x3 d2x3 pad2x3",
        "conv n2 c8 k8 g8 i9x9 f3x3 pad1x1", "conv n2 c8 k16 g4 i9x9 f3x3 s2x2 pad1x1", "conv n2 c4 k8 g4 i40x3 f5x1 true", "conv n1 c8 k8 i6x6 f3x3 lo-1x-2 hi-1x0",
        "conv n2 c4 k8 i10x10 f3x3 pad1x1 circular", "conv n2 c4 k8 i5x4 f3x3 pad7x9 circular", "conv n2 c4 k8 i10x10 f3x3 s2x2 lo2x1 hi3x0 reflect", "conv n2 c4 k8 i10x10 f5x5 pad4x3 replicate",
        "conv n2 c4 k8 i10x10 f5x5 s3x2 d1x2 same_upper", "conv n2 c4 k8 i11x10 f4x4 s2x2 same_lower true replicate", "conv n2 c4 k8 i10x10 f4x4 same_lower circular true",
        "conv n1 c3 k5 i5x6x7 f2x3x2 s1x2x1 pad1x1x1", "conv n1 c6 k6 g2 i4x4x4x4 f2x2x2x2 s2x1x2x1 pad1x0x1x0 circular", "conv n2 c2 k4 i3x3x3x3x3 f2x1x2x1x2 pad1x0x0x0x1",
        "conv n1 c2 k4 i2x2x2x3x2x2x2x3 f1x2x1x2x1x2x1x3 pad0x0x0x1x0x0x0x1 reflect", "conv n4 c16 k16 i7x7 f1x1", "conv n4 c16 k16 i7x7 f1x1 s2x2", "conv n64 c8 k16 i1x1 f1x1",
        "conv p5 n3 c1 k1 i64 f5 s2", "conv p4 n2 c4 k8 i8x8 f3x3 pad1x1", "conv p4 sharedw n2 c4 k8 i8x8 f3x3 pad1x1", "conv p4 sharedx n2 c4 k8 i8x8 f3x3 s2x2 pad1x1",
        "conv p3 sharedx n2 c4 k8 g2 i8x8 f3x3 pad1x1 circular", "conv p1 sharedw n2 c4 k8 i8x8 f3x3", "conv p0 n2 c4 k8 i8x8 f3x3", "conv p0 sharedx n2 c4 k8 i8x8 f3x3 pad1x1", "conv p0 sharedx n2 c4 k8 i8x8 f3x3 s2x2 pad1x1 circular", "conv p0 sharedw n2 c4 k32 i8x8 f3x3 pad1x1",
        "conv n2 c4 k4 i30 f3 s100", "conv n1 c4 k8 i70x70 f3x3 s9x9 pad4x4",
        "conv n1 c4 k200 i12x12 f3x3 pad1x1", "conv n2 c40 k14 i9x9 f3x3 pad1x1",
    ];

    public static TheoryData<KernelFamily, string> Problems()
    {
        TheoryData<KernelFamily, string> data = [];
        foreach (string text in Texts)
        {
            data.Add(KernelFamily.Cpu, text);
            data.Add(KernelFamily.Gpu, text);
        }

        return data;
    }

    [Theory, MemberData(nameof(Problems))]
    public void Forward_and_gradients_agree_with_the_reference(KernelFamily family, string text)
    {
        ConvolutionDescriptor d = ConvolutionDescriptor.Parse(text);
        using CommandQueue queue = fixture.Device(family).CreateQueue();
        using ConvolutionPlan<T> plan = ConvolutionPlan.Create<T>(queue.Device, d);
        double[] x = Numbers.Random(d.InputShape.ElementCount, 1), w = Numbers.Random(d.FilterShape.ElementCount, 2), b = Numbers.Random(d.BiasShape.ElementCount, 3);
        double[] dy = Numbers.Random(d.OutputShape.ElementCount, 4);
        using Tensor<T> tx = Numbers.Upload<T>(queue, d.InputShape, x), tw = Numbers.Upload<T>(queue, d.FilterShape, w), tb = Numbers.Upload<T>(queue, d.BiasShape, b);
        using Tensor<T> tdy = Numbers.Upload<T>(queue, d.OutputShape, dy);
        double terms = d.FilterChannels * d.Filter.ElementCount, sums = (double)d.ProblemCount * d.Batch * d.Output.ElementCount;
        double depth = (double)d.OutChannels / d.Groups * d.Filter.ElementCount * d.ProblemCount;

        Check("forward", d.OutputShape, terms + 1, y => plan.Forward(queue, tx, tw, y, tb, 0.5, -2), y => ConvolutionReference.Forward(d, x, w, b, y, 0.5, -2));
        Check("backward-input", d.InputShape, depth, y => plan.BackwardInput(queue, tdy, tw, y, 0.5, -2), y => ConvolutionReference.BackwardInput(d, dy, w, y, 0.5, -2));
        Check("backward-filter", d.FilterShape, sums, y => plan.BackwardFilter(queue, tx, tdy, y, 0.5, -2), y => ConvolutionReference.BackwardFilter(d, x, dy, y, 0.5, -2));
        Check("backward-bias", d.BiasShape, sums, y => plan.BackwardBias(queue, tdy, y, 0.5, -2), y => ConvolutionReference.BackwardBias(d, dy, y, 0.5, -2));
        CheckFresh("forward", d.OutputShape, terms, y => plan.Forward(queue, tx, tw, y), y => ConvolutionReference.Forward(d, x, w, null, y));
        CheckFresh("backward-input", d.InputShape, depth, y => plan.BackwardInput(queue, tdy, tw, y), y => ConvolutionReference.BackwardInput(d, dy, w, y));
        CheckFresh("backward-filter", d.FilterShape, sums, y => plan.BackwardFilter(queue, tx, tdy, y), y => ConvolutionReference.BackwardFilter(d, x, dy, y));
        CheckFresh("backward-bias", d.BiasShape, sums, y => plan.BackwardBias(queue, tdy, y), y => ConvolutionReference.BackwardBias(d, dy, y));
        Assert.Equal(4, plan.Choices.Count);

        void Check(string what, Shape shape, double n, Action<Tensor<T>> run, Action<double[]> define) => Compare(what, shape, n, Numbers.Random(shape.ElementCount, 5), run, define);

        void CheckFresh(string what, Shape shape, double n, Action<Tensor<T>> run, Action<double[]> define)
        {
            double[] old = new double[shape.ElementCount];
            Array.Fill(old, double.NaN);
            Compare(what, shape, n, old, run, define);
        }

        void Compare(string what, Shape shape, double n, double[] old, Action<Tensor<T>> run, Action<double[]> define)
        {
            using Tensor<T> result = Numbers.Upload<T>(queue, shape, old);
            run(result);
            define(old);
            Numbers.AssertClose($"{text}: {what}", old, queue.Download<T>(result), n, Math.Sqrt(n) + 3);
        }
    }

    [Theory, InlineData(KernelFamily.Cpu), InlineData(KernelFamily.Gpu)]
    public void Padding_is_never_multiplied(KernelFamily family)
    {
        foreach (string text in new[] { "conv n2 c8 k16 i9x9 f3x3 pad1x1", "conv n2 c8 k16 i9x9 f3x3 s2x2 pad1x1", "conv n2 c8 k8 g8 i9x9 f3x3 pad1x1" })
        {
            ConvolutionDescriptor d = ConvolutionDescriptor.Parse(text);
            using CommandQueue queue = fixture.Device(family).CreateQueue();
            using ConvolutionPlan<T> plan = ConvolutionPlan.Create<T>(queue.Device, d);
            double[] x = Numbers.Random(d.InputShape.ElementCount, 1), w = Numbers.Random(d.FilterShape.ElementCount, 2), dy = Numbers.Random(d.OutputShape.ElementCount, 3);
            w[^1] = double.PositiveInfinity;
            dy[0] = double.NegativeInfinity;
            using Tensor<T> tx = Numbers.Upload<T>(queue, d.InputShape, x), tw = Numbers.Upload<T>(queue, d.FilterShape, w), tdy = Numbers.Upload<T>(queue, d.OutputShape, dy);
            double[] y = Numbers.Random(d.OutputShape.ElementCount, 4), dx = Numbers.Random(d.InputShape.ElementCount, 5), dw = Numbers.Random(d.FilterShape.ElementCount, 6);
            using Tensor<T> ty = Numbers.Upload<T>(queue, d.OutputShape, y), tdx = Numbers.Upload<T>(queue, d.InputShape, dx), tdw = Numbers.Upload<T>(queue, d.FilterShape, dw);
            plan.Forward(queue, tx, tw, ty, default, 1, 2);
            plan.BackwardInput(queue, tdy, tw, tdx, 1, 2);
            plan.BackwardFilter(queue, tx, tdy, tdw, 1, 2);
            ConvolutionReference.Forward(d, x, w, null, y, 1, 2);
            ConvolutionReference.BackwardInput(d, dy, w, dx, 1, 2);
            ConvolutionReference.BackwardFilter(d, x, dy, dw, 1, 2);
            Numbers.AssertClose(text + ": forward", y, queue.Download<T>(ty), 72, 20);
            Numbers.AssertClose(text + ": backward-input", dx, queue.Download<T>(tdx), 144, 20);
            Numbers.AssertClose(text + ": backward-filter", dw, queue.Download<T>(tdw), 200, 20);
        }
    }

    [Theory, InlineData(KernelFamily.Cpu), InlineData(KernelFamily.Gpu)]
    public void The_same_bits_come_out_twice(KernelFamily family)
    {
        ConvolutionDescriptor d = ConvolutionDescriptor.Parse("conv n4 c8 k16 i30x30 f3x3 pad1x1");
        using CommandQueue queue = fixture.Device(family).CreateQueue();
        using ConvolutionPlan<T> plan = ConvolutionPlan.Create<T>(queue.Device, d);
        using Tensor<T> x = Numbers.Upload<T>(queue, d.InputShape, Numbers.Random(d.InputShape.ElementCount, 1));
        using Tensor<T> dy = Numbers.Upload<T>(queue, d.OutputShape, Numbers.Random(d.OutputShape.ElementCount, 2)), dw = queue.Device.Allocate<T>(d.FilterShape);
        plan.BackwardFilter(queue, x, dy, dw);
        T[] first = queue.Download<T>(dw);
        plan.BackwardFilter(queue, x, dy, dw);
        Assert.Equal(first, queue.Download<T>(dw));
    }
}

public sealed class ConvolutionOpenClFloatTests(OpenClFixture fixture) : ConvolutionOpenClTests<float>(fixture);

public sealed class ConvolutionOpenClDoubleTests(OpenClFixture fixture) : ConvolutionOpenClTests<double>(fixture);
