using System.Numerics;
using HpcLinear.Operations;
using Xunit;

namespace HpcLinear.Tests.OpenCl;

[Collection(nameof(OpenClCollection))]
public abstract class SelfCorrelationOpenClTests<T>(OpenClFixture fixture)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>Fewer channels than any tile, a tile and a rest, several tiles; one to four axes, strides up to beyond the filter; one, several and no problems.</summary>
    private static readonly SelfCorrelationDescriptor[] Problems =
    [
        new() { OutChannels = 1, InChannels = 1, Filter = [1], Stride = [1] },
        new() { OutChannels = 3, InChannels = 2, Filter = [4, 3], Stride = [1, 2] },
        new() { OutChannels = 5, InChannels = 1, Filter = [9], Stride = [10] },
        new() { OutChannels = 9, InChannels = 3, Filter = [5], Stride = [1] },
        new() { OutChannels = 16, InChannels = 3, Filter = [3, 3], Stride = [1, 1] },
        new() { OutChannels = 21, InChannels = 4, Filter = [2, 3, 2], Stride = [1, 1, 1] },
        new() { OutChannels = 35, InChannels = 7, Filter = [3, 3], Stride = [2, 1] },
        new() { OutChannels = 70, InChannels = 2, Filter = [3], Stride = [1] },
        new() { Problems = 4, OutChannels = 18, InChannels = 2, Filter = [3, 2], Stride = [1, 1] },
        new() { Problems = 3, OutChannels = 2, InChannels = 3, Filter = [2, 1, 2, 3], Stride = [1, 1, 1, 1] },
        new() { Problems = 0, OutChannels = 20, InChannels = 3, Filter = [3], Stride = [1] },
    ];

    [Theory, InlineData(KernelFamily.Cpu), InlineData(KernelFamily.Gpu)]
    public void Execute_agrees_with_the_convolution_of_the_filter_with_itself(KernelFamily family)
    {
        foreach (SelfCorrelationDescriptor d in Problems)
        {
            double[] w = Numbers.Random(d.FilterShape.ElementCount, 1);
            Check(family, d, w);

            // Lags whose taps miss the element stay finite.
            if (w.Length > 0)
            {
                w[^1] = double.PositiveInfinity;
                w[w.Length / 3] = double.NaN;
                Check(family, d, w);
            }
        }
    }

    [Theory, InlineData(KernelFamily.Cpu), InlineData(KernelFamily.Gpu)]
    public void More_problems_than_fit_the_workspace_are_done_in_parts(KernelFamily family)
    {
        // 64 MiB hold the packed filters of a tenth of these problems, or fewer.
        SelfCorrelationDescriptor d = new() { Problems = 12, OutChannels = 17, InChannels = 8, Filter = [8000], Stride = [7999] };
        using CommandQueue queue = fixture.Device(family).CreateQueue();
        using SelfCorrelationPlan<T> plan = SelfCorrelationPlan.Create<T>(queue.Device, d);
        Assert.InRange(plan.WorkspaceBytes, 1, 64 << 20);
        Check(family, d, Numbers.Random(d.FilterShape.ElementCount, 1));
    }

    private void Check(KernelFamily family, SelfCorrelationDescriptor d, double[] w)
    {
        using CommandQueue queue = fixture.Device(family).CreateQueue();
        using SelfCorrelationPlan<T> plan = SelfCorrelationPlan.Create<T>(queue.Device, d);
        using Tensor<T> tw = Numbers.Upload<T>(queue, d.FilterShape, w), tr = queue.Device.Allocate<T>(d.ResultShape);
        queue.Fill(tr, T.NaN);
        plan.Execute(queue, tw, tr);
        double[] expected = new double[d.ResultShape.ElementCount];
        ConvolutionReference.Forward(d.AsConvolution(), w, w, null, expected);
        double terms = d.InChannels * d.Filter.ElementCount;
        Numbers.AssertClose($"{d}, {family} family", expected, queue.Download<T>(tr), terms, terms);
    }
}

public sealed class SelfCorrelationOpenClFloatTests(OpenClFixture fixture) : SelfCorrelationOpenClTests<float>(fixture);

public sealed class SelfCorrelationOpenClDoubleTests(OpenClFixture fixture) : SelfCorrelationOpenClTests<double>(fixture);
