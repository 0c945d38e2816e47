/* Checks for the C tests: each test file is a program, main() ends with check_end().
 *
 *     #include "check.h"
 *     int main(void)
 *     {
 *         CHECK(sc_min(1, 2) == 1);
 *         CHECK_EQ(sc_max(1, 2), 2);
 *         CHECK_NEAR(mean, 0.5, 1e-6);
 *         return check_end();
 *     }
 */
#ifndef SC_TESTS_CHECK_H
#define SC_TESTS_CHECK_H

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static _Atomic int check_n_done, check_n_failed; /* threads check as well */

static inline void check_that(bool good, const char *file, int line, const char *what)
{
    check_n_done++;
    if (good) return;
    check_n_failed++;
    fprintf(stderr, "%s:%d: %s\n", file, line, what);
}

static inline void check_pair(bool good, double got, double want, const char *file,
                              int line, const char *what)
{
    if (!good) fprintf(stderr, "got %.9g, expected %.9g: ", got, want);
    check_that(good, file, line, what);
}

#define CHECK(truth) check_that(truth, __FILE__, __LINE__, #truth)
#define CHECK_EQ(got, want)                                                            \
    do {                                                                               \
        const __auto_type got_ = (got);                                                \
        const __auto_type want_ = (want);                                              \
        check_pair(got_ == want_, (double)got_, (double)want_, __FILE__, __LINE__,     \
                   #got " == " #want);                                                 \
    } while (0)
/* Fails for NaN. */
#define CHECK_NEAR(got, want, tolerance)                                               \
    do {                                                                               \
        const double got_ = (double)(got);                                             \
        const double want_ = (double)(want);                                           \
        check_pair(fabs(got_ - want_) <= (tolerance), got_, want_, __FILE__, __LINE__, \
                   #got " ~ " #want);                                                  \
    } while (0)

/* How often, or with how many: 'few' where tests/csrc/run says so, which it does under valgrind.
 * What only repeats is done less there; every path is still taken. */
static inline int check_few(int usual, int few)
{
    return getenv("CHECK_FEW") == NULL ? usual : few;
}

/* For main to return: 0 if something was checked and nothing failed. */
static inline int check_end(void)
{
    if (check_n_failed > 0) {
        fprintf(stderr, "%d of %d checks failed\n", check_n_failed, check_n_done);
    }
    return check_n_failed == 0 && check_n_done > 0 ? 0 : 1;
}

#endif
