using System.Numerics;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

/// <summary>Some lines k of a row (i, j) of K are a product with L columns; they are summed in the cache and go past it to memory, where K is large.</summary>
internal sealed unsafe class CpuKroneckerSum<T> : KroneckerSum<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    /// <summary>What a worker sums before it is written.</summary>
    private const long BlockBytes = 16 << 10;

    /// <summary>Results of at least this many bytes are written past the caches.</summary>
    private const long StreamedBytes = 4 << 20;

    private readonly CpuKernels<T> kernels;
    private readonly bool streams;
    private readonly long padded;
    private readonly long lines;
    private readonly long workerElements;

    public CpuKroneckerSum(CpuDevice device, DeepProductDescriptor descriptor)
        : base(descriptor)
    {
        kernels = CpuKernels<T>.For(device.Isa);
        streams = descriptor.KernelShape.ElementCount * sizeof(T) >= StreamedBytes;
        padded = (Inputs + kernels.Width - 1) / kernels.Width * kernels.Width;
        lines = Math.Min(Outputs, Math.Max(kernels.TileRows, BlockBytes / sizeof(T) / padded));
        workerElements = ((Outputs * Layers) + (lines * padded) + 127) & ~63L;
        WorkspaceBytes = (workerElements * sizeof(T) * device.Team.Size) + 64;
        Kernel = $"{device.Target} tile {kernels.TileText}{(streams ? ", past the caches" : "")}";
    }

    public override string Kernel { get; }

    public override long WorkspaceBytes { get; }

    public override void Execute(CommandQueue queue, TensorView<T> left, TensorView<T> right, TensorView<T> kernel)
    {
        CpuQueue cpu = (CpuQueue)queue;
        Job job = new() { Owner = this, Left = left.Pointer(), Right = right.Pointer(), Result = kernel.Pointer(), Workers = (T*)cpu.Workspace(WorkspaceBytes) };
        cpu.Team.Run(checked((int)(Problems * Outputs)), ref job);
    }

    private struct Job : ITeamJob
    {
        public CpuKroneckerSum<T> Owner;
        public T* Left;
        public T* Right;
        public T* Result;
        public T* Workers;

        public readonly void Execute(int index, int worker)
        {
            CpuKroneckerSum<T> o = Owner;
            CpuKernels<T> kernels = o.kernels;
            (long problem, long i) = (index / o.Outputs, index % o.Outputs);
            (nint layers, nint outputs, nint inputs, nint padded) = (o.Layers, (nint)o.Outputs, (nint)o.Inputs, (nint)o.padded);
            int width = kernels.Width;
            T* factors = Workers + (worker * o.workerElements), block = factors + (((outputs * layers) + 63) & ~63);
            nint leftLayer = (nint)o.Problems * outputs * outputs, rightLayer = (nint)o.Problems * inputs * inputs;
            T* left = Left + (((problem * outputs) + i) * outputs), right = Right + (problem * inputs * inputs);
            for (nint k = 0; k < outputs; k++)
            {
                for (nint l = 0; l < layers; l++)
                {
                    factors[(k * layers) + l] = left[(l * leftLayer) + k];
                }
            }

            T* result = Result + (((problem * outputs) + i) * inputs * outputs * inputs);
            for (nint j = 0; j < inputs; j++)
            {
                for (nint k = 0; k < outputs; k += (nint)o.lines)
                {
                    nint lines = Math.Min((nint)o.lines, outputs - k);
                    for (nint m = 0; m < padded; m += kernels.TileVectors * width)
                    {
                        int vectors = (int)Math.Min(kernels.TileVectors, (padded - m) / width);
                        for (nint row = 0; row < lines; row += kernels.TileRows)
                        {
                            kernels.Tile((int)Math.Min(kernels.TileRows, lines - row), vectors, layers, factors + ((k + row) * layers), layers, 1, right + (j * inputs) + m, rightLayer, block + (row * padded) + m, padded, T.One, false);
                        }
                    }

                    if (padded == inputs)
                    {
                        if (o.streams)
                        {
                            kernels.StreamCopy(block, result, lines * inputs, j == inputs - 1 && k + lines == outputs);
                        }
                        else
                        {
                            Copy(block, result, lines * inputs);
                        }
                    }
                    else
                    {
                        for (nint line = 0; line < lines; line++)
                        {
                            Copy(block + (line * padded), result + (line * inputs), inputs);
                        }
                    }

                    result += lines * inputs;
                }
            }
        }

        private static void Copy(T* from, T* to, long count) => Buffer.MemoryCopy(from, to, count * sizeof(T), count * sizeof(T));
    }
}
