using System.Numerics;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Golden;

/// <summary>The product of a chain of matrices, w0 applied first, and the gradients of its inner product with a cotangent.</summary>
/// <remarks>Inputs w0, w1, …, cotangent; outputs product, optimal_multiply_adds (of one problem), grad0, grad1, …</remarks>
internal sealed class GemmChainOperation : IDeviceOperation
{
    public string Name => "gemm.chain";

    public GoldenArray? Compute<T>(GoldenContext<T> context, string output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        GoldenCase golden = context.Case;
        Shape sizes = golden.Parameters.Extents("sizes");
        int layers = sizes.Rank - 1;
        DeepProductDescriptor chain = DeepProductDescriptor.FullyConnected(sizes, golden.HasInput("w0") && golden.Input("w0").Shape is { Rank: 3 } first ? first[0] : null);
        if (output == "optimal_multiply_adds")
        {
            return GoldenArray.OfIntegers(Shape.Scalar, [chain.OptimalMultiplyAdds]);
        }

        int? layer = FilterChainOperation.LayerOf(output, layers);
        if (output != "product" && layer is null)
        {
            return null;
        }

        DeepProductPlan<T> plan = context.Own(DeepProductPlan.Create<T>(context.Device, chain));
        TensorView<T>[] matrices = [.. Enumerable.Range(0, layers).Select(l => (TensorView<T>)context.Input(FilterChainOperation.Numbered("w", l)))];
        if (layer is null)
        {
            Tensor<T> product = context.Result(chain.ComposedShape);
            plan.Compose(context.Queue, matrices, product);
            return context.Read(product);
        }

        Tensor<T>[] gradients = [.. Enumerable.Range(0, layers).Select(l => context.Result(chain.FilterShape(l)))];
        plan.JacobianTransposeProduct(context.Queue, matrices, context.Input("cotangent"), [.. gradients.Select(g => (TensorView<T>)g)]);
        return context.Read(gradients[layer.Value]);
    }
}
