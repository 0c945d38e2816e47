/* Intensities to [0, 1].
 *
 * Sums run in double over eight lanes: vector code, and the same bits everywhere, since
 * the order of the additions is the program's and not the compiler's. */
#include "../base/memory.h"
#include "../base/status.h"
#include "../spinalcord.h"
#include "finite.h"

#include <inttypes.h>
#include <math.h>

enum { LANES = 8 };

typedef struct {
    double mean, sd;
    float min, max;
} moments;

static double sum_lanes(const double lanes[LANES])
{
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) +
           ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

static double sum_squares(const float *src, int64_t n, double mean)
{
    double lanes[LANES] = {0};
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (int k = 0; k < LANES; k++) {
            const double d = (double)src[i + k] - mean;
            lanes[k] += d * d;
        }
    }
    for (int k = 0; i < n; i++, k++) {
        const double d = (double)src[i] - mean;
        lanes[k] += d * d;
    }
    return sum_lanes(lanes);
}

/* Mean, extremes; then, with the mean known, the standard deviation: the difference of
 * two large sums would lose the digits of a dark, narrow histogram. */
static moments measure(const float *src, int64_t n)
{
    double lanes[LANES] = {0};
    float min[LANES], max[LANES];
    for (int k = 0; k < LANES; k++) min[k] = max[k] = src[0];
    int64_t i = 0;
    for (; i + LANES <= n; i += LANES) {
        for (int k = 0; k < LANES; k++) {
            const float x = src[i + k];
            lanes[k] += (double)x;
            min[k] = x < min[k] ? x : min[k];
            max[k] = x > max[k] ? x : max[k];
        }
    }
    for (int k = 0; i < n; i++, k++) {
        lanes[k] += (double)src[i];
        min[k] = src[i] < min[k] ? src[i] : min[k];
        max[k] = src[i] > max[k] ? src[i] : max[k];
    }
    moments m = {sum_lanes(lanes) / (double)n, 0.0, min[0], max[0]};
    for (int k = 1; k < LANES; k++) {
        m.min = min[k] < m.min ? min[k] : m.min;
        m.max = max[k] > m.max ? max[k] : m.max;
    }
    m.sd = sqrt(sum_squares(src, n, m.mean) / (double)n);
    return m;
}

static double clamped(double value, double limit)
{
    return value < -limit ? -limit : value > limit ? limit : value;
}

sc_status sc_volume_normalize(const float *src, int64_t n, double clip, float *dst,
                              sc_error *err)
{
    if (n < 1) return sc_fail(err, SC_BAD_SHAPE, "the volume is empty");
    if (!(clip > 0.0) || !isfinite(clip)) {
        return sc_fail(
            err, SC_BAD_VALUE,
            "clip %g given, expected a positive number of standard deviations", clip);
    }
    const moments m = measure(src, n);
    if (!isfinite(m.mean)) {
        return sc_finite_check(sc_not_finite(src, n), n, "the voxels", err);
    }
    if (m.min == m.max) {
        return sc_fail(err, SC_BAD_VALUE,
                       "the volume is constant: all %" PRId64 " voxels are %g", n,
                       (double)m.min);
    }
    const double per_sd = 1.0 / m.sd;
    const double low = clamped(((double)m.min - m.mean) * per_sd, clip);
    const double high = clamped(((double)m.max - m.mean) * per_sd, clip);
    const double scale = 1.0 / (high - low);
    for (int64_t i = 0; i < n; i++) {
        const double z = clamped(((double)src[i] - m.mean) * per_sd, clip);
        dst[i] = (float)((z - low) * scale);
    }
    return SC_OK;
}
