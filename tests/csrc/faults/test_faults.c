/* Out of memory in images, lesions, statistics and batch normalisation. */
#include "faults.h"

#include "base/memory.h"

#include "random.h"

enum { S = 4, R = 12, C = 10, N = S * R * C, IMAGE = 16, CASES = 40 };

/* Inputs, and room for every result. */
typedef struct {
    float volume[N], images[3 * N], mapped[N];
    uint8_t mask[N], other[N];
    int32_t labels[N], n_labels;
    sc_lesion lesions[N];
    double distances[2 * N], scores[CASES], out[CASES * 4];
    uint8_t positive[CASES];
    int64_t unit[CASES];
    uint16_t x[N], y[N], sum[N];
    float mean[C], variance[C], dweight[C], dbias[C], weight[C], bias[C];
} data;

static data d;
static const int64_t EXTENTS[3] = {S, R, C};
static const double SPACING[3] = {3.0, 1.0, 0.8};
static const double AFFINE[16] = {3, 0, 0, 1, 0, 1, 0, 2, 0, 0, 0.8, 3, 0, 0, 0, 1};
static const sc_frame FRAME = {0.5, 0.7, 0.25, 0.6};

static void fill(void)
{
    generator g = {1};
    for (int i = 0; i < N; i++) {
        d.volume[i] = next_real(&g, 0, 100);
        d.mask[i] = next_int(&g, 0, 3) == 0;
        d.other[i] = next_int(&g, 0, 3) == 0;
        d.x[i] = (uint16_t)(0x3f80 + next_int(&g, 0, 200)); /* 1 to 3 */
    }
    for (int i = 0; i < CASES; i++) {
        d.unit[i] = i;
        d.positive[i] = i >= CASES / 2;
        d.scores[i] = next_real(&g, 0, 1) + 0.3f * (float)d.positive[i];
    }
    for (int i = 0; i < C; i++) d.weight[i] = 1.0f;
}

static sc_status label(void *arg, sc_error *err)
{
    (void)arg;
    return sc_components_label(d.mask, EXTENTS, 26, 1, d.labels, &d.n_labels, err);
}

static sc_status measure(void *arg, sc_error *err)
{
    (void)arg;
    return sc_lesions_measure(d.labels, EXTENTS, d.n_labels, d.volume, AFFINE, d.other,
                              d.lesions, err);
}

static sc_status resample(void *arg, sc_error *err)
{
    const sc_filter filter = *(const sc_filter *)arg;
    return sc_images_resample(d.volume, S, R, C, &FRAME, filter, SC_OUTSIDE_EDGE,
                              d.images, IMAGE, IMAGE, err);
}

static sc_status restore(void *arg, sc_error *err)
{
    (void)arg;
    return sc_images_restore(d.images, S, IMAGE, IMAGE, &FRAME, d.mapped, R, C, err);
}

static sc_status restore_map(void *arg, sc_error *err)
{
    (void)arg;
    return sc_map_restore(d.images, 4, 4, &FRAME, IMAGE, IMAGE, d.mapped, R, C, err);
}

static sc_status classifier_image(void *arg, sc_error *err)
{
    (void)arg;
    return sc_classifier_image(d.volume, d.volume, d.mask, R, C, &FRAME, SC_AREA,
                               d.images, IMAGE, IMAGE, err);
}

static sc_status placements(void *arg, sc_error *err)
{
    (void)arg;
    return sc_placements(d.scores, d.positive, CASES, d.out, err);
}

static sc_status bootstrap(void *arg, sc_error *err)
{
    static const int64_t strata[2] = {CASES / 2, CASES / 2};
    const sc_auc_sample sample = {d.scores, d.positive, d.unit, strata, 1, CASES, 2};
    return sc_auc_bootstrap(&sample, 100, 7, *(int *)arg, d.out, NULL, NULL, err);
}

static sc_status ratio(void *arg, sc_error *err)
{
    return sc_ratio_bootstrap(d.scores, d.scores, CASES, 100, 7, *(int *)arg, d.out,
                              NULL, NULL, err);
}

static sc_status distance(void *arg, sc_error *err)
{
    return sc_distance_transform(d.mask, EXTENTS, SPACING, *(int *)arg, d.distances,
                                 err);
}

static sc_status surface(void *arg, sc_error *err)
{
    return sc_surface_distances(d.mask, d.other, EXTENTS, SPACING, *(int *)arg,
                                d.distances, d.distances + N, err);
}

static sc_status surface_count(void *arg, sc_error *err)
{
    (void)arg;
    return sc_surface_count(d.mask, EXTENTS, &d.unit[0], err);
}

static const sc_batch_norm NORM = {S * R, C, d.weight, d.bias, 1e-3f, true};

static sc_status norm_forward(void *arg, sc_error *err)
{
    return sc_batch_norm_forward(&NORM, d.x, NULL, NULL, d.y, d.mean, d.variance,
                                 *(int *)arg, err);
}

static sc_status norm_backward(void *arg, sc_error *err)
{
    return sc_batch_norm_backward(&NORM, d.x, false, d.x, d.mean, d.variance, d.sum,
                                  d.dweight, d.dbias, *(int *)arg, err);
}

/* 'least': the requests that the call is known to have. */
static void fail(const char *name, faults_call call, void *arg, void *results,
                 size_t nbytes, int least)
{
    CHECK(faults_each(name, call, arg, results, nbytes) >= least);
}

static void test_images(void)
{
    sc_filter filter = SC_AREA;
    fail("label", label, NULL, d.labels, sizeof d.labels, 3);
    CHECK(d.n_labels > 1);
    fail("measure", measure, NULL, d.lesions, d.n_labels * sizeof *d.lesions, 7);
    fail("resample by area", resample, &filter, d.images, sizeof(float) * 1024, 4);
    filter = SC_LINEAR;
    fail("resample", resample, &filter, d.images, sizeof(float) * 1024, 4);
    fail("restore", restore, NULL, d.mapped, sizeof d.mapped, 4);
    fail("restore a map", restore_map, NULL, d.mapped, sizeof(float) * R * C, 4);
    fail("classifier's image", classifier_image, NULL, d.images, sizeof(float) * 768,
         4);
}

static void test_statistics(void)
{
    fail("surface count", surface_count, NULL, &d.unit[0], sizeof d.unit[0], 1);
    const size_t on_surface = (size_t)d.unit[0] * sizeof(double);
    d.unit[0] = 0;
    for (int threads = 1; threads <= 3; threads += 2) {
        fail("bootstrap", bootstrap, &threads, d.out, sizeof(double) * 100, 3);
        fail("ratio bootstrap", ratio, &threads, d.out, sizeof(double) * 100, 0);
        fail("distances", distance, &threads, d.distances, sizeof(double) * N, 1);
        fail("surfaces", surface, &threads, d.distances, on_surface, 4);
    }
    fail("placements", placements, NULL, d.out, sizeof(double) * CASES, 1);
}

static void test_batch_norm(void)
{
    if (!sc_batch_norm_supported()) {
        fprintf(stderr, "skipped: batch normalisation, which needs AVX512_BF16\n");
        return;
    }
    for (int threads = 1; threads <= 3; threads += 2) {
        fail("batch norm", norm_forward, &threads, d.y, sizeof d.y, 3);
        fail("batch norm back", norm_backward, &threads, d.sum, sizeof d.sum, 3);
    }
}

int main(void)
{
    fill();
    test_images();
    test_statistics();
    test_batch_norm();
    printf("%lld faults\n", faults_done);
    return check_end();
}
