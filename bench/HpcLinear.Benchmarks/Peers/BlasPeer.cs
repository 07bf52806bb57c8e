using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using HpcLinear.Cli.Problems;
using HpcLinear.Operations;

namespace HpcLinear.Benchmarks.Peers;

/// <summary>OpenBLAS: matrix products; a batch is a loop of single calls that OpenMP threads share.</summary>
internal sealed partial class BlasPeer : Peer
{
    public const string Library = "libopenblas.so.0", Packages = "libopenblas0-pthread libgomp1";

    private readonly int threads;

    public BlasPeer(int threads)
    {
        this.threads = threads;
        string[] words = (Marshal.PtrToStringUTF8(GetConfig()) ?? "").Split(' ');
        Version = words.SkipWhile(w => w != "OpenBLAS").ElementAtOrDefault(1) ?? "unknown";
    }

    public override string Name => "openblas";

    public override string Version { get; }

    public override IEnumerable<PeerForm> Forms<T>(Problem problem, string operation) =>
        problem is GemmProblem { Descriptor: { TransposeA: false, TransposeB: false } d } ? [new("", () => new BlasTask<T>(d, threads))] : [];

    [LibraryImport(Library, EntryPoint = "openblas_get_config")]
    private static partial nint GetConfig();

    [LibraryImport(Library, EntryPoint = "openblas_set_num_threads")]
    internal static partial void SetThreads(int threads);

    [LibraryImport(Library, EntryPoint = "cblas_sgemm")]
    internal static unsafe partial void Multiply(int order, int transA, int transB, int m, int n, int k, float alpha, float* a, int lda, float* b, int ldb, float beta, float* c, int ldc);

    [LibraryImport(Library, EntryPoint = "cblas_dgemm")]
    internal static unsafe partial void Multiply(int order, int transA, int transB, int m, int n, int k, double alpha, double* a, int lda, double* b, int ldb, double beta, double* c, int ldc);

    /// <summary>What a compiler makes of <c>#pragma omp parallel</c>.</summary>
    [LibraryImport("libgomp.so.1", EntryPoint = "GOMP_parallel")]
    internal static unsafe partial void Parallel(delegate* unmanaged[Cdecl]<void*, void> body, void* data, uint threads, uint flags);

    [LibraryImport("libgomp.so.1", EntryPoint = "omp_get_thread_num")]
    internal static partial int ThreadNumber();
}

/// <summary>Products C = A B, row-major.</summary>
internal sealed unsafe class BlasTask<T> : PeerTask
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly GemmDescriptor d;
    private readonly BlasBatch batch;
    private readonly HostMemory c;

    public BlasTask(GemmDescriptor descriptor, int threads)
    {
        d = descriptor;
        HostMemory a = Own(HostMemory.Of<T>(new(1, d.ShapeA.ElementCount))), b = Own(HostMemory.Of<T>(new(2, d.ShapeB.ElementCount)));
        c = Own(new HostMemory(d.ShapeC.ElementCount * sizeof(T)));
        batch = new(sizeof(T) == sizeof(float), a.Address, b.Address, c.Address, (int)d.Rows, (int)d.Columns, (int)d.Depth, (int)(d.Problems ?? 1), threads);
        BlasPeer.SetThreads(d.Problems is null ? threads : 1);
    }

    public override void Execute()
    {
        if (batch.Count == 1 || batch.Threads == 1)
        {
            batch.Multiply(0, batch.Count);
            return;
        }

        fixed (BlasBatch* data = &batch)
        {
            BlasPeer.Parallel(&BlasBatch.Share, data, (uint)batch.Threads, 0);
        }
    }

    public override Array Download() => c.ToArray<T>(d.ShapeC.ElementCount);
}

/// <summary>Products of one shape, one after the other in memory.</summary>
internal readonly unsafe record struct BlasBatch(bool Single, nint A, nint B, nint C, int M, int N, int K, int Count, int Threads)
{
    private const int RowMajor = 101, AsIs = 111;

    /// <summary>The part of one OpenMP thread.</summary>
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    public static void Share(void* data)
    {
        BlasBatch* batch = (BlasBatch*)data;
        long thread = BlasPeer.ThreadNumber();
        batch->Multiply(thread * batch->Count / batch->Threads, (thread + 1) * batch->Count / batch->Threads);
    }

    public void Multiply(long from, long to)
    {
        for (long i = from; i < to; i++)
        {
            long a = i * M * K, b = i * K * N, c = i * M * N;
            if (Single)
            {
                BlasPeer.Multiply(RowMajor, AsIs, AsIs, M, N, K, 1f, (float*)A + a, K, (float*)B + b, N, 0f, (float*)C + c, N);
            }
            else
            {
                BlasPeer.Multiply(RowMajor, AsIs, AsIs, M, N, K, 1.0, (double*)A + a, K, (double*)B + b, N, 0.0, (double*)C + c, N);
            }
        }
    }
}
