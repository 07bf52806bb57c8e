namespace HpcLinear.OpenCl;

/// <summary>Work-items of a kernel whose items stride over their work.</summary>
internal readonly record struct LaunchSize(long Global, int Local)
{
    public string Text(OpenClDevice device) => $"{(device.IsGpuFamily ? "gpu" : "cpu")} {Global / Math.Max(1, Local)} groups of {Local}";
}

/// <summary>Sizes of the CPU family's register tile; the same formulas as in <c>kernels/common.cl</c>.</summary>
internal static class CpuTile
{
    public static unsafe int Rows<T>(OpenClDevice device)
        where T : unmanaged => device.Lanes(sizeof(T)) * sizeof(T) >= 64 ? 12 : 6;

    /// <summary>Rows a work-item takes: as many as its sums allow, fewer where there would not be four items a compute unit. Does not change any sum.</summary>
    public static unsafe int ChunkRows<T>(OpenClDevice device, long rows, long others)
        where T : unmanaged
    {
        int tile = Rows<T>(device), most = device.SumsBytes / sizeof(T) / (2 * device.Lanes(sizeof(T))) / tile * tile;
        long wanted = 4L * device.Parallelism;
        long parts = Math.Max((rows + most - 1) / most, others == 0 ? 1 : (wanted + others - 1) / others);
        long chunk = (Math.Max(1, rows) + parts - 1) / parts;
        return (int)Math.Clamp((chunk + tile - 1) / tile * tile, tile, most);
    }
}
