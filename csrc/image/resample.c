/* Separable resampling, down the columns first: that pass works on whole rows, which
 * the compiler makes vector code of. */
#include "../base/memory.h"
#include "../base/status.h"
#include "../spinalcord.h"
#include "finite.h"
#include "taps.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Images of which a part is read. */
typedef struct {
    const float *data;
    int64_t n, h, w;
    int64_t row_stride, image_stride; /* floats */
} images;

/* sum += weight * src, of n pixels. */
static void add_row(float *sum, const float *src, float weight, int64_t n)
{
    for (int64_t i = 0; i < n; i++) sum[i] += weight * src[i];
}

/* The source row for row i of the destination: one as it is, or a sum in 'sum', or NULL
 * for zeros.  'src' has rows of n pixels, 'stride' apart. */
static const float *mix_rows(const float *src, int64_t stride, int64_t n,
                             const sc_taps *taps, int64_t i, float *sum)
{
    if (i < taps->begin) return taps->edge ? src : NULL;
    if (i >= taps->end) return taps->edge ? src + (taps->n_src - 1) * stride : NULL;
    const int64_t count = taps->end - taps->begin;
    i -= taps->begin;
    if (taps->copy_from >= 0) return src + (taps->copy_from + i) * stride;
    const float *row = src + taps->first[i] * stride;
    if (taps->n_taps == 1) return row;
    const float *weights = taps->weights + i, *next = row + stride;
    const float w0 = weights[0], w1 = weights[count];
    for (int64_t j = 0; j < n; j++) sum[j] = w0 * row[j] + w1 * next[j];
    for (int64_t t = 2; t < taps->n_taps; t++) {
        const float weight = weights[t * count];
        if (weight != 0.0f) add_row(sum, row + t * stride, weight, n);
    }
    return sum;
}

static void fill_row(float *dst, float value, int64_t n)
{
    for (int64_t j = 0; j < n; j++) dst[j] = value;
}

/* dst = the row, resampled along itself. */
static void mix_columns(const float *restrict row, const sc_taps *taps,
                        float *restrict dst)
{
    const int64_t count = taps->end - taps->begin;
    const int32_t *first = taps->first;
    const float *w0 = taps->weights, *w1 = w0 + count;
    fill_row(dst, taps->edge ? row[0] : 0.0f, taps->begin);
    fill_row(dst + taps->end, taps->edge ? row[taps->n_src - 1] : 0.0f,
             taps->n - taps->end);
    dst += taps->begin;
    if (taps->copy_from >= 0) {
        memcpy(dst, row + taps->copy_from, (size_t)count * sizeof *dst);
    } else if (taps->n_taps == 1) {
        for (int64_t j = 0; j < count; j++) dst[j] = row[first[j]];
    } else {
        for (int64_t j = 0; j < count; j++) {
            dst[j] = w0[j] * row[first[j]] + w1[j] * row[first[j] + 1];
        }
        for (int64_t t = 2; t < taps->n_taps; t++) {
            const float *weights = taps->weights + t * count;
            for (int64_t j = 0; j < count; j++)
                dst[j] += weights[j] * row[first[j] + t];
        }
    }
}

static void resample(const images *src, const sc_taps *down, const sc_taps *along,
                     float *sum, float *dst)
{
    for (int64_t n = 0; n < src->n; n++) {
        const float *src_n = src->data + n * src->image_stride;
        for (int64_t i = 0; i < down->n; i++, dst += along->n) {
            const float *row = mix_rows(src_n, src->row_stride, src->w, down, i, sum);
            if (row == NULL) {
                fill_row(dst, 0.0f, along->n);
            } else {
                mix_columns(row, along, dst);
            }
        }
    }
}

static sc_status check_images(int64_t n, int64_t h, int64_t w, sc_error *err)
{
    const int64_t extents[3] = {n, h, w};
    size_t nbytes;
    if (n >= 0 && h >= 1 && w >= 1 && sc_product(extents, 3, sizeof(float), &nbytes) &&
        nbytes <= INT64_MAX) {
        return SC_OK;
    }
    return sc_fail(err, SC_BAD_SHAPE,
                   "images of (%" PRId64 ", %" PRId64 ", %" PRId64
                   ") pixels given, expected at least one pixel each, and no more than "
                   "memory can hold",
                   n, h, w);
}

static sc_status run(const images *src, const sc_frame *frame, sc_filter filter,
                     sc_outside outside, float *dst, int64_t h, int64_t w,
                     sc_error *err)
{
    sc_status status = SC_OK;
    sc_taps down = {0}, along = {0};
    float *sum = NULL;
    SC_TRY(check_images(src->n, h, w, err));
    SC_TRY(sc_taps_create(&down, src->h, h, frame->row0, frame->row_step, filter,
                          outside, err));
    SC_TRY(sc_taps_create(&along, src->w, w, frame->col0, frame->col_step, filter,
                          outside, err));
    sum = sc_alloc((size_t)src->w * sizeof *sum);
    if (sum == NULL) {
        SC_TRY(sc_fail(err, SC_NOMEM, "no memory for a row of %" PRId64 " pixels",
                       src->w));
    }
    resample(src, &down, &along, sum, dst);
done:
    sc_free(sum);
    sc_taps_destroy(&along);
    sc_taps_destroy(&down);
    return status;
}

sc_status sc_images_resample(const float *src, int64_t n, int64_t rows, int64_t cols,
                             const sc_frame *frame, sc_filter filter,
                             sc_outside outside, float *dst, int64_t h, int64_t w,
                             sc_error *err)
{
    sc_status status = check_images(n, rows, cols, err);
    if (status != SC_OK) return status;
    const int64_t total = n * rows * cols;
    status = sc_finite_check(sc_not_finite(src, total), total, "the pixels", err);
    if (status != SC_OK) return status;
    const images whole = {src, n, rows, cols, cols, rows * cols};
    return run(&whole, frame, filter, outside, dst, h, w, err);
}

/* The pixels of an axis of n that lie on the scan's n_scan voxels: [*begin, *end). */
static bool used_range(double start, double step, int64_t n, int64_t n_scan,
                       int64_t *begin, int64_t *end)
{
    const double first = ceil((-0.5 - start) / step);
    const double last = ceil(((double)n_scan - 0.5 - start) / step);
    *begin = (int64_t)fmin(fmax(first, 0.0), (double)n);
    *end = (int64_t)fmin(fmax(last, 0.0), (double)n);
    return *begin < *end;
}

sc_status sc_images_restore(const float *src, int64_t n, int64_t h, int64_t w,
                            const sc_frame *frame, float *dst, int64_t rows,
                            int64_t cols, sc_error *err)
{
    sc_status status = check_images(n, h, w, err);
    if (status != SC_OK) return status;
    int64_t top, bottom, left, right;
    if (!used_range(frame->row0, frame->row_step, h, rows, &top, &bottom) ||
        !used_range(frame->col0, frame->col_step, w, cols, &left, &right)) {
        return sc_fail(err, SC_BAD_VALUE,
                       "the frame's %" PRId64 " x %" PRId64
                       " pixels show nothing of the scan's %" PRId64 " x %" PRId64
                       " voxels",
                       h, w, rows, cols);
    }
    const int64_t total = n * h * w;
    status = sc_finite_check(sc_not_finite(src, total), total, "the pixels", err);
    if (status != SC_OK) return status;
    const images used = {src + top * w + left, n, bottom - top, right - left, w, h * w};
    const sc_frame back = {
        -frame->row0 / frame->row_step - (double)top, 1.0 / frame->row_step,
        -frame->col0 / frame->col_step - (double)left, 1.0 / frame->col_step};
    return run(&used, &back, SC_LINEAR, SC_OUTSIDE_EDGE, dst, rows, cols, err);
}

/* Voxel j lies at pixel p = (j - start) / step of the image, hence at
 * (p + 1/2) * n_map / n - 1/2 of a map that stretches over its n pixels. */
static void map_axis(double start, double step, int64_t n, int64_t n_map,
                     double *map_start, double *map_step)
{
    const double scale = (double)n_map / (double)n;
    *map_start = (0.5 - start / step) * scale - 0.5;
    *map_step = scale / step;
}

sc_status sc_map_restore(const float *src, int64_t map_h, int64_t map_w,
                         const sc_frame *frame, int64_t h, int64_t w, float *dst,
                         int64_t rows, int64_t cols, sc_error *err)
{
    sc_status status = check_images(1, map_h, map_w, err);
    if (status == SC_OK) status = check_images(1, h, w, err);
    if (status != SC_OK) return status;
    const int64_t total = map_h * map_w;
    status = sc_finite_check(sc_not_finite(src, total), total, "the map's cells", err);
    if (status != SC_OK) return status;
    const images map = {src, 1, map_h, map_w, map_w, total};
    sc_frame back;
    map_axis(frame->row0, frame->row_step, h, map_h, &back.row0, &back.row_step);
    map_axis(frame->col0, frame->col_step, w, map_w, &back.col0, &back.col_step);
    return run(&map, &back, SC_LINEAR, SC_OUTSIDE_ZERO, dst, rows, cols, err);
}
