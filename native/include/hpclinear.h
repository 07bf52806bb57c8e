/*
 * HpcLinear from C and C++.
 *
 * Link with -lhpclinear. Every function may be called from any thread. No exception and no signal of its own crosses
 * this boundary: a function that can fail returns an hpcl_status, and leaves its results untouched on failure.
 *
 * The library holds a managed runtime that starts at the first call (about 2 ms) and stays until the process ends:
 * load it once and do not dlclose it, and do not call it in a child of fork() if the parent has. It is built for
 * x86-64-v3 (AVX2 and FMA, 2013 and later); on an older processor the runtime ends the process at the first call.
 *
 * Compatibility: functions and status values are only added within one HPCL_ABI_VERSION; the number in the library's
 * file name (libhpclinear.so.1) is the same.
 */
#ifndef HPCLINEAR_H
#define HPCLINEAR_H

#include <stdint.h>

#if defined(_WIN32)
#define HPCL_API __declspec(dllimport)
#else
#define HPCL_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The binary interface that this header describes; compare with hpcl_abi_version(). */
#define HPCL_ABI_VERSION 1

/* How a call ended. Failures are negative; treat a value not listed here as HPCL_INTERNAL. */
typedef enum hpcl_status {
    HPCL_OK = 0,
    HPCL_INVALID_ARGUMENT = -1, /* the call is wrong: a null pointer, a size out of range or too large to count */
    HPCL_UNSUPPORTED = -2,      /* the call is right, but this device or build cannot do it */
    HPCL_OUT_OF_MEMORY = -3,    /* an allocation was refused */
    HPCL_DEVICE = -4,           /* a device cannot be had, or refused a call */
    HPCL_INTERNAL = -100        /* an error in HpcLinear itself; please report the text of hpcl_last_error() */
} hpcl_status;

/* Version of the library: 10000 * major + 100 * minor + patch. Never fails. */
HPCL_API int32_t hpcl_version(void);

/* HPCL_ABI_VERSION of the loaded library. Another number than the header's means: do not call anything else. */
HPCL_API int32_t hpcl_abi_version(void);

/* What a status means, in a few English words: a constant, never null, not to be freed. */
HPCL_API const char *hpcl_status_text(hpcl_status status);

/*
 * Why the latest failing call of the calling thread failed: UTF-8, naming the function, the argument, what it was and
 * what was expected. Never null; empty before the first failure; a successful call leaves it as it is. The text stays
 * valid until the next failing call on the same thread.
 */
HPCL_API const char *hpcl_last_error(void);

/*
 * The number of elements of a tensor: the product of its extents, 1 for no axes, 0 if any extent is 0.
 *
 * rank     number of axes, 0 or more
 * extents  rank sizes, each 0 or more; may be null if rank is 0
 * count    receives the product
 *
 * HPCL_INVALID_ARGUMENT: a null pointer, a negative rank or extent, a product above 2^63 - 1.
 */
HPCL_API hpcl_status hpcl_element_count(int32_t rank, const int64_t *extents, int64_t *count);

/*
 * Matrix product C = alpha op(A) op(B) + beta C on the processor; row-major, op(A) is rows x depth, op(B) depth x columns.
 *
 * transpose_a  not 0: A is stored depth x rows
 * transpose_b  not 0: B is stored columns x depth
 * a, b, c      the first elements; c may not overlap a or b; a pointer to no elements may be null
 * leading_*    elements from one stored row to the next, at least the length of a row
 * alpha, beta  with beta 0 C is overwritten without being read; elements between the rows of C are left alone
 *
 * Uses the caller's arrays in place and one thread a processor (HPCLINEAR_THREADS=n in the environment sets another
 * number); the bits of the result do not depend on the number of threads. Each array may span up to 2^31 - 1 elements.
 *
 * HPCL_INVALID_ARGUMENT: a negative size, a leading dimension too small, a null pointer, overlap.
 * HPCL_UNSUPPORTED: an array that spans more elements. HPCL_OUT_OF_MEMORY: no room for working memory.
 */
HPCL_API hpcl_status hpcl_gemm_f32(int32_t transpose_a, int32_t transpose_b, int64_t rows, int64_t columns, int64_t depth,
                                   float alpha, const float *a, int64_t leading_a, const float *b, int64_t leading_b,
                                   float beta, float *c, int64_t leading_c);

/* The same in double precision. */
HPCL_API hpcl_status hpcl_gemm_f64(int32_t transpose_a, int32_t transpose_b, int64_t rows, int64_t columns, int64_t depth,
                                   double alpha, const double *a, int64_t leading_a, const double *b, int64_t leading_b,
                                   double beta, double *c, int64_t leading_c);

#ifdef __cplusplus
}
#endif

#endif
