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

    snprintf(before, sizeof before, "%s", hpcl_last_error());
    check(pthread_create(&thread, NULL, fail_elsewhere, &elsewhere) == 0 && pthread_join(thread, NULL) == 0 && elsewhere,
          "another thread has an error text of its own");
    check(strcmp(before, hpcl_last_error()) == 0, "and leaves this thread's as it was");

    printf("%d passed, %d failed\n", passed, failed);
    return failed == 0 ? 0 : 1;
}
