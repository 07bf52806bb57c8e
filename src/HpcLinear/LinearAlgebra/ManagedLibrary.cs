using System.Numerics;
using MathNet.Numerics;
using MathNet.Numerics.Providers.LinearAlgebra;

namespace HpcLinear.LinearAlgebra;

/// <summary>MathNet.Numerics: in C#, always there, about ten times slower than a tuned LAPACK.</summary>
internal sealed class ManagedLibrary : DenseLibrary
{
    public static readonly ManagedLibrary Instance = new();

    // Named itself: MathNet's own choice of a provider looks for native ones by reflection, and other users of MathNet in the process may change it.
    private static readonly ManagedLinearAlgebraProvider Provider = ManagedLinearAlgebraProvider.Instance;

    private ManagedLibrary()
    {
    }

    public override string Name => $"MathNet.Numerics {typeof(ManagedLinearAlgebraProvider).Assembly.GetName().Version?.ToString(3)}";

    protected override void Symmetric(int size, double[] elements, double[] values, bool vectors)
    {
        Complex[] complex = new Complex[size];
        double[] columns = new double[elements.Length];
        Decompose(isSymmetric: true, size, elements, columns, complex);
        for (int i = 0; i < size; i++)
        {
            values[i] = complex[i].Real;
        }

        columns.CopyTo(elements, 0);
    }

    protected override void General(int size, double[] elements, Complex[] values) => Decompose(isSymmetric: false, size, elements, new double[elements.Length], values);

    protected override void Singular(int rows, int columns, double[] elements, double[] values, double[]? left, double[]? right)
    {
        // A square factor first: MathNet forms both square matrices of vectors, the larger of which may be huge. By columns, so a wide matrix is already its transpose.
        bool tall = rows >= columns;
        int count = values.Length, length = Math.Max(rows, columns);
        double[] q = tall ? Matrix.Of(rows, columns, elements).Transpose().Elements : elements, r = new double[count * count];
        double[] u = new double[count * count], vt = new double[count * count];
        Provider.ThinQRFactor(q, length, count, r, new double[count]);
        try
        {
            Provider.SingularValueDecomposition(left is not null, r, count, count, values, u, vt);
        }
        catch (NonConvergenceException exception)
        {
            throw Unsettled("singular values", exception.Message);
        }

        if (left is null || right is null)
        {
            return;
        }

        // The longer factor is Q u; what a library wrote by columns is read by rows as its transpose.
        Matrix longer = Matrix.Multiply(Matrix.Of(count, count, u), Matrix.Of(count, length, q)), square = Matrix.Of(count, count, vt);
        (tall ? longer.Transpose() : square).Elements.CopyTo(left, 0);
        (tall ? square.Transpose() : longer).Elements.CopyTo(right, 0);
    }

    private static void Decompose(bool isSymmetric, int size, double[] elements, double[] columns, Complex[] values)
    {
        try
        {
            Provider.EigenDecomp(isSymmetric, size, elements, columns, values, new double[elements.Length]);
        }
        catch (NonConvergenceException exception)
        {
            throw Unsettled("eigenvalues", exception.Message);
        }
    }
}
