using HpcLinear.Operations;
using static HpcLinear.Benchmarks.Peers.DnnApi;

namespace HpcLinear.Benchmarks.Peers;

/// <summary>Matrix products.</summary>
internal sealed unsafe class DnnProduct : DnnTask
{
    private readonly GemmDescriptor d;
    private readonly HostMemory result;
    private readonly DnnLayout chosen;
    private readonly DnnLayout plain;

    public DnnProduct(nint engine, nint stream, GemmDescriptor descriptor)
        : base(engine, stream)
    {
        d = descriptor;
        long[] a = [.. d.ShapeA], b = [.. d.ShapeB], c = [.. d.ShapeC];
        plain = Plain(c);
        DnnLayout left = Plain(a), right = Plain(b), output = plain;
        Check(ProductInit(out DnnOperation operation, &left, &right, null, &output));
        nint choice = Choose(operation);
        chosen = *ChoiceLayout(choice, DestinationLayout, 0);
        result = Allocate(chosen);
        DnnLayout toLeft = *ChoiceLayout(choice, SourceLayout, 0), toRight = *ChoiceLayout(choice, WeightsLayout, 0);
        Add(
            choice,
            new(Source, Memory(toLeft, Bring(new(1, d.ShapeA.ElementCount), Plain(a), toLeft))),
            new(Weights, Memory(toRight, Bring(new(2, d.ShapeB.ElementCount), Plain(b), toRight))),
            new(Destination, Memory(chosen, result)));
    }

    public override Array Download() => Fetch(result, chosen, plain, d.ShapeC.ElementCount);
}
