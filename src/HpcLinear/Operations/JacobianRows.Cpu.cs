using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

internal sealed unsafe class CpuJacobianRows<T>(DeepProductDescriptor descriptor, int layer, Shape around) : JacobianRows<T>(descriptor, layer, around)
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public override void Execute(CommandQueue queue, TensorView<T> product, TensorView<T> jacobian, long firstRow, long rows)
    {
        Job job = new() { Owner = this, Product = product.Pointer(), Rows = jacobian.Pointer() + (firstRow * MapOutputs * MapInputs * Map), Stride = rows * MapOutputs * MapInputs * Map };
        ((CpuQueue)queue).Team.Run(checked((int)(Problems * Outputs * Inputs)), ref job);
    }

    private struct Job : ITeamJob
    {
        public CpuJacobianRows<T> Owner;
        public T* Product;
        public T* Rows;
        public long Stride;

        /// <remarks>All taps of one pair of channels.</remarks>
        public readonly void Execute(int index, int worker)
        {
            CpuJacobianRows<T> o = Owner;
            long b = index % o.Inputs, a = index / o.Inputs % o.Outputs, p = index / o.Inputs / o.Outputs, length = o.Length, elements = o.MapOutputs * o.MapInputs * o.Map;
            T* to = Rows + (p * Stride) + (((a * o.Inputs) + b) * o.Taps * elements);
            CpuKernels<T>.NativeClear(to, o.Taps * elements);
            for (long j = 0; j < o.Taps; j++)
            {
                for (long n = 0; n < o.MapOutputs; n++)
                {
                    T* from = Product + (((((((p * o.MapOutputs) + n) * o.Outputs) + a) * o.Inputs) + b) * o.MapInputs * o.Around);
                    for (long c = 0; c < o.MapInputs; c++, to += o.Map)
                    {
                        foreach (int line in o.LinePlaces)
                        {
                            Buffer.MemoryCopy(from, to + line + o.TapPlaces[j], length * sizeof(T), length * sizeof(T));
                            from += length;
                        }
                    }
                }
            }
        }
    }
}
