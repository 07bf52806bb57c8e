using System.Numerics;
using HpcLinear.OpenCl;

namespace HpcLinear.Operations;

/// <summary>Rows are cleared, then each element of R goes to its places.</summary>
internal sealed class OpenClJacobianRows<T> : JacobianRows<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly KernelEntry clear;
    private readonly KernelEntry place;
    private readonly LaunchSize clearSize;
    private readonly LaunchSize placeSize;
    private readonly OpenClBuffer table;

    public OpenClJacobianRows(OpenClDevice device, DeepProductDescriptor descriptor, int layer, Shape around)
        : base(descriptor, layer, around)
    {
        OpenClProgram program = device.Program<T>("deep_product");
        (clear, place) = (program.Entry("jacobian_clear"), program.Entry("jacobian_rows"));
        clearSize = device.Spread(Problems * Rows * MapOutputs * MapInputs * Map);
        placeSize = device.Spread(Problems * Rows * MapOutputs * MapInputs * LinePlaces.Length);
        table = device.AllocateTable([.. LinePlaces, .. TapPlaces]);
    }

    public override void Execute(CommandQueue queue, TensorView<T> product, TensorView<T> jacobian, long firstRow, long rows)
    {
        OpenClQueue q = (OpenClQueue)queue;
        long elements = MapOutputs * MapInputs * Map;
        q.Kernel(clear).Long(Problems).Long(Rows * elements).Long(firstRow * elements).Long(rows * elements).View(jacobian).Launch(clearSize);
        q.Kernel(place).Long(Problems).Long(MapOutputs).Long(Outputs).Long(Inputs).Long(MapInputs).Long(Taps).Long(LinePlaces.Length).Long(Length).Long(Map)
            .Long(firstRow * elements).Long(rows * elements).Table(table).View(product).View(jacobian).Launch(placeSize);
    }

    public override void Dispose()
    {
        table.Dispose();
        base.Dispose();
    }
}
