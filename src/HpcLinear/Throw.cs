using System.Numerics;
using System.Runtime.CompilerServices;

namespace HpcLinear;

/// <summary>The checks that several operations share, each with its message.</summary>
internal static class Throw
{
    /// <summary>Byte size of a shape; throws when it exceeds 2^63 - 1.</summary>
    public static long IfTooLarge<T>(string argument, Shape shape)
    {
        try
        {
            return checked(shape.ElementCount * Unsafe.SizeOf<T>());
        }
        catch (OverflowException)
        {
            throw new ProblemException(ProblemError.Overflow, $"{argument}: shape {shape} has more than 2^63 - 1 bytes");
        }
    }

    public static void IfTooShort(string argument, long length, Shape shape)
    {
        if (length < shape.ElementCount)
        {
            throw new ArgumentException($"{argument}: {shape.ElementCount} elements expected for shape {shape}, {length} given", argument);
        }
    }

    public static void IfCountDiffers(string argument, long length, Shape shape)
    {
        if (length != shape.ElementCount)
        {
            throw new ArgumentException($"{argument}: {shape.ElementCount} elements expected for shape {shape}, {length} given", argument);
        }
    }

    public static void IfCountDiffers(string argument, long length, long rows, long columns)
    {
        if (length != rows * columns)
        {
            throw new ArgumentException($"{argument}: {rows * columns} elements expected for {rows} rows of {columns}, {length} given", argument);
        }
    }

    public static void IfUnusable<T>(string argument, TensorView<T> view, Device device)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (view.IsEmpty)
        {
            throw new ArgumentNullException(argument, $"{argument}: a tensor expected, none given");
        }

        if (view.Tensor.IsDisposed)
        {
            throw new ObjectDisposedException($"{argument}: the tensor {view.Tensor.Shape} was disposed");
        }

        if (!ReferenceEquals(view.Tensor.Device, device))
        {
            throw new ArgumentException($"{argument}: a tensor of {device.Target} expected, one of {(view.Tensor.Device.Target == device.Target ? "another opening of " : "")}{view.Tensor.Device.Target} given", argument);
        }
    }

    public static void IfUndefined<TEnum>(string operation, TEnum value)
        where TEnum : struct, Enum
    {
        if (!Enum.IsDefined(value))
        {
            throw new ProblemException(ProblemError.Option, $"{operation}: {typeof(TEnum).Name} has no value {value}; expected one of {string.Join(", ", Enum.GetNames<TEnum>())}");
        }
    }

    public static void IfAnyOverlap<T>(string operation, ReadOnlySpan<TensorView<T>> outputs)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        for (int i = 0; i < outputs.Length; i++)
        {
            for (int j = 0; j < i; j++)
            {
                if (outputs[i].Overlaps(outputs[j]))
                {
                    throw new ArgumentException($"{operation}: outputs overlap");
                }
            }
        }
    }

    public static void IfOverlapsAny<T>(string operation, TensorView<T> output, ReadOnlySpan<TensorView<T>> inputs)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        foreach (TensorView<T> input in inputs)
        {
            IfOverlaps(operation, output, input);
        }
    }

    public static void IfOverlaps<T>(string operation, TensorView<T> output, TensorView<T> input)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        if (output.Overlaps(input))
        {
            throw new ArgumentException($"{operation}: output overlaps an input");
        }
    }
}
