using System.Numerics;

namespace HpcLinear.Cli.Golden;

/// <summary>One case on one device in one element type: its tensors, freed together.</summary>
/// <typeparam name="T"><see langword="float"/> or <see langword="double"/>.</typeparam>
internal sealed class GoldenContext<T> : IDisposable
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly Dictionary<string, Tensor<T>> inputs = [];
    private readonly Stack<IDisposable> owned = new();

    public GoldenContext(GoldenCase golden, Device device, CommandQueue queue)
    {
        Case = golden;
        Device = device;
        Queue = queue;
    }

    public GoldenCase Case { get; }

    public Device Device { get; }

    public CommandQueue Queue { get; }

    /// <summary>An input on the device, rounded to the element type.</summary>
    public Tensor<T> Input(string name)
    {
        if (!inputs.TryGetValue(name, out Tensor<T>? tensor))
        {
            tensor = Own(Device.Allocate<T>(Case.Input(name).Shape));
            T[] elements = typeof(T) == typeof(float) ? (T[])(object)Case.Input(name).ToSingles() : (T[])(object)Case.Input(name).ToDoubles();
            Queue.Upload(elements, tensor);
            inputs[name] = tensor;
        }

        return tensor;
    }

    /// <summary>A tensor for results; every element is NaN, so that one never written shows.</summary>
    public Tensor<T> Result(Shape shape)
    {
        Tensor<T> tensor = Own(Device.Allocate<T>(shape));
        Queue.Fill(tensor, T.NaN);
        return tensor;
    }

    /// <summary>Keeps something until the case is done.</summary>
    public TOwned Own<TOwned>(TOwned resource)
        where TOwned : IDisposable
    {
        owned.Push(resource);
        return resource;
    }

    /// <summary>A result as float64.</summary>
    public GoldenArray Read(Tensor<T> tensor) => GoldenArray.OfReals(tensor.Shape, Array.ConvertAll(Queue.Download<T>(tensor), double.CreateChecked));

    public void Dispose()
    {
        while (owned.TryPop(out IDisposable? resource))
        {
            resource.Dispose();
        }
    }
}
