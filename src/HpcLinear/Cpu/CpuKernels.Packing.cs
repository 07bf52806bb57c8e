using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace HpcLinear.Cpu;

internal abstract unsafe partial class CpuKernels<T>
{
    /// <summary>
    /// Packs rows into panels side by side, <c>panels[j/panel*hop + p*panel + j%panel] = source[p*step + j]</c>, for whole panels of columns. Whole
    /// rows at once and rows fetched ahead: rows of a large matrix lie on pages of their own, and the processor does not fetch across pages.
    /// </summary>
    public abstract void PackRows(T* source, nint step, long columns, int depth, T* panels, int panel, nint hop);
}

internal sealed unsafe partial class CpuKernels<T, TVector, TSimd>
{
    /// <summary>Rows that are fetched ahead: as many as are packed in the time of an access to memory.</summary>
    private const int RowsAhead = 6;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void PackRows(T* source, nint step, long columns, int depth, T* panels, int panel, nint hop)
    {
        int w = TSimd.Width;
        bool fetch = step * sizeof(T) >= 512 && Sse.IsSupported;
        for (int p = 0; p < depth; p++, source += step, panels += panel)
        {
            T* to = panels;
            T* ahead = p + RowsAhead < depth ? source + (RowsAhead * step) : source;
            for (long j = 0; j < columns; j += panel, to += hop)
            {
                for (int i = 0; i < panel; i += w)
                {
                    if (fetch)
                    {
                        Sse.Prefetch1(ahead + j + i);
                    }

                    TSimd.Store(TSimd.Load(source + j + i), to + i);
                }
            }
        }
    }
}

/// <summary>Packing that does not depend on the instruction set of the tiles.</summary>
internal static unsafe class Packing
{
    /// <summary><c>panel[p*width + l] = source[p*step + l]</c> for the lines there are; the others become zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Rows<T>(T* panel, int width, T* source, nint step, int lines, int depth)
        where T : unmanaged
    {
        int whole = lines / Vector128<T>.Count * Vector128<T>.Count, wide = lines / Vector256<T>.Count * Vector256<T>.Count;
        for (int p = 0; p < depth; p++, panel += width, source += step)
        {
            int l = 0;
            for (; l < wide; l += Vector256<T>.Count)
            {
                Vector256.Load(source + l).Store(panel + l);
            }

            for (; l < whole; l += Vector128<T>.Count)
            {
                Vector128.Load(source + l).Store(panel + l);
            }

            for (; l < lines; l++)
            {
                panel[l] = source[l];
            }

            for (; l < width; l++)
            {
                panel[l] = default;
            }
        }
    }

    /// <summary><c>panel[p*width + l] = source[l*lineStride + p]</c>: lines become columns, in blocks of vectors. Returns the lines done, a multiple of four.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Lines(float* panel, int width, float* source, nint lineStride, int lines, int depth)
    {
        int l = 0;
        if (Vector512.IsHardwareAccelerated && depth >= 16)
        {
            float** from = stackalloc float*[32];
            for (; l + 16 <= lines; l += 16)
            {
                float** to = from + 16;
                for (int r = 0; r < 16; r++)
                {
                    from[r] = source + ((l + r) * lineStride);
                    to[r] = panel + l + (r * width);
                }

                int p = 0;
                for (; p + 16 <= depth; p += 16)
                {
                    CpuKernels<float>.Transpose(from, p, to, p * width);
                }

                for (; p < depth; p++)
                {
                    for (int r = 0; r < 16; r++)
                    {
                        panel[(p * width) + l + r] = from[r][p];
                    }
                }
            }
        }

        for (; Sse.IsSupported && l + 4 <= lines; l += 4)
        {
            float* a = source + (l * lineStride), b = a + lineStride, c = b + lineStride, d = c + lineStride, to = panel + l;
            int p = 0;
            for (; p + 4 <= depth; p += 4, to += 4 * width)
            {
                CpuKernels<float>.Transpose(
                    Vector128.Load(a + p),
                    Vector128.Load(b + p),
                    Vector128.Load(c + p),
                    Vector128.Load(d + p),
                    out Vector128<float> r0,
                    out Vector128<float> r1,
                    out Vector128<float> r2,
                    out Vector128<float> r3);
                r0.Store(to);
                r1.Store(to + width);
                r2.Store(to + (2 * width));
                r3.Store(to + (3 * width));
            }

            for (; p < depth; p++, to += width)
            {
                to[0] = a[p];
                to[1] = b[p];
                to[2] = c[p];
                to[3] = d[p];
            }
        }

        return l;
    }

    /// <summary>As above.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Lines(double* panel, int width, double* source, nint lineStride, int lines, int depth)
    {
        int l = 0;
        if (Vector512.IsHardwareAccelerated && depth >= 8)
        {
            double** from = stackalloc double*[16];
            for (; l + 8 <= lines; l += 8)
            {
                double** to = from + 8;
                for (int r = 0; r < 8; r++)
                {
                    from[r] = source + ((l + r) * lineStride);
                    to[r] = panel + l + (r * width);
                }

                int p = 0;
                for (; p + 8 <= depth; p += 8)
                {
                    CpuKernels<double>.Transpose(from, p, to, p * width);
                }

                for (; p < depth; p++)
                {
                    for (int r = 0; r < 8; r++)
                    {
                        panel[(p * width) + l + r] = from[r][p];
                    }
                }
            }
        }

        for (; Sse2.IsSupported && l + 2 <= lines; l += 2)
        {
            double* a = source + (l * lineStride), b = a + lineStride, to = panel + l;
            int p = 0;
            for (; p + 2 <= depth; p += 2, to += 2 * width)
            {
                Vector128<double> x = Vector128.Load(a + p), y = Vector128.Load(b + p);
                Sse2.UnpackLow(x, y).Store(to);
                Sse2.UnpackHigh(x, y).Store(to + width);
            }

            if (p < depth)
            {
                to[0] = a[p];
                to[1] = b[p];
            }
        }

        return l;
    }
}
