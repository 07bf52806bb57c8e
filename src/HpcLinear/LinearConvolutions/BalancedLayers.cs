using HpcLinear.LinearAlgebra;
using HpcLinear.LinearNetworks;

namespace HpcLinear.LinearConvolutions;

/// <summary>Searches for layers by their map alone: balanced ones (all norms equal), whose map is a filter of length 1. Norms for other invariants are set afterwards.</summary>
internal static class BalancedLayers
{
    private const int MostSteps = 200, Sweeps = 300;

    /// <summary>Gauss-Newton on <c>mu(W) = v</c> together with <c>|W_l|² = |W_{l+1}|²</c>: full column rank where the function space is smooth, so it converges quadratically to layers
    /// of v, and where v is outside of the function space to a nearest point of it, linearly.</summary>
    /// <param name="library">For least squares.</param>
    /// <param name="start">Layers near the solution, none of them zero.</param>
    /// <param name="target">v, of length 1.</param>
    /// <param name="most">Steps at most.</param>
    public static (DeepLinearNetwork Network, double Residual, int Steps) Polish(DenseLibrary library, DeepLinearNetwork start, double[] target, int most = MostSteps)
    {
        DeepLinearNetwork network = Balanced(start, target);
        (double[] rest, double size) = Rest(network, target);
        int step = 0;
        for (int small = 0; step < most && small < 2; step++)
        {
            double[] change = library.LeastSquares(System(network), Matrix.Of(rest.Length, 1, rest), 1e-11).Elements;
            double length = Math.Sqrt(Matrix.Dot(change, change)), before = size;
            bool moved = false;
            for (double part = 1; part > 1e-3; part /= 2)
            {
                DeepLinearNetwork next = Moved(network, change, part);
                (double[] nextRest, double nextSize) = Rest(next, target);
                if (nextSize < size)
                {
                    (network, rest, size, moved) = (next, nextRest, nextSize, true);
                    break;
                }
            }

            if (!moved)
            {
                break;
            }

            small = length <= 1e-13 || before - size <= 1e-13 * before ? small + 1 : 0;
        }

        network = Balanced(network, target);
        return (network, Math.Sqrt(network.EndToEnd().Zip(target, (a, b) => (a - b) * (a - b)).Sum()), step);
    }

    /// <summary>Alternating least squares, a layer at a time, from random layers.</summary>
    public static DeepLinearNetwork Alternate(DenseLibrary library, DeepLinearNetwork shape, double[] target, Random random)
    {
        DeepLinearNetwork network = shape.With([.. shape.ToLayers().Select(w => w.Select(_ => Normal(random)).ToArray())]);
        double before = double.PositiveInfinity;
        for (int sweep = 0; sweep < Sweeps; sweep++)
        {
            double residual = 0;
            int from = 0;
            for (int l = 0; l < network.Depth; l++)
            {
                // mu is linear in one layer, so the columns of J for it are its whole map.
                Matrix jacobian = network.Jacobian();
                int count = network.Layer(l).Length;
                Matrix own = new(jacobian.Rows, count);
                for (int i = 0; i < own.Rows; i++)
                {
                    jacobian.Row(i).Slice(from, count).CopyTo(own.Row(i));
                }

                from += count;
                double[][] layers = network.ToLayers();
                layers[l] = library.LeastSquares(own, Matrix.Of(target.Length, 1, target), 1e-12).Elements;
                double scale = Math.Pow(layers[l].Sum(x => x * x), -0.5);
                if (!double.IsFinite(scale))
                {
                    return network;
                }

                if (l == network.Depth - 1)
                {
                    residual = network.With(layers).EndToEnd().Zip(target, (a, b) => (a - b) * (a - b)).Sum();
                }

                layers[l] = [.. layers[l].Select(x => x * scale)];
                network = network.With(layers);
            }

            if (residual < 1e-8 || before - residual <= 1e-4 * residual)
            {
                break;
            }

            before = residual;
        }

        return network;
    }

    /// <summary>Layers of norm 1, but for the last, whose factor brings the map nearest to the target; then all of one norm.</summary>
    public static DeepLinearNetwork Balanced(DeepLinearNetwork network, double[] target)
    {
        double[][] layers = Directions(network);
        double[] map = network.With(layers).EndToEnd();
        double square = Matrix.Dot(map, map), factor = square > 0 ? Matrix.Dot(map, target) / square : 1;
        factor = factor == 0 ? 1e-3 : factor;
        double each = Math.Pow(Math.Abs(factor), 1.0 / layers.Length);
        return network.With([.. layers.Select((w, l) => w.Select(x => x * (l == layers.Length - 1 ? Math.CopySign(each, factor) : each)).ToArray())]);
    }

    /// <summary>The layers with norm 1.</summary>
    public static double[][] Directions(DeepLinearNetwork network) => [.. network.ToLayers().Select(Direction)];

    public static double[] Direction(double[] layer)
    {
        double largest = layer.Max(Math.Abs), norm = Math.Sqrt(layer.Sum(x => x / largest * (x / largest)));
        return [.. layer.Select(x => x / largest / norm)];
    }

    /// <summary>J over the derivatives of the balance.</summary>
    public static Matrix System(DeepLinearNetwork network)
    {
        Matrix jacobian = network.Jacobian(), system = new(jacobian.Rows + network.Depth - 1, jacobian.Columns);
        system.Place(jacobian, 0, 0);
        for (int l = 0, at = 0; l < network.Depth - 1; at += network.Layer(l++).Length)
        {
            Span<double> row = system.Row(jacobian.Rows + l)[at..];
            int count = network.Layer(l).Length;
            for (int i = 0; i < count; i++)
            {
                row[i] = 2 * network.Layer(l)[i];
            }

            for (int i = 0; i < network.Layer(l + 1).Length; i++)
            {
                row[count + i] = -2 * network.Layer(l + 1)[i];
            }
        }

        return system;
    }

    private static (double[] Missing, double Size) Rest(DeepLinearNetwork network, double[] target)
    {
        double[] norms = [.. network.ToLayers().Select(w => w.Sum(x => x * x))];
        double[] rest = [.. network.EndToEnd().Zip(target, (a, b) => b - a), .. norms.Skip(1).Zip(norms, (next, own) => next - own)];
        double size = rest.Sum(x => x * x);
        return (rest, double.IsNaN(size) ? double.PositiveInfinity : size);
    }

    private static DeepLinearNetwork Moved(DeepLinearNetwork network, double[] change, double part)
    {
        int at = 0;
        return network.With([.. network.ToLayers().Select(w => w.Select(x => x + (part * change[at++])).ToArray())]);
    }

    private static double Normal(Random random) => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
}
