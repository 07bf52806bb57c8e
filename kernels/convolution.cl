// Convolutions of any rank, forward and backward, as products of weights with patches:
//
//   out[p,n,row,q] = sum over tap t, channel c of  weight[p,row,c,t] source[p,n,c, read(q,t)]            (conv_slab, conv_tiled, conv_direct)
//   dw[p,m,c,t]    = sum over sample n, position q of  dy[p,n,m,q] source[p,n,c, read(q,t)]              (conv_filter_...)
//
// A position q and a tap t are pairs (outer, inner): inner is the last spatial axis, outer all others. Which element is read is a table for each:
//   read = rows[outer q * TAPS_OUTER + outer t] * SOURCE_LENGTH + columns[inner t * INNER_PADDED + inner q]; an entry of -1 is zero padding.
// So stride, dilation, boundary, geometry, and the residue classes of a strided gradient are all data. Every number of the problem stands in an
// array of longs (the enumeration below), the tables in an array of ints.
//
// Padding is never multiplied into a sum that is kept: direct kernels skip it; the tiled ones pack it as zeros, which is exact as long as the other
// operand is finite. Otherwise conv_scan raises a flag before; then tiled kernels return at once and a direct kernel, enqueued
// behind them and idle without the flag, does the work.

enum
{
    ROWS, CHANNELS, CONTRACTED_CHANNELS, TAPS_OUTER, TAPS_INNER, OUTER, INNER, INNER_PADDED, SAMPLES, GROUPS,
    SOURCE_PROBLEM, SOURCE_GROUP, SOURCE_SAMPLE, SOURCE_CHANNEL, SOURCE_CONTRACTED, SOURCE_LENGTH, SOURCE_COUNT,
    WEIGHT_PROBLEM, WEIGHT_GROUP, WEIGHT_ROW, WEIGHT_CHANNEL, WEIGHT_CONTRACTED, WEIGHT_LENGTH,
    TARGET_PROBLEM, TARGET_GROUP, TARGET_SAMPLE, TARGET_ROW, TARGET_LENGTH, TARGET_DENSE,
    BIAS_PROBLEM, BIAS_GROUP, PROBLEM_GROUPS,
    ROW_TABLE, COLUMN_TABLE, STEP_TABLE, ROW_POSITIONS, COLUMN_POSITIONS, OUTER_TAPS, INNER_TAPS
};

#define GEOMETRY __global const long *restrict g, __global const int *restrict tables
#define SOURCE_BASE(pg) ((pg) / g[GROUPS] * g[SOURCE_PROBLEM] + (pg) % g[GROUPS] * g[SOURCE_GROUP])
#define WEIGHT_BASE(pg) ((pg) / g[GROUPS] * g[WEIGHT_PROBLEM] + (pg) % g[GROUPS] * g[WEIGHT_GROUP])
#define TARGET_BASE(pg) ((pg) / g[GROUPS] * g[TARGET_PROBLEM] + (pg) % g[GROUPS] * g[TARGET_GROUP])
#define BIAS_BASE(pg) ((pg) / g[GROUPS] * g[BIAS_PROBLEM] + (pg) % g[GROUPS] * g[BIAS_GROUP])

#if GPU
#define PACK_ROWS 64
#else
#define PACK_ROWS TILE_ROWS
#endif

// Element of one filter behind tap t of the tables.
INLINE long filter_tap(__global const long *g, __global const int *tables, const long t)
{
    return tables[g[OUTER_TAPS] + t / g[TAPS_INNER]] * g[WEIGHT_LENGTH] + tables[g[INNER_TAPS] + t % g[TAPS_INNER]];
}

// packed[((pg * tiles + tile) * depth + k) * PACK_ROWS + r] with depth k = t * CHANNELS + c; rows beyond the last are zero.
__kernel void conv_pack(GEOMETRY, const long pg0, __global const real *restrict w, const long w_offset, __global real *restrict packed, const long packed_offset)
{
    const long rows = g[ROWS], channels = g[CHANNELS], contracted = g[CONTRACTED_CHANNELS], depth = channels * g[TAPS_OUTER] * g[TAPS_INNER];
    const long tiles = (rows + PACK_ROWS - 1) / PACK_ROWS, t = get_global_id(1), pg = get_global_id(2);
    __global const real *from = w + w_offset + WEIGHT_BASE(pg0 + pg) + filter_tap(g, tables, t);
#if GPU
    const long tile = get_global_id(0) / PACK_ROWS, r0 = get_global_id(0) % PACK_ROWS, r1 = r0 + 1;
#else
    const long tile = get_global_id(0), r0 = 0, r1 = PACK_ROWS;
#endif
    __global real *to = packed + packed_offset + ((pg * tiles + tile) * depth + t * channels) * PACK_ROWS;
    for (long r = r0; r < r1; r++)
    {
        const long row = tile * PACK_ROWS + r;
        for (long c = 0; c < channels; c++)
        {
            to[c * PACK_ROWS + r] = row < rows ? from[row * g[WEIGHT_ROW] + c / contracted * g[WEIGHT_CONTRACTED] + c % contracted * g[WEIGHT_CHANNEL]] : (real)0;
        }
    }
}

// Raises the flag if an element is not finite.
__kernel void conv_scan(const long count, __global const real *restrict x, const long x_offset, __global int *restrict flag, const long flag_offset)
{
    int bad = 0;
    const long part = (count + get_global_size(0) - 1) / get_global_size(0), start = get_global_id(0) * part, end = min(start + part, count);
    long i = start;
#if GPU
    for (i = get_global_id(0); i < count; i += get_global_size(0))
    {
        bad |= !isfinite(x[x_offset + i]);
    }
#else
    // x - x is 0 for finite x and NaN otherwise; NaN survives every addition.
    vec sum = (vec)((real)0);
    for (; i + LANES <= end; i += LANES)
    {
        const vec v = LOAD(x + x_offset + i);
        sum += v - v;
    }
    bad = any(isnan(sum));
    for (; i < end; i++)
    {
        bad |= !isfinite(x[x_offset + i]);
    }
#endif
    if (bad)
    {
        flag[flag_offset] = 1;
    }
}

// out[i] = alpha (parts added in order) + beta out[i].
__kernel void conv_sum_parts(const long count, const int parts, const real alpha, const real beta, __global const real *restrict partial, const long partial_offset,
    __global real *restrict out, const long out_offset)
{
    FOR_ITEMS(i, count)
    {
        real sum = 0;
        for (int part = 0; part < parts; part++)
        {
            sum += partial[partial_offset + part * count + i];
        }
        __global real *to = out + out_offset + i;
        *to = COMBINE(alpha, sum, beta, *to);
    }
}

// Gradient of a boundary that repeats elements: every element gathers what its copies in the padded plane received.
// Lists: outer copies of outer element i are lists[outer_list + start ...], start = lists[i] to lists[i + 1]; inner likewise.
__kernel void conv_fold(const long planes, const long outer, const long inner, const long padded_outer, const long padded_inner,
    __global const int *restrict lists, const long outer_list, const long inner_start, const long inner_list,
    const real alpha, const real beta, __global const real *restrict padded, const long padded_offset, __global real *restrict out, const long out_offset)
{
    const long count = planes * outer * inner;
    FOR_ITEMS(item, count)
    {
        const long x = item % inner, r = item / inner % outer, plane = item / inner / outer;
        __global const real *from = padded + padded_offset + plane * padded_outer * padded_inner;
        real sum = 0;
        for (int i = lists[r]; i < lists[r + 1]; i++)
        {
            __global const real *row = from + lists[outer_list + i] * padded_inner;
            for (int j = lists[inner_start + x]; j < lists[inner_start + x + 1]; j++)
            {
                sum += row[lists[inner_list + j]];
            }
        }
        __global real *to = out + out_offset + item;
        *to = COMBINE(alpha, sum, beta, *to);
    }
}

// partial[part * channels + c] = sum over the part's samples and all positions of dy[n, c, q]; channels = problems * outChannels.
__kernel void conv_bias(const long channels, const long per_problem, const long samples, const long positions, const int parts,
    __global const real *restrict dy, const long dy_offset, __global real *restrict partial, const long partial_offset)
{
    const long count = channels * parts;
    FOR_ITEMS(item, count)
    {
        const long c = item % channels, part = item / channels, n0 = samples * part / parts, n1 = samples * (part + 1) / parts;
        real sum = 0;
        for (long n = n0; n < n1; n++)
        {
            __global const real *from = dy + dy_offset + ((c / per_problem * samples + n) * per_problem + c % per_problem) * positions;
            long q = 0;
#if !GPU
            vec lanes = (vec)((real)0);
            for (; q + LANES <= positions; q += LANES)
            {
                lanes += LOAD(from + q);
            }
            real apart[LANES];
            STORE(lanes, apart);
            for (int l = 0; l < LANES; l++)
            {
                sum += apart[l];
            }
#endif
            for (; q < positions; q++)
            {
                sum += from[q];
            }
        }
        partial[partial_offset + item] = sum;
    }
}

#if !GPU

// LANES elements source[at + offset of lane], zero where the mask is off; step 1 or 2 is the distance of the lanes' elements, -1 none.
INLINE vec read_lanes(__global const real *source, const long at, const long count, const int base, const int step, const ivec offsets)
{
    const mask valid = TO_MASK(offsets >= 0);
    const long first = at + base;
    if (step == 1 && first >= 0 && first + LANES <= count)
    {
        return KEEP(LOAD(source + first), valid);
    }
    if (step == 2 && first >= 0 && first + 2 * LANES - 1 <= count)
    {
        return KEEP((vec)(LOAD(source + first).even, LOAD(source + first + LANES - 1).odd), valid);
    }
    int from[LANES];
    real lanes[LANES];
    JOIN(vstore, LANES)(offsets, 0, from);
    for (int l = 0; l < LANES; l++)
    {
        lanes[l] = from[l] < 0 ? (real)0 : source[at + from[l]];
    }
    return LOAD(lanes);
}

// How far apart the lanes' elements are: 0 nothing is read, 1 neighbours, -1 anything else.
INLINE int step_of(const int *offsets, int *base)
{
    int first = 0;
    while (first < LANES && offsets[first] < 0)
    {
        first++;
    }
    if (first == LANES)
    {
        *base = 0;
        return 0;
    }
    *base = offsets[first] - first;
    const ivec o = LOADI(offsets);
    return all((o < 0) | (o == *base + IOTA)) ? 1 : -1;
}

// A work-item makes TILE_COLUMNS columns (n,q) of up to chunk_rows rows: it packs the patches of a block of depth into a panel and runs the register
// tile over the packed weights. Groups: (row chunk, column slab, problem and group).
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void conv_slab(GEOMETRY, const long pg0, const int chunk_rows, const real alpha, const real beta,
    const int guarded, __global const int *restrict flag, const long flag_offset,
    __global const real *restrict packed, const long packed_offset, __global const real *restrict source, const long source_offset,
    const int has_bias, __global const real *restrict bias, const long bias_offset, __global real *restrict out, const long out_offset)
{
    __local real panel[BLOCK_DEPTH * TILE_COLUMNS];
    __local real sums[CHUNK_ROWS * TILE_COLUMNS];
    if (guarded && flag[flag_offset])
    {
        return;
    }
    const long rows = g[ROWS], inner = g[INNER], positions = g[OUTER] * inner, columns = g[SAMPLES] * positions;
    const int channels = (int)g[CHANNELS], contracted = (int)g[CONTRACTED_CHANNELS], taps_inner = (int)g[TAPS_INNER], taps_outer = (int)g[TAPS_OUTER];
    const long depth = (long)channels * taps_outer * taps_inner, pg = get_group_id(2);
    const long row0 = get_group_id(0) * (long)chunk_rows, row1 = min(row0 + chunk_rows, rows), column0 = get_group_id(1) * (long)TILE_COLUMNS;
    const long tiles = (rows + TILE_ROWS - 1) / TILE_ROWS, n0 = column0 / positions;
    const int valid = (int)min((long)TILE_COLUMNS, columns - column0);
    __global const real *a = packed + packed_offset + pg * tiles * depth * TILE_ROWS;
    __global const real *x = source + source_offset;
    __global real *to = out + out_offset + TARGET_BASE(pg0 + pg);
    const long x_base = SOURCE_BASE(pg0 + pg) + n0 * g[SOURCE_SAMPLE], x_count = g[SOURCE_COUNT];
    __global const int *row_table = tables + g[ROW_TABLE], *column_table = tables + g[COLUMN_TABLE];

    int outer_of[TILE_COLUMNS], inner_of[TILE_COLUMNS], sample_of[TILE_COLUMNS];
    long target_of[TILE_COLUMNS];
    for (int j = 0; j < TILE_COLUMNS; j++)
    {
        const long column = min(column0 + j, columns - 1), n = column / positions, q = column % positions;
        outer_of[j] = (int)(q / inner) * taps_outer;
        inner_of[j] = (int)(q % inner);
        sample_of[j] = j < valid ? (int)((n - n0) * g[SOURCE_SAMPLE]) : -1;
        target_of[j] = n * g[TARGET_SAMPLE] + tables[g[ROW_POSITIONS] + q / inner] * g[TARGET_LENGTH] + tables[g[COLUMN_POSITIONS] + q % inner];
    }
    int dense[2];
    for (int v = 0; v < 2; v++)
    {
        dense[v] = valid >= (v + 1) * LANES;
        for (int l = 1; l < LANES; l++)
        {
            dense[v] &= target_of[v * LANES + l] == target_of[v * LANES] + l;
        }
    }

    for (long k0 = 0; k0 < depth; k0 += BLOCK_DEPTH)
    {
        const int block = (int)min((long)BLOCK_DEPTH, depth - k0), last = k0 + block == depth;
        int k = 0, t = (int)(k0 / channels), c = (int)(k0 % channels);
        for (; k < block; t++, c = 0)
        {
            const int t_outer = t / taps_inner, t_inner = t % taps_inner;
            __global const int *from_columns = column_table + t_inner * g[INNER_PADDED];
            int offsets[TILE_COLUMNS], base0, base1;
            for (int j = 0; j < TILE_COLUMNS; j++)
            {
                const int r = row_table[outer_of[j] + t_outer], s = from_columns[inner_of[j]];
                offsets[j] = (r | s | sample_of[j]) < 0 ? -1 : sample_of[j] + r * (int)g[SOURCE_LENGTH] + s;
            }
            const int step0 = step_of(offsets, &base0), step1 = step_of(offsets + LANES, &base1);
            const ivec o0 = LOADI(offsets), o1 = LOADI(offsets + LANES);
            long at = x_base + c / contracted * g[SOURCE_CONTRACTED] + c % contracted * g[SOURCE_CHANNEL];
            for (; c < channels && k < block; k++)
            {
                const vec v0 = step0 == 0 ? (vec)((real)0) : read_lanes(x, at, x_count, base0, step0, o0);
                const vec v1 = step1 == 0 ? (vec)((real)0) : read_lanes(x, at, x_count, base1, step1, o1);
                STORE(v0, panel + k * TILE_COLUMNS);
                STORE(v1, panel + k * TILE_COLUMNS + LANES);
                c++;
                at = c % contracted == 0 ? x_base + c / contracted * g[SOURCE_CONTRACTED] : at + g[SOURCE_CHANNEL];
            }
        }
        for (long row = row0; row < row1; row += TILE_ROWS)
        {
            vec acc[TILE_ROWS][2];
            __local real *own = sums + (row - row0) * TILE_COLUMNS;
            tile_load(own, k0 == 0, acc);
            tile_multiply(block, a + (row * depth + k0 * TILE_ROWS), panel, acc);
            tile_store(own, acc);
            if (!last)
            {
                continue;
            }
            for (long i = row; i < min(row + TILE_ROWS, row1); i++)
            {
                __local const real *made = sums + (i - row0) * TILE_COLUMNS;
                __global real *line = to + i * g[TARGET_ROW];
                const real add = has_bias ? bias[bias_offset + BIAS_BASE(pg0 + pg) + i] : (real)0;
                for (int v = 0; v < 2; v++)
                {
                    if (dense[v])
                    {
                        __global real *at = line + target_of[v * LANES];
                        STORE(COMBINE(alpha, LOAD(made + v * LANES) + add, beta, LOAD(at)), at);
                    }
                    else
                    {
                        for (int j = v * LANES; j < min((v + 1) * LANES, valid); j++)
                        {
                            __global real *at = line + target_of[j];
                            *at = COMBINE(alpha, made[j] + add, beta, *at);
                        }
                    }
                }
            }
        }
    }
}

// A work-item makes LINES lines of positions (all inner ones of an outer) by vectors: neighbouring lines of a plane, or of samples where a plane has few.
// With only_flagged it idles unless the flag is up.
#define LINES 4
__kernel void conv_direct(GEOMETRY, const real alpha, const real beta, const int only_flagged, __global const int *restrict flag, const long flag_offset,
    __global const real *restrict w, const long w_offset, __global const real *restrict source, const long source_offset,
    const int has_bias, __global const real *restrict bias, const long bias_offset, __global real *restrict out, const long out_offset)
{
    if (only_flagged && !flag[flag_offset])
    {
        return;
    }
    const long rows = g[ROWS], outer = g[OUTER], samples = g[SAMPLES], groups = g[GROUPS], x_count = g[SOURCE_COUNT];
    const int in_plane = outer >= LINES - 1;
    const long line_blocks = in_plane ? (outer + LINES - 1) / LINES : outer, sample_blocks = in_plane ? samples : (samples + LINES - 1) / LINES;
    const long count = g[PROBLEM_GROUPS] * sample_blocks * rows * line_blocks;
    const int inner = (int)g[INNER], padded = (int)g[INNER_PADDED], taps_inner = (int)g[TAPS_INNER], taps_outer = (int)g[TAPS_OUTER];
    const int channels = (int)g[CHANNELS], contracted = (int)g[CONTRACTED_CHANNELS];
    const long w_channel = g[WEIGHT_CHANNEL], x_channel = g[SOURCE_CHANNEL], x_length = g[SOURCE_LENGTH], x_contracted = g[SOURCE_CONTRACTED], x_sample = g[SOURCE_SAMPLE];
    const long w_contracted = g[WEIGHT_CONTRACTED], w_length = g[WEIGHT_LENGTH], reach = (channels / contracted - 1) * x_contracted + contracted * x_channel + 2 * LANES;
    const int dense = (int)g[TARGET_DENSE];
    __global const real *x = source + source_offset;
    __global const int *row_table = tables + g[ROW_TABLE], *column_table = tables + g[COLUMN_TABLE], *steps = tables + g[STEP_TABLE];
    __global const int *outer_taps = tables + g[OUTER_TAPS], *inner_taps = tables + g[INNER_TAPS], *inner_positions = tables + g[COLUMN_POSITIONS];
    FOR_ITEMS(item, count)
    {
        const long row = item / line_blocks % rows, rest = item / line_blocks / rows;       // in the order of the target's memory
        const long n0 = rest / groups % sample_blocks * (in_plane ? 1 : LINES), q0 = item % line_blocks * (in_plane ? LINES : 1);
        const long pg = rest / groups / sample_blocks * groups + rest % groups;
        const int lines = (int)min((long)LINES, in_plane ? outer - q0 : samples - n0);
        __global const real *weights = w + w_offset + WEIGHT_BASE(pg) + row * g[WEIGHT_ROW];
        const real add = has_bias ? bias[bias_offset + BIAS_BASE(pg) + row] : (real)0;
        long x_base[LINES];
        int line_q[LINES];
#pragma unroll
        for (int l = 0; l < LINES; l++)
        {
            // Lines beyond the last repeat it and are not written.
            const int k = min(l, lines - 1);
            line_q[l] = (int)(q0 + (in_plane ? k : 0));
            x_base[l] = SOURCE_BASE(pg) + (n0 + (in_plane ? 0 : k)) * x_sample;
        }
        const int safe = x_base[0] >= LANES && x_base[LINES - 1] + reach <= x_count;
        for (int v = 0; v < padded; v += LANES)
        {
            vec sum[LINES];
#pragma unroll
            for (int l = 0; l < LINES; l++)
            {
                sum[l] = (vec)((real)0);
            }
            for (int t_outer = 0; t_outer < taps_outer; t_outer++)
            {
                long x_row[LINES];
                int reads[LINES];
#pragma unroll
                for (int l = 0; l < LINES; l++)
                {
                    reads[l] = l < lines ? row_table[line_q[l] * taps_outer + t_outer] : -1;
                    x_row[l] = x_base[l] + reads[l] * x_length;
                }
                __global const real *w_row = weights + outer_taps[t_outer] * w_length;
                for (int t_inner = 0; t_inner < taps_inner; t_inner++)
                {
                    const int at = t_inner * padded + v, base = steps[at / LANES * 2], step = steps[at / LANES * 2 + 1];
                    if (step == 0)
                    {
                        continue;
                    }
                    const ivec offsets = LOADI(column_table + at);
                    const mask valid = TO_MASK(offsets >= 0);
                    __global const real *from = w_row + inner_taps[t_inner];
                    long x_at = 0, w_at = 0;
                    for (int c = 0, own = 0; c < channels; c++)
                    {
                        const vec weight = (vec)(from[w_at]);
#pragma unroll
                        for (int l = 0; l < LINES; l++)
                        {
                            if (reads[l] >= 0)
                            {
                                const long first = x_row[l] + x_at;
                                const vec value = safe && step == 1 ? LOAD(x + first + base)
                                    : safe && step == 2 ? (vec)(LOAD(x + first + base).even, LOAD(x + first + base + LANES - 1).odd)
                                    : read_lanes(x, first, x_count, base, step, offsets);
                                sum[l] = valid ? fma(weight, value, sum[l]) : sum[l];
                            }
                        }
                        x_at += x_channel;
                        w_at += w_channel;
                        if (++own == contracted)
                        {
                            own = 0;
                            x_at += x_contracted - contracted * x_channel;
                            w_at += w_contracted - contracted * w_channel;
                        }
                    }
                }
            }
#pragma unroll
            for (int l = 0; l < LINES; l++)
            {
                if (l < lines)
                {
                    __global real *line = out + out_offset + TARGET_BASE(pg) + (n0 + (in_plane ? 0 : l)) * g[TARGET_SAMPLE] + row * g[TARGET_ROW]
                        + tables[g[ROW_POSITIONS] + line_q[l]] * g[TARGET_LENGTH];
                    const vec total = sum[l] + add;
                    if (dense && v + LANES <= inner)
                    {
                        STORE(COMBINE(alpha, total, beta, LOAD(line + v)), line + v);
                    }
                    else
                    {
                        real lanes[LANES];
                        STORE(total, lanes);
                        for (int k = 0; k < min(LANES, inner - v); k++)
                        {
                            __global real *at = line + inner_positions[v + k];
                            *at = COMBINE(alpha, lanes[k], beta, *at);
                        }
                    }
                }
            }
        }
    }
}

// The two kernels of the filter gradient write partial[((part * problem_groups + pg) * rows + m) * columns + column], column = (c, tap) as in the filter;
// parts divide the samples' positions (n,q) evenly. For one part they finish with alpha and beta.
__kernel __attribute__((reqd_work_group_size(1, 1, 1))) void conv_filter_slab(GEOMETRY, const int chunk_rows, const int parts, const real alpha, const real beta,
    const int guarded, __global const int *restrict flag, const long flag_offset,
    __global const real *restrict dy, const long dy_offset, __global const real *restrict source, const long source_offset, __global real *out, const long out_offset)
{
    __local real panel[BLOCK_DEPTH * TILE_COLUMNS];
    __local real sums[CHUNK_ROWS * TILE_COLUMNS];
    if (guarded && flag[flag_offset])
    {
        return;
    }
    const long rows = g[ROWS], inner = g[INNER], positions = g[OUTER] * inner, total = g[SAMPLES] * positions;
    const int taps_inner = (int)g[TAPS_INNER], taps_outer = (int)g[TAPS_OUTER], taps = taps_inner * taps_outer;
    const long columns = g[CHANNELS] * taps, slabs = (columns + TILE_COLUMNS - 1) / TILE_COLUMNS, pg = get_group_id(2);
    const int part = (int)(get_group_id(1) / slabs);
    const long row0 = get_group_id(0) * (long)chunk_rows, row1 = min(row0 + chunk_rows, rows), column0 = get_group_id(1) % slabs * TILE_COLUMNS;
    const long f0 = total * part / parts, f1 = total * (part + 1) / parts;
    const int valid = (int)min((long)TILE_COLUMNS, columns - column0);
    // For the filter gradient, WEIGHT and TARGET numbers describe dy: [problem, sample, row, position].
    __global const real *a = dy + dy_offset + TARGET_BASE(pg);
    __global const real *x = source + source_offset + SOURCE_BASE(pg);
    __global real *to = out + out_offset + (part * g[PROBLEM_GROUPS] + pg) * rows * columns + column0;
    const long a_row = g[TARGET_ROW];
    for (long f = f0; f < f1 || f == f0; f += BLOCK_DEPTH)
    {
        const int block = (int)min((long)BLOCK_DEPTH, f1 - f), last = f + block >= f1;
        for (int j = 0; j < TILE_COLUMNS; j++)
        {
            const long column = min(column0 + j, columns - 1);
            const int tap = (int)(column % taps), t_outer = tap / taps_inner, t_inner = tap % taps_inner;
            __global const real *plane = x + column / taps * g[SOURCE_CHANNEL];
            __global const int *row_table = tables + g[ROW_TABLE] + t_outer, *from = tables + g[COLUMN_TABLE] + t_inner * g[INNER_PADDED];
            long n = f / positions;
            int q = (int)(f % positions / inner), i = (int)(f % inner);
            for (int k = 0; k < block;)
            {
                const int run = min(block - k, (int)inner - i), r = row_table[q * taps_outer];
                __local real *at = panel + k * TILE_COLUMNS + j;
                if (r < 0)
                {
                    for (int l = 0; l < run; l++)
                    {
                        at[l * TILE_COLUMNS] = 0;
                    }
                }
                else
                {
                    __global const real *line = plane + n * g[SOURCE_SAMPLE] + r * g[SOURCE_LENGTH];
                    for (int l = 0; l < run; l++)
                    {
                        const int s = from[i + l];
                        at[l * TILE_COLUMNS] = s < 0 ? (real)0 : line[s];
                    }
                }
                k += run;
                i = 0;
                if (++q == (int)g[OUTER])
                {
                    q = 0;
                    n++;
                }
            }
        }
        for (long row = row0; row < row1; row += TILE_ROWS)
        {
            vec acc[TILE_ROWS][2];
            __local real *own = sums + (row - row0) * TILE_COLUMNS;
            tile_load(own, f == f0, acc);
            for (int k = 0; k < block;)
            {
                const long n = (f + k) / positions, q = (f + k) % positions;
                const int run = (int)min((long)(block - k), positions - q);
                __global const real *at[TILE_ROWS];
                for (int r = 0; r < TILE_ROWS; r++)
                {
                    at[r] = a + n * g[TARGET_SAMPLE] + min(row + r, rows - 1) * a_row + q;
                }
                __local const real *b = panel + k * TILE_COLUMNS;
                for (int l = 0; l < run; l++, b += TILE_COLUMNS)
                {
                    const vec b0 = LOAD(b), b1 = LOAD(b + LANES);
#pragma unroll
                    for (int r = 0; r < TILE_ROWS; r++)
                    {
                        const vec y = (vec)(at[r][l]);
                        acc[r][0] = fma(y, b0, acc[r][0]);
                        acc[r][1] = fma(y, b1, acc[r][1]);
                    }
                }
                k += run;
            }
            tile_store(own, acc);
            if (!last)
            {
                continue;
            }
            for (long i = row; i < min(row + TILE_ROWS, row1); i++)
            {
                for (int j = 0; j < valid; j++)
                {
                    const real sum = sums[(i - row0) * TILE_COLUMNS + j];
                    __global real *made = to + i * columns + j;
                    *made = parts > 1 ? sum : COMBINE(alpha, sum, beta, *made);
                }
            }
        }
        if (last)
        {
            break;
        }
    }
}

// A work-item makes one element of one part: lanes run along the lines of positions.
__kernel void conv_filter_direct(GEOMETRY, const int parts, const real alpha, const real beta, const int only_flagged, __global const int *restrict flag, const long flag_offset,
    __global const real *restrict dy, const long dy_offset, __global const real *restrict source, const long source_offset, const long dy_count,
    __global real *out, const long out_offset)
{
    if (only_flagged && !flag[flag_offset])
    {
        return;
    }
    const long rows = g[ROWS], outer = g[OUTER], lines = g[SAMPLES] * outer, padded = g[INNER_PADDED], x_count = g[SOURCE_COUNT];
    const int inner = (int)g[INNER], taps_inner = (int)g[TAPS_INNER], taps_outer = (int)g[TAPS_OUTER], taps = taps_inner * taps_outer;
    const long columns = g[CHANNELS] * taps, elements = g[PROBLEM_GROUPS] * rows * columns, count = elements * parts;
    FOR_ITEMS(item, count)
    {
        const long element = item % elements, column = element % columns, row = element / columns % rows, pg = element / columns / rows;
        const int part = (int)(item / elements), tap = (int)(column % taps), t_outer = tap / taps_inner, t_inner = tap % taps_inner;
        __global const int *row_table = tables + g[ROW_TABLE] + t_outer, *from = tables + g[COLUMN_TABLE] + t_inner * padded;
        __global const int *steps = tables + g[STEP_TABLE] + t_inner * padded / LANES * 2;
        const long x_base = SOURCE_BASE(pg) + column / taps * g[SOURCE_CHANNEL], y_base = TARGET_BASE(pg) + row * g[TARGET_ROW];
        const long l0 = lines * part / parts, l1 = lines * (part + 1) / parts;
        vec lanes = (vec)((real)0);
        for (int v = 0; v < padded; v += LANES)
        {
            const int base = steps[v / LANES * 2], step = steps[v / LANES * 2 + 1];
            if (step == 0)
            {
                continue;
            }
            const ivec offsets = LOADI(from + v);
            const mask valid = TO_MASK(offsets >= 0);
            long n = l0 / outer, q = l0 % outer;
            for (long line = l0; line < l1; line++)
            {
                const int r = row_table[q * taps_outer];
                if (r >= 0)
                {
                    const long y_at = y_base + n * g[TARGET_SAMPLE] + q * inner + v;
                    vec y;
                    if (y_at + LANES <= dy_count)
                    {
                        y = LOAD(dy + dy_offset + y_at);
                    }
                    else
                    {
                        real apart[LANES];
                        for (int l = 0; l < LANES; l++)
                        {
                            apart[l] = v + l < inner ? dy[dy_offset + y_at + l] : (real)0;
                        }
                        y = LOAD(apart);
                    }
                    const vec x = read_lanes(source + source_offset, x_base + n * g[SOURCE_SAMPLE] + r * g[SOURCE_LENGTH], x_count, base, step, offsets);
                    lanes = valid ? fma(y, x, lanes) : lanes;
                }
                if (++q == outer)
                {
                    q = 0;
                    n++;
                }
            }
        }
        real apart[LANES], sum = 0;
        STORE(lanes, apart);
        for (int l = 0; l < LANES; l++)
        {
            sum += apart[l];
        }
        __global real *to = out + out_offset + item;
        *to = parts > 1 ? sum : COMBINE(alpha, sum, beta, *to);
    }
}

#else

#define STEP 16          // depth of a local-memory panel
#define TILE 64

// A work-group of 16 x 16 items makes 64 rows x 64 columns (n,q), 4 x 4 an item; weights are packed, patches are read through the tables.
__kernel __attribute__((reqd_work_group_size(16, 16, 1))) void conv_tiled(GEOMETRY, const long pg0, const real alpha, const real beta,
    const int guarded, __global const int *restrict flag, const long flag_offset,
    __global const real *restrict packed, const long packed_offset, __global const real *restrict source, const long source_offset,
    const int has_bias, __global const real *restrict bias, const long bias_offset, __global real *restrict out, const long out_offset)
{
    __local real as[STEP][TILE], bs[STEP][TILE];
    if (guarded && flag[flag_offset])
    {
        return;
    }
    const int lx = get_local_id(0), ly = get_local_id(1), local_index = ly * 16 + lx;
    const long rows = g[ROWS], inner = g[INNER], positions = g[OUTER] * inner, columns = g[SAMPLES] * positions, channels = g[CHANNELS], contracted = g[CONTRACTED_CHANNELS];
    const long taps_inner = g[TAPS_INNER], taps_outer = g[TAPS_OUTER], depth = channels * taps_outer * taps_inner;
    const long column0 = get_group_id(0) * (long)TILE, tile = get_group_id(1), pg = get_group_id(2), tiles = (rows + TILE - 1) / TILE;
    __global const real *a = packed + packed_offset + (pg * tiles + tile) * depth * TILE;
    // An item always reads the same column of the panel.
    const long own = column0 + local_index % TILE, n = min(own, columns - 1) / positions, q = min(own, columns - 1) % positions;
    __global const real *x = source + source_offset + SOURCE_BASE(pg0 + pg) + n * g[SOURCE_SAMPLE];
    __global const int *row_table = tables + g[ROW_TABLE] + q / inner * taps_outer, *column_table = tables + g[COLUMN_TABLE] + q % inner;
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
        for (int e = local_index; e < STEP * TILE; e += 256)
        {
            const int kk = e / TILE;
            const long k = k0 + kk;
            real value = 0;
            as[kk][e % TILE] = k < depth ? a[k * TILE + e % TILE] : (real)0;
            if (k < depth && own < columns)
            {
                const long t = k / channels, c = k % channels;
                const int r = row_table[t / taps_inner], s = column_table[t % taps_inner * g[INNER_PADDED]];
                if ((r | s) >= 0)
                {
                    value = x[c / contracted * g[SOURCE_CONTRACTED] + c % contracted * g[SOURCE_CHANNEL] + r * g[SOURCE_LENGTH] + s];
                }
            }
            bs[kk][e % TILE] = value;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        panel_multiply((int)min((long)STEP, depth - k0), &as[0][ly], &bs[0][lx], TILE, acc);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (int j = 0; j < 4; j++)
    {
        const long column = column0 + lx + 16 * j;
        if (column >= columns)
        {
            continue;
        }
        const long q_out = column % positions;
        __global real *to = out + out_offset + TARGET_BASE(pg0 + pg) + column / positions * g[TARGET_SAMPLE]
            + tables[g[ROW_POSITIONS] + q_out / inner] * g[TARGET_LENGTH] + tables[g[COLUMN_POSITIONS] + q_out % inner];
        for (int i = 0; i < 4; i++)
        {
            const long row = tile * TILE + ly + 16 * i;
            if (row < rows)
            {
                const real add = has_bias ? bias[bias_offset + BIAS_BASE(pg0 + pg) + row] : (real)0;
                __global real *at = to + row * g[TARGET_ROW];
                *at = COMBINE(alpha, acc[i][j] + add, beta, *at);
            }
        }
    }
}

// A work-item an element. With only_flagged it idles unless the flag is up.
__kernel void conv_direct(GEOMETRY, const real alpha, const real beta, const int only_flagged, __global const int *restrict flag, const long flag_offset,
    __global const real *restrict w, const long w_offset, __global const real *restrict source, const long source_offset,
    const int has_bias, __global const real *restrict bias, const long bias_offset, __global real *restrict out, const long out_offset)
{
    if (only_flagged && !flag[flag_offset])
    {
        return;
    }
    const long rows = g[ROWS], outer = g[OUTER], inner = g[INNER], samples = g[SAMPLES], groups = g[GROUPS], count = g[PROBLEM_GROUPS] * samples * rows * outer * inner;
    const long channels = g[CHANNELS], contracted = g[CONTRACTED_CHANNELS], taps_inner = g[TAPS_INNER], taps_outer = g[TAPS_OUTER];
    FOR_ITEMS(item, count)
    {
        const long i = item % inner, q = item / inner % outer, row = item / inner / outer % rows, rest = item / inner / outer / rows;
        const long n = rest / groups % samples, pg = rest / groups / samples * groups + rest % groups;
        __global const real *x = source + source_offset + SOURCE_BASE(pg) + n * g[SOURCE_SAMPLE];
        __global const real *weights = w + w_offset + WEIGHT_BASE(pg) + row * g[WEIGHT_ROW];
        real sum = 0;
        for (long t_outer = 0; t_outer < taps_outer; t_outer++)
        {
            const int r = tables[g[ROW_TABLE] + q * taps_outer + t_outer];
            for (long t_inner = 0; t_inner < taps_inner; t_inner++)
            {
                const int s = tables[g[COLUMN_TABLE] + t_inner * g[INNER_PADDED] + i];
                if ((r | s) < 0)
                {
                    continue;
                }
                __global const real *from = weights + tables[g[OUTER_TAPS] + t_outer] * g[WEIGHT_LENGTH] + tables[g[INNER_TAPS] + t_inner];
                for (long c = 0; c < channels; c++)
                {
                    sum = fma(from[c / contracted * g[WEIGHT_CONTRACTED] + c % contracted * g[WEIGHT_CHANNEL]],
                        x[c / contracted * g[SOURCE_CONTRACTED] + c % contracted * g[SOURCE_CHANNEL] + r * g[SOURCE_LENGTH] + s], sum);
                }
            }
        }
        if (has_bias)
        {
            sum += bias[bias_offset + BIAS_BASE(pg) + row];
        }
        __global real *to = out + out_offset + TARGET_BASE(pg) + n * g[TARGET_SAMPLE] + row * g[TARGET_ROW]
            + tables[g[ROW_POSITIONS] + q] * g[TARGET_LENGTH] + tables[g[COLUMN_POSITIONS] + i];
        *to = COMBINE(alpha, sum, beta, *to);
    }
}

// A work-group makes 64 output channels x 64 columns (c,tap) of one part of the positions; layout of the result as in the CPU family.
__kernel __attribute__((reqd_work_group_size(16, 16, 1))) void conv_filter_tiled(GEOMETRY, const int parts, const real alpha, const real beta,
    const int guarded, __global const int *restrict flag, const long flag_offset,
    __global const real *restrict dy, const long dy_offset, __global const real *restrict source, const long source_offset, __global real *out, const long out_offset)
{
    __local real as[STEP][TILE + 1], bs[STEP][TILE + 1];
    if (guarded && flag[flag_offset])
    {
        return;
    }
    const int lx = get_local_id(0), ly = get_local_id(1), local_index = ly * 16 + lx;
    const long rows = g[ROWS], inner = g[INNER], positions = g[OUTER] * inner, total = g[SAMPLES] * positions;
    const long taps_inner = g[TAPS_INNER], taps_outer = g[TAPS_OUTER], taps = taps_inner * taps_outer, columns = g[CHANNELS] * taps, slabs = (columns + TILE - 1) / TILE;
    const long part = get_group_id(0) / slabs, column0 = get_group_id(0) % slabs * TILE, row0 = get_group_id(1) * (long)TILE, pg = get_group_id(2);
    const long f0 = total * part / parts, f1 = total * (part + 1) / parts;
    __global const real *a = dy + dy_offset + TARGET_BASE(pg);
    __global const real *x = source + source_offset + SOURCE_BASE(pg);
    real acc[4][4];
    for (int i = 0; i < 4; i++)
    {
        for (int j = 0; j < 4; j++)
        {
            acc[i][j] = 0;
        }
    }
    for (long f = f0; f < f1; f += STEP)
    {
        for (int e = local_index; e < STEP * TILE; e += 256)
        {
            // Neighbouring items read neighbouring positions of both operands.
            const int kk = e % STEP, j = e / STEP;
            const long at = f + kk, n = at / positions, q = at % positions;
            real y = 0, value = 0;
            if (at < f1)
            {
                if (row0 + j < rows)
                {
                    y = a[n * g[TARGET_SAMPLE] + (row0 + j) * g[TARGET_ROW] + q];
                }
                const long column = column0 + j, tap = column % taps;
                if (column < columns)
                {
                    const int r = tables[g[ROW_TABLE] + q / inner * taps_outer + tap / taps_inner];
                    const int s = tables[g[COLUMN_TABLE] + tap % taps_inner * g[INNER_PADDED] + q % inner];
                    if ((r | s) >= 0)
                    {
                        value = x[n * g[SOURCE_SAMPLE] + column / taps * g[SOURCE_CHANNEL] + r * g[SOURCE_LENGTH] + s];
                    }
                }
            }
            as[kk][j] = y;
            bs[kk][j] = value;
        }
        barrier(CLK_LOCAL_MEM_FENCE);
        panel_multiply((int)min((long)STEP, f1 - f), &as[0][ly], &bs[0][lx], TILE + 1, acc);
        barrier(CLK_LOCAL_MEM_FENCE);
    }
    for (int i = 0; i < 4; i++)
    {
        for (int j = 0; j < 4; j++)
        {
            const long row = row0 + ly + 16 * i, column = column0 + lx + 16 * j;
            if (row < rows && column < columns)
            {
                __global real *to = out + out_offset + ((part * g[PROBLEM_GROUPS] + pg) * rows + row) * columns + column;
                *to = parts > 1 ? acc[i][j] : COMBINE(alpha, acc[i][j], beta, *to);
            }
        }
    }
}

__kernel void conv_filter_direct(GEOMETRY, const int parts, const real alpha, const real beta, const int only_flagged, __global const int *restrict flag, const long flag_offset,
    __global const real *restrict dy, const long dy_offset, __global const real *restrict source, const long source_offset, const long dy_count,
    __global real *out, const long out_offset)
{
    if (only_flagged && !flag[flag_offset])
    {
        return;
    }
    const long rows = g[ROWS], outer = g[OUTER], inner = g[INNER], lines = g[SAMPLES] * outer;
    const long taps_inner = g[TAPS_INNER], taps_outer = g[TAPS_OUTER], taps = taps_inner * taps_outer;
    const long columns = g[CHANNELS] * taps, elements = g[PROBLEM_GROUPS] * rows * columns, count = elements * parts;
    FOR_ITEMS(item, count)
    {
        const long element = item % elements, column = element % columns, row = element / columns % rows, pg = element / columns / rows;
        const long part = item / elements, tap = column % taps, t_outer = tap / taps_inner, t_inner = tap % taps_inner;
        __global const real *x = source + source_offset + SOURCE_BASE(pg) + column / taps * g[SOURCE_CHANNEL];
        __global const real *y = dy + dy_offset + TARGET_BASE(pg) + row * g[TARGET_ROW];
        real sum = 0;
        for (long line = lines * part / parts; line < lines * (part + 1) / parts; line++)
        {
            const long n = line / outer, q = line % outer;
            const int r = tables[g[ROW_TABLE] + q * taps_outer + t_outer];
            for (long i = 0; r >= 0 && i < inner; i++)
            {
                const int s = tables[g[COLUMN_TABLE] + t_inner * g[INNER_PADDED] + i];
                if (s >= 0)
                {
                    sum = fma(y[n * g[TARGET_SAMPLE] + q * inner + i], x[n * g[SOURCE_SAMPLE] + r * g[SOURCE_LENGTH] + s], sum);
                }
            }
        }
        __global real *to = out + out_offset + item;
        *to = parts > 1 ? sum : COMBINE(alpha, sum, beta, *to);
    }
}
#endif
