using System.Globalization;
using System.Numerics;
using HpcLinear.Data;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Golden;

/// <summary>The end-to-end filter of strided layers and the gradients of its inner product with a cotangent.</summary>
/// <remarks>Inputs w0 (applied first), w1, …, cotangent; outputs filter, stride, grad0, grad1, …</remarks>
internal sealed class FilterChainOperation : IDeviceOperation
{
    public string Name => "filter.chain";

    public GoldenArray? Compute<T>(GoldenContext<T> context, string output)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        DeepProductDescriptor chain = Describe(context.Case);
        int layers = chain.Filters.Count;
        if (output == "stride")
        {
            return GoldenArray.OfIntegers([chain.ComposedStride.Rank], [.. chain.ComposedStride]);
        }

        int? layer = LayerOf(output, layers);
        if (output != "filter" && layer is null)
        {
            return null;
        }

        DeepProductPlan<T> plan = context.Own(DeepProductPlan.Create<T>(context.Device, chain));
        TensorView<T>[] filters = [.. Enumerable.Range(0, layers).Select(l => (TensorView<T>)context.Input(Numbered("w", l)))];
        if (layer is null)
        {
            Tensor<T> composed = context.Result(chain.ComposedShape);
            plan.Compose(context.Queue, filters, composed);
            return context.Read(composed);
        }

        Tensor<T>[] gradients = [.. Enumerable.Range(0, layers).Select(l => context.Result(chain.FilterShape(l)))];
        plan.JacobianTransposeProduct(context.Queue, filters, context.Input("cotangent"), [.. gradients.Select(g => (TensorView<T>)g)]);
        return context.Read(gradients[layer.Value]);
    }

    /// <summary>The layer of <c>grad0</c>, <c>grad1</c>, …; null for anything else.</summary>
    internal static int? LayerOf(string output, int layers) => output.StartsWith("grad", StringComparison.Ordinal)
        && int.TryParse(output.AsSpan(4), NumberStyles.None, CultureInfo.InvariantCulture, out int layer) && layer < layers ? layer : null;

    internal static string Numbered(string name, int layer) => string.Create(CultureInfo.InvariantCulture, $"{name}{layer}");

    private static DeepProductDescriptor Describe(GoldenCase golden)
    {
        IReadOnlyList<Shape> strides = golden.Parameters.ExtentLists("strides");
        Shape[] filters = [.. strides.Select((_, l) => golden.Input(Numbered("w", l)).Shape)];
        if (strides.Count == 0)
        {
            throw new DataFormatException(golden.Name, "no strides", "one list a layer");
        }

        int lead = filters[0].Rank - strides[0].Rank - 2;
        if (lead is not (0 or 1) || filters.Where((f, l) => f.Rank != strides[l].Rank + 2 + lead).Any())
        {
            throw new DataFormatException(golden.Name, $"filters {string.Join(' ', filters.Select(f => f.ToString()))}", "[problems?, out, in, filter…] with as many axes as each stride");
        }

        DeepProductDescriptor chain = new()
        {
            Problems = lead == 1 ? filters[0][0] : null,
            Channels = [filters[0][lead + 1], .. filters.Select(f => f[lead])],
            Filters = [.. filters.Select(f => f.Skip(lead + 2))],
            Strides = strides,
        };
        chain.Validate();
        return chain;
    }
}
