// Matrix products C[p] = alpha op(A[p]) op(B[p]) + beta C[p], row-major, p = 0 ... problems - 1.
// op(A)[i,k] = A[p * a_problem + i * a_row + k * a_depth] and op(B)[k,j] = B[p * b_problem + k * b_depth + j * b_column]: transposes are strides.
// C[i,j] = C[p * c_problem + i * ldc + j].
//
// CPU family                                            GPU family
//   gemm_pack   A -> [tile][depth][TILE_ROWS]             gemm_tiled  a work-group of 16 x 16 items makes a 64 x 64 tile of C,
//   gemm_slab   a work-item makes TILE_COLUMNS columns                4 x 4 sums an item, operands through local memory
//               of up to CHUNK_ROWS rows of C             gemm_direct a work-item an element
//   gemm_direct a work-item makes 4 rows x LANES columns
//   gemm_dot    a work-item an element                  (both families)

// One element, sums in the order of k.
__kernel void gemm_dot(const long rows, const long columns, const long depth, const long problems, const real alpha, const real beta,
    __global const real *restrict a, const long a_offset, const long a_problem, const long a_row, const long a_depth,
    __global const real *restrict b, const long b_offset, const long b_problem, const long b_depth, const long b_column,
    __global real *restrict c, const long c_offset, const long c_problem, const long ldc)
{
    const long count = problems * rows * columns;
    FOR_ITEMS(item, count)
    {
        const long j = item % columns, i = item / columns % rows, p = item / columns / rows;
        __global const real *x = a + a_offset + p * a_problem + i * a_row;
        __global const real *y = b + b_offset + p * b_problem + j * b_column;
        real sum = 0;
        long k = 0;
#if !GPU
        if (a_depth == 1 && b_depth == 1 && depth >= 2 * LANES)
        {
            vec s0 = (vec)((real)0), s1 = (vec)((real)0);
            for (; k + 2 * LANES <= depth; k += 2 * LANES)
            {
                s0 = fma(LOAD(x + k), LOAD(y + k), s0);
                s1 = fma(LOAD(x + k + LANES), LOAD(y + k + LANES), s1);
            }
            real lanes[LANES];
            STORE(s0 + s1, lanes);
            for (int l = 0; l < LANES; l++)
            {
                sum += lanes[l];
            }
        }
#endif
        for (; k < depth; k++)
        {
            sum = fma(x[k * a_depth], y[k * b_depth], sum);
        }
        __global real *out = c + c_offset + p * c_problem + i * ldc + j;
        *out = COMBINE(alpha, sum, beta, *out);
    }
}

#if !GPU

// packed[((p * tiles + tile) * depth + k) * TILE_ROWS + r]; rows beyond the last are zero and their sums are dropped.
__kernel void gemm_pack(const long rows, const long depth, __global const real *restrict a, const long a_offset, const long a_problem, const long a_row,
    const long a_depth, __global real *restrict packed, const long packed_offset)
{
    const long tile = get_global_id(0), k0 = (long)get_global_id(1) * 256, tiles = (rows + TILE_ROWS - 1) / TILE_ROWS, p = get_global_id(2);
    const long k1 = min(k0 + 256, depth), valid = min((long)TILE_ROWS, rows - tile * TILE_ROWS);
    __global const real *from = a + a_offset + p * a_problem + tile * TILE_ROWS * a_row;
    __global real *to = packed + packed_offset + (p * tiles + tile) * depth * TILE_ROWS;
    for (int r = 0; r < TILE_ROWS; r++)
    {
        for (long k = k0; k < k1; k++)
        {
            to[k * TILE_ROWS + r] = r < valid ? from[r * a_row + k * a_depth] : (real)0;
        }
    }
}

// panel[k * TILE_COLUMNS + j]; columns beyond the last are zero and their sums are dropped.
INLINE void load_panel(__local real *panel, const int depth, const int valid, __global const real *b, const long b_depth, const long b_column)
{
    if (b_column == 1 && valid == TILE_COLUMNS)
    {
        for (int k = 0; k < depth; k++)
        {
            STORE(LOAD(b + k * b_depth), panel + k * TILE_COLUMNS);
            STORE(LOAD(b + k * b_depth + LANES), panel + k * TILE_COLUMNS + LANES);
        }
        return;
    }
    for (int j = 0; j < TILE_COLUMNS; j++)
    {
        for (int k = 0; k < depth; k++)
        {
            panel[k * TILE_COLUMNS + j] = j < valid ? b[k * b_depth + j * b_column] : (real)0;
        }
    }
}

__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void gemm_slab(const long rows, const long columns, const long depth, const int chunk_rows,
    const real alpha, const real beta, __global const real *restrict packed, const long packed_offset,
    __global const real *restrict b, const long b_offset, const long b_problem, const long b_depth, const long b_column,
    __global real *restrict c, const long c_offset, const long c_problem, const long ldc)
{
    __local real panel[BLOCK_DEPTH * TILE_COLUMNS];
    __local real sums[CHUNK_ROWS * TILE_COLUMNS];
    const long row0 = get_group_id(0) * (long)chunk_rows, column0 = get_group_id(1) * (long)TILE_COLUMNS, p = get_group_id(2);
    const long tiles = (rows + TILE_ROWS - 1) / TILE_ROWS, row1 = min(row0 + chunk_rows, rows);
    const int valid = (int)min((long)TILE_COLUMNS, columns - column0);
    __global const real *a = packed + packed_offset + p * tiles * depth * TILE_ROWS;
    __global const real *from = b + b_offset + p * b_problem + column0 * b_column;
    __global real *to = c + c_offset + p * c_problem + column0;
    for (long k0 = 0; k0 < depth; k0 += BLOCK_DEPTH)
    {
        const int block = (int)min((long)BLOCK_DEPTH, depth - k0);
        const int last = k0 + block == depth;
        load_panel(panel, block, valid, from + k0 * b_depth, b_depth, b_column);
        for (long row = row0; row < row1; row += TILE_ROWS)
        {
            vec acc[TILE_ROWS][2];
            __local real *own = sums + (row - row0) * TILE_COLUMNS;
            tile_load(own, k0 == 0, acc);
            tile_multiply(block, a + (row * depth + k0 * TILE_ROWS), panel, acc);
            if (!last)
            {
                tile_store(own, acc);
                continue;
            }
            if (valid == TILE_COLUMNS && row + TILE_ROWS <= row1)
            {
#pragma unroll
                for (int r = 0; r < TILE_ROWS; r++)
                {
                    __global real *out = to + (row + r) * ldc;
                    STORE(COMBINE(alpha, acc[r][0], beta, LOAD(out)), out);
                    STORE(COMBINE(alpha, acc[r][1], beta, LOAD(out + LANES)), out + LANES);
                }
                continue;
            }
            tile_store(own, acc);
            for (long i = row; i < min(row + TILE_ROWS, row1); i++)
            {
                for (int j = 0; j < valid; j++)
                {
                    __global real *out = to + i * ldc + j;
                    *out = COMBINE(alpha, sums[(i - row0) * TILE_COLUMNS + j], beta, *out);
                }
            }
        }
    }
}

// Small problems: 4 rows x LANES columns in registers, nothing packed. b_count: elements of B that may be read, beyond the last column too.
__kernel void gemm_direct(const long rows, const long columns, const long depth, const long problems, const real alpha, const real beta,
    __global const real *restrict a, const long a_offset, const long a_problem, const long a_row, const long a_depth,
    __global const real *restrict b, const long b_offset, const long b_problem, const long b_depth, const long b_column, const long b_count,
    __global real *restrict c, const long c_offset, const long c_problem, const long ldc)
{
    const long vectors = (columns + LANES - 1) / LANES, blocks = (rows + 3) / 4, count = problems * blocks * vectors;
    FOR_ITEMS(item, count)
    {
        const long j = item % vectors * LANES, i = item / vectors % blocks * 4, p = item / vectors / blocks;
        const int valid = (int)min((long)LANES, columns - j);
        __global const real *x0 = a + a_offset + p * a_problem + i * a_row;
        __global const real *x1 = x0 + (i + 1 < rows ? a_row : 0), *x2 = x0 + (i + 2 < rows ? 2 * a_row : 0), *x3 = x0 + (i + 3 < rows ? 3 * a_row : 0);
        const long at = p * b_problem + j * b_column;
        __global const real *y = b + b_offset + at;
        vec s0 = (vec)((real)0), s1 = s0, s2 = s0, s3 = s0;
        for (long k = 0; k < depth; k++)
        {
            vec v;
            if (b_column == 1 && at + k * b_depth + LANES <= b_count)
            {
                v = LOAD(y + k * b_depth);
            }
            else
            {
                real lanes[LANES];
                for (int l = 0; l < LANES; l++)
                {
                    lanes[l] = l < valid ? y[k * b_depth + l * b_column] : (real)0;
                }
                v = LOAD(lanes);
            }
            s0 = fma((vec)(x0[k * a_depth]), v, s0);
            s1 = fma((vec)(x1[k * a_depth]), v, s1);
            s2 = fma((vec)(x2[k * a_depth]), v, s2);
            s3 = fma((vec)(x3[k * a_depth]), v, s3);
        }
        real sums[4 * LANES];
        STORE(s0, sums);
        STORE(s1, sums + LANES);
        STORE(s2, sums + 2 * LANES);
        STORE(s3, sums + 3 * LANES);
        for (int r = 0; r < 4 && i + r < rows; r++)
        {
            __global real *out = c + c_offset + p * c_problem + (i + r) * ldc + j;
            for (int l = 0; l < valid; l++)
            {
                out[l] = COMBINE(alpha, sums[r * LANES + l], beta, out[l]);
            }
        }
    }
}

#else

#define STEP 16          // depth of a local-memory panel
#define TILE 64

__kernel __attribute__((reqd_work_group_size(16, 16, 1))) void gemm_tiled(const long rows, const long columns, const long depth, const real alpha, const real beta,
    __global const real *restrict a, const long a_offset, const long a_problem, const long a_row, const long a_depth,
    __global const real *restrict b, const long b_offset, const long b_problem, const long b_depth, const long b_column,
    __global real *restrict c, const long c_offset, const long c_problem, const long ldc)
{
    __local real as[STEP][TILE + 1], bs[STEP][TILE + 1];
    const int lx = get_local_id(0), ly = get_local_id(1), t = ly * 16 + lx;
    const long column0 = get_group_id(0) * (long)TILE, row0 = get_group_id(1) * (long)TILE, p = get_group_id(2);
    __global const real *x = a + a_offset + p * a_problem;
    __global const real *y = b + b_offset + p * b_problem;
    real acc[4][4];
    for (int i = 0; i < 4; i++)
    {
        for (int j = 0; j < 4; j++)
        {
            acc[i][j] = 0;
        }
    }
    for (long k0 = 0; k0 < depth; k0 += STEP)
    {
        for (int q = t; q < STEP * TILE; q += 256)
        {
            // Neighbouring items read neighbouring elements, whichever way the operand is stored.
            const int ak = a_depth == 1 ? q % STEP : q / TILE, ar = a_depth == 1 ? q / STEP : q % TILE;
            as[ak][ar] = k0 + ak < depth && row0 + ar < rows ? x[(row0 + ar) * a_row + (k0 + ak) * a_depth] : (real)0;
            const int bk = b_column == 1 ? q / TILE : q % STEP, bc = b_column == 1 ? q % TILE : q / STEP;
            bs[bk][bc] = k0 + bk < depth && column0 + bc < columns ? y[(k0 + bk) * b_depth + (column0 + bc) * b_column] : (real)0;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        panel_multiply((int)min((long)STEP, depth - k0), &as[0][ly], &bs[0][lx], TILE + 1, acc);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (int i = 0; i < 4; i++)
    {
        for (int j = 0; j < 4; j++)
        {
            const long row = row0 + ly + 16 * i, column = column0 + lx + 16 * j;
            if (row < rows && column < columns)
            {
                __global real *out = c + c_offset + p * c_problem + row * ldc + column;
                *out = COMBINE(alpha, acc[i][j], beta, *out);
            }
        }
    }
}
#endif
