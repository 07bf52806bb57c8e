using System.Numerics;
using HpcLinear.Cpu;
using HpcLinear.LinearNetworks;
using HpcLinear.Operations;
using HpcLinear.Tests.Support;
using Xunit;

namespace HpcLinear.Tests.Operations;

/// <summary>Networks as lanes against one network after the other on the host.</summary>
public abstract class FusedDeepProductTests<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    [Theory, AllTargets(CpuOnly = true)]
    [Trait("Isa", "limited")]
    public void Lanes_compose_and_differentiate_as_single_networks_do(Target target)
    {
        int seed = 0, fused = 0;
        while (seed < 60)
        {
            fused += Check(target, ++seed) ? 1 : 0;
        }

        Assert.InRange(fused, 40, 60);

        foreach (DeepProductDescriptor d in new DeepProductDescriptor[]
        {
            DeepProductDescriptor.FullyConnected([3, 6, 5, 2], 37),
            new() { Problems = 33, Channels = [1, 1, 1], Filters = [[17], [21]], Strides = [[2], [1]] },
            new() { Problems = 19, Channels = [2, 1, 2], Filters = [[2, 1, 3, 2], [2, 2, 1, 3]], Strides = [[1, 2, 1, 3], [1, 1, 1, 1]] },
        })
        {
            Assert.True(Check(target, d, ++seed), $"{d} is not fused on {target}");
        }
    }

    /// <summary>Whether the networks of a seed are few and small enough to be lanes; then they are checked.</summary>
    private static bool Check(Target target, int seed)
    {
        Random random = new(seed);
        int depth = random.Next(2, 6), rank = random.Next(0, 5);
        DeepProductDescriptor d = new()
        {
            Problems = random.Next(16, 40), Channels = Shape.Create([.. Enumerable.Range(0, depth + 1).Select(_ => (long)random.Next(1, rank == 0 ? 7 : 4))]),
            Filters = [.. Enumerable.Range(0, depth).Select(_ => Axes(rank > 2 ? 2 : 4))], Strides = [.. Enumerable.Range(0, depth).Select(_ => Axes(rank > 2 ? 2 : 3))],
        };
        return d.ComposedShape.ElementCount < 20_000 && Check(target, d, seed);

        Shape Axes(int most) => Shape.Create([.. Enumerable.Range(0, rank).Select(_ => (long)random.Next(1, most + 1))]);
    }

    private static bool Check(Target target, DeepProductDescriptor d, int seed)
    {
        Device device = Targets.Open(target);
        using CommandQueue queue = device.CreateQueue();
        FusedDeepProduct<T>? fused = FusedDeepProduct<T>.Create(device, d, out _);
        if (fused is not { Differentiates: true })
        {
            return false;
        }

        Random random = new(seed);
        int problems = (int)d.Problems!.Value, elements = (int)(d.ComposedShape.ElementCount / problems);
        double[][] w = Draw(), tangents = Draw();
        double[] u = Values((int)d.ComposedShape.ElementCount);
        TensorView<T>[] filters = [.. w.Select((x, l) => Upload(x, d.FilterShape(l)))], directions = [.. tangents.Select((x, l) => Upload(x, d.FilterShape(l)))], gradients = [.. w.Select((x, l) => Upload(new double[x.Length], d.FilterShape(l)))];
        TensorView<T> cotangent = Upload(u, d.ComposedShape), composed = Upload(new double[u.Length], d.ComposedShape), tangent = Upload(new double[u.Length], d.ComposedShape);
        fused.Compose((CpuQueue)queue, filters, composed);
        fused.JacobianProduct((CpuQueue)queue, filters, directions, tangent);
        fused.Gradients((CpuQueue)queue, filters, cotangent, gradients);
        for (int p = 0; p < problems; p++)
        {
            DeepLinearNetwork one = new(d with { Problems = null }, Part(w)), sizes = new(d with { Problems = null }, Abs(Part(w)));
            Close(one.EndToEnd(), sizes.EndToEnd(), Download(composed), "compose");
            Close(one.JacobianProduct(Part(tangents)), sizes.JacobianProduct(Abs(Part(tangents))), Download(tangent), "tangent");
            double[] g = u[(p * elements)..((p + 1) * elements)];
            double[][] want = one.JacobianTransposeProduct(g), size = sizes.JacobianTransposeProduct([.. g.Select(Math.Abs)]);
            for (int l = 0; l < d.Depth; l++)
            {
                Close(want[l], size[l], Download(gradients[l]), $"gradient {l}");
            }

            double[][] Part(double[][] of) => [.. of.Select(x => x[(p * (x.Length / problems))..((p + 1) * (x.Length / problems))])];

            void Close(double[] expected, double[] magnitude, T[] got, string what)
            {
                for (int i = 0; i < expected.Length; i++)
                {
                    double found = double.CreateChecked(got[(p * expected.Length) + i]);
                    Assert.True(Math.Abs(found - expected[i]) <= 60 * Tolerance.Unit<T>() * magnitude[i], $"{what}[{i}] of network {p}: {found}, {expected[i]} expected ({d} on {target})");
                }
            }
        }

        foreach (TensorView<T> view in (TensorView<T>[])[.. filters, .. directions, .. gradients, cotangent, composed, tangent])
        {
            view.Tensor.Dispose();
        }

        return true;

        double[][] Draw() => [.. Enumerable.Range(0, d.Depth).Select(l => Values((int)d.FilterShape(l).ElementCount))];

        double[] Values(int count) => [.. Enumerable.Range(0, count).Select(_ => double.CreateChecked(T.CreateChecked((2 * random.NextDouble()) - 1)))];

        static double[][] Abs(double[][] of) => [.. of.Select(x => x.Select(Math.Abs).ToArray())];

        TensorView<T> Upload(double[] values, Shape shape)
        {
            Tensor<T> tensor = device.Allocate<T>(shape);
            queue.Upload([.. values.Select(T.CreateChecked)], tensor.AsView());
            return tensor;
        }

        T[] Download(TensorView<T> view)
        {
            T[] values = new T[view.Shape.ElementCount];
            queue.Download(view, values);
            return values;
        }
    }
}

public sealed class FusedDeepProductFloatTests : FusedDeepProductTests<float>;

public sealed class FusedDeepProductDoubleTests : FusedDeepProductTests<double>;
