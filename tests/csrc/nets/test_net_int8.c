/* Networks in integers of eight bits: near the same in float32, the same bits for any number
 * of threads, on vectors of either length too, and nothing without ranges. */
#include "spinalcord.h"

#include "check.h"
#include "networks.h"

enum { SIDE = 64, N = 3, MAX_OUT = N * SIDE * SIDE };

/* Of the images that are computed. */
static int side(void) { return check_few(SIDE, 32); }

static int n_images(void) { return check_few(N, 1); }

static const sc_net_kind KINDS[] = {SC_MULTIRESUNET, SC_DENSENET121};

typedef struct {
    tensors *t;
    float *images, *want;
    int64_t n_out; /* floats of all results */
    tensors_ranges found;
} bench;

/* Results in float32, and the ranges on the way. */
static void setup(sc_net_kind kind, bench *b)
{
    memset(b, 0, sizeof *b);
    b->t = tensors_usual(kind);
    const int64_t plane = side() * side(), out = kind == SC_MULTIRESUNET ? plane : 2;
    b->n_out = n_images() * out;
    b->images = random_images(3, n_images() * plane * b->t->config.in_channels);
    b->want = sc_alloc((size_t)MAX_OUT * sizeof(float));
    tensors_measure(b->t, n_images(), side(), b->images, b->want, &b->found);
    b->t->config.precision = SC_PRECISION_INT8;
}

static void teardown(bench *b)
{
    sc_free(b->images);
    sc_free(b->want);
    tensors_destroy(b->t);
}

static void compute(bench *b, sc_isa isa, int threads, int64_t n, float *got)
{
    b->t->config.isa = isa;
    b->t->config.threads = threads;
    sc_net *net = tensors_net(b->t);
    if (net == NULL) return;
    sc_error err = {0};
    CHECK_EQ(net_forward(net, n, side(), side(), b->images, got, &err), SC_OK);
    sc_net_destroy(net);
}

static double distance(const float *a, const float *b, int64_t n)
{
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += fabs((double)a[i] - (double)b[i]);
    return sum / (double)n;
}

static void check_isa(bench *b, sc_isa isa)
{
    static float got[MAX_OUT], again[MAX_OUT];
    if (sc_cpu_isa() < isa || !sc_isa_has_int8(isa)) {
        fprintf(stderr, "skipped: int8 on %s, which this CPU lacks\n",
                sc_isa_name(isa));
        return;
    }
    compute(b, isa, 1, n_images(), got);
    const double apart = distance(got, b->want, b->n_out);
    if (!(apart < 0.02)) fprintf(stderr, "%s: %g apart\n", sc_isa_name(isa), apart);
    CHECK(apart < 0.02);
    for (int threads = 2; threads <= 4; threads++) {
        compute(b, isa, threads, threads == 3 ? 1 : n_images(), again);
        const int64_t n = threads == 3 ? b->n_out / n_images() : b->n_out;
        CHECK(memcmp(got, again, (size_t)n * sizeof *got) == 0);
    }
}

static void test_near_float32(sc_net_kind kind)
{
    static bench b;
    setup(kind, &b);
    check_isa(&b, SC_ISA_AVX2);
    check_isa(&b, SC_ISA_AVX512);
    check_isa(&b, SC_ISA_AVX512_BF16);
    check_isa(&b, SC_ISA_AMX);
    teardown(&b);
}

/* Where the layers beside those in integers are in float32. */
static void test_vectors_of_both_lengths_agree(sc_net_kind kind)
{
    static bench b;
    static float got[MAX_OUT], again[MAX_OUT];
    if (!sc_isa_has_int8(SC_ISA_AVX2) || !sc_isa_has_int8(SC_ISA_AVX512)) {
        fprintf(stderr,
                "skipped: int8 on avx2 and avx512, of which this CPU lacks one\n");
        return;
    }
    setup(kind, &b);
    compute(&b, SC_ISA_AVX2, 2, 1, got);
    compute(&b, SC_ISA_AVX512, 2, 1, again);
    CHECK(memcmp(got, again, (size_t)(b.n_out / n_images()) * sizeof *got) == 0);
    teardown(&b);
}

/* oneDNN has the same sums; what follows them it may round in another order. */
static void test_onednn_agrees(sc_net_kind kind)
{
    static bench b;
    static float own[MAX_OUT], got[MAX_OUT];
    if (!sc_isa_has_int8(sc_cpu_isa())) return;
    setup(kind, &b);
    compute(&b, SC_ISA_AUTO, 2, 1, own);
    b.t->config.by_onednn = true;
    for (int threads = 1; threads <= 3; threads += 2) {
        compute(&b, SC_ISA_AUTO, threads, 1, got);
        CHECK(distance(got, own, b.n_out / n_images()) < 0.01);
        CHECK(distance(got, b.want, b.n_out / n_images()) < 0.02);
    }
    teardown(&b);
}

static void test_refusals(sc_net_kind kind)
{
    static bench b;
    setup(kind, &b);
    sc_error err = {0};
    sc_net *net = NULL;
    const sc_isa isa = sc_cpu_isa();
    if (!sc_isa_has_int8(isa)) {
        CHECK_EQ(sc_net_create(&b.t->config, b.t->tensors, b.t->n, &net, &err),
                 SC_UNSUPPORTED);
        CHECK(strstr(err.text, sc_isa_name(isa)) != NULL);
        teardown(&b);
        return;
    }
    net = tensors_net(b.t);
    float ends[4 * SC_MAX_STEPS] = {0.0f};
    const sc_call call = {.n = 1,
                          .h = side(),
                          .w = side(),
                          .images = b.images,
                          .forward = {.probabilities = b.want},
                          .ranges = ends};
    CHECK_EQ(sc_net_run(net, &call, &err), SC_BAD_VALUE);
    sc_net_destroy(net);
    const char *needed =
        kind == SC_MULTIRESUNET ? "path.1.1" : "features.denseblock2.denselayer1.conv1";
    for (int64_t i = 0; i < b.t->config.n_ranges; i++) {
        if (strcmp(b.found.names[i], needed) != 0) continue;
        const float low = b.found.ranges[i].low;
        b.found.ranges[i].low = NAN;
        CHECK_EQ(sc_net_create(&b.t->config, b.t->tensors, b.t->n, &net, &err),
                 SC_UNSUPPORTED);
        CHECK(strstr(err.text, needed) != NULL);
        b.found.ranges[i].low = low;
    }
    b.t->config.n_ranges = 0;
    CHECK_EQ(sc_net_create(&b.t->config, b.t->tensors, b.t->n, &net, &err),
             SC_UNSUPPORTED);
    b.t->config.isa = SC_ISA_BASE;
    CHECK_EQ(sc_net_create(&b.t->config, b.t->tensors, b.t->n, &net, &err),
             SC_UNSUPPORTED);
    CHECK(net == NULL);
    teardown(&b);
}

int main(void)
{
    for (int i = 0; i < 2; i++) {
        test_near_float32(KINDS[i]);
        test_vectors_of_both_lengths_agree(KINDS[i]);
        test_onednn_agrees(KINDS[i]);
        test_refusals(KINDS[i]);
    }
    return check_end();
}
