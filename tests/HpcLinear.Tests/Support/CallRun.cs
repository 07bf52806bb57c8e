using System.Numerics;
using System.Runtime.InteropServices;
using HpcLinear.Operations;
using Xunit;

namespace HpcLinear.Tests.Support;

/// <summary>A call prepared on a device: plan, queue, and tensors with random contents (outputs: NaN where beta is 0).</summary>
internal sealed class CallRun<T> : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly List<IDisposable> owned = [];

    /// <param name="call">The call.</param>
    /// <param name="device">Where it runs.</param>
    /// <param name="guard">Puts every operand beside an unreadable page; CPU devices only.</param>
    /// <param name="change">Changes the data of the inputs before they are uploaded.</param>
    public CallRun(Call call, Device device, Guard? guard = null, Action<T[][]>? change = null)
    {
        Call = call;
        Data = [.. call.Inputs.Select((o, i) => Values.Random<T>(o.Shape.ElementCount, i + 1))];
        change?.Invoke(Data);
        Old = [.. call.Outputs.Select((o, i) => call.Beta == 0 ? Values.Filled(o.Shape.ElementCount, T.NaN) : Array.ConvertAll(Values.Random<T>(o.Shape.ElementCount, 100 + i), x => T.CreateChecked(call.Before(i, double.CreateChecked(x)))))];
        Plan = Own(call.Plan<T>(device));
        Queue = Own(device.CreateQueue());
        Inputs = [.. call.Inputs.Select((o, i) => Place(device, o.Shape, Data[i], guard))];
        Outputs = [.. call.Outputs.Select((o, i) => Place(device, o.Shape, Old[i], guard))];
    }

    public Call Call { get; }

    public T[][] Data { get; }

    public T[][] Old { get; }

    public Plan Plan { get; }

    public CommandQueue Queue { get; }

    public Tensor<T>[] Inputs { get; }

    public Tensor<T>[] Outputs { get; }

    private TensorView<T>[] InputViews => field ??= [.. Inputs.Select(t => t.AsView())];

    private TensorView<T>[] OutputViews => field ??= [.. Outputs.Select(t => t.AsView())];

    private List<GuardedMemory<T>> Guarded { get; } = [];

    /// <summary>Runs the call once.</summary>
    public void Execute() => Call.Execute(Plan, Queue, InputViews, OutputViews);

    /// <summary>Runs the call from the same start as the first time and returns its results.</summary>
    public T[][] Results()
    {
        for (int i = 0; i < Outputs.Length; i++)
        {
            Queue.Upload(Old[i], Outputs[i]);
        }

        Execute();
        return [.. Outputs.Select(o => Queue.Download<T>(o))];
    }

    /// <summary>Compares results with the definition.</summary>
    public void CheckAgreement(T[][] results)
    {
        double[][] inputs = [.. Data.Select(Values.ToDouble)];
        double[][] expected = [.. Old.Select(Values.ToDouble)];
        double[][] magnitudes = [.. Old.Select(o => Call.Beta == 0 ? new double[o.Length] : Values.Magnitudes(Values.ToDouble(o)))];
        Call.Define(inputs, expected, Call.Alpha, Call.Beta);
        Call.DefineMagnitudes([.. inputs.Select(Values.Magnitudes)], magnitudes);
        for (int i = 0; i < expected.Length; i++)
        {
            Tolerance.Equal(expected[i], results[i], magnitudes[i], Call.Bound<T>, $"{Call} on {Plan.Device.Target}, {Call.Outputs[i].Name}");
        }
    }

    /// <summary>Fails when something was written beside an operand.</summary>
    public void CheckGuards() => Guarded.ForEach(g => g.Check(Call.ToString()!));

    public static void EqualBits(T[][] expected, T[][] actual, string problem)
    {
        for (int i = 0; i < expected.Length; i++)
        {
            if (!MemoryMarshal.AsBytes<T>(expected[i]).SequenceEqual(MemoryMarshal.AsBytes<T>(actual[i])))
            {
                int at = Enumerable.Range(0, expected[i].Length).First(j => !expected[i][j].Equals(actual[i][j]) || (expected[i][j] == T.Zero && T.IsNegative(expected[i][j]) != T.IsNegative(actual[i][j])));
                Assert.Fail($"{problem}: element {at} of {expected[i].Length}: {expected[i][at]:R} and {actual[i][at]:R} should have the same bits");
            }
        }
    }

    public void Dispose()
    {
        owned.Reverse();
        owned.ForEach(o => o.Dispose());
    }

    private Tensor<T> Place(Device device, Shape shape, T[] data, Guard? guard)
    {
        if (guard is { } side)
        {
            GuardedMemory<T> memory = new(shape.ElementCount, side);
            owned.Add(memory);
            Guarded.Add(memory);
            data.CopyTo(memory.GetSpan());
            return Own(device.Borrow(memory.Memory, shape));
        }

        Tensor<T> tensor = Own(device.Allocate<T>(shape));
        Queue.Upload(data, tensor);
        return tensor;
    }

    private TOwned Own<TOwned>(TOwned item)
        where TOwned : IDisposable
    {
        owned.Add(item);
        return item;
    }
}
