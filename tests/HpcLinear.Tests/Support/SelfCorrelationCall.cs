using CsCheck;
using HpcLinear.Operations;

namespace HpcLinear.Tests.Support;

internal sealed class SelfCorrelationCall(SelfCorrelationDescriptor descriptor) : Call
{
    public override string Operation => "self_correlation";

    public override IReadOnlyList<Operand> Inputs { get; } = [new("filter", descriptor.FilterShape)];

    public override IReadOnlyList<Operand> Outputs { get; } = [new("result", descriptor.ResultShape)];

    public override double DepthOfSum => descriptor.InChannels * descriptor.Filter.ElementCount;

    public override double Cost => descriptor.Flops / 2;

    public static Gen<SelfCorrelationDescriptor> Descriptors { get; } = new DrawGen<SelfCorrelationDescriptor>(Describe, d => d.Flops);

    public static Gen<Call> Random { get; } = Draws(draw => new SelfCorrelationCall(Describe(draw)));

    public static IEnumerable<Call> Large =>
    [
        new SelfCorrelationCall(new() { OutChannels = 40, InChannels = 24, Filter = [3, 3], Stride = [1, 1] }),
        new SelfCorrelationCall(new() { Problems = 50, OutChannels = 5, InChannels = 4, Filter = [5, 4], Stride = [2, 1] }),
        new SelfCorrelationCall(new() { OutChannels = 19, InChannels = 7, Filter = [33], Stride = [3] }),
    ];

    public override Plan Plan<T>(Device device) => SelfCorrelationPlan.Create<T>(device, descriptor);

    public override void Execute<T>(Plan plan, CommandQueue queue, TensorView<T>[] inputs, TensorView<T>[] outputs) =>
        ((SelfCorrelationPlan<T>)plan).Execute(queue, inputs[0], outputs[0]);

    public override void Define(double[][] inputs, double[][] outputs, double alpha, double beta) =>
        ConvolutionReference.Forward(descriptor.AsConvolution(), inputs[0], inputs[0], null, outputs[0], alpha, beta);

    public override string ToString() => descriptor.ToString();

    private static SelfCorrelationDescriptor Describe(Draw draw)
    {
        while (true)
        {
            int rank = draw.Pick(1, 1, 2, 2, 2, 3, 4);
            long[] filter = new long[rank], stride = new long[rank];
            for (int a = 0; a < rank; a++)
            {
                filter[a] = draw.Int(1, rank switch { 1 => 13, 2 => 6, _ => 3 });
                stride[a] = draw.Int(1, (int)filter[a] + 1);
            }

            SelfCorrelationDescriptor d = new()
            {
                Problems = draw.Chance(0.3) ? draw.Int(0, 7) : null, OutChannels = draw.Extent(20), InChannels = draw.Extent(12), Filter = Shape.Create(filter), Stride = Shape.Create(stride),
            };
            if (d.Flops < 400_000)
            {
                return d;
            }
        }
    }
}
