using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using HpcLinear.Benchmarks.Peers;
using HpcLinear.Cli.Comparison;

namespace HpcLinear.Benchmarks.Compare;

/// <summary>What this machine can do at most: multiply-adds on registers, and bytes read from each level of memory.</summary>
internal static unsafe class CeilingMeasurement
{
    private const int Rounds = 5, FmaSteps = 400_000, Chains = 12;
    private const long DramBytes = 256L << 20;

    public static Ceilings Measure(string type, int threads)
    {
        long l2 = CacheBytes("index2", 512 << 10) / 2, l3 = Math.Max(4 * l2, CacheBytes("index3", 16 << 20) / 4 / threads);
        double peak = type == "f32" ? Peak<float>(threads) : Peak<double>(threads);
        return new(type, threads, peak, Bandwidth(threads, l2), Bandwidth(threads, l3), Bandwidth(threads, DramBytes / threads));
    }

    private static double Peak<T>(int threads)
        where T : unmanaged, INumber<T>
    {
        double flops = 2.0 * FmaSteps * Chains * threads * (Vector512.IsHardwareAccelerated ? Vector512<T>.Count : Vector256<T>.Count);
        return flops / Together(threads, _ => Vector512.IsHardwareAccelerated ? Chain512<T>() : Chain256<T>()) / 1e9;
    }

    private static double Bandwidth(int threads, long bytes)
    {
        HostMemory[] memory = [.. Enumerable.Range(0, threads).Select(_ => new HostMemory(bytes))];
        int repeats = (int)Math.Max(1, (64L << 20) / bytes);
        double seconds = Together(threads, i => Read((byte*)memory[i].Address, bytes, repeats));
        Array.ForEach(memory, m => m.Dispose());
        return (double)bytes * repeats * threads / seconds / 1e9;
    }

    /// <summary>Seconds of the fastest round in which all threads did the work.</summary>
    private static double Together(int threads, Func<int, double> work)
    {
        double best = double.MaxValue;
        using Barrier start = new(threads);
        double[] sums = new double[threads];
        Thread[] others = [.. Enumerable.Range(1, threads - 1).Select(i => new Thread(() => Loop(i)))];
        Array.ForEach(others, t => t.Start());
        Loop(0);
        Array.ForEach(others, t => t.Join());
        GC.KeepAlive(sums);
        return best;

        void Loop(int thread)
        {
            sums[thread] = work(thread);
            for (int round = 0; round < Rounds; round++)
            {
                start.SignalAndWait();
                long from = Stopwatch.GetTimestamp();
                sums[thread] += work(thread);
                start.SignalAndWait();
                if (thread == 0)
                {
                    best = Math.Min(best, Stopwatch.GetElapsedTime(from).TotalSeconds);
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Chain512<T>()
        where T : unmanaged, INumber<T>
    {
        // Twelve chains: more than latency times units on every processor, fewer than registers.
        Vector512<T> x = Vector512.Create(T.CreateChecked(0.5)), y = Vector512.Create(T.One);
        Vector512<T> a = y, b = y, c = y, d = y, e = y, f = y, g = y, h = y, i = y, j = y, k = y, l = y;
        for (int step = 0; step < FmaSteps; step++)
        {
            a = Fma(a, x, y);
            b = Fma(b, x, y);
            c = Fma(c, x, y);
            d = Fma(d, x, y);
            e = Fma(e, x, y);
            f = Fma(f, x, y);
            g = Fma(g, x, y);
            h = Fma(h, x, y);
            i = Fma(i, x, y);
            j = Fma(j, x, y);
            k = Fma(k, x, y);
            l = Fma(l, x, y);
        }

        return double.CreateChecked(Vector512.Sum(a + b + c + d + e + f + g + h + i + j + k + l));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Chain256<T>()
        where T : unmanaged, INumber<T>
    {
        Vector256<T> x = Vector256.Create(T.CreateChecked(0.5)), y = Vector256.Create(T.One);
        Vector256<T> a = y, b = y, c = y, d = y, e = y, f = y, g = y, h = y, i = y, j = y, k = y, l = y;
        for (int step = 0; step < FmaSteps; step++)
        {
            a = Fma(a, x, y);
            b = Fma(b, x, y);
            c = Fma(c, x, y);
            d = Fma(d, x, y);
            e = Fma(e, x, y);
            f = Fma(f, x, y);
            g = Fma(g, x, y);
            h = Fma(h, x, y);
            i = Fma(i, x, y);
            j = Fma(j, x, y);
            k = Fma(k, x, y);
            l = Fma(l, x, y);
        }

        return double.CreateChecked(Vector256.Sum(a + b + c + d + e + f + g + h + i + j + k + l));
    }

    private static Vector512<T> Fma<T>(Vector512<T> a, Vector512<T> b, Vector512<T> c) => typeof(T) == typeof(float)
        ? Vector512.FusedMultiplyAdd(a.AsSingle(), b.AsSingle(), c.AsSingle()).As<float, T>()
        : Vector512.FusedMultiplyAdd(a.AsDouble(), b.AsDouble(), c.AsDouble()).As<double, T>();

    private static Vector256<T> Fma<T>(Vector256<T> a, Vector256<T> b, Vector256<T> c) => typeof(T) == typeof(float)
        ? Vector256.FusedMultiplyAdd(a.AsSingle(), b.AsSingle(), c.AsSingle()).As<float, T>()
        : Vector256.FusedMultiplyAdd(a.AsDouble(), b.AsDouble(), c.AsDouble()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Read(byte* from, long bytes, int repeats)
    {
        Vector256<long> a = default, b = a, c = a, d = a, e = a, f = a, g = a, h = a;
        for (int repeat = 0; repeat < repeats; repeat++)
        {
            for (long at = 0; at <= bytes - 256; at += 256)
            {
                a += Vector256.Load((long*)(from + at));
                b += Vector256.Load((long*)(from + at + 32));
                c += Vector256.Load((long*)(from + at + 64));
                d += Vector256.Load((long*)(from + at + 96));
                e += Vector256.Load((long*)(from + at + 128));
                f += Vector256.Load((long*)(from + at + 160));
                g += Vector256.Load((long*)(from + at + 192));
                h += Vector256.Load((long*)(from + at + 224));
            }
        }

        return Vector256.Sum(a + b + c + d + e + f + g + h);
    }

    /// <summary>Size of a cache as Linux tells it: <c>1024K</c>.</summary>
    private static long CacheBytes(string index, long otherwise)
    {
        string file = $"/sys/devices/system/cpu/cpu0/cache/{index}/size";
        return File.Exists(file) && long.TryParse(File.ReadAllText(file).Trim().TrimEnd('K'), NumberStyles.None, CultureInfo.InvariantCulture, out long kibibytes)
            ? kibibytes << 10
            : otherwise;
    }
}
