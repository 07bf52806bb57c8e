using System.Numerics;
using System.Runtime.InteropServices;

namespace HpcLinear.LinearAlgebra;

/// <summary>A LAPACK library of the system, loaded at run time.</summary>
/// <remarks>Fortran's conventions: arguments by address, matrices by columns, and a hidden length, 1, after the arguments for each character. Integers are given as 64 bits
/// with small values, which a library of 32-bit integers reads and writes just as well on this byte order; arrays of integers are as long as 64 bits need. The library runs
/// on the caller's thread alone, so that bits do not depend on its thread count.</remarks>
internal sealed unsafe class Lapack : DenseLibrary
{
    private static readonly string[] Installed = ["libmkl_rt.so.2", "libopenblas.so.0", "libopenblas.so", "liblapack.so.3"];

    private readonly string file;
    private readonly delegate* unmanaged[Cdecl]<byte*, long*, double*, long*, long*, nint, void> dpotrf;
    private readonly delegate* unmanaged[Cdecl]<byte*, byte*, long*, double*, long*, double*, double*, long*, long*, long*, long*, nint, nint, void> dsyevd;
    private readonly delegate* unmanaged[Cdecl]<byte*, byte*, long*, double*, long*, double*, double*, double*, long*, double*, long*, double*, long*, long*, nint, nint, void> dgeev;
    private readonly delegate* unmanaged[Cdecl]<byte*, long*, long*, double*, long*, double*, double*, long*, double*, long*, double*, long*, long*, long*, nint, void> dgesdd;
    private readonly delegate* unmanaged[Cdecl]<byte*, byte*, long*, long*, double*, long*, double*, double*, long*, double*, long*, double*, long*, long*, nint, nint, void> dgesvd;

    private Lapack(string file, nint handle)
    {
        this.file = file;
        dpotrf = (delegate* unmanaged[Cdecl]<byte*, long*, double*, long*, long*, nint, void>)NativeLibrary.GetExport(handle, "dpotrf_");
        dsyevd = (delegate* unmanaged[Cdecl]<byte*, byte*, long*, double*, long*, double*, double*, long*, long*, long*, long*, nint, nint, void>)NativeLibrary.GetExport(handle, "dsyevd_");
        dgeev = (delegate* unmanaged[Cdecl]<byte*, byte*, long*, double*, long*, double*, double*, double*, long*, double*, long*, double*, long*, long*, nint, nint, void>)
            NativeLibrary.GetExport(handle, "dgeev_");
        dgesdd = (delegate* unmanaged[Cdecl]<byte*, long*, long*, double*, long*, double*, double*, long*, double*, long*, double*, long*, long*, long*, nint, void>)
            NativeLibrary.GetExport(handle, "dgesdd_");
        dgesvd = (delegate* unmanaged[Cdecl]<byte*, byte*, long*, long*, double*, long*, double*, double*, long*, double*, long*, double*, long*, long*, nint, nint, void>)
            NativeLibrary.GetExport(handle, "dgesvd_");
        foreach (string setThreads in (string[])["openblas_set_num_threads", "MKL_Set_Num_Threads"])
        {
            if (NativeLibrary.TryGetExport(handle, setThreads, out nint address))
            {
                ((delegate* unmanaged[Cdecl]<int, void>)address)(1);
            }
        }
    }

    public override string Name => $"LAPACK ({file})";

    /// <summary>The first library among the system's that loads and computes small examples right, or null.</summary>
    public static Lapack? FindInstalled()
    {
        foreach (string name in Installed)
        {
            if (TryLoad(name, out _) is { } library)
            {
                return library;
            }
        }

        return null;
    }

    /// <summary>Loads a library; null with a reason if it is none, lacks a function or fails the examples.</summary>
    public static Lapack? TryLoad(string file, out string reason)
    {
        reason = "";
        if (!BitConverter.IsLittleEndian || !NativeLibrary.TryLoad(file, out nint handle))
        {
            reason = "it does not load";
            return null;
        }

        try
        {
            Lapack library = new(file, handle);
            if (library.PassesExamples())
            {
                return library;
            }

            reason = "its results are wrong";
        }
        catch (Exception exception) when (exception is EntryPointNotFoundException or ArithmeticException)
        {
            reason = exception.Message;
        }

        return null;
    }

    public override int Cholesky(Matrix a)
    {
        long size = a.Rows, leading = Math.Max(1, size), info = 0;
        byte upper = (byte)'U';
        fixed (double* elements = a.Elements)
        {
            dpotrf(&upper, &size, elements, &leading, &info, 1);
        }

        // Not every implementation stops at a pivot that is not a number.
        for (int i = 0; i < a.Rows; i++)
        {
            if (i == (int)info - 1 || !double.IsFinite(a[i, i]))
            {
                return i;
            }
        }

        return -1;
    }

    protected override void Symmetric(int size, double[] elements, double[] values, bool vectors)
    {
        long n = size, leading = size, info = 0, query = -1, integers = 0;
        byte job = (byte)(vectors ? 'V' : 'N'), upper = (byte)'U';
        double work = 0;
        fixed (double* a = elements, w = values)
        {
            dsyevd(&job, &upper, &n, a, &leading, w, &work, &query, &integers, &query, &info, 1, 1);
            long length = (long)work, integerLength = (int)integers;
            fixed (double* space = new double[length])
            fixed (long* integerSpace = new long[integerLength])
            {
                dsyevd(&job, &upper, &n, a, &leading, w, space, &length, integerSpace, &integerLength, &info, 1, 1);
            }
        }

        Check("eigenvalues", "dsyevd", info);
    }

    protected override void General(int size, double[] elements, Complex[] values)
    {
        long n = size, leading = size, one = 1, info = 0, query = -1;
        byte none = (byte)'N';
        double work = 0;
        double[] real = new double[size], imaginary = new double[size];
        fixed (double* a = elements, re = real, im = imaginary)
        {
            dgeev(&none, &none, &n, a, &leading, re, im, null, &one, null, &one, &work, &query, &info, 1, 1);
            long length = (long)work;
            fixed (double* space = new double[length])
            {
                dgeev(&none, &none, &n, a, &leading, re, im, null, &one, null, &one, space, &length, &info, 1, 1);
            }
        }

        Check("eigenvalues", "dgeev", info);
        for (int i = 0; i < size; i++)
        {
            values[i] = new(real[i], imaginary[i]);
        }
    }

    protected override void Singular(int rows, int columns, double[] elements, double[] values, double[]? left, double[]? right)
    {
        double[] kept = [.. elements];
        if (DivideAndConquer(rows, columns, elements, values, left, right) != 0)
        {
            // The fast method has rare matrices on which it does not settle; the older one is slower and surer.
            Check("singular values", "dgesvd", Iterate(rows, columns, kept, values, left, right));
        }
    }

    /// <summary>Aᵀ = V diag Uᵀ by columns is A = U diag Vᵀ by rows: what the library calls left goes to Vᵀ.</summary>
    private int DivideAndConquer(int rows, int columns, double[] elements, double[] values, double[]? left, double[]? right)
    {
        long m = columns, n = rows, count = values.Length, info = 0, query = -1;
        byte job = (byte)(left is null ? 'N' : 'S');
        double work = 0;
        fixed (double* a = elements, s = values, u = right, vt = left)
        fixed (long* integers = new long[8 * count])
        {
            dgesdd(&job, &m, &n, a, &m, s, u, &m, vt, &count, &work, &query, integers, &info, 1);
            long length = (long)work;
            fixed (double* space = new double[length])
            {
                dgesdd(&job, &m, &n, a, &m, s, u, &m, vt, &count, space, &length, integers, &info, 1);
            }
        }

        return (int)info;
    }

    private int Iterate(int rows, int columns, double[] elements, double[] values, double[]? left, double[]? right)
    {
        long m = columns, n = rows, count = values.Length, info = 0, query = -1;
        byte job = (byte)(left is null ? 'N' : 'S');
        double work = 0;
        fixed (double* a = elements, s = values, u = right, vt = left)
        {
            dgesvd(&job, &job, &m, &n, a, &m, s, u, &m, vt, &count, &work, &query, &info, 1, 1);
            long length = (long)work;
            fixed (double* space = new double[length])
            {
                dgesvd(&job, &job, &m, &n, a, &m, s, u, &m, vt, &count, space, &length, &info, 1, 1);
            }
        }

        return (int)info;
    }

    private static void Check(string what, string function, long info)
    {
        if ((int)info != 0)
        {
            throw Unsettled(what, $"{function}: {(int)info}");
        }
    }

    /// <summary>Every function on an example with a known answer: a file may carry the right names and the wrong conventions.</summary>
    private bool PassesExamples()
    {
        Matrix definite = Matrix.Of(2, 2, [4, 99, 2, 10]);
        if (Cholesky(definite) != -1 || !Near([definite[0, 0], definite[1, 0], definite[1, 1]], [2, 1, 3]) || Cholesky(Matrix.Of(2, 2, [1, 2, 2, 1])) != 1)
        {
            return false;
        }

        (double[] values, Matrix vectors) = SymmetricEigen(Matrix.Of(2, 2, [2, 0, 1, 2]));
        if (!Near(values, [1, 3]) || !Near([vectors[0, 0] + vectors[0, 1], vectors[1, 0] - vectors[1, 1]], [0, 0])
            || !Near(SymmetricEigenvalues(Matrix.Of(2, 2, [2, 0, 1, 2])), [1, 3])
            || !Near([.. Eigenvalues(Matrix.Of(2, 2, [0, -4, 1, 0])).Select(v => v.Imaginary).Order()], [-2, 2]))
        {
            return false;
        }

        double[] wide = [3, 0, 0, 0, 4, 0], left = new double[4], right = new double[6];
        double[] singular = new double[2];
        return Iterate(2, 3, [.. wide], singular, left, right) == 0 && Near(singular, [4, 3]) && Near([Math.Abs(left[1]), Math.Abs(right[1])], [1, 1])
            && Iterate(2, 3, [.. wide], singular, null, null) == 0 && Near(singular, [4, 3])
            && DivideAndConquer(2, 3, [.. wide], singular, left, right) == 0 && Near(singular, [4, 3]) && Near([Math.Abs(left[2]), Math.Abs(right[3])], [1, 1])
            && DivideAndConquer(2, 3, [.. wide], singular, null, null) == 0 && Near(singular, [4, 3]);

        static bool Near(double[] actual, double[] expected) => actual.Zip(expected).All(pair => Math.Abs(pair.First - pair.Second) <= 1e-13);
    }
}
