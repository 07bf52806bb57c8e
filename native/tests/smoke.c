/* Calls every function of hpclinear.h once or more. Prints a line a check; the last line counts them. */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "hpclinear.h"

static int passed;
static int failed;

static void check(int holds, const char *what)
{
    printf("%s  %s\n", holds ? "pass" : "FAIL", what);
    if (holds) {
        passed++;
    } else {
        failed++;
        printf("      hpcl_last_error: %s\n", hpcl_last_error());
    }
}

/* A thread of its own starts without an error and then has its own. */
static void *fail_elsewhere(void *holds)
{
    int clean = hpcl_last_error()[0] == '\0';
    int64_t count = 0;
    hpcl_status status = hpcl_element_count(-7, NULL, &count);
    *(int *)holds = clean && status == HPCL_INVALID_ARGUMENT && strstr(hpcl_last_error(), "-7") != NULL;
    return NULL;
}

enum { ROWS = 37, COLUMNS = 29, DEPTH = 53, PADDING = 3 };

/* Small integers, so that every sum is exact in either precision. */
static double entry(int matrix, int row, int column)
{
    return (double)((7 * matrix + 5 * row + 3 * column) % 11 - 5);
}

/* One product of known result, with padded rows; transposed operands are stored the other way round. */
#define DEFINE_GEMM_HOLDS(NAME, REAL, GEMM)                                                                             \
    static int NAME(int transpose_a, int transpose_b)                                                                   \
    {                                                                                                                   \
        static REAL a[(ROWS + PADDING) * (DEPTH + PADDING)], b[(DEPTH + PADDING) * (COLUMNS + PADDING)];                \
        static REAL c[ROWS * (COLUMNS + PADDING)];                                                                      \
        const int leading_a = (transpose_a ? ROWS : DEPTH) + PADDING, leading_b = (transpose_b ? DEPTH : COLUMNS) + PADDING; \
        int i, j, k, holds = 1;                                                                                         \
        for (k = 0; k < DEPTH; k++) {                                                                                   \
            for (i = 0; i < ROWS; i++) {                                                                                \
                a[transpose_a ? k * leading_a + i : i * leading_a + k] = (REAL)entry(1, i, k);                          \
            }                                                                                                           \
            for (j = 0; j < COLUMNS; j++) {                                                                             \
                b[transpose_b ? j * leading_b + k : k * leading_b + j] = (REAL)entry(2, k, j);                          \
            }                                                                                                           \
        }                                                                                                               \
        for (i = 0; i < ROWS * (COLUMNS + PADDING); i++) {                                                              \
            c[i] = 1;                                                                                                   \
        }                                                                                                               \
        holds = GEMM(transpose_a, transpose_b, ROWS, COLUMNS, DEPTH, 2, a, leading_a, b, leading_b, 3, c, COLUMNS + PADDING) \
                == HPCL_OK;                                                                                             \
        for (i = 0; i < ROWS; i++) {                                                                                    \
            for (j = 0; j < COLUMNS + PADDING; j++) {                                                                   \
                double expected = 3;                                                                                    \
                for (k = 0; k < DEPTH && j < COLUMNS; k++) {                                                            \
                    expected += 2 * entry(1, i, k) * entry(2, k, j);                                                    \
                }                                                                                                       \
                holds = holds && c[i * (COLUMNS + PADDING) + j] == (REAL)(j < COLUMNS ? expected : 1);                  \
            }                                                                                                           \
        }                                                                                                               \
        return holds;                                                                                                   \
    }

DEFINE_GEMM_HOLDS(gemm_f32_holds, float, hpcl_gemm_f32)
DEFINE_GEMM_HOLDS(gemm_f64_holds, double, hpcl_gemm_f64)

/* Many products of this thread's own; the same runs on another thread meanwhile. */
static void *multiply_often(void *holds)
{
    double a[64 * 64], b[64 * 64], c[64 * 64];
    int i, round;
    for (i = 0; i < 64 * 64; i++) {
        a[i] = i % 65 == 0; /* the unit matrix */
        b[i] = entry(3, i / 64, i % 64);
    }
    *(int *)holds = 1;
    for (round = 0; round < 50; round++) {
        memset(c, 0xff, sizeof c); /* not a number: beta 0 must not read it */
        *(int *)holds &= hpcl_gemm_f64(0, 0, 64, 64, 64, 1, a, 64, b, 64, 0, c, 64) == HPCL_OK && memcmp(b, c, sizeof c) == 0;
    }
    return NULL;
}

static void check_gemm(void)
{
    float x[16] = {1, 2, 3, 4}, y[16] = {0};
    int here = 0, elsewhere = 0;
    pthread_t thread;

    check(gemm_f32_holds(0, 0) && gemm_f32_holds(0, 1) && gemm_f32_holds(1, 0) && gemm_f32_holds(1, 1),
          "products are exact in f32, whatever is transposed");
    check(gemm_f64_holds(0, 0) && gemm_f64_holds(0, 1) && gemm_f64_holds(1, 0) && gemm_f64_holds(1, 1),
          "products are exact in f64, whatever is transposed");
    check(hpcl_gemm_f32(0, 0, 0, 4, 4, 1, NULL, 4, x, 4, 0, NULL, 4) == HPCL_OK, "an empty product needs no memory");
    y[0] = y[3] = 5;
    check(hpcl_gemm_f32(0, 0, 2, 2, 0, 1, NULL, 0, NULL, 2, 0, y, 2) == HPCL_OK && y[0] == 0 && y[3] == 0,
          "a product of depth 0 is zero");

    y[0] = 7;
    check(hpcl_gemm_f32(0, 0, 2, 2, 2, 1, x, 1, x, 2, 0, y, 2) == HPCL_INVALID_ARGUMENT
              && strstr(hpcl_last_error(), "hpcl_gemm_f32") != NULL && strstr(hpcl_last_error(), "leading dimension of A") != NULL,
          "a leading dimension too small is refused and named");
    check(hpcl_gemm_f32(0, 0, -2, 2, 2, 1, x, 2, x, 2, 0, y, 2) == HPCL_INVALID_ARGUMENT, "a negative size is refused");
    check(hpcl_gemm_f32(0, 0, 2, 2, 2, 1, x, 2, NULL, 2, 0, y, 2) == HPCL_INVALID_ARGUMENT
              && strstr(hpcl_last_error(), "b:") != NULL,
          "a null matrix is refused and named");
    check(hpcl_gemm_f32(0, 0, 2, 2, 2, 1, x, 2, y, 2, 0, y + 3, 2) == HPCL_INVALID_ARGUMENT
              && strstr(hpcl_last_error(), "overlaps b") != NULL,
          "an overlapping result is refused");
    check(hpcl_gemm_f32(0, 0, INT64_MAX, INT64_MAX, 2, 1, x, 2, x, INT64_MAX, 0, y, INT64_MAX) == HPCL_INVALID_ARGUMENT,
          "sizes that overflow are refused");
    check(hpcl_gemm_f32(0, 0, 2, 0, 1, 1, x, 3000000000, NULL, 0, 0, NULL, 0) == HPCL_UNSUPPORTED,
          "an array of more than 2^31 - 1 elements is refused");
    check(y[0] == 7, "refused products write nothing");

    check(pthread_create(&thread, NULL, multiply_often, &elsewhere) == 0 && multiply_often(&here) == NULL
              && pthread_join(thread, NULL) == 0 && here && elsewhere,
          "two threads multiply at once");
}

int main(void)
{
    const int64_t image[] = {2, 3, 32, 32};
    const int64_t empty[] = {INT64_MAX, 0, 4};
    const int64_t negative[] = {4, -5};
    const int64_t huge[] = {INT64_MAX, 2};
    char before[512];
    int64_t count = -1;
    int elsewhere = 0;
    pthread_t thread;

    check(hpcl_abi_version() == HPCL_ABI_VERSION, "library and header have the same ABI version");
    check(hpcl_version() > 0, "the version is positive");
    check(hpcl_last_error()[0] == '\0', "before any failure the error text is empty");

    check(strcmp(hpcl_status_text(HPCL_OK), "ok") == 0, "HPCL_OK has a text");
    check(strcmp(hpcl_status_text(HPCL_INVALID_ARGUMENT), "invalid argument") == 0, "HPCL_INVALID_ARGUMENT has a text");
    check(strcmp(hpcl_status_text((hpcl_status)12345), "unknown status") == 0, "a foreign status has a text");

    check(hpcl_element_count(4, image, &count) == HPCL_OK && count == 6144, "2 x 3 x 32 x 32 elements are counted");
    check(hpcl_element_count(0, NULL, &count) == HPCL_OK && count == 1, "a scalar has one element");
    check(hpcl_element_count(3, empty, &count) == HPCL_OK && count == 0, "an empty axis makes no elements");
    check(hpcl_last_error()[0] == '\0', "success leaves no error text");

    count = 42;
    check(hpcl_element_count(2, negative, &count) == HPCL_INVALID_ARGUMENT, "a negative extent is refused");
    check(strstr(hpcl_last_error(), "hpcl_element_count") != NULL && strstr(hpcl_last_error(), "extents[1]") != NULL
              && strstr(hpcl_last_error(), "-5") != NULL,
          "the error names function, argument and value");
    check(hpcl_element_count(2, huge, &count) == HPCL_INVALID_ARGUMENT, "a product above 2^63 - 1 is refused");
    check(hpcl_element_count(4, NULL, &count) == HPCL_INVALID_ARGUMENT, "null extents are refused");
    check(count == 42, "a failing call leaves its result untouched");
    check(hpcl_element_count(4, image, NULL) == HPCL_INVALID_ARGUMENT, "a null result is refused");
    check(strstr(hpcl_last_error(), "count") != NULL, "the error names the null argument");

    check_gemm();

    snprintf(before, sizeof before, "%s", hpcl_last_error());
    check(pthread_create(&thread, NULL, fail_elsewhere, &elsewhere) == 0 && pthread_join(thread, NULL) == 0 && elsewhere,
          "another thread has an error text of its own");
    check(strcmp(before, hpcl_last_error()) == 0, "and leaves this thread's as it was");

    printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
