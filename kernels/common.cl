// Shared by every kernel file, which follows this text. Options: REAL (float or double), REAL_BITS (32 or 64), LANES (elements of a vector in
// kernels of the CPU family), GPU (1: work-groups and local memory; 0: one work-item a register block).
// Conventions: a buffer argument is always followed by its offset in elements; counts and strides that may exceed 2^31 are long.
#ifndef REAL
#define REAL float
#define REAL_BITS 32
#endif
#ifndef LANES
#define LANES 8
#endif
#ifndef GPU
#define GPU 0
#endif

#if REAL_BITS == 64 && defined(cl_khr_fp64)
#pragma OPENCL EXTENSION cl_khr_fp64 : enable
#endif

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define INLINE static inline __attribute__((always_inline))

typedef REAL real;
typedef JOIN(REAL, LANES) vec;                 // LANES elements
typedef JOIN(int, LANES) ivec;                 // LANES indices
#if REAL_BITS == 64
#define MASK_ELEMENT long
typedef JOIN(long, LANES) mask;                // the integer vector that ?: and comparisons of vec use
#define TO_MASK JOIN(convert_long, LANES)
#else
#define MASK_ELEMENT int
typedef JOIN(int, LANES) mask;
#define TO_MASK
#endif
// Zero where the mask is off, by bits: ?: would be folded into the load, and masked loads are slow on some processors.
#define KEEP(v, keep) JOIN(JOIN(as_, REAL), LANES)(JOIN(JOIN(as_, MASK_ELEMENT), LANES)(v) & (keep))
#define LOAD(p) JOIN(vload, LANES)(0, (p))
#define STORE(v, p) JOIN(vstore, LANES)((v), 0, (p))
#define LOADI(p) JOIN(vload, LANES)(0, (p))

// 0, 1, 2 ... by lane.
#if LANES == 16
#define IOTA ((ivec)(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15))
#elif LANES == 8
#define IOTA ((ivec)(0, 1, 2, 3, 4, 5, 6, 7))
#elif LANES == 4
#define IOTA ((ivec)(0, 1, 2, 3))
#else
#define IOTA ((ivec)(0, 1))
#endif

// Divides count items among the work-items: neighbouring work-items take neighbouring items on a GPU, each a range of its own (and its own part of the
// cache) on a CPU.
#if GPU
#define FOR_ITEMS(item, count) for (long item = get_global_id(0); item < (count); item += get_global_size(0))
#else
#define ITEMS_EACH(count) (((count) + (long)get_global_size(0) - 1) / (long)get_global_size(0))
#define FOR_ITEMS(item, count) \
    for (long item = get_global_id(0) * ITEMS_EACH(count), JOIN(item, _end) = min(item + ITEMS_EACH(count), (long)(count)); item < JOIN(item, _end); item++)
#endif

// alpha sum + beta old, where beta = 0 never reads the old value.
#define COMBINE(alpha, sum, beta, old) ((beta) == (real)0 ? (alpha) * (sum) : fma((beta), (old), (alpha) * (sum)))

// Register tile of the CPU family: TILE_ROWS x TILE_COLUMNS sums in registers. 12 x 2 vectors leave 8 of 32 registers of 512 bits for operands,
// 6 x 2 leave 4 of 16 registers of 256 bits.
#ifndef TILE_ROWS
#if LANES * REAL_BITS >= 512
#define TILE_ROWS 12
#else
#define TILE_ROWS 6
#endif
#endif
#define TILE_COLUMNS (2 * LANES)
#ifndef PANEL_BYTES
#define PANEL_BYTES 32768                      // local memory of a packed panel
#endif
#ifndef SUMS_BYTES
#define SUMS_BYTES 24576                       // local memory of a work-item's sums
#endif
#define BLOCK_DEPTH (PANEL_BYTES * 8 / REAL_BITS / TILE_COLUMNS)   // depth of a packed panel
#define CHUNK_ROWS (SUMS_BYTES * 8 / REAL_BITS / TILE_COLUMNS)     // most rows a work-item takes; a multiple of TILE_ROWS

#if !GPU
// acc += A B for one tile: a[k * TILE_ROWS + r] is packed, b[k * TILE_COLUMNS + j] is a panel.
INLINE void tile_multiply(const int depth, __global const real *a, __local const real *b, vec acc[TILE_ROWS][2])
{
    for (int k = 0; k < depth; k++)
    {
        const vec b0 = LOAD(b), b1 = LOAD(b + LANES);
#pragma unroll
        for (int r = 0; r < TILE_ROWS; r++)
        {
            const vec x = (vec)(a[r]);
            acc[r][0] = fma(x, b0, acc[r][0]);
            acc[r][1] = fma(x, b1, acc[r][1]);
        }
        a += TILE_ROWS;
        b += TILE_COLUMNS;
    }
}

// Sums of a tile between two panels.
INLINE void tile_load(__local const real *sums, const int first, vec acc[TILE_ROWS][2])
{
#pragma unroll
    for (int r = 0; r < TILE_ROWS; r++)
    {
        acc[r][0] = first ? (vec)((real)0) : LOAD(sums + r * TILE_COLUMNS);
        acc[r][1] = first ? (vec)((real)0) : LOAD(sums + r * TILE_COLUMNS + LANES);
    }
}

INLINE void tile_store(__local real *sums, vec acc[TILE_ROWS][2])
{
#pragma unroll
    for (int r = 0; r < TILE_ROWS; r++)
    {
        STORE(acc[r][0], sums + r * TILE_COLUMNS);
        STORE(acc[r][1], sums + r * TILE_COLUMNS + LANES);
    }
}
#else
// acc += A B over some steps of panels in local memory: an item of a 16x16 group holds every sixteenth row and column of a tile of 64x64.
INLINE void panel_multiply(const int steps, __local const real *a, __local const real *b, const int stride, real acc[4][4])
{
    for (int k = 0; k < steps; k++, a += stride, b += stride)
    {
        real av[4], bv[4];
        for (int i = 0; i < 4; i++)
        {
            av[i] = a[16 * i];
            bv[i] = b[16 * i];
        }
        for (int i = 0; i < 4; i++)
        {
            for (int j = 0; j < 4; j++)
            {
                acc[i][j] = fma(av[i], bv[j], acc[i][j]);
            }
        }
    }
}
#endif
