using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace HpcLinear.Cpu;

/// <summary>An instruction set as a type: kernels are written once over it and compiled once for each.</summary>
/// <typeparam name="T">Element.</typeparam>
/// <typeparam name="TVector">Register.</typeparam>
internal unsafe interface ISimd<T, TVector>
    where T : unmanaged
    where TVector : struct
{
    /// <summary>Elements of a register.</summary>
    static abstract int Width { get; }

    /// <summary>Registers there are.</summary>
    static abstract int Registers { get; }

    static abstract TVector Load(T* p);

    static abstract void Store(TVector v, T* p);

    /// <summary>Stores past the caches; <paramref name="p"/> is aligned to the vector.</summary>
    static abstract void Stream(TVector v, T* p);

    static abstract TVector Broadcast(T value);

    /// <summary>Elements 0, 2, 4 … of a followed by b.</summary>
    static abstract TVector Even(TVector a, TVector b);

    /// <summary>Elements 1, 3, 5 … of a followed by b.</summary>
    static abstract TVector Odd(TVector a, TVector b);

    /// <summary>The first half of a0 b0 a1 b1 ….</summary>
    static abstract TVector InterleaveLow(TVector a, TVector b);

    /// <summary>The second half of a0 b0 a1 b1 ….</summary>
    static abstract TVector InterleaveHigh(TVector a, TVector b);

    /// <summary>Lane i becomes lane i + 1; lane 0 becomes zero.</summary>
    static abstract TVector ShiftUp(TVector a);

    /// <summary>Lane i becomes lane i - 1; the last lane becomes zero.</summary>
    static abstract TVector ShiftDown(TVector a);

    /// <summary>The bits that both have.</summary>
    static abstract TVector And(TVector a, TVector b);

    static abstract TVector Add(TVector a, TVector b);

    static abstract TVector Subtract(TVector a, TVector b);

    static abstract TVector Multiply(TVector a, TVector b);

    static abstract TVector Divide(TVector a, TVector b);

    /// <summary>The smaller of each pair; NaN if either is.</summary>
    static abstract TVector Min(TVector a, TVector b);

    /// <summary>The larger of each pair; NaN if either is.</summary>
    static abstract TVector Max(TVector a, TVector b);

    static abstract TVector Abs(TVector a);

    static abstract TVector Sqrt(TVector a);

    /// <summary><c>a b + c</c>, one rounding where the machine has it.</summary>
    static abstract TVector MulAdd(TVector a, TVector b, TVector c);

    /// <summary><c>a b + c</c> with one rounding, always.</summary>
    static abstract TVector FusedMulAdd(TVector a, TVector b, TVector c);

    /// <summary>e to the power of each element.</summary>
    static abstract TVector Exp(TVector a);

    /// <summary>Lanes of a where x is above 0, of b elsewhere and where x is NaN.</summary>
    static abstract TVector IfPositive(TVector x, TVector a, TVector b);
}

/// <summary>512-bit vectors.</summary>
internal readonly unsafe struct Avx512Simd<T> : ISimd<T, Vector512<T>>
    where T : unmanaged
{
    public static int Width => Vector512<T>.Count;

    public static int Registers => 32;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Load(T* p) => Vector512.Load(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector512<T> v, T* p) => v.Store(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Stream(Vector512<T> v, T* p) => v.StoreAlignedNonTemporal(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Broadcast(T value) => Vector512.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Even(Vector512<T> a, Vector512<T> b) => typeof(T) == typeof(float)
        ? Avx512F.PermuteVar16x32x2(a.AsSingle(), Vector512.Create(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30), b.AsSingle()).As<float, T>()
        : Avx512F.PermuteVar8x64x2(a.AsDouble(), Vector512.Create(0L, 2L, 4L, 6L, 8L, 10L, 12L, 14L), b.AsDouble()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Odd(Vector512<T> a, Vector512<T> b) => typeof(T) == typeof(float)
        ? Avx512F.PermuteVar16x32x2(a.AsSingle(), Vector512.Create(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31), b.AsSingle()).As<float, T>()
        : Avx512F.PermuteVar8x64x2(a.AsDouble(), Vector512.Create(1L, 3L, 5L, 7L, 9L, 11L, 13L, 15L), b.AsDouble()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> InterleaveLow(Vector512<T> a, Vector512<T> b) => typeof(T) == typeof(float)
        ? Avx512F.PermuteVar16x32x2(a.AsSingle(), Vector512.Create(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23), b.AsSingle()).As<float, T>()
        : Avx512F.PermuteVar8x64x2(a.AsDouble(), Vector512.Create(0L, 8L, 1L, 9L, 2L, 10L, 3L, 11L), b.AsDouble()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> InterleaveHigh(Vector512<T> a, Vector512<T> b) => typeof(T) == typeof(float)
        ? Avx512F.PermuteVar16x32x2(a.AsSingle(), Vector512.Create(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31), b.AsSingle()).As<float, T>()
        : Avx512F.PermuteVar8x64x2(a.AsDouble(), Vector512.Create(4L, 12L, 5L, 13L, 6L, 14L, 7L, 15L), b.AsDouble()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> ShiftUp(Vector512<T> a) => sizeof(T) == sizeof(float)
        ? Avx512F.AlignRight32(a.AsInt32(), Vector512<int>.Zero, 15).As<int, T>()
        : Avx512F.AlignRight64(a.AsInt64(), Vector512<long>.Zero, 7).As<long, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> ShiftDown(Vector512<T> a) => sizeof(T) == sizeof(float)
        ? Avx512F.AlignRight32(Vector512<int>.Zero, a.AsInt32(), 1).As<int, T>()
        : Avx512F.AlignRight64(Vector512<long>.Zero, a.AsInt64(), 1).As<long, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> And(Vector512<T> a, Vector512<T> b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Add(Vector512<T> a, Vector512<T> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Subtract(Vector512<T> a, Vector512<T> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Multiply(Vector512<T> a, Vector512<T> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Divide(Vector512<T> a, Vector512<T> b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Min(Vector512<T> a, Vector512<T> b) => Vector512.Min(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Max(Vector512<T> a, Vector512<T> b) => Vector512.Max(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Abs(Vector512<T> a) => Vector512.Abs(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Sqrt(Vector512<T> a) => Vector512.Sqrt(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> MulAdd(Vector512<T> a, Vector512<T> b, Vector512<T> c) => FusedMulAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> FusedMulAdd(Vector512<T> a, Vector512<T> b, Vector512<T> c) => typeof(T) == typeof(float)
        ? Vector512.FusedMultiplyAdd(a.AsSingle(), b.AsSingle(), c.AsSingle()).As<float, T>()
        : Vector512.FusedMultiplyAdd(a.AsDouble(), b.AsDouble(), c.AsDouble()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> Exp(Vector512<T> a) => typeof(T) == typeof(float)
        ? Vector512.Exp(a.AsSingle()).As<float, T>()
        : Vector512.Exp(a.AsDouble()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<T> IfPositive(Vector512<T> x, Vector512<T> a, Vector512<T> b) => Vector512.ConditionalSelect(Vector512.GreaterThan(x, Vector512<T>.Zero), a, b);
}

/// <summary>256-bit vectors.</summary>
internal readonly unsafe struct Avx2Simd<T> : ISimd<T, Vector256<T>>
    where T : unmanaged
{
    public static int Width => Vector256<T>.Count;

    public static int Registers => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Load(T* p) => Vector256.Load(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector256<T> v, T* p) => v.Store(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Stream(Vector256<T> v, T* p) => v.StoreAlignedNonTemporal(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Broadcast(T value) => Vector256.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Even(Vector256<T> a, Vector256<T> b) => typeof(T) == typeof(float)
        ? Avx2.Permute4x64(Avx.Shuffle(a.AsSingle(), b.AsSingle(), 0x88).AsDouble(), 0xD8).As<double, T>()
        : Avx2.Permute4x64(Avx.UnpackLow(a.AsDouble(), b.AsDouble()), 0xD8).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Odd(Vector256<T> a, Vector256<T> b) => typeof(T) == typeof(float)
        ? Avx2.Permute4x64(Avx.Shuffle(a.AsSingle(), b.AsSingle(), 0xDD).AsDouble(), 0xD8).As<double, T>()
        : Avx2.Permute4x64(Avx.UnpackHigh(a.AsDouble(), b.AsDouble()), 0xD8).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> InterleaveLow(Vector256<T> a, Vector256<T> b) => typeof(T) == typeof(float)
        ? Avx.Permute2x128(Avx.UnpackLow(a.AsSingle(), b.AsSingle()), Avx.UnpackHigh(a.AsSingle(), b.AsSingle()), 0x20).As<float, T>()
        : Avx.Permute2x128(Avx.UnpackLow(a.AsDouble(), b.AsDouble()), Avx.UnpackHigh(a.AsDouble(), b.AsDouble()), 0x20).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> InterleaveHigh(Vector256<T> a, Vector256<T> b) => typeof(T) == typeof(float)
        ? Avx.Permute2x128(Avx.UnpackLow(a.AsSingle(), b.AsSingle()), Avx.UnpackHigh(a.AsSingle(), b.AsSingle()), 0x31).As<float, T>()
        : Avx.Permute2x128(Avx.UnpackLow(a.AsDouble(), b.AsDouble()), Avx.UnpackHigh(a.AsDouble(), b.AsDouble()), 0x31).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> ShiftUp(Vector256<T> a) => sizeof(T) == sizeof(float)
        ? Avx.Blend(Avx2.PermuteVar8x32(a.AsSingle(), Vector256.Create(7, 0, 1, 2, 3, 4, 5, 6)), Vector256<float>.Zero, 0x01).As<float, T>()
        : Avx.Blend(Avx2.Permute4x64(a.AsDouble(), 0x93), Vector256<double>.Zero, 0x01).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> ShiftDown(Vector256<T> a) => sizeof(T) == sizeof(float)
        ? Avx.Blend(Avx2.PermuteVar8x32(a.AsSingle(), Vector256.Create(1, 2, 3, 4, 5, 6, 7, 0)), Vector256<float>.Zero, 0x80).As<float, T>()
        : Avx.Blend(Avx2.Permute4x64(a.AsDouble(), 0x39), Vector256<double>.Zero, 0x08).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> And(Vector256<T> a, Vector256<T> b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Add(Vector256<T> a, Vector256<T> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Subtract(Vector256<T> a, Vector256<T> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Multiply(Vector256<T> a, Vector256<T> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Divide(Vector256<T> a, Vector256<T> b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Min(Vector256<T> a, Vector256<T> b) => Vector256.Min(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Max(Vector256<T> a, Vector256<T> b) => Vector256.Max(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Abs(Vector256<T> a) => Vector256.Abs(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Sqrt(Vector256<T> a) => Vector256.Sqrt(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> MulAdd(Vector256<T> a, Vector256<T> b, Vector256<T> c) => FusedMulAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> FusedMulAdd(Vector256<T> a, Vector256<T> b, Vector256<T> c) => typeof(T) == typeof(float)
        ? Vector256.FusedMultiplyAdd(a.AsSingle(), b.AsSingle(), c.AsSingle()).As<float, T>()
        : Vector256.FusedMultiplyAdd(a.AsDouble(), b.AsDouble(), c.AsDouble()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> Exp(Vector256<T> a) => typeof(T) == typeof(float)
        ? Vector256.Exp(a.AsSingle()).As<float, T>()
        : Vector256.Exp(a.AsDouble()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<T> IfPositive(Vector256<T> x, Vector256<T> a, Vector256<T> b) => Vector256.ConditionalSelect(Vector256.GreaterThan(x, Vector256<T>.Zero), a, b);
}

/// <summary>The runtime's own vector size: every processor, ARM included.</summary>
internal readonly unsafe struct PortableSimd<T> : ISimd<T, Vector<T>>
    where T : unmanaged
{
    public static int Width => Vector<T>.Count;

    public static int Registers => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Load(T* p) => Vector.Load(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(Vector<T> v, T* p) => v.Store(p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Stream(Vector<T> v, T* p) => Vector.StoreAlignedNonTemporal(v, p);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Broadcast(T value) => Vector.Create(value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Even(Vector<T> a, Vector<T> b) => Avx2.IsSupported && Vector<T>.Count == Vector256<T>.Count
        ? Avx2Simd<T>.Even(a.AsVector256(), b.AsVector256()).AsVector()
        : Pick(a, b, 0, false);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Odd(Vector<T> a, Vector<T> b) => Avx2.IsSupported && Vector<T>.Count == Vector256<T>.Count
        ? Avx2Simd<T>.Odd(a.AsVector256(), b.AsVector256()).AsVector()
        : Pick(a, b, 1, false);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> InterleaveLow(Vector<T> a, Vector<T> b) => Avx2.IsSupported && Vector<T>.Count == Vector256<T>.Count
        ? Avx2Simd<T>.InterleaveLow(a.AsVector256(), b.AsVector256()).AsVector()
        : Pick(a, b, 0, true);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> InterleaveHigh(Vector<T> a, Vector<T> b) => Avx2.IsSupported && Vector<T>.Count == Vector256<T>.Count
        ? Avx2Simd<T>.InterleaveHigh(a.AsVector256(), b.AsVector256()).AsVector()
        : Pick(a, b, Vector<T>.Count, true);

    /// <summary>Every second element of a followed by b from <paramref name="first"/> on, or as many elements of the two interleaved.</summary>
    private static Vector<T> Pick(Vector<T> a, Vector<T> b, int first, bool interleaved)
    {
        Vector<T> picked = default;
        for (int i = 0; i < Vector<T>.Count; i++)
        {
            int at = interleaved ? first + i : first + (2 * i);
            T element = interleaved ? (at % 2 == 0 ? a : b)[at / 2] : at < Vector<T>.Count ? a[at] : b[at - Vector<T>.Count];
            picked = picked.WithElement(i, element);
        }

        return picked;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> ShiftUp(Vector<T> a) => Avx2.IsSupported && Vector<T>.Count == Vector256<T>.Count
        ? Avx2Simd<T>.ShiftUp(a.AsVector256()).AsVector()
        : Shift(a, -1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> ShiftDown(Vector<T> a) => Avx2.IsSupported && Vector<T>.Count == Vector256<T>.Count
        ? Avx2Simd<T>.ShiftDown(a.AsVector256()).AsVector()
        : Shift(a, 1);

    /// <summary>Lane i + by becomes lane i.</summary>
    private static Vector<T> Shift(Vector<T> a, int by)
    {
        Vector<T> shifted = default;
        for (int i = Math.Max(0, -by); i < Math.Min(Vector<T>.Count, Vector<T>.Count - by); i++)
        {
            shifted = shifted.WithElement(i, a[i + by]);
        }

        return shifted;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> And(Vector<T> a, Vector<T> b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Add(Vector<T> a, Vector<T> b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Subtract(Vector<T> a, Vector<T> b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Multiply(Vector<T> a, Vector<T> b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Divide(Vector<T> a, Vector<T> b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Min(Vector<T> a, Vector<T> b) => Vector.Min(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Max(Vector<T> a, Vector<T> b) => Vector.Max(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Abs(Vector<T> a) => Vector.Abs(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Sqrt(Vector<T> a) => Vector.SquareRoot(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> MulAdd(Vector<T> a, Vector<T> b, Vector<T> c) => typeof(T) == typeof(float)
        ? Vector.MultiplyAddEstimate(a.As<T, float>(), b.As<T, float>(), c.As<T, float>()).As<float, T>()
        : Vector.MultiplyAddEstimate(a.As<T, double>(), b.As<T, double>(), c.As<T, double>()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> FusedMulAdd(Vector<T> a, Vector<T> b, Vector<T> c) => typeof(T) == typeof(float)
        ? Vector.FusedMultiplyAdd(a.As<T, float>(), b.As<T, float>(), c.As<T, float>()).As<float, T>()
        : Vector.FusedMultiplyAdd(a.As<T, double>(), b.As<T, double>(), c.As<T, double>()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> Exp(Vector<T> a) => typeof(T) == typeof(float)
        ? Vector.Exp(a.As<T, float>()).As<float, T>()
        : Vector.Exp(a.As<T, double>()).As<double, T>();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector<T> IfPositive(Vector<T> x, Vector<T> a, Vector<T> b) => Vector.ConditionalSelect(Vector.GreaterThan(x, Vector<T>.Zero), a, b);
}

/// <summary>One element: the yardstick.</summary>
internal readonly unsafe struct ScalarSimd<T> : ISimd<T, T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    public static int Width => 1;

    public static int Registers => 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Load(T* p) => *p;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(T v, T* p) => *p = v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Stream(T v, T* p) => *p = v;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Broadcast(T value) => value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Even(T a, T b) => a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Odd(T a, T b) => b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T InterleaveLow(T a, T b) => a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T InterleaveHigh(T a, T b) => b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T ShiftUp(T a) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T ShiftDown(T a) => default;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T And(T a, T b) => sizeof(T) == sizeof(float)
        ? (T)(object)BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits((float)(object)a) & BitConverter.SingleToInt32Bits((float)(object)b))
        : (T)(object)BitConverter.Int64BitsToDouble(BitConverter.DoubleToInt64Bits((double)(object)a) & BitConverter.DoubleToInt64Bits((double)(object)b));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Add(T a, T b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Subtract(T a, T b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Multiply(T a, T b) => a * b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Divide(T a, T b) => a / b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Min(T a, T b) => T.Min(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Max(T a, T b) => T.Max(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Abs(T a) => T.Abs(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Sqrt(T a) => T.Sqrt(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T MulAdd(T a, T b, T c) => T.MultiplyAddEstimate(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T FusedMulAdd(T a, T b, T c) => T.FusedMultiplyAdd(a, b, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Exp(T a) => T.Exp(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T IfPositive(T x, T a, T b) => x > T.Zero ? a : b;
}
