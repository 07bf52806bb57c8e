using HpcLinear.LinearNetworks;
using HpcLinear.Operations;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.LinearNetworks;

public sealed class DeepLinearNetworkTests
{
    public static TheoryData<string> Architectures => ["matrix", "matrices", "filters", "gaps", "planes", "space-time", "one"];

    [Theory, MemberData(nameof(Architectures))]
    public void The_map_and_the_transposed_Jacobian_are_those_of_the_plan(string name)
    {
        DeepLinearNetwork network = Network(name, 1);
        DeepProductDescriptor d = network.Architecture;
        double[] u = Numbers(network.MapElements, 5);
        using DeepProductPlan<double> plan = DeepProductPlan.Create<double>(Targets.Open(Target.Parse("cpu:scalar")), d);
        using CommandQueue queue = plan.Device.CreateQueue();
        Tensor<double>[] layers = [.. Enumerable.Range(0, d.Depth).Select(l => Upload(queue, network.Layer(l).ToArray(), d.FilterShape(l)))];
        Tensor<double>[] gradients = [.. Enumerable.Range(0, d.Depth).Select(l => plan.Device.Allocate<double>(d.FilterShape(l)))];
        using Tensor<double> map = plan.Device.Allocate<double>(d.ComposedShape), cotangent = Upload(queue, u, d.ComposedShape);
        TensorView<double>[] views = [.. layers.Select(l => (TensorView<double>)l)];
        plan.Compose(queue, views, map);
        plan.JacobianTransposeProduct(queue, views, cotangent, [.. gradients.Select(g => (TensorView<double>)g)]);
        Near(queue.Download<double>(map), network.EndToEnd());
        double[][] got = network.JacobianTransposeProduct(u);
        for (int l = 0; l < d.Depth; l++)
        {
            Near(queue.Download<double>(gradients[l]), got[l]);
            layers[l].Dispose();
            gradients[l].Dispose();
        }
    }

    [Theory, MemberData(nameof(Architectures))]
    public void The_Jacobian_is_the_derivative_of_the_map(string name)
    {
        DeepLinearNetwork network = Network(name, 2);
        double[][] direction = Network(name, 3).ToLayers();
        const double H = 1e-4;
        double[] ahead = Moved(H).EndToEnd(), behind = Moved(-H).EndToEnd();
        double[] difference = [.. ahead.Zip(behind, (a, b) => (a - b) / (2 * H))];
        Near(difference, network.JacobianProduct(direction), 1e-5);

        DeepLinearNetwork Moved(double step) => network.With([.. network.ToLayers().Zip(direction, (w, d) => w.Zip(d, (a, b) => a + (step * b)).ToArray())]);
    }

    [Theory, MemberData(nameof(Architectures))]
    public void The_two_products_are_adjoint_and_the_kernel_is_their_composition(string name)
    {
        DeepLinearNetwork network = Network(name, 4);
        double[][] direction = Network(name, 6).ToLayers();
        double[] u = Numbers(network.MapElements, 7);
        double[][] gradients = network.JacobianTransposeProduct(u);
        Near([Dot(u, network.JacobianProduct(direction))], [gradients.Zip(direction, Dot).Sum()]);
        double[] kernel = network.Kernel();
        Near(network.JacobianProduct(gradients), [.. Enumerable.Range(0, u.Length).Select(i => Dot(kernel[(i * u.Length)..((i + 1) * u.Length)], u))]);
    }

    [Fact]
    public void Wrong_arguments_are_refused_with_their_names()
    {
        DeepProductDescriptor d = DeepProductDescriptor.FullyConnected([2, 3, 1]);
        Assert.StartsWith("architecture: 4 problems given, one network (null) expected", Assert.Throws<ArgumentException>("architecture", () => new DeepLinearNetwork(d with { Problems = 4 }, [])).Message, StringComparison.Ordinal);
        Assert.StartsWith("layers: 2 layers expected, 1 given", Assert.Throws<ArgumentException>("layers", () => new DeepLinearNetwork(d, [new double[6]])).Message, StringComparison.Ordinal);
        Assert.StartsWith("layers: 3 elements expected in layer 1, 2 given", Assert.Throws<ArgumentException>("layers", () => new DeepLinearNetwork(d, [new double[6], new double[2]])).Message, StringComparison.Ordinal);
        Assert.StartsWith("layers: element 1 of layer 1 is NaN", Assert.Throws<ArgumentException>("layers", () => new DeepLinearNetwork(d, [new double[6], [0, double.NaN, 0]])).Message, StringComparison.Ordinal);
        Assert.StartsWith("cotangent: 2 elements expected, 3 given", Assert.Throws<ArgumentException>("cotangent", () => new DeepLinearNetwork(d, [new double[6], new double[3]]).JacobianTransposeProduct(new double[3])).Message, StringComparison.Ordinal);
        Assert.Throws<ProblemException>(() => new DeepLinearNetwork(d with { Channels = [2, 0, 1] }, []));
    }

    private static DeepLinearNetwork Network(string name, int seed)
    {
        DeepProductDescriptor d = name switch
        {
            "matrix" => DeepProductDescriptor.FullyConnected([3, 4]),
            "matrices" => DeepProductDescriptor.FullyConnected([3, 4, 2, 5]),
            "filters" => new() { Channels = [2, 3, 1, 2], Filters = [[3], [2], [4]], Strides = [[2], [3], [2]] },
            "gaps" => new() { Channels = [1, 1, 1], Filters = [[2], [3]], Strides = [[4], [1]] },
            "planes" => new() { Channels = [1, 2, 1], Filters = [[3, 1], [2, 4]], Strides = [[1, 2], [1, 1]] },
            "space-time" => new() { Channels = [1, 1, 1], Filters = [[2, 1, 2, 1], [1, 2, 2, 2]], Strides = [[1, 2, 2, 3], [1, 1, 1, 1]] },
            _ => new() { Channels = [1, 1], Filters = [[1]], Strides = [[1]] },
        };
        return new(d, [.. Enumerable.Range(0, d.Depth).Select(l => Numbers((int)d.FilterShape(l).ElementCount, (100 * seed) + l))]);
    }

    private static double[] Numbers(int count, int seed)
    {
        Random random = new(seed);
        return [.. Enumerable.Range(0, count).Select(_ => random.NextDouble() - 0.5)];
    }

    private static Tensor<double> Upload(CommandQueue queue, double[] elements, Shape shape)
    {
        Tensor<double> tensor = queue.Device.Allocate<double>(shape);
        queue.Upload(elements, tensor);
        return tensor;
    }

    private static double Dot(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();

    private static void Near(double[] want, double[] got, double tolerance = 1e-13)
    {
        Assert.Equal(want.Length, got.Length);
        Assert.All(want.Zip(got), pair => Assert.True(Math.Abs(pair.First - pair.Second) <= tolerance * (1 + Math.Abs(pair.First)), $"{pair.Second} instead of {pair.First}"));
        Assert.Contains(want, w => Math.Abs(w) > 1e-6);
    }
}
