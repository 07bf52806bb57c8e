// Correlation of a filter bank w[p,m,c,i] with itself, lags t = o - q on a grid of the stride S, q the middle lag:
//
//   R[p,m,n,o] = sum over c and taps i with i + S t inside the filter of  w[p,m,c,i + S t] w[p,n,c,i]        R[p,n,m,q - t] = R[p,m,n,q + t]
//
// Only the lags from the middle on are computed; every sum is written twice. The taps i of one lag form a box, and i + S t is i plus one number:
//   table: for each lag from the middle on  { first tap of its list, taps in its list, S t as an offset },  then the lists.
//
//   self_correlation_direct   both families  an item four sums (n, n + 1, n + 2, n + 3) of one m; reads w as it is
//   self_correlation_pack     both families  packed[p][c][tap][m], padded with zeros to a multiple of the tile: neighbouring m side by side
//   self_correlation_block    CPU family     an item ROWS x LANES sums, as vectors of n
//   self_correlation_tiled    GPU family     a work-group of 256 items a tile of 32 x 32 sums, operands through local memory
//
// Zeros of the padding meet only sums that are dropped.
#define ROWS 8

// Sum (m, n) of lag q + t, and its mirror.
#define PUT(value, m, n, t) \
    { \
        __global real *to_ = r + r_offset + p * channels * channels * (2 * lags - 1); \
        to_[((m) * channels + (n)) * (2 * lags - 1) + lags - 1 + (t)] = (value); \
        if ((t) > 0) \
        { \
            to_[((n) * channels + (m)) * (2 * lags - 1) + lags - 1 - (t)] = (value); \
        } \
    }

// lags: half of them, the middle one included.
__kernel void self_correlation_direct(const long problems, const long channels, const long depth, const long taps, const long lags, __global const int *restrict table,
    __global const real *restrict w, const long w_offset, __global real *restrict r, const long r_offset)
{
    const long blocks = (channels + 3) / 4, count = problems * channels * lags * blocks;
    FOR_ITEMS(item, count)
    {
        const long n = item % blocks * 4, m = item / blocks % channels, t = item / blocks / channels % lags, p = item / blocks / channels / lags, row = depth * taps;
        __global const int *list = table + table[3 * t];
        const int overlap = table[3 * t + 1], shift = table[3 * t + 2];
        __global const real *x = w + w_offset + (p * channels + m) * row + shift;
        __global const real *y0 = w + w_offset + (p * channels + n) * row;
        __global const real *y1 = y0 + (n + 1 < channels ? row : 0), *y2 = y0 + (n + 2 < channels ? 2 * row : 0), *y3 = y0 + (n + 3 < channels ? 3 * row : 0);
        real s0 = 0, s1 = 0, s2 = 0, s3 = 0;
        for (long c = 0; c < depth; c++)
        {
            for (int k = 0; k < overlap; k++)
            {
                const long i = c * taps + list[k];
                s0 = fma(x[i], y0[i], s0);
                s1 = fma(x[i], y1[i], s1);
                s2 = fma(x[i], y2[i], s2);
                s3 = fma(x[i], y3[i], s3);
            }
        }
        PUT(s0, m, n, t)
        if (n + 1 < channels)
        {
            PUT(s1, m, n + 1, t)
        }
        if (n + 2 < channels)
        {
            PUT(s2, m, n + 2, t)
        }
        if (n + 3 < channels)
        {
            PUT(s3, m, n + 3, t)
        }
    }
}

// row = depth * taps elements of one output channel; an item one of them, of all channels.
__kernel void self_correlation_pack(const long problems, const long channels, const long padded, const long row,
    __global const real *restrict w, const long w_offset, __global real *restrict packed, const long packed_offset)
{
    FOR_ITEMS(item, problems * row)
    {
        __global const real *from = w + w_offset + item / row * channels * row + item % row;
        __global real *to = packed + packed_offset + item * padded;
        for (long m = 0; m < padded; m++)
        {
            to[m] = m < channels ? from[m * row] : (real)0;
        }
    }
}

#if !GPU

__kernel void self_correlation_block(const long problems, const long channels, const long depth, const long taps, const long lags, __global const int *restrict table,
    const long padded, __global const real *restrict packed, const long packed_offset, __global real *restrict r, const long r_offset)
{
    const long vectors = (channels + LANES - 1) / LANES, blocks = (channels + ROWS - 1) / ROWS, count = problems * lags * blocks * vectors;
    FOR_ITEMS(item, count)
    {
        const long n = item % vectors * LANES, m = item / vectors % blocks * ROWS, t = item / vectors / blocks % lags, p = item / vectors / blocks / lags;
        __global const int *list = table + table[3 * t];
        const int overlap = table[3 * t + 1];
        __global const real *y = packed + packed_offset + p * depth * taps * padded + n;
        __global const real *x = y - n + m + table[3 * t + 2] * padded;
        vec s[ROWS];
#pragma unroll
        for (int i = 0; i < ROWS; i++)
        {
            s[i] = (vec)((real)0);
        }
        for (long c = 0; c < depth; c++)
        {
            for (int k = 0; k < overlap; k++)
            {
                const long at = (c * taps + list[k]) * padded;
                const vec v = LOAD(y + at);
#pragma unroll
                for (int i = 0; i < ROWS; i++)
                {
                    s[i] = fma((vec)(x[at + i]), v, s[i]);
                }
            }
        }
        real sums[ROWS * LANES];
#pragma unroll
        for (int i = 0; i < ROWS; i++)
        {
            STORE(s[i], sums + i * LANES);
        }
        for (long i = 0; i < min((long)ROWS, channels - m); i++)
        {
            for (long l = 0; l < min((long)LANES, channels - n); l++)
            {
                PUT(sums[i * LANES + l], m + i, n + l, t)
            }
        }
    }
}

#else

#define STEP 16          // depth of a local-memory panel
#define TILE 32

// Groups: (problem and lag, tile of n, tile of m): the first extent is the one that may be large.
__kernel __attribute__((reqd_work_group_size(256, 1, 1))) void self_correlation_tiled(const long problems, const long channels, const long depth, const long taps, const long lags,
    __global const int *restrict table, const long padded, __global const real *restrict packed, const long packed_offset, __global real *restrict r, const long r_offset)
{
    __local real xs[STEP][TILE], ys[STEP][TILE];
    const int item = get_local_id(0), lx = item % 16, ly = item / 16;
    const long t = get_group_id(0) % lags, p = get_group_id(0) / lags, n0 = get_group_id(1) * (long)TILE, m0 = get_group_id(2) * (long)TILE;
    __global const int *list = table + table[3 * t];
    const int overlap = table[3 * t + 1];
    const long shift = table[3 * t + 2], sums = depth * overlap;
    __global const real *from = packed + packed_offset + p * depth * taps * padded;
    real s00 = 0, s01 = 0, s10 = 0, s11 = 0;
    for (long k0 = 0; k0 < sums; k0 += STEP)
    {
        for (int q = item; q < STEP * TILE; q += 256)
        {
            const int k = q / TILE, j = q % TILE;
            const int inside = k0 + k < sums;
            const long at = inside ? (k0 + k) / overlap * taps + list[(k0 + k) % overlap] : 0;
            xs[k][j] = inside ? from[(at + shift) * padded + m0 + j] : (real)0;
            ys[k][j] = inside ? from[at * padded + n0 + j] : (real)0;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        const int block = (int)min((long)STEP, sums - k0);
        for (int k = 0; k < block; k++)
        {
            const real x0 = xs[k][ly], x1 = xs[k][ly + 16], y0 = ys[k][lx], y1 = ys[k][lx + 16];
            s00 = fma(x0, y0, s00);
            s01 = fma(x0, y1, s01);
            s10 = fma(x1, y0, s10);
            s11 = fma(x1, y1, s11);
        }
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    const long m = m0 + ly, n = n0 + lx;
    if (m < channels && n < channels)
    {
        PUT(s00, m, n, t)
    }
    if (m < channels && n + 16 < channels)
    {
        PUT(s01, m, n + 16, t)
    }
    if (m + 16 < channels && n < channels)
    {
        PUT(s10, m + 16, n, t)
    }
    if (m + 16 < channels && n + 16 < channels)
    {
        PUT(s11, m + 16, n + 16, t)
    }
}
#endif
