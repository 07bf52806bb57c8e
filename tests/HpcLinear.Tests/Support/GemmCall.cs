using System.Globalization;
using CsCheck;
using HpcLinear.Operations;

namespace HpcLinear.Tests.Support;

internal sealed class GemmCall(GemmDescriptor descriptor) : Call
{
    private const int MostMultiplyAdds = 200_000;

    public GemmDescriptor Descriptor => descriptor;

    public override string Operation => "gemm";

    public override IReadOnlyList<Operand> Inputs { get; } =
    [
        new("a", descriptor.LeadingA is null && descriptor.StrideA is null or 0 ? descriptor.ShapeA : [descriptor.RequiredA]),
        new("b", descriptor.LeadingB is null && descriptor.StrideB is null or 0 ? descriptor.ShapeB : [descriptor.RequiredB]),
    ];

    public override IReadOnlyList<Operand> Outputs { get; } = [new("c", descriptor.LeadingC is null && descriptor.StrideC is null ? descriptor.ShapeC : [descriptor.RequiredC])];

    public override double DepthOfSum => descriptor.Depth;

    public override double Cost => (descriptor.Flops / 2) + descriptor.Bytes(1);

    public static Gen<GemmDescriptor> Descriptors { get; } = new DrawGen<GemmDescriptor>(Describe, d => (d.Flops / 2) + d.Bytes(1));

    public static Gen<Call> Random { get; } = Draws(draw =>
    {
        (double alpha, double beta) = draw.Factors();
        return new GemmCall(Describe(draw)) { Alpha = alpha, Beta = beta };
    });

    public static IEnumerable<Call> Large =>
    [
        .. new[]
        {
            "gemm m203 n307 k401", "gemm m97 n1030 k513 ta", "gemm m1 n777 k1000", "gemm m777 n1 k1000 tb", "gemm m64 n64 k3000 ta tb", "gemm m5 n7 k20000", "gemm p300 m8 n8 k8",
            "gemm p50 m8 n64 k64", "gemm p50 m37 n48 k21 ta", "gemm p70 m64 n64 k64 ldb80 ldc72", "gemm p60 m3 n128 k5 sharedb", "gemm p3000 m16 n16 k16", "gemm p40 m30 n50 k70 shareda", "gemm p40 m30 n50 k70 ta sharedb", "gemm p7 m65 n66 k67 lda80 ldb70 ldc90 tb",
        }.Select(t => new GemmCall(GemmDescriptor.Parse(t))),
    ];

    public override Plan Plan<T>(Device device) => GemmPlan.Create<T>(device, descriptor);

    public override void Execute<T>(Plan plan, CommandQueue queue, TensorView<T>[] inputs, TensorView<T>[] outputs) =>
        ((GemmPlan<T>)plan).Execute(queue, inputs[0], inputs[1], outputs[0], Alpha, Beta);

    public override void Define(double[][] inputs, double[][] outputs, double alpha, double beta) =>
        GemmReference.Execute(descriptor, inputs[0], inputs[1], outputs[0], alpha, beta);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{descriptor} alpha {Alpha} beta {Beta}");

    private static GemmDescriptor Describe(Draw draw)
    {
        while (true)
        {
            GemmDescriptor d = Attempt(draw);
            if (d.Flops <= 2 * MostMultiplyAdds && d.RequiredA < MostMultiplyAdds && d.RequiredB < MostMultiplyAdds && d.RequiredC < MostMultiplyAdds)
            {
                return d;
            }
        }
    }

    private static GemmDescriptor Attempt(Draw draw)
    {
        GemmDescriptor d = new()
        {
            Problems = draw.Chance(0.5) ? null : draw.Pick(0, 1, 2, 3, 5, 17, 40), Rows = Size(draw), Columns = draw.Chance(0.3) ? 8 * draw.Int(1, 9) : Size(draw), Depth = Size(draw), TransposeA = draw.Chance(0.4), TransposeB = draw.Chance(0.4),
        };
        d = d with
        {
            LeadingA = draw.Chance(0.3) ? d.EffectiveLeadingA + draw.Int(0, 9) : null,
            LeadingB = draw.Chance(0.3) ? d.EffectiveLeadingB + draw.Int(0, 9) : null,
            LeadingC = draw.Chance(0.3) ? d.EffectiveLeadingC + draw.Int(0, 9) : null,
        };
        return d with
        {
            StrideA = draw.Chance(0.2) ? 0 : draw.Chance(0.2) ? draw.Int(1, 300) : null,
            StrideB = draw.Chance(0.2) ? 0 : draw.Chance(0.2) ? draw.Int(1, 300) : null,
            StrideC = draw.Chance(0.2) ? (d.Rows * d.EffectiveLeadingC) + draw.Int(0, 9) : null,
        };
    }

    private static int Size(Draw draw) => draw.Chance(0.03) ? 0 : draw.Extent(70);
}
