/* A slice's neighbours as channels of its image. */
#include "../base/status.h"
#include "../spinalcord.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static int64_t clamped(int64_t i, int64_t n) { return i < 0 ? 0 : i < n ? i : n - 1; }

/* (1 - share) of image i and 'share' of image j; past either end the last image. */
static void blend(const float *src, int64_t n, int64_t pixels, int64_t i, int64_t j,
                  float share, float *dst)
{
    const float *a = src + clamped(i, n) * pixels, *b = src + clamped(j, n) * pixels;
    if (a == b || share == 0.0f) {
        memcpy(dst, a, (size_t)pixels * sizeof *dst);
        return;
    }
    for (int64_t k = 0; k < pixels; k++) dst[k] = a[k] + share * (b[k] - a[k]);
}

sc_status sc_images_context(const float *src, int64_t n, int64_t pixels, double step,
                            float *dst, sc_error *err)
{
    if (n < 1 || pixels < 1) {
        return sc_fail(err, SC_BAD_SHAPE,
                       "%" PRId64 " images of %" PRId64
                       " pixels given, expected at least one of each",
                       n, pixels);
    }
    if (!(step > 0.0) || !isfinite(step)) {
        return sc_fail(err, SC_BAD_VALUE,
                       "neighbours %g slices away, expected a positive number", step);
    }
    /* Beyond n slices everything is the last one; no overflow of the conversion. */
    const double limited = step < (double)n ? step : (double)n;
    const int64_t whole = (int64_t)limited;
    const float share = (float)(limited - (double)whole);
    for (int64_t i = 0; i < n; i++, dst += 3 * pixels) {
        blend(src, n, pixels, i - whole, i - whole - 1, share, dst);
        memcpy(dst + pixels, src + i * pixels, (size_t)pixels * sizeof *dst);
        blend(src, n, pixels, i + whole, i + whole + 1, share, dst + 2 * pixels);
    }
    return SC_OK;
}
