using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace HpcLinear.Native;

/// <summary>Shapes. The header documents each function.</summary>
internal static unsafe class ShapeExports
{
    [UnmanagedCallersOnly(EntryPoint = "hpcl_element_count", CallConvs = [typeof(CallConvCdecl)])]
    public static Status ElementCount(int rank, long* extents, long* count)
    {
        try
        {
            ArgumentOutOfRangeException.ThrowIfNegative(rank);
            ArgumentNullException.ThrowIfNull(count);
            if (rank > 0)
            {
                ArgumentNullException.ThrowIfNull(extents);
            }

            for (int axis = 0; axis < rank; axis++)
            {
                ArgumentOutOfRangeException.ThrowIfNegative(extents[axis], $"extents[{axis}]");
            }

            *count = Shape.Create(new(extents, rank)).ElementCount;
            return Status.Ok;
        }
        catch (Exception exception)
        {
            return Failure.Report("hpcl_element_count", exception);
        }
    }
}
