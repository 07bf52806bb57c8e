using System.Numerics;
using HpcLinear.LinearAlgebra;

namespace HpcLinear.LinearNetworks;

/// <summary>
/// The square loss of a linear map V over data, <c>1/(2N) sum |V(x_i) - y_i|²</c>, as the quadratic <c>½ &lt;V A, V&gt; - &lt;B, V&gt; + c</c> of three sufficient statistics: once they
/// are measured, training never touches the data.
/// </summary>
/// <remarks>
/// <para>With V as a matrix of c_L rows and of a column for each (input channel, tap), positions p and total stride S:
/// <c>A[(c,n),(c',m)] = 1/N sum x[c,pS+n] x[c',pS+m]</c>, <c>B[o,(c,n)] = 1/N sum y[o,p] x[c,pS+n]</c>, <c>c = |y|²/(2N)</c>. All in float64, on the host. Immutable and safe for threads.</para>
/// <para>A is singular where data do not span all taps; the part of V in its kernel has no force on it, and no minimum is unique. See <see cref="Rank"/>.</para>
/// <para>Evaluations cost (c_0 K)² c_L multiply-adds. Source: arXiv:2507.06367; docs/linear-networks.md.</para>
/// </remarks>
public sealed class SquareLoss
{
    private const double SymmetryTolerance = 1e-8;

    private readonly Matrix a;
    private readonly Matrix b;

    /// <summary>A loss of given statistics.</summary>
    /// <param name="mapShape">Shape of V, <c>[c_L, c_0, filter…]</c>.</param>
    /// <param name="a">A, <c>c_0 K</c> rows and columns, row-major, symmetric.</param>
    /// <param name="b">B, of the elements of V.</param>
    /// <param name="c">The loss of the map that is zero.</param>
    /// <exception cref="ArgumentException">Another number of elements, one that is not finite, or an A that is not symmetric.</exception>
    public SquareLoss(Shape mapShape, ReadOnlySpan<double> a, ReadOnlySpan<double> b, double c)
        : this(mapShape, null, Check(mapShape, a, b, c), Matrix.Of((int)mapShape[0], b.Length / (int)mapShape[0], b), c)
    {
    }

    private SquareLoss(Shape mapShape, Shape? stride, Matrix a, Matrix b, double c)
    {
        (MapShape, Stride, this.a, this.b, C) = (mapShape, stride, a, b, c);
    }

    /// <summary>Shape of V, <c>[c_L, c_0, filter…]</c>.</summary>
    public Shape MapShape { get; }

    /// <summary>The total stride at which A and B were measured; null for statistics given as numbers.</summary>
    public Shape? Stride { get; }

    /// <summary>A, row-major.</summary>
    public ReadOnlySpan<double> A => a.Elements;

    /// <summary>B, row-major, in the order of V.</summary>
    public ReadOnlySpan<double> B => b.Elements;

    /// <summary>The loss of the map that is zero.</summary>
    public double C { get; }

    /// <summary>Measures the statistics of data.</summary>
    /// <typeparam name="T">How the data are stored, <see langword="float"/> or <see langword="double"/>; sums are float64 whichever it is.</typeparam>
    /// <param name="queue">A queue of a device with float64: products run there, a block of the data at a time.</param>
    /// <param name="descriptor">Sizes.</param>
    /// <param name="input">x, <see cref="SquareLossDescriptor.InputShape"/>.</param>
    /// <param name="target">y, <see cref="SquareLossDescriptor.TargetShape"/>.</param>
    /// <exception cref="ProblemException">The descriptor is not valid.</exception>
    /// <exception cref="ArgumentException">Another number of elements, or one is not finite; the message names its sample.</exception>
    /// <exception cref="NotSupportedException">The device has no float64.</exception>
    /// <remarks>
    /// The least work of three ways: the second moments of whole samples, N (c_0 |x|)²/2 multiply-adds, whose entries are then added up along p, where at most 4096 elements are a sample;
    /// the product of all patches, N P (c_0 K)²/2, a block of them at a time; for one axis and long filters, only the entries with n or m below S, each other one from its
    /// neighbour by <c>A[n+S,m+S] = A[n,m] + (x[PS+n] x[PS+m] - x[n] x[m])/N</c>. Errors are of the order of the rounding unit times the same sums of magnitudes.
    /// </remarks>
    public static SquareLoss Measure<T>(CommandQueue queue, SquareLossDescriptor descriptor, ReadOnlySpan<T> input, ReadOnlySpan<T> target)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Measure(queue, descriptor, input, target, null);

    /// <summary>The same by a given way.</summary>
    internal static SquareLoss Measure<T>(CommandQueue queue, SquareLossDescriptor descriptor, ReadOnlySpan<T> input, ReadOnlySpan<T> target, LossMeasurement.Way? way)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        ArgumentNullException.ThrowIfNull(queue);
        ArgumentNullException.ThrowIfNull(descriptor);
        descriptor.Validate();
        queue.Device.CheckSupports<double>();
        Throw.IfCountDiffers(nameof(input), input.Length, descriptor.InputShape);
        Throw.IfCountDiffers(nameof(target), target.Length, descriptor.TargetShape);
        LossMeasurement found = LossMeasurement.Run(queue, descriptor, input, target, way);
        return new(descriptor.MapShape, descriptor.Stride, found.A, found.B, found.C);
    }

    /// <summary>The loss of a map.</summary>
    /// <exception cref="ArgumentException">Another number of elements.</exception>
    public double Value(ReadOnlySpan<double> map)
    {
        Throw.IfCountDiffers(nameof(map), map.Length, MapShape);
        return (0.5 * Matrix.Dot(HessianProduct(map), map)) - Matrix.Dot(b.Elements, map) + C;
    }

    /// <summary>V A - B, the gradient with respect to the map.</summary>
    /// <exception cref="ArgumentException">Another number of elements.</exception>
    public double[] Gradient(ReadOnlySpan<double> map)
    {
        double[] gradient = HessianProduct(map);
        Matrix.AddScaled(-1, b.Elements, gradient);
        return gradient;
    }

    /// <summary>dV A, the Hessian's product with a direction of the map.</summary>
    /// <exception cref="ArgumentException">Another number of elements.</exception>
    public double[] HessianProduct(ReadOnlySpan<double> map)
    {
        Throw.IfCountDiffers(nameof(map), map.Length, MapShape);
        return Matrix.Multiply(Matrix.Of(b.Rows, b.Columns, map), a).Elements;
    }

    /// <summary>The loss of a network.</summary>
    /// <exception cref="ArgumentException">Its map has another shape or stride.</exception>
    public double Value(DeepLinearNetwork network) => Value(MapOf(network));

    /// <summary>The gradient with respect to the layers, Jᵀ (V A - B).</summary>
    /// <exception cref="ArgumentException">Its map has another shape or stride.</exception>
    public double[][] Gradients(DeepLinearNetwork network)
    {
        double[] map = MapOf(network);
        return network.JacobianTransposeProduct(Gradient(map));
    }

    /// <summary>The product of the Hessian in all weights with dW.</summary>
    /// <exception cref="ArgumentException">The map has another shape or stride, or another number of layers or elements of dW.</exception>
    public double[][] HessianProduct(DeepLinearNetwork network, IReadOnlyList<double[]> directions)
    {
        double[] map = MapOf(network);
        return network.HessianProduct(directions, Gradient(map), HessianProduct(network.JacobianProduct(directions)));
    }

    /// <summary>The Gauss-Newton product, Jᵀ (J dW) A: the Hessian's without the term of the gradient V A - B. Positive semidefinite.</summary>
    /// <exception cref="ArgumentException">The map has another shape or stride, or another number of layers or elements of dW.</exception>
    public double[][] GaussNewtonProduct(DeepLinearNetwork network, IReadOnlyList<double[]> directions)
    {
        CheckMap(network);
        return network.JacobianTransposeProduct(HessianProduct(network.JacobianProduct(directions)));
    }

    /// <summary>The eigenvalues of A, ascending: curvatures of the loss in each row of V, and what data say about it.</summary>
    public double[] Spectrum() => DenseLibrary.Current.SymmetricEigenvalues(a);

    /// <summary>The rank of A: eigenvalues above a share of the largest.</summary>
    /// <param name="threshold">The share; from 10⁻⁴ on for data rounded to float32.</param>
    /// <exception cref="ArgumentOutOfRangeException">The share is not between 0 and 1.</exception>
    public int Rank(double threshold = 1e-9)
    {
        if (threshold is not (>= 0 and < 1))
        {
            throw new ArgumentOutOfRangeException(nameof(threshold), threshold, "threshold: a share from 0 on and below 1 expected");
        }

        double[] values = Spectrum();
        return values.Count(v => v > threshold * values[^1]);
    }

    private static Matrix Check(Shape mapShape, ReadOnlySpan<double> a, ReadOnlySpan<double> b, double c)
    {
        ArgumentNullException.ThrowIfNull(mapShape);
        if (mapShape.Rank < 2 || mapShape.Any(n => n <= 0))
        {
            throw new ArgumentException($"mapShape: a shape [out, in, filter…] of positive sizes expected, {mapShape} given", nameof(mapShape));
        }

        Throw.IfCountDiffers(nameof(b), b.Length, mapShape);
        int taps = b.Length / (int)mapShape[0];
        Throw.IfCountDiffers(nameof(a), a.Length, taps, taps);
        CheckFinite(nameof(a), a);
        CheckFinite(nameof(b), b);
        CheckFinite(nameof(c), [c]);
        Matrix result = Matrix.Of(taps, taps, a);
        double largest = 0;
        foreach (double element in a)
        {
            largest = Math.Max(largest, Math.Abs(element));
        }

        for (int i = 0; i < taps; i++)
        {
            for (int j = 0; j < i; j++)
            {
                if (Math.Abs(result[i, j] - result[j, i]) > SymmetryTolerance * largest)
                {
                    throw new ArgumentException($"a: a symmetric matrix expected, {result[i, j]} at [{i}, {j}] and {result[j, i]} at [{j}, {i}] given", nameof(a));
                }
            }
        }

        return result;

        static void CheckFinite(string argument, ReadOnlySpan<double> elements)
        {
            for (int i = 0; i < elements.Length; i++)
            {
                if (!double.IsFinite(elements[i]))
                {
                    throw new ArgumentException($"{argument}: element {i} is {elements[i]}, a finite number expected", argument);
                }
            }
        }
    }

    private double[] MapOf(DeepLinearNetwork network)
    {
        CheckMap(network);
        return network.EndToEnd();
    }

    private void CheckMap(DeepLinearNetwork network)
    {
        ArgumentNullException.ThrowIfNull(network);
        if (!network.Architecture.ComposedShape.Equals(MapShape))
        {
            throw new ArgumentException($"network: a map of shape {MapShape} expected, {network.Architecture.ComposedShape} given ({network.Architecture})", nameof(network));
        }

        if (Stride is { } stride && !network.Architecture.ComposedStride.Equals(stride))
        {
            throw new ArgumentException($"network: a total stride of {stride} expected, {network.Architecture.ComposedStride} given ({network.Architecture})", nameof(network));
        }
    }
}
