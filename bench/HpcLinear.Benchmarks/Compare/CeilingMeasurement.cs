using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using HpcLinear.Benchmarks.Peers;
using HpcLinear.Cli.Comparison;
using HpcLinear.Cpu;

namespace HpcLinear.Benchmarks.Compare;

/// <summary>What this machine can do at most: multiply-adds on registers, and bytes read from each level of memory.</summary>
internal static unsafe class CeilingMeasurement
{
    // So many that a system which keeps two threads on one core for some milliseconds does not do so in all of them.
    private const int Rounds = 60, FmaSteps = 400_000, Chains = 12;
    private const long DramBytes = 256L << 20;

    public static Ceilings Measure(string type, int threads)
    {
        long l2 = CacheBytes("index2", 512 << 10) / 2, l3 = Math.Max(4 * l2, CacheBytes("index3", 16 << 20) / 4 / threads);
        double peak = type == "f32" ? Peak<float>(threads) : Peak<double>(threads);
        return new(type, threads, peak, Bandwidth(threads, l2), Bandwidth(threads, l3), Bandwidth(threads, DramBytes / threads));
    }

    private static double Peak<T>(int threads)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        double flops = 2.0 * FmaSteps * Chains * threads * (Vector512.IsHardwareAccelerated ? Vector512<T>.Count : Vector256<T>.Count);
        return flops / Together(threads, _ => Vector512.IsHardwareAccelerated ? Chain<T, Vector512<T>, Avx512Simd<T>>() : Chain<T, Vector256<T>, Avx2Simd<T>>()) / 1e9;
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
        int arrived = 0;
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
                Meet(2 * round * threads);
                long from = Stopwatch.GetTimestamp();
                sums[thread] += work(thread);
                Meet(((2 * round) + 1) * threads);
                if (thread == 0)
                {
                    best = Math.Min(best, Stopwatch.GetElapsedTime(from).TotalSeconds);
                }
            }
        }

        // Waiting threads spin: one that sleeps may be woken on the core of the one that wakes it.
        void Meet(int before)
        {
            Interlocked.Increment(ref arrived);
            while (Volatile.Read(ref arrived) < before + threads)
            {
                Thread.SpinWait(20);
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static double Chain<T, TVector, TSimd>()
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
        where TVector : struct
        where TSimd : struct, ISimd<T, TVector>
    {
        // Twelve chains: more than latency times units on every processor, fewer than registers.
        TVector x = TSimd.Broadcast(T.CreateChecked(0.5)), y = TSimd.Broadcast(T.One);
        TVector a = y, b = y, c = y, d = y, e = y, f = y, g = y, h = y, i = y, j = y, k = y, l = y;
        for (int step = 0; step < FmaSteps; step++)
        {
            a = TSimd.FusedMulAdd(a, x, y);
            b = TSimd.FusedMulAdd(b, x, y);
            c = TSimd.FusedMulAdd(c, x, y);
            d = TSimd.FusedMulAdd(d, x, y);
            e = TSimd.FusedMulAdd(e, x, y);
            f = TSimd.FusedMulAdd(f, x, y);
            g = TSimd.FusedMulAdd(g, x, y);
            h = TSimd.FusedMulAdd(h, x, y);
            i = TSimd.FusedMulAdd(i, x, y);
            j = TSimd.FusedMulAdd(j, x, y);
            k = TSimd.FusedMulAdd(k, x, y);
            l = TSimd.FusedMulAdd(l, x, y);
        }

        TVector sum = TSimd.Add(TSimd.Add(TSimd.Add(a, b), TSimd.Add(c, d)), TSimd.Add(TSimd.Add(e, f), TSimd.Add(g, h)));
        sum = TSimd.Add(sum, TSimd.Add(TSimd.Add(i, j), TSimd.Add(k, l)));
        return double.CreateChecked(Unsafe.As<TVector, T>(ref sum));
    }

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
