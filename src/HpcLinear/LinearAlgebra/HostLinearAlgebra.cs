namespace HpcLinear.LinearAlgebra;

/// <summary>Dense linear algebra on the host: eigenvalues, singular values and factorisations of float64 matrices that do not live on a device.</summary>
public static class HostLinearAlgebra
{
    /// <summary>The library that does it, decided once a process: LAPACK with the file it was loaded from, or MathNet.Numerics with its version.</summary>
    /// <exception cref="ArgumentException"><c>HPCLINEAR_LAPACK</c> names a file that is not a working LAPACK library.</exception>
    public static string Library => DenseLibrary.Current.Name;
}
