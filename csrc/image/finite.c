#include "finite.h"

#include "../base/memory.h"
#include "../base/status.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

/* By bits: a comparison of floats that the compiler may reorder is no vector code. */
static uint32_t count_block(const float *src, int64_t n)
{
    const uint32_t exponent = 0x7f800000u;
    uint32_t count = 0;
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &src[i], sizeof bits);
        count += (bits & exponent) == exponent;
    }
    return count;
}

int64_t sc_not_finite(const float *src, int64_t n)
{
    const int64_t block = 1 << 16;
    int64_t count = 0;
    for (int64_t i = 0; i < n; i += block) {
        count += count_block(src + i, sc_min(block, n - i));
    }
    return count;
}

sc_status sc_finite_check(int64_t count, int64_t total, const char *what, sc_error *err)
{
    if (count == 0) return SC_OK;
    sc_fail(err, SC_NOT_FINITE,
            "%s hold %" PRId64 " NaN or infinite values of %" PRId64
            "; expected finite numbers",
            what, count, total);
    if (err != NULL) err->detail = (int)sc_min(count, INT_MAX);
    return SC_NOT_FINITE;
}
