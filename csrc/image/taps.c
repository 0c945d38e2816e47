#include "taps.h"

#include "../base/memory.h"
#include "../base/status.h"

#include <inttypes.h>
#include <math.h>

static double clip_to(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

/* Smallest i with start + i * step >= edge, at least 0 and at most n. */
static int64_t first_from(double start, double step, double edge, int64_t n)
{
    return (int64_t)clip_to(ceil((edge - start) / step), 0.0, (double)n);
}

/* Weight of one tap of the i-th pixel that shows the source. */
static float *weight_of(const sc_taps *taps, int64_t i, int64_t tap)
{
    return taps->weights + tap * (taps->end - taps->begin) + i;
}

/* 'x': position in the source of the i-th pixel that shows it. */
static void fill_nearest(sc_taps *taps, int64_t i, double x)
{
    taps->first[i] = (int32_t)clip_to(floor(x + 0.5), 0.0, (double)(taps->n_src - 1));
    *weight_of(taps, i, 0) = 1.0f;
}

/* Between the outer edge of the source and the centre of its outer pixel, that pixel. */
static void fill_linear(sc_taps *taps, int64_t i, double x)
{
    x = clip_to(x, 0.0, (double)(taps->n_src - 1));
    const int64_t left = sc_min((int64_t)x, taps->n_src - taps->n_taps);
    taps->first[i] = (int32_t)left;
    *weight_of(taps, i, 0) = (float)(1.0 - (x - (double)left));
    if (taps->n_taps > 1) *weight_of(taps, i, 1) = (float)(x - (double)left);
}

/* The part of a destination pixel that lies on each source pixel, in positions where
 * source pixel k reaches from k to k + 1. */
static void fill_area(sc_taps *taps, int64_t i, double x, double step)
{
    const double end = (double)taps->n_src;
    const double low = clip_to(x + 0.5 - 0.5 * step, 0.0, end);
    const double high = clip_to(x + 0.5 + 0.5 * step, 0.0, end);
    const int64_t first = sc_min((int64_t)low, taps->n_src - taps->n_taps);
    taps->first[i] = (int32_t)first;
    for (int64_t t = 0; t < taps->n_taps; t++) {
        const double left = fmax(low, (double)(first + t));
        const double right = fmin(high, (double)(first + t + 1));
        *weight_of(taps, i, t) = (float)(fmax(right - left, 0.0) / (high - low));
    }
}

static void fill(sc_taps *taps, double start, double step, sc_filter filter)
{
    for (int64_t i = 0; i < taps->end - taps->begin; i++) {
        const double x = start + (double)(taps->begin + i) * step;
        if (filter == SC_NEAREST) {
            fill_nearest(taps, i, x);
        } else if (filter == SC_AREA && step > 1.0) {
            fill_area(taps, i, x, step);
        } else {
            fill_linear(taps, i, x);
        }
    }
}

/* The source pixel that the i-th pixel is a copy of, or -1. */
static int64_t copied(const sc_taps *taps, int64_t i)
{
    int64_t source = -1;
    for (int64_t t = 0; t < taps->n_taps; t++) {
        const float weight = *weight_of(taps, i, t);
        if (weight == 1.0f) source = taps->first[i] + t;
        if (weight != 1.0f && weight != 0.0f) return -1;
    }
    return source;
}

static int64_t copy_from(const sc_taps *taps)
{
    const int64_t count = taps->end - taps->begin;
    const int64_t from = count == 0 ? -1 : copied(taps, 0);
    for (int64_t i = 0; i < count && from >= 0; i++) {
        if (copied(taps, i) != from + i) return -1;
    }
    return from;
}

static sc_status check_axis(int64_t n_src, int64_t n, double start, double step,
                            sc_error *err)
{
    if (n_src < 1 || n < 1 || n_src > SC_SIDE_MAX || n > SC_SIDE_MAX) {
        return sc_fail(err, SC_BAD_SHAPE,
                       "resampling %" PRId64 " to %" PRId64
                       " pixels along an axis, expected 1 to %d",
                       n_src, n, SC_SIDE_MAX);
    }
    if (!isfinite(start) || !isfinite(step) || !(step > 0.0)) {
        return sc_fail(err, SC_BAD_VALUE,
                       "a frame starts at %g with steps of %g, expected finite numbers "
                       "and a positive step",
                       start, step);
    }
    return SC_OK;
}

sc_status sc_taps_create(sc_taps *out, int64_t n_src, int64_t n, double start,
                         double step, sc_filter filter, sc_outside outside,
                         sc_error *err)
{
    *out = (sc_taps){.n_src = n_src, .n = n, .edge = outside == SC_OUTSIDE_EDGE};
    const sc_status status = check_axis(n_src, n, start, step, err);
    if (status != SC_OK) return status;
    out->begin = first_from(start, step, -0.5, n);
    out->end = sc_max(out->begin, first_from(start, step, (double)n_src - 0.5, n));
    const bool area = filter == SC_AREA && step > 1.0;
    const double reach = area ? ceil(step) + 1.0 : filter == SC_NEAREST ? 1.0 : 2.0;
    out->n_taps = (int64_t)fmin(reach, (double)n_src);
    const size_t count = (size_t)(out->end - out->begin);
    out->first = sc_calloc(count * sizeof *out->first);
    out->weights = sc_calloc(count * (size_t)out->n_taps * sizeof *out->weights);
    if (out->first == NULL || out->weights == NULL) {
        sc_taps_destroy(out);
        return sc_fail(err, SC_NOMEM, "no memory for the weights of %zu pixels", count);
    }
    fill(out, start, step, filter);
    out->copy_from = copy_from(out);
    return SC_OK;
}

void sc_taps_destroy(sc_taps *taps)
{
    sc_free(taps->first);
    sc_free(taps->weights);
    *taps = (sc_taps){0};
}
