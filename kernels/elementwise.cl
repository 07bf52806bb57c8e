// out = alpha op(a, b) + beta out over count elements; one kernel a function. out may be a or b. Items stride over the elements.
// CPU family: an item takes blocks of BLOCK elements by vectors; GPU family: an element at a time, neighbours together.
#ifndef BLOCK
#define BLOCK 1024
#endif

#if GPU
#define LOOP(EXPRESSION) \
    for (long i = get_global_id(0); i < count; i += get_global_size(0)) \
    { \
        const real x = a[a_offset + i], y = b[b_offset + i]; \
        __global real *to = out + out_offset + i; \
        *to = COMBINE(alpha, EXPRESSION, beta, *to); \
    }
#else
#define LOOP(EXPRESSION) \
    for (long start = get_global_id(0) * (long)BLOCK; start < count; start += get_global_size(0) * (long)BLOCK) \
    { \
        const long end = min(start + BLOCK, count); \
        long i = start; \
        for (; i + LANES <= end; i += LANES) \
        { \
            const vec x = LOAD(a + a_offset + i), y = LOAD(b + b_offset + i); \
            __global real *to = out + out_offset + i; \
            STORE(COMBINE(alpha, EXPRESSION, beta, LOAD(to)), to); \
        } \
        for (; i < end; i++) \
        { \
            const real x = a[a_offset + i], y = b[b_offset + i]; \
            __global real *to = out + out_offset + i; \
            *to = COMBINE(alpha, EXPRESSION, beta, *to); \
        } \
    }
#endif

#define ELEMENTWISE(NAME, EXPRESSION) \
__kernel void NAME(const long count, const real alpha, const real beta, __global const real *a, const long a_offset, \
    __global const real *b, const long b_offset, __global real *out, const long out_offset) \
{ \
    LOOP(EXPRESSION) \
}

ELEMENTWISE(elementwise_copy, x)
ELEMENTWISE(elementwise_negate, -x)
ELEMENTWISE(elementwise_magnitude, fabs(x))
ELEMENTWISE(elementwise_square, x * x)
ELEMENTWISE(elementwise_square_root, sqrt(x))
ELEMENTWISE(elementwise_reciprocal, (real)1 / x)
ELEMENTWISE(elementwise_add, x + y)
ELEMENTWISE(elementwise_subtract, x - y)
ELEMENTWISE(elementwise_multiply, x * y)
ELEMENTWISE(elementwise_divide, x / y)
// A NaN on either side wins.
ELEMENTWISE(elementwise_minimum, (isnan(x) | (x < y)) ? x : y)
ELEMENTWISE(elementwise_maximum, (isnan(x) | (x > y)) ? x : y)
