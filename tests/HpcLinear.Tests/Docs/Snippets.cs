using HpcLinear.Operations;
using Xunit;

namespace HpcLinear.Tests.Docs;

/// <summary>The programs that README and docs show, compiled and run. <see cref="SnippetTests"/> compares them with the files.</summary>
public sealed class Snippets
{
    private static readonly float[] Images = [.. Enumerable.Range(0, 64 * 3 * 32 * 32).Select(i => i % 7)];
    private static readonly float[] Filters = [.. Enumerable.Range(0, 16 * 3 * 5 * 5).Select(i => i % 5)];

    [Fact]
    public void The_first_program_convolves_on_the_default_device() => Assert.Equal(64 * 16 * 16 * 16, FirstProgram(Images, Filters).Length);

    private static float[] FirstProgram(float[] images, float[] filters)
    {
        // snippet: first-program
        using Device device = Devices.Open();                                   // or "cpu:avx2", "opencl:0"
        using CommandQueue queue = device.CreateQueue();
        ConvolutionDescriptor conv = new()
        {
            Batch = 64, InChannels = 3, OutChannels = 16, Input = [32, 32], Filter = [5, 5], Stride = [2, 2], Padding = [2, 2], Boundary = Boundary.Circular,
        };
        using ConvolutionPlan<float> plan = ConvolutionPlan.Create<float>(device, conv);
        using Tensor<float> x = device.Allocate<float>(conv.InputShape), w = device.Allocate<float>(conv.FilterShape), y = device.Allocate<float>(conv.OutputShape);
        queue.Upload(images, x);
        queue.Upload(filters, w);
        plan.Forward(queue, x, w, y);                                           // allocates nothing
        float[] result = queue.Download<float>(y);                              // waits
        // end snippet
        return result;
    }
}
