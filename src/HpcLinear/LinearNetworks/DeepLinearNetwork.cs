using HpcLinear.LinearAlgebra;
using HpcLinear.Operations;

namespace HpcLinear.LinearNetworks;

/// <summary>
/// The weights W_0 … W_{L-1} of one deep linear network on the host in float64, fully connected or convolutional: its end-to-end map mu(W) and the Jacobian J of mu.
/// </summary>
/// <remarks>
/// For one small network whose every step is looked at; <see cref="DeepProductPlan{T}"/> is the fast form, for devices and for many networks. A product with J or Jᵀ
/// costs about three compositions. Maps are row-major, <c>[Channels[L], Channels[0], extent…]</c>. Immutable. Source: arXiv:2507.06367, docs/operations/deep-products.md.
/// </remarks>
public sealed class DeepLinearNetwork
{
    private readonly double[][] layers;
    private readonly HostComposition[] joins;

    /// <summary>Copies and checks the weights.</summary>
    /// <param name="architecture">Sizes; <see cref="DeepProductDescriptor.Problems"/> must be null.</param>
    /// <param name="layers">W_l of <see cref="DeepProductDescriptor.FilterShape"/> each, row-major, finite.</param>
    /// <exception cref="ProblemException">The architecture is not valid.</exception>
    /// <exception cref="ArgumentException">Another number of layers or elements, several problems, an element that is not finite, or more than 2^31 - 1 elements.</exception>
    public DeepLinearNetwork(DeepProductDescriptor architecture, IReadOnlyList<double[]> layers)
        : this(architecture, layers, CheckedJoins(architecture))
    {
        for (int l = 0; l < layers.Count; l++)
        {
            int bad = Array.FindIndex(layers[l], w => !double.IsFinite(w));
            if (bad >= 0)
            {
                throw new ArgumentException($"layers: element {bad} of layer {l} is {layers[l][bad]}, a finite number expected", nameof(layers));
            }
        }
    }

    private DeepLinearNetwork(DeepProductDescriptor architecture, IReadOnlyList<double[]> layers, HostComposition[] joins)
    {
        ArgumentNullException.ThrowIfNull(layers);
        Architecture = architecture;
        this.joins = joins;
        CheckLayers(nameof(layers), layers);
        this.layers = [.. layers.Select(w => (double[])w.Clone())];
    }

    /// <summary>The sizes.</summary>
    public DeepProductDescriptor Architecture { get; }

    /// <summary>Number of layers, L.</summary>
    public int Depth => layers.Length;

    /// <summary>Number of weights, the columns of J.</summary>
    public int Parameters => layers.Sum(w => w.Length);

    /// <summary>Number of elements of the end-to-end map, the rows of J.</summary>
    public int MapElements => joins.Length == 0 ? layers[0].Length : joins[^1].ComposedElements;

    /// <summary>The elements of W_l.</summary>
    public ReadOnlySpan<double> Layer(int layer) => layers[layer];

    /// <summary>Copies of all layers.</summary>
    public double[][] ToLayers() => [.. layers.Select(w => (double[])w.Clone())];

    /// <summary>Other weights of the same architecture.</summary>
    /// <exception cref="ArgumentException">Another number of layers or elements.</exception>
    public DeepLinearNetwork With(IReadOnlyList<double[]> weights) => new(Architecture, weights, joins);

    /// <summary>mu(W).</summary>
    public double[] EndToEnd() => Prefixes()[^1];

    /// <summary>J dW, the derivative of mu along <paramref name="directions"/>.</summary>
    /// <param name="directions">dW_l, of the layers' sizes.</param>
    /// <exception cref="ArgumentException">Another number of layers or elements.</exception>
    public double[] JacobianProduct(IReadOnlyList<double[]> directions)
    {
        CheckLayers(nameof(directions), directions);
        double[][] prefixes = Prefixes();
        double[] tangent = (double[])directions[0].Clone();
        for (int l = 1; l < Depth; l++)
        {
            double[] next = new double[joins[l - 1].ComposedElements];
            joins[l - 1].Compose(tangent, layers[l], next);
            joins[l - 1].Compose(prefixes[l - 1], directions[l], next);
            tangent = next;
        }

        return tangent;
    }

    /// <summary>Jᵀ u, the gradient of <c>&lt;u, mu(W)&gt;</c>.</summary>
    /// <param name="cotangent">u, <see cref="MapElements"/> elements.</param>
    /// <exception cref="ArgumentException">Another number of elements.</exception>
    public double[][] JacobianTransposeProduct(ReadOnlySpan<double> cotangent)
    {
        CheckMap(nameof(cotangent), cotangent);
        return Adjoint(Prefixes(), cotangent);
    }

    /// <summary>The derivative of <c>Jᵀ u</c> along dW, where u changes too: <c>(dJ)ᵀ u + Jᵀ du</c>, forward over reverse.</summary>
    /// <param name="directions">dW_l, of the layers' sizes.</param>
    /// <param name="cotangent">u, <see cref="MapElements"/> elements; of a loss f of the map its gradient.</param>
    /// <param name="cotangentChange">du; of a loss the product of its Hessian with <c>J dW</c>. Then the result is the Hessian's of <c>f(mu(W))</c> with dW.</param>
    /// <exception cref="ArgumentException">Another number of layers or elements.</exception>
    /// <remarks>About eight compositions.</remarks>
    public double[][] HessianProduct(IReadOnlyList<double[]> directions, ReadOnlySpan<double> cotangent, ReadOnlySpan<double> cotangentChange)
    {
        CheckLayers(nameof(directions), directions);
        CheckMap(nameof(cotangent), cotangent);
        CheckMap(nameof(cotangentChange), cotangentChange);
        double[][] prefixes = Prefixes(), changes = new double[Depth][], products = new double[Depth][];
        changes[0] = (double[])directions[0].Clone();
        for (int l = 1; l < Depth; l++)
        {
            changes[l] = new double[joins[l - 1].ComposedElements];
            joins[l - 1].Compose(changes[l - 1], layers[l], changes[l]);
            joins[l - 1].Compose(prefixes[l - 1], directions[l], changes[l]);
        }

        double[] upper = cotangent.ToArray(), upperChange = cotangentChange.ToArray();
        for (int l = Depth - 1; l > 0; l--)
        {
            HostComposition join = joins[l - 1];
            products[l] = new double[join.SecondElements];
            join.BackwardSecond(upperChange, prefixes[l - 1], products[l]);
            join.BackwardSecond(upper, changes[l - 1], products[l]);
            double[] lower = new double[join.FirstElements], lowerChange = new double[join.FirstElements];
            join.BackwardFirst(upper, layers[l], lower);
            join.BackwardFirst(upperChange, layers[l], lowerChange);
            join.BackwardFirst(upper, directions[l], lowerChange);
            (upper, upperChange) = (lower, lowerChange);
        }

        products[0] = upperChange;
        return products;
    }

    /// <summary>The kernel <c>K = J Jᵀ</c>, row-major, <see cref="MapElements"/> rows and columns.</summary>
    public double[] Kernel()
    {
        Matrix jacobian = Jacobian();
        return Matrix.MultiplyTranspose(jacobian, jacobian).Elements;
    }

    /// <summary>J: a row for each element of the map, a column for each weight, layer after layer.</summary>
    internal Matrix Jacobian()
    {
        double[][] prefixes = Prefixes();
        Matrix jacobian = new(MapElements, Parameters);
        double[] unit = new double[MapElements];
        for (int row = 0; row < unit.Length; row++)
        {
            unit[row] = 1;
            int at = 0;
            foreach (double[] part in Adjoint(prefixes, unit))
            {
                part.CopyTo(jacobian.Row(row)[at..]);
                at += part.Length;
            }

            unit[row] = 0;
        }

        return jacobian;
    }

    private static HostComposition[] CheckedJoins(DeepProductDescriptor architecture)
    {
        ArgumentNullException.ThrowIfNull(architecture);
        architecture.Validate();
        if (architecture.Problems is { } problems)
        {
            throw new ArgumentException($"architecture: {problems} problems given, one network (null) expected", nameof(architecture));
        }

        if (Enumerable.Range(0, architecture.Depth).Any(l => architecture.FilterShape(l).ElementCount > int.MaxValue) || architecture.ComposedShape.ElementCount > int.MaxValue)
        {
            throw new ArgumentException($"architecture: layers and map of at most {int.MaxValue} elements expected ({architecture})", nameof(architecture));
        }

        return [.. Enumerable.Range(1, architecture.Depth - 1).Select(l => new HostComposition(architecture.JoinOf(new(0, l, l + 1))))];
    }

    /// <summary>Layers 0 … l as one filter, for every l.</summary>
    private double[][] Prefixes()
    {
        double[][] prefixes = new double[Depth][];
        prefixes[0] = (double[])layers[0].Clone();
        for (int l = 1; l < Depth; l++)
        {
            prefixes[l] = new double[joins[l - 1].ComposedElements];
            joins[l - 1].Compose(prefixes[l - 1], layers[l], prefixes[l]);
        }

        return prefixes;
    }

    private double[][] Adjoint(double[][] prefixes, ReadOnlySpan<double> cotangent)
    {
        double[][] gradients = new double[Depth][];
        double[] upper = cotangent.ToArray();
        for (int l = Depth - 1; l > 0; l--)
        {
            HostComposition join = joins[l - 1];
            gradients[l] = new double[join.SecondElements];
            join.BackwardSecond(upper, prefixes[l - 1], gradients[l]);
            double[] lower = new double[join.FirstElements];
            join.BackwardFirst(upper, layers[l], lower);
            upper = lower;
        }

        gradients[0] = upper;
        return gradients;
    }

    private void CheckLayers(string argument, IReadOnlyList<double[]> given)
    {
        ArgumentNullException.ThrowIfNull(given, argument);
        if (given.Count != Architecture.Depth)
        {
            throw new ArgumentException($"{argument}: {Architecture.Depth} layers expected, {given.Count} given ({Architecture})", argument);
        }

        for (int l = 0; l < given.Count; l++)
        {
            ArgumentNullException.ThrowIfNull(given[l], argument);
            if (given[l].Length != Architecture.FilterShape(l).ElementCount)
            {
                throw new ArgumentException($"{argument}: {Architecture.FilterShape(l).ElementCount} elements expected in layer {l}, {given[l].Length} given ({Architecture})", argument);
            }
        }
    }

    private void CheckMap(string argument, ReadOnlySpan<double> map)
    {
        if (map.Length != MapElements)
        {
            throw new ArgumentException($"{argument}: {MapElements} elements expected, {map.Length} given ({Architecture})", argument);
        }
    }
}
