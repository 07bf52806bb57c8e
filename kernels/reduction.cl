// Reductions of an array [outer, length, inner] over its middle axis; a whole tensor is [1, count, 1].
//
//   out[(o * chunks + c) * inner + j] = fold over k from c * chunk to (c + 1) * chunk  of  term(a[(o * length + k) * inner + j])
//
// The length of a chunk is fixed by the shape, never by the device's size. Several chunks leave their results to a second pass of the same kernels,
// which folds [outer, chunks, inner] over its middle axis: no pass waits for another, and the same bits come out wherever the groups run.
//
//                 reduce_rows_...                                       reduce_columns_...
//   CPU family    inner = 1: an item a chunk, four vectors of sums      an item 4 * LANES neighbouring columns of a chunk
//   GPU family    a work-group a chunk: neighbours read neighbours,     an item a column of a chunk: neighbours read neighbours
//                 then a tree in local memory
//
// Compensated kernels carry a sum and the error it lacks: every addition and every product leaves its rounding error, exactly, behind. A compiler that
// made one fused operation of a product and an addition would spoil that, so nothing is contracted here; fma is written where it is meant.
#pragma OPENCL FP_CONTRACT OFF

#ifndef GROUP
#define GROUP 256        // items a work-group of the GPU family; a power of two
#endif

// ---- what a kind starts from, how it takes an element x (y: the other operand, s: the scale of a norm), how two partial results are merged, what comes out
// A NaN on either side wins. (No kind is called dot: implementations define that name as a macro.)
#define LEAST(p, q) ((isnan(p) | ((p) < (q))) ? (p) : (q))
#define GREATEST(p, q) ((isnan(p) | ((p) > (q))) ? (p) : (q))

#define START_sum 0
#define STEP_sum(sum, x, y, s) ((sum) + (x))
#define MERGE_sum(p, q) ((p) + (q))
#define SCALE_sum(V, p) ((V)((real)1))
#define FINISH_sum(value, s) (value)

#define START_squares 0
#define STEP_squares(sum, x, y, s) (fma((x), (x), (sum)))
#define MERGE_squares(p, q) ((p) + (q))
#define SCALE_squares(V, p) ((V)((real)1))
#define FINISH_squares(value, s) (value)

#define START_products 0
#define STEP_products(sum, x, y, s) (fma((x), (y), (sum)))
#define MERGE_products(p, q) ((p) + (q))
#define SCALE_products(V, p) ((V)((real)1))
#define FINISH_products(value, s) (value)

#define START_minimum INFINITY
#define STEP_minimum(best, x, y, s) LEAST(best, x)
#define MERGE_minimum(p, q) LEAST(p, q)
#define SCALE_minimum(V, p) ((V)((real)1))
#define FINISH_minimum(value, s) (value)

#define START_maximum -INFINITY
#define STEP_maximum(best, x, y, s) GREATEST(best, x)
#define MERGE_maximum(p, q) GREATEST(p, q)
#define SCALE_maximum(V, p) ((V)((real)1))
#define FINISH_maximum(value, s) (value)

#define START_magnitude 0
#define STEP_magnitude(best, x, y, s) GREATEST(best, fabs(x))
#define MERGE_magnitude(p, q) GREATEST(p, q)
#define SCALE_magnitude(V, p) ((V)((real)1))
#define FINISH_magnitude(value, s) (value)

// sum of (x / s)^2 with s the largest magnitude, or 1 where that is 0 or not finite: the plain formula then gives the right zero, infinity or NaN.
#define SCALE(V, largest) ((isfinite(largest) & ((largest) > (V)((real)0))) ? (largest) : (V)((real)1))
#define START_norm 0
#define STEP_norm(sum, x, y, s) (fma((x) / (s), (x) / (s), (sum)))
#define MERGE_norm(p, q) ((p) + (q))
#define SCALE_norm(V, p) SCALE(V, p)
#define FINISH_norm(value, s) (last ? (s) * sqrt(value) : (value))

// The second pass of a norm.
#define START_norm_parts 0
#define STEP_norm_parts(sum, x, y, s) ((sum) + (x))
#define MERGE_norm_parts(p, q) ((p) + (q))
#define SCALE_norm_parts(V, p) SCALE(V, p)
#define FINISH_norm_parts(value, s) ((s) * sqrt(value))

// ---- the same for compensated sums of type V: statements that change sum and error
// Error-free: afterwards sum + (what error grew by) is exactly the old sum + x.
#define TWO_SUM(V, sum, x, error) \
    { \
        const V next_ = (sum) + (x), part_ = next_ - (sum); \
        error += ((sum) - (next_ - part_)) + ((x) - part_); \
        sum = next_; \
    }
#define TAKE_sum(V, sum, error, x, y) \
    { \
        const V x_ = (x); \
        TWO_SUM(V, sum, x_, error) \
    }
// The product's own rounding error, exact by one fused multiply-add.
#define TAKE_PRODUCT(V, sum, error, x, y) \
    { \
        const V x_ = (x), y_ = (y), product_ = x_ * y_; \
        error += fma(x_, y_, -product_); \
        TWO_SUM(V, sum, product_, error) \
    }
#define TAKE_squares(V, sum, error, x, y) TAKE_PRODUCT(V, sum, error, x, x)
#define TAKE_products(V, sum, error, x, y) TAKE_PRODUCT(V, sum, error, x, y)
// The second pass: x are the sums of chunks, y their errors.
#define TAKE_parts(V, sum, error, x, y) \
    { \
        const V x_ = (x); \
        TWO_SUM(V, sum, x_, error) \
        error += (y); \
    }
// An error that is not finite says nothing: the sum itself is then infinite or NaN.
#define TOTAL(sum, error) (isfinite(error) ? (sum) + (error) : (sum))

#define ARGUMENTS const long outer, const long length, const long inner, const long chunk, const long chunks, const int last, \
    __global const real *restrict a, const long a_offset, __global const real *restrict b, const long b_offset, \
    __global const real *restrict scale, const long scale_offset, __global real *restrict out, const long out_offset

// Results of the last pass, or sums followed by as many errors.
#define PUT_COMPENSATED(at, sum, error) \
    { \
        __global real *to_ = out + out_offset + (at); \
        if (last) \
        { \
            *to_ = TOTAL(sum, error); \
        } \
        else \
        { \
            to_[0] = sum; \
            to_[outer * chunks * inner] = error; \
        } \
    }

#if !GPU

#define ROWS(NAME) \
__kernel void reduce_rows_##NAME(ARGUMENTS) \
{ \
    FOR_ITEMS(item, outer * chunks) \
    { \
        const long row = item / chunks, at = item % chunks * chunk, count = min(chunk, length - at); \
        __global const real *x = a + a_offset + row * length + at; \
        __global const real *y = b + b_offset + row * length + at; \
        const real s = SCALE_##NAME(real, scale[scale_offset + row]); \
        vec v0 = (vec)((real)START_##NAME), v1 = v0, v2 = v0, v3 = v0; \
        long i = 0; \
        for (; i + 4 * LANES <= count; i += 4 * LANES) \
        { \
            v0 = STEP_##NAME(v0, LOAD(x + i), LOAD(y + i), s); \
            v1 = STEP_##NAME(v1, LOAD(x + i + LANES), LOAD(y + i + LANES), s); \
            v2 = STEP_##NAME(v2, LOAD(x + i + 2 * LANES), LOAD(y + i + 2 * LANES), s); \
            v3 = STEP_##NAME(v3, LOAD(x + i + 3 * LANES), LOAD(y + i + 3 * LANES), s); \
        } \
        v0 = MERGE_##NAME(v0, v1); \
        v2 = MERGE_##NAME(v2, v3); \
        real lanes[LANES], value = START_##NAME; \
        STORE(MERGE_##NAME(v0, v2), lanes); \
        for (int l = 0; l < LANES; l++) \
        { \
            value = MERGE_##NAME(value, lanes[l]); \
        } \
        for (; i < count; i++) \
        { \
            value = STEP_##NAME(value, x[i], y[i], s); \
        } \
        out[out_offset + item] = FINISH_##NAME(value, s); \
    } \
}

#define COMPENSATED_ROWS(NAME) \
__kernel void reduce_rows_compensated_##NAME(ARGUMENTS) \
{ \
    FOR_ITEMS(item, outer * chunks) \
    { \
        const long row = item / chunks, at = item % chunks * chunk, count = min(chunk, length - at); \
        __global const real *x = a + a_offset + row * length + at; \
        __global const real *y = b + b_offset + row * length + at; \
        vec s0 = (vec)((real)0), s1 = s0, e0 = s0, e1 = s0; \
        long i = 0; \
        for (; i + 2 * LANES <= count; i += 2 * LANES) \
        { \
            TAKE_##NAME(vec, s0, e0, LOAD(x + i), LOAD(y + i)) \
            TAKE_##NAME(vec, s1, e1, LOAD(x + i + LANES), LOAD(y + i + LANES)) \
        } \
        TAKE_parts(vec, s0, e0, s1, e1) \
        real sums[LANES], errors[LANES], sum = 0, error = 0; \
        STORE(s0, sums); \
        STORE(e0, errors); \
        for (int l = 0; l < LANES; l++) \
        { \
            TAKE_parts(real, sum, error, sums[l], errors[l]) \
        } \
        for (; i < count; i++) \
        { \
            TAKE_##NAME(real, sum, error, x[i], y[i]) \
        } \
        PUT_COMPENSATED(item, sum, error) \
    } \
}

// Columns of V elements from column j on.
#define FOLD_COLUMNS(NAME, V, GET, PUT) \
    { \
        const V s = SCALE_##NAME(V, GET(scale + scale_offset + o * inner + j)); \
        V value = (V)((real)START_##NAME); \
        for (long k = 0; k < count; k++) \
        { \
            value = STEP_##NAME(value, GET(x + k * inner + j), GET(y + k * inner + j), s); \
        } \
        PUT(FINISH_##NAME(value, s), to + j); \
    }
#define GET_ONE(p) (*(p))
#define PUT_ONE(v, p) (*(p) = (v))

#define COLUMNS_OF_ITEM \
        const long blocks = (inner + 4 * LANES - 1) / (4 * LANES), c = item / blocks % chunks, o = item / blocks / chunks; \
        const long k0 = c * chunk, count = min(chunk, length - k0), end = min((item % blocks + 1) * (4 * LANES), inner); \
        __global const real *x = a + a_offset + (o * length + k0) * inner; \
        __global const real *y = b + b_offset + (o * length + k0) * inner; \
        long j = item % blocks * (4 * LANES);

#define COLUMNS(NAME) \
__kernel void reduce_columns_##NAME(ARGUMENTS) \
{ \
    FOR_ITEMS(item, outer * chunks * ((inner + 4 * LANES - 1) / (4 * LANES))) \
    { \
        COLUMNS_OF_ITEM \
        __global real *to = out + out_offset + (o * chunks + c) * inner; \
        if (j + 4 * LANES <= end) \
        { \
            const vec s0 = SCALE_##NAME(vec, LOAD(scale + scale_offset + o * inner + j)), s1 = SCALE_##NAME(vec, LOAD(scale + scale_offset + o * inner + j + LANES)); \
            const vec s2 = SCALE_##NAME(vec, LOAD(scale + scale_offset + o * inner + j + 2 * LANES)), s3 = SCALE_##NAME(vec, LOAD(scale + scale_offset + o * inner + j + 3 * LANES)); \
            vec v0 = (vec)((real)START_##NAME), v1 = v0, v2 = v0, v3 = v0; \
            for (long k = 0; k < count; k++) \
            { \
                __global const real *p = x + k * inner + j; \
                __global const real *q = y + k * inner + j; \
                v0 = STEP_##NAME(v0, LOAD(p), LOAD(q), s0); \
                v1 = STEP_##NAME(v1, LOAD(p + LANES), LOAD(q + LANES), s1); \
                v2 = STEP_##NAME(v2, LOAD(p + 2 * LANES), LOAD(q + 2 * LANES), s2); \
                v3 = STEP_##NAME(v3, LOAD(p + 3 * LANES), LOAD(q + 3 * LANES), s3); \
            } \
            STORE(FINISH_##NAME(v0, s0), to + j); \
            STORE(FINISH_##NAME(v1, s1), to + j + LANES); \
            STORE(FINISH_##NAME(v2, s2), to + j + 2 * LANES); \
            STORE(FINISH_##NAME(v3, s3), to + j + 3 * LANES); \
            continue; \
        } \
        for (; j + LANES <= end; j += LANES) \
        { \
            FOLD_COLUMNS(NAME, vec, LOAD, STORE) \
        } \
        for (; j < end; j++) \
        { \
            FOLD_COLUMNS(NAME, real, GET_ONE, PUT_ONE) \
        } \
    } \
}

#define COMPENSATED_COLUMNS(NAME) \
__kernel void reduce_columns_compensated_##NAME(ARGUMENTS) \
{ \
    FOR_ITEMS(item, outer * chunks * ((inner + 4 * LANES - 1) / (4 * LANES))) \
    { \
        COLUMNS_OF_ITEM \
        for (; j + LANES <= end; j += LANES) \
        { \
            vec s = (vec)((real)0), e = s; \
            for (long k = 0; k < count; k++) \
            { \
                TAKE_##NAME(vec, s, e, LOAD(x + k * inner + j), LOAD(y + k * inner + j)) \
            } \
            real sums[LANES], errors[LANES]; \
            STORE(s, sums); \
            STORE(e, errors); \
            for (int l = 0; l < LANES; l++) \
            { \
                PUT_COMPENSATED((o * chunks + c) * inner + j + l, sums[l], errors[l]) \
            } \
        } \
        for (; j < end; j++) \
        { \
            real sum = 0, error = 0; \
            for (long k = 0; k < count; k++) \
            { \
                TAKE_##NAME(real, sum, error, x[k * inner + j], y[k * inner + j]) \
            } \
            PUT_COMPENSATED((o * chunks + c) * inner + j, sum, error) \
        } \
    } \
}

#else

// Piece (o, c, j) of the results: its result, its elements.
#define PIECE \
        const long j = piece % inner, c = piece / inner % chunks, o = piece / inner / chunks, count = min(chunk, length - c * chunk); \
        __global const real *x = a + a_offset + (o * length + c * chunk) * inner + j; \
        __global const real *y = b + b_offset + (o * length + c * chunk) * inner + j;

#define ROWS(NAME) \
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void reduce_rows_##NAME(ARGUMENTS) \
{ \
    __local real shared[GROUP]; \
    const int item = get_local_id(0); \
    for (long piece = get_group_id(0); piece < outer * chunks * inner; piece += get_num_groups(0)) \
    { \
        PIECE \
        const real s = SCALE_##NAME(real, scale[scale_offset + o * inner + j]); \
        real v0 = START_##NAME, v1 = v0, v2 = v0, v3 = v0; \
        long i = item; \
        for (; i + 3 * GROUP < count; i += 4 * GROUP) \
        { \
            v0 = STEP_##NAME(v0, x[i * inner], y[i * inner], s); \
            v1 = STEP_##NAME(v1, x[(i + GROUP) * inner], y[(i + GROUP) * inner], s); \
            v2 = STEP_##NAME(v2, x[(i + 2 * GROUP) * inner], y[(i + 2 * GROUP) * inner], s); \
            v3 = STEP_##NAME(v3, x[(i + 3 * GROUP) * inner], y[(i + 3 * GROUP) * inner], s); \
        } \
        for (; i < count; i += GROUP) \
        { \
            v0 = STEP_##NAME(v0, x[i * inner], y[i * inner], s); \
        } \
        v0 = MERGE_##NAME(v0, v1); \
        v2 = MERGE_##NAME(v2, v3); \
        shared[item] = MERGE_##NAME(v0, v2); \
        barrier(CLK_LOCAL_MEM_FENCE); \
        for (int half_ = GROUP / 2; half_ > 0; half_ /= 2) \
        { \
            if (item < half_) \
            { \
                shared[item] = MERGE_##NAME(shared[item], shared[item + half_]); \
            } \
            barrier(CLK_LOCAL_MEM_FENCE); \
        } \
        if (item == 0) \
        { \
            out[out_offset + piece] = FINISH_##NAME(shared[0], s); \
        } \
        barrier(CLK_LOCAL_MEM_FENCE); \
    } \
}

#define COMPENSATED_ROWS(NAME) \
__kernel __attribute__((reqd_work_group_size(GROUP, 1, 1))) void reduce_rows_compensated_##NAME(ARGUMENTS) \
{ \
    __local real sums[GROUP], errors[GROUP]; \
    const int item = get_local_id(0); \
    for (long piece = get_group_id(0); piece < outer * chunks * inner; piece += get_num_groups(0)) \
    { \
        PIECE \
        real sum = 0, error = 0; \
        for (long i = item; i < count; i += GROUP) \
        { \
            TAKE_##NAME(real, sum, error, x[i * inner], y[i * inner]) \
        } \
        sums[item] = sum; \
        errors[item] = error; \
        barrier(CLK_LOCAL_MEM_FENCE); \
        for (int half_ = GROUP / 2; half_ > 0; half_ /= 2) \
        { \
            if (item < half_) \
            { \
                real sum_ = sums[item], error_ = errors[item]; \
                TAKE_parts(real, sum_, error_, sums[item + half_], errors[item + half_]) \
                sums[item] = sum_; \
                errors[item] = error_; \
            } \
            barrier(CLK_LOCAL_MEM_FENCE); \
        } \
        if (item == 0) \
        { \
            PUT_COMPENSATED(piece, sums[0], errors[0]) \
        } \
        barrier(CLK_LOCAL_MEM_FENCE); \
    } \
}

#define COLUMNS(NAME) \
__kernel void reduce_columns_##NAME(ARGUMENTS) \
{ \
    FOR_ITEMS(piece, outer * chunks * inner) \
    { \
        PIECE \
        const real s = SCALE_##NAME(real, scale[scale_offset + o * inner + j]); \
        real value = START_##NAME; \
        for (long k = 0; k < count; k++) \
        { \
            value = STEP_##NAME(value, x[k * inner], y[k * inner], s); \
        } \
        out[out_offset + piece] = FINISH_##NAME(value, s); \
    } \
}

#define COMPENSATED_COLUMNS(NAME) \
__kernel void reduce_columns_compensated_##NAME(ARGUMENTS) \
{ \
    FOR_ITEMS(piece, outer * chunks * inner) \
    { \
        PIECE \
        real sum = 0, error = 0; \
        for (long k = 0; k < count; k++) \
        { \
            TAKE_##NAME(real, sum, error, x[k * inner], y[k * inner]) \
        } \
        PUT_COMPENSATED(piece, sum, error) \
    } \
}
#endif

#define REDUCTION(NAME) ROWS(NAME) COLUMNS(NAME)
#define COMPENSATED(NAME) COMPENSATED_ROWS(NAME) COMPENSATED_COLUMNS(NAME)

REDUCTION(sum)
REDUCTION(squares)
REDUCTION(products)
REDUCTION(minimum)
REDUCTION(maximum)
REDUCTION(magnitude)
REDUCTION(norm)
REDUCTION(norm_parts)
COMPENSATED(sum)
COMPENSATED(squares)
COMPENSATED(products)
COMPENSATED(parts)
