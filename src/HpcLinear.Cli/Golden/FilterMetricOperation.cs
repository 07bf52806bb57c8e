using System.Globalization;
using HpcLinear.LinearConvolutions;
using HpcLinear.Operations;

namespace HpcLinear.Cli.Golden;

/// <summary>The layers of an end-to-end filter and the kernel of its metric, from the filter and the invariants alone.</summary>
/// <remarks>Inputs V, delta; outputs absw_1 (applied first), absw_2, … (magnitudes: signs are free), K.</remarks>
internal sealed class FilterMetricOperation : IHostOperation
{
    public string Name => "lcn.metric_from_filter";

    public GoldenArray? Compute(GoldenCase golden, string output)
    {
        IReadOnlyList<Shape> sizes = golden.Parameters.ExtentLists("sizes"), strides = golden.Parameters.ExtentLists("strides");
        DeepProductDescriptor architecture = new() { Channels = Shape.Create([.. Enumerable.Repeat(1L, sizes.Count + 1)]), Filters = sizes, Strides = strides };
        architecture.Validate();
        FunctionSpaceMetric metric = FunctionSpaceMetric.Of(architecture, golden.Input("V").ToDoubles(), golden.Input("delta").ToDoubles());
        if (output == "K")
        {
            int size = metric.Network.MapElements;
            return GoldenArray.OfReals([size, size], metric.Kernel());
        }

        return output.StartsWith("absw_", StringComparison.Ordinal)
            && int.TryParse(output.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out int layer) && layer >= 1 && layer <= metric.Network.Depth
            ? GoldenArray.OfReals(architecture.FilterShape(layer - 1), [.. metric.Network.ToLayers()[layer - 1].Select(Math.Abs)])
            : null;
    }
}
