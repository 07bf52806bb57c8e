using System.Numerics;
using System.Runtime.CompilerServices;
using HpcLinear.Cpu;

namespace HpcLinear.Operations;

internal sealed unsafe partial class ChannelFilterGradient<T>
{
    /// <summary>One block of channels of one problem's group, and the worker's scratch memory.</summary>
    private struct Block
    {
        public ChannelFilterGradient<T> Owner;
        public T* X;
        public T* Y;
        public long XImage;
        public long YImage;
        public long InCount;
        public long OutCount;
        public T* Gradients;
        public T* Staged;
        public T* Sums;
        public nint* Runs;
        public int* RunCounts;
        public int* Rows;
        public int* Sources;
        public int* Table;

        public readonly void Chunk(long chunk)
        {
            ChannelFilterGradient<T> o = Owner;
            long row = o.segments > 1 ? chunk / o.segments : chunk * o.chunkRows;
            int start = o.segments > 1 ? (int)(chunk % o.segments) * o.segment : 0, count = Math.Min(o.segment, o.positions - start);
            int rows = (int)Math.Min(o.chunkRows, (o.s.Batch * o.outerPositions) - row);
            Stage(row, rows, start);
            int width = o.kernels.Width, vectors = o.Vectors(o.outBlock);
            T* origin = o.inPlace ? X + (row / o.outerPositions * XImage) : Staged;
            for (int v = 0; v * width < OutCount; v += vectors)
            {
                int here = (int)Math.Min(vectors, ((OutCount + width - 1) / width) - v);
                Gradient(row, rows, start, count, v, here);
                Multiply(origin, start, count, v, here);
            }
        }

        /// <summary>Lists the runs of every outer tap and copies the rows they read, each once.</summary>
        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Stage(long row, int rows, int start)
        {
            ChannelFilterGradient<T> o = Owner;
            int buckets = o.Buckets, mask = buckets - 1, sources = 0, gradientRow = o.segment * o.kernels.Width;
            long image = row / o.outerPositions, first = image, outer = row % o.outerPositions;
            new Span<int>(Table, o.inPlace ? 0 : 2 * buckets).Fill(-1);
            new Span<int>(RunCounts, o.outerTaps).Clear();

            // Staged element i of a row is coordinate low + i of it.
            int low = (o.axis.Stride * start) - o.axis.Low;
            nint slotSize = (nint)o.inBlock * o.pitch;
            for (int r = 0; r < rows; r++)
            {
                o.s.Map->OuterRows(outer, Rows);
                for (int q = 0; q < o.outerTaps; q++)
                {
                    if (Rows[q] < 0)
                    {
                        continue;
                    }

                    nint* run = Runs + (2L * ((q * o.chunkRows) + RunCounts[q]++));
                    run[1] = r * gradientRow;
                    if (o.inPlace)
                    {
                        run[0] = (nint)(((image - first) * XImage) + ((long)Rows[q] * o.axis.Input) + low);
                        continue;
                    }

                    // A small table of what has been staged: rows share most of what they read.
                    int key = checked((int)(((image - first) * o.sourceRows) + Rows[q])), at = key & mask;
                    while (Table[2 * at] >= 0 && Table[2 * at] != key)
                    {
                        at = (at + 1) & mask;
                    }

                    if (Table[2 * at] < 0)
                    {
                        (Table[2 * at], Table[(2 * at) + 1], Sources[sources]) = (key, sources, key);
                        sources++;
                    }

                    run[0] = Table[(2 * at) + 1] * slotSize;
                }

                if (++outer == o.outerPositions)
                {
                    (outer, image) = (0, image + 1);
                }
            }

            if (o.inPlace)
            {
                return;
            }

            int from = Math.Max(0, -low), to = Math.Min(o.span, o.axis.Input - low);
            for (long c = 0; c < InCount; c++)
            {
                T* target = Staged + (c * o.pitch);
                T* plane = X + (first * XImage) + (c * o.sourceRows * o.axis.Input) + low;
                for (int slot = 0; slot < sources; slot++, target += slotSize)
                {
                    long key = Sources[slot], away = key / o.sourceRows;
                    T* source = plane + (away * XImage) + ((key - (away * o.sourceRows)) * o.axis.Input);
                    Copy(source + from, target + from, to - from);
                    for (int i = 0; i < from; i++)
                    {
                        target[i] = Rim(source - low, low + i);
                    }

                    for (int i = Math.Max(from, to); i < o.span; i++)
                    {
                        target[i] = Rim(source - low, low + i);
                    }
                }
            }
        }

        private readonly T Rim(T* row, int coordinate)
        {
            int source = Owner.axis.Map(coordinate);
            return source < 0 ? T.Zero : row[source];
        }

        /// <summary>Transposes gradients: vector p of channel vector v is at <c>Gradients[(v*GradientVector) + p*width]</c>.</summary>
        private readonly void Gradient(long row, int rows, int start, int count, int first, int vectors)
        {
            ChannelFilterGradient<T> o = Owner;
            int width = o.kernels.Width;
            long outPlane = o.outerPositions * o.positions;
            T** lanes = stackalloc T*[width];
            for (int v = 0; v < vectors; v++)
            {
                long channel = (long)(first + v) * width;
                int used = (int)Math.Min(width, OutCount - channel);
                T* to = Gradients + ((long)v * o.GradientVector);
                for (long at = row; at < row + rows;)
                {
                    long image = at / o.outerPositions, outer = at - (image * o.outerPositions), together = Math.Min(row + rows - at, o.outerPositions - outer);
                    for (int l = 0; l < used; l++)
                    {
                        lanes[l] = Y + (image * YImage) + ((channel + l) * outPlane) + (outer * o.positions) + start;
                    }

                    long length = o.segments > 1 ? count : together * o.positions;
                    o.kernels.Interleave(lanes, used, 0, length, to);
                    to += length * width;
                    at += together;
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        private readonly void Multiply(T* origin, int start, int count, int firstVector, int vectors)
        {
            ChannelFilterGradient<T> o = Owner;
            int width = o.kernels.Width, stride = o.axis.Stride, step = o.axis.Reversed ? -o.axis.Dilation : o.axis.Dilation, tap0 = o.axis.Reversed ? o.axis.Extent - 1 : 0;
            nint tapCount = (nint)o.TapCount * width, channel = o.inPlace ? (nint)(o.sourceRows * o.axis.Input) : o.pitch;
            T* sums = Sums + (firstVector * o.inBlock * tapCount);
            FilterTile<T> tile = new() { XStep = stride, GVector = o.GradientVector, Count = count, CVector = (nint)o.inBlock * tapCount };
            if (o.tapRows)
            {
                (tile.XRow, tile.CRow) = (step, width);
                tile.G = Gradients;
                int most = o.Rows(o.taps, vectors);
                for (int c = 0; c < InCount; c++)
                {
                    for (int q = 0; q < o.outerTaps; q++)
                    {
                        tile.Runs = Runs + (2L * q * o.chunkRows);
                        tile.RunCount = RunCounts[q];
                        for (int t = 0; t < o.taps; t += most)
                        {
                            tile.X = origin + (c * channel) + tap0 + ((long)step * t);
                            tile.C = sums + (c * tapCount) + (((q * o.taps) + t) * (nint)width);
                            o.kernels.FilterTile(Math.Min(most, o.taps - t), vectors, &tile);
                        }
                    }
                }

                return;
            }

            int rows = o.Rows(InCount, vectors);
            (tile.XRow, tile.CRow) = (channel, tapCount);
            for (int c = 0; c < InCount; c += rows)
            {
                for (int t = 0; t < o.taps; t++)
                {
                    // The positions of this chunk at which the tap reads inside of the row.
                    int offset = tap0 + (step * t), from = 0, to = count;
                    if (o.axis.Boundary == Boundary.Zero)
                    {
                        long before = (long)o.axis.Low - offset, after = before + o.axis.Input - 1;
                        from = (int)Math.Clamp((before > 0 ? (before + stride - 1) / stride : 0) - start, 0, count);
                        to = after < 0 ? 0 : (int)Math.Clamp((after / stride) + 1 - start, 0, count);
                    }

                    if (from >= to)
                    {
                        continue;
                    }

                    tile.Count = to - from;
                    tile.G = Gradients + (from * width);
                    tile.X = origin + (c * channel) + offset + ((long)from * stride);
                    for (int q = 0; q < o.outerTaps; q++)
                    {
                        if (RunCounts[q] == 0)
                        {
                            continue;
                        }

                        tile.Runs = Runs + (2L * q * o.chunkRows);
                        tile.RunCount = RunCounts[q];
                        tile.C = sums + (c * tapCount) + (((q * o.taps) + t) * (nint)width);
                        o.kernels.FilterTile((int)Math.Min(rows, InCount - c), vectors, &tile);
                    }
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static void Copy(T* from, T* to, int count)
        {
            int width = Vector<T>.Count, i = 0;
            for (; i + width <= count; i += width)
            {
                Vector.Store(Vector.Load(from + i), to + i);
            }

            for (; i < count; i++)
            {
                to[i] = from[i];
            }
        }
    }
}
