using System.Numerics;

namespace HpcLinear.OpenCl;

/// <summary>Adds up, for each element of a plane, what its copies in a padded plane received: the adjoint of a boundary that repeats elements.</summary>
internal sealed class BoundaryFold<T> : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly long planes, outer, inner, paddedOuter, paddedInner;
    private readonly int outerList, innerStart, innerList;
    private readonly OpenClBuffer lists;
    private readonly KernelEntry kernel;
    private readonly LaunchSize size;

    // The copies of each outer element, and of each inner one.
    public BoundaryFold(OpenClDevice device, long planes, long outer, long inner, long paddedOuter, long paddedInner, int[][] outerCopies, int[][] innerCopies)
    {
        (this.planes, this.outer, this.inner, this.paddedOuter, this.paddedInner) = (planes, outer, inner, paddedOuter, paddedInner);
        int[] outerStarts = Starts(outerCopies), innerStarts = Starts(innerCopies);
        outerList = outerStarts.Length;
        innerStart = outerList + outerStarts[^1];
        innerList = innerStart + innerStarts.Length;
        lists = device.AllocateTable([.. outerStarts, .. outerCopies.SelectMany(c => c), .. innerStarts, .. innerCopies.SelectMany(c => c)]);
        kernel = device.Program<T>("convolution").Entry("conv_fold");
        size = device.Spread(device.IsGpuFamily ? planes * outer * inner : ((planes * outer * inner) + 63) / 64);
    }

    public void Run(OpenClQueue queue, Operand padded, Operand output, T alpha, T beta) =>
        queue.Kernel(kernel).Long(planes).Long(outer).Long(inner).Long(paddedOuter).Long(paddedInner).Table(lists).Long(outerList).Long(innerStart).Long(innerList)
            .Real(alpha).Real(beta).Buffer(padded.Buffer, padded.Offset).Buffer(output.Buffer, output.Offset).Launch(size);

    public void Dispose() => lists.Dispose();

    private static int[] Starts(int[][] copies)
    {
        int[] starts = new int[copies.Length + 1];
        for (int i = 0; i < copies.Length; i++)
        {
            starts[i + 1] = starts[i] + copies[i].Length;
        }

        return starts;
    }
}
