/* Any arguments for the functions of images, lesions, scans, statistics and training. */
#include "fuzz.h"

#include <math.h>

static sc_frame frame(fuzz_input *in)
{
    const double row0 = fuzz_double(in), row_step = fuzz_double(in);
    const double col0 = fuzz_double(in), col_step = fuzz_double(in);
    return (sc_frame){row0, row_step, col0, col_step};
}

static void extents(fuzz_input *in, int64_t out[3])
{
    for (int i = 0; i < 3; i++) out[i] = fuzz_extent(in);
}

/* Zeros and ones, in proportions that the input sets. */
static uint8_t *mask(fuzz_input *in, int64_t n)
{
    const uint8_t most = fuzz_byte(in);
    uint8_t *out = fuzz_items(in, n, 1);
    for (int64_t i = 0; i < n; i++) out[i] = out[i] < most;
    return out;
}

static void label_and_measure(fuzz_input *in)
{
    static const int CONNECTIVITY[] = {6, 18, 26, 7};
    sc_error err = {0};
    int64_t e[3];
    int32_t n = 0;
    extents(in, e);
    const int64_t size = fuzz_product(e[0], e[1], e[2]);
    uint8_t *inside = mask(in, size), *cord = mask(in, size);
    int32_t *labels = malloc((size_t)size * sizeof *labels);
    const int connectivity = CONNECTIVITY[fuzz_byte(in) % 4];
    const int64_t least = fuzz_extent(in);
    sc_status status =
        sc_components_label(inside, e, connectivity, least, labels, &n, &err);
    fuzz_check(status, &err);
    const uint8_t change = fuzz_byte(in);
    if (status == SC_OK && n < 10000) {
        if (size > 0 && change > 200) labels[change % size] = change - 210;
        if (change > 190) n += change - 195;
        float *volume = fuzz_floats(in, size);
        double *affine = fuzz_doubles(in, 16);
        sc_lesion *out = malloc(n > 0 ? (size_t)n * sizeof *out : 0);
        status = sc_lesions_measure(labels, e, n, volume, affine,
                                    change & 1 ? cord : NULL, out, &err);
        fuzz_check(status, &err);
        int64_t voxels;
        (void)sc_voxel_mm3(affine);
        status = sc_voxels_needed(affine, fuzz_double(in), &voxels, &err);
        fuzz_check(status, &err);
        free(volume);
        free(affine);
        free(out);
    }
    free(inside);
    free(cord);
    free(labels);
}

static void resample(fuzz_input *in)
{
    sc_error err = {0};
    int64_t e[3];
    extents(in, e);
    const int64_t h = fuzz_extent(in), w = fuzz_extent(in);
    const sc_frame f = frame(in);
    const sc_filter filter = (sc_filter)(fuzz_byte(in) % 3);
    const sc_outside outside = (sc_outside)(fuzz_byte(in) % 2);
    float *src = fuzz_floats(in, fuzz_product(e[0], e[1], e[2]));
    float *dst = malloc((size_t)fuzz_product(e[0], h, w) * sizeof *dst);
    fuzz_check(
        sc_images_resample(src, e[0], e[1], e[2], &f, filter, outside, dst, h, w, &err),
        &err);
    float *back = malloc((size_t)fuzz_product(e[0], h, w) * sizeof *back);
    fuzz_check(sc_images_restore(src, e[0], e[1], e[2], &f, back, h, w, &err), &err);
    fuzz_check(sc_map_restore(src, e[0] > 0 ? e[1] : 0, e[2], &f, fuzz_extent(in),
                              fuzz_extent(in), back, e[0] > 0 ? h : 0, w, &err),
               &err);
    float *context = malloc(3 * (size_t)fuzz_product(e[0], e[1], 1) * sizeof *context);
    fuzz_check(sc_images_context(src, e[0], e[2] > 0 ? e[1] : 0, fuzz_double(in),
                                 context, &err),
               &err);
    free(context);
    free(back);
    free(dst);
    free(src);
}

static void frames(fuzz_input *in)
{
    sc_error err = {0};
    sc_frame out;
    int64_t h, w;
    const int64_t rows = fuzz_extent(in) * fuzz_extent(in) * fuzz_extent(in);
    const int64_t cols = fuzz_extent(in) * fuzz_extent(in) * fuzz_extent(in);
    fuzz_check(
        sc_frame_stretch(rows, cols, fuzz_extent(in), fuzz_extent(in), &out, &err),
        &err);
    const double row_mm = fuzz_double(in), col_mm = fuzz_double(in);
    fuzz_check(sc_frame_physical(rows, cols, row_mm, col_mm, fuzz_double(in), &out, &h,
                                 &w, &err),
               &err);
}

static void lesion_images(fuzz_input *in)
{
    sc_error err = {0};
    int64_t e[3], slices[64], boxes[64][4];
    extents(in, e);
    for (int i = 0; i < 3; i++) e[i] = e[i] < 1 ? 1 : e[i];
    const int64_t size = fuzz_product(e[0], e[1], e[2]), n_pixels = e[1] * e[2];
    uint8_t *inside = mask(in, size);
    const int64_t n = sc_mask_slices(inside, e, slices, boxes);
    if (n < 0 || n > e[0]) abort();
    float *t2 = fuzz_floats(in, n_pixels);
    const int64_t h = fuzz_extent(in), w = fuzz_extent(in);
    sc_frame whole = frame(in);
    float *dst = malloc(3 * (size_t)fuzz_product(h, w, 1) * sizeof *dst);
    for (int64_t i = 0; i < n; i++) {
        const uint8_t *slice = inside + slices[i] * n_pixels;
        sc_frame one = whole;
        if (isfinite(whole.row0 + whole.col0) && whole.row_step > 0 &&
            whole.col_step > 0 && isfinite(whole.row_step + whole.col_step) && h > 0 &&
            w > 0) {
            one = sc_lesion_window(slice, e[2], boxes[i], &whole, h, w);
        }
        fuzz_check(sc_classifier_image(NULL, t2, slice, e[1], e[2], &one, SC_AREA, dst,
                                       h, w, &err),
                   &err);
    }
    free(dst);
    free(t2);
    free(inside);
}

static void orient(fuzz_input *in)
{
    static const size_t NBYTES[] = {1, 1, 2, 2, 4, 4, 8, 8, 4, 8};
    sc_error err = {0};
    sc_scan scan = {.dtype = (sc_dtype)(fuzz_byte(in) % 10)};
    const size_t nbytes = NBYTES[scan.dtype];
    extents(in, scan.extents);
    const int64_t size =
        fuzz_product(scan.extents[0], scan.extents[1], scan.extents[2]);
    sc_orientation o;
    int64_t step = (int64_t)nbytes;
    char *data = fuzz_items(in, size, nbytes), *first = data;
    const uint8_t order = fuzz_byte(in);
    for (int i = 0; i < 3; i++) {
        const int axis = (i + order) % 3; /* stored in any order and direction */
        o.axes[i] = fuzz_byte(in) % 4 % 3;
        o.flips[i] = fuzz_byte(in) & 1;
        scan.strides_nbytes[axis] = step;
        if (size > 0 && (order >> 3 >> i & 1)) {
            first += (scan.extents[axis] - 1) * step;
            scan.strides_nbytes[axis] = -step;
        }
        if (order > 250) scan.strides_nbytes[axis] = 0;
        step *= size > 0 ? scan.extents[axis] : 1;
    }
    scan.data = order > 250 ? data : first;
    float *dst = malloc((size_t)size * sizeof *dst), *back = malloc((size_t)size * 4);
    const sc_status status = sc_scan_orient(&scan, &o, dst, &err);
    fuzz_check(status, &err);
    if (status == SC_OK) {
        fuzz_check(sc_volume_unorient(dst, 4, scan.extents, &o, back, &err), &err);
        fuzz_check(sc_volume_normalize(dst, size, fuzz_double(in), dst, &err), &err);
    }
    free(back);
    free(dst);
    free(data);
}

static void scores(fuzz_input *in)
{
    sc_error err = {0};
    const int64_t n = fuzz_extent(in), models = fuzz_extent(in) % 4;
    const int64_t n_strata = fuzz_extent(in) % 4, replicates = fuzz_extent(in);
    const int threads = fuzz_byte(in) % 3;
    double *values = fuzz_doubles(in, n * (models > 0 ? models : 1));
    uint8_t *positive = mask(in, n);
    int64_t *unit = malloc(n > 0 ? (size_t)n * sizeof *unit : 0);
    for (int64_t i = 0; i < n; i++) unit[i] = fuzz_byte(in) % 13 - 1;
    int64_t strata[4];
    for (int i = 0; i < 4; i++) strata[i] = fuzz_extent(in);
    double *out = malloc(sizeof *out * (size_t)(64 * 4 + (n > 0 ? n : 0)));
    fuzz_check(sc_placements(values, positive, n, out, &err), &err);
    const sc_auc_sample sample = {values, positive, unit, strata, models, n, n_strata};
    fuzz_check(sc_auc_bootstrap(&sample, replicates, 1, threads, out, NULL, NULL, &err),
               &err);
    fuzz_check(sc_ratio_bootstrap(values, values, models > 0 ? n : 0, replicates, 1,
                                  threads, out, NULL, NULL, &err),
               &err);
    free(out);
    free(unit);
    free(positive);
    free(values);
}

static void distances(fuzz_input *in)
{
    sc_error err = {0};
    int64_t e[3], count[2] = {0, 0};
    extents(in, e);
    const int64_t size = fuzz_product(e[0], e[1], e[2]);
    uint8_t *a = mask(in, size), *b = mask(in, size);
    double *spacing = fuzz_doubles(in, 3);
    const int threads = fuzz_byte(in) % 3;
    double *out = malloc((size_t)size * sizeof *out);
    fuzz_check(sc_distance_transform(a, e, spacing, threads, out, &err), &err);
    const sc_status first = sc_surface_count(a, e, &count[0], &err);
    const sc_status second = sc_surface_count(b, e, &count[1], &err);
    if (first == SC_OK && second == SC_OK) {
        double *there = malloc((size_t)count[0] * sizeof *there);
        double *back = malloc((size_t)count[1] * sizeof *back);
        fuzz_check(sc_surface_distances(a, b, e, spacing, threads, there, back, &err),
                   &err);
        free(there);
        free(back);
    }
    free(out);
    free(spacing);
    free(b);
    free(a);
}

static void batch_norm(fuzz_input *in)
{
    if (!sc_batch_norm_supported()) return;
    sc_error err = {0};
    const int64_t n = fuzz_extent(in), c = fuzz_extent(in);
    const int64_t size = fuzz_product(n, c, 1);
    const uint8_t how = fuzz_byte(in);
    float *weight = fuzz_floats(in, c), *bias = fuzz_floats(in, c);
    const sc_batch_norm norm = {
        n, c, how & 1 ? weight : NULL, bias, (float)fuzz_double(in), how & 2};
    uint16_t *x = fuzz_items(in, size, 2), *other = fuzz_items(in, size, 2);
    uint16_t *sum = fuzz_items(in, size, 2), *y = fuzz_items(in, size, 2);
    float *mean = fuzz_floats(in, c), *variance = fuzz_floats(in, c);
    const bool summed = how & 4;
    fuzz_check(sc_batch_norm_forward(&norm, x, summed ? other : NULL,
                                     summed ? sum : NULL, y, mean, variance, how % 3,
                                     &err),
               &err);
    fuzz_check(sc_batch_norm_backward(&norm, x, summed, other, mean, variance, y,
                                      weight, bias, how % 3, &err),
               &err);
    free(variance);
    free(mean);
    free(y);
    free(sum);
    free(other);
    free(x);
    free(bias);
    free(weight);
}

static void fuzz_one(fuzz_input *in)
{
    static void (*const ENTRIES[])(fuzz_input *) = {
        label_and_measure, resample,   frames, lesion_images, orient, scores,
        distances,         batch_norm,
    };
    ENTRIES[fuzz_byte(in) % 8](in);
}

#ifndef FUZZER
int main(void) { return fuzz_main("tests/fuzz/core", 3000); }
#endif
