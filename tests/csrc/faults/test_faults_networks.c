/* Out of memory, or of threads, while networks open, run forward and run back.
 *
 * Every FAULTS_STRIDE-th request fails (47th if not set, which takes a minute under the
 * address sanitizer), from the one that FAULTS_FIRST names (0 if not set): FAULTS_FIRST of 0
 * to 46 lets each request fail once, in pieces.  FAULTS_STRIDE=1 does the same in one piece,
 * in about an hour; with PLAIN=1 it is ten times as fast, and leaks are still counted.
 */
#include "faults.h"

#include "../nets/networks.h"

enum { SIDE = 32, IMAGES = 2, N_LAST = 1024 };

typedef struct {
    tensors *t;
    sc_net *net;
    float *images, *maps, *gradients;
    float probabilities[SIDE * SIDE * IMAGES], features[N_LAST * IMAGES];
    float cam[IMAGES];
    int64_t h, w;
} subject;

static sc_status open(void *arg, sc_error *err)
{
    subject *s = arg;
    sc_net *net = NULL;
    const sc_status status =
        sc_net_create(&s->t->config, s->t->tensors, s->t->n, &net, err);
    CHECK((net != NULL) == (status == SC_OK));
    sc_net_destroy(net);
    return status;
}

static sc_status forward(void *arg, sc_error *err)
{
    subject *s = arg;
    const bool dense = s->t->config.kind == SC_DENSENET121;
    const sc_call call = {.n = IMAGES,
                          .h = s->h,
                          .w = s->w,
                          .images = s->images,
                          .forward = {.probabilities = s->probabilities,
                                      .features = dense ? s->features : NULL,
                                      .cam = dense ? s->cam : NULL}};
    return sc_net_run(s->net, &call, err);
}

static sc_status backward(void *arg, sc_error *err)
{
    static const float direction[2] = {-1, 1};
    subject *s = arg;
    const sc_backward what = {.layer = SC_LAYER_INPUT,
                              .direction = direction,
                              .activations = s->maps,
                              .gradients = s->gradients};
    return net_backward(s->net, IMAGES, s->h, s->w, s->images, &what, err);
}

static long long number(const char *name, long long usual)
{
    const char *text = getenv(name);
    return text == NULL ? usual : strtoll(text, NULL, 10);
}

static long long first_request(void) { return number("FAULTS_FIRST", 0); }

/* Of 0 or less it would never end. */
static long long stride(void)
{
    const long long n = number("FAULTS_STRIDE", 47);
    return n > 0 ? n : 1;
}

/* Let requests of opening fail; returns about how many there are.  A failed opening must
 * leave nothing behind. */
static long long fail_open(subject *s)
{
    const long long held = atomic_load(&faults_held);
    long long n = first_request();
    for (; faults_at(n, open, s); n += stride()) {
        CHECK_EQ(atomic_load(&faults_held), held);
    }
    return n;
}

/* The same for the first call of a new network: threads, plans and, on the way back, more
 * weights.  The same network must then answer as one that never failed. */
static long long fail_first(subject *s, faults_call call, const float *results,
                            size_t nbytes)
{
    char *want = malloc(nbytes);
    const long long held = atomic_load(&faults_held);
    long long n = first_request();
    for (bool came = true, known = false; came; n += came ? stride() : 0) {
        s->net = tensors_net(s->t);
        came = faults_at(n, call, s);
        CHECK_EQ(call(s, NULL), SC_OK);
        if (!known) memcpy(want, results, nbytes);
        known = true;
        CHECK(memcmp(results, want, nbytes) == 0);
        sc_net_destroy(s->net);
        CHECK_EQ(atomic_load(&faults_held), held);
    }
    free(want);
    return n;
}

static void test_network(sc_net_kind kind, sc_precision precision, bool by_onednn)
{
    static const char *const BITS[] = {"", "f32", "bf16", "int8"};
    static tensors_ranges ranges;
    const bool dense = kind == SC_DENSENET121;
    subject *s = sc_calloc(sizeof *s);
    s->t = tensors_usual(kind);
    s->t->config.threads = 2;
    s->h = s->w = dense ? SIDE : check_few(SIDE, 16);
    const int64_t n = IMAGES * s->t->config.in_channels * s->h * s->w;
    s->images = random_images(1, n);
    s->maps = random_images(2, n);
    s->gradients = random_images(3, n);
    const char *name = dense ? "densenet121" : "multiresunet";
    const char *bits = by_onednn ? "onednn int8" : BITS[precision];
    if (precision == SC_PRECISION_INT8)
        tensors_measure(s->t, 1, s->h, s->images, s->probabilities, &ranges);
    s->t->config.precision = precision;
    s->t->config.by_onednn = by_onednn;
    long long opened = fail_open(s);
    printf("%s %s: open: about %lld requests\n", name, bits, opened);
    CHECK(opened > 100);
    const size_t nbytes = sizeof(float) * IMAGES * (size_t)(dense ? 2 : s->h * s->w);
    long long first = fail_first(s, forward, s->probabilities, nbytes);
    printf("%s %s: forward: about %lld requests\n", name, bits, first);
    CHECK(first > 10);
    if (dense && precision != SC_PRECISION_INT8) {
        const size_t all = sizeof(float) * (size_t)n;
        first = fail_first(s, backward, s->gradients, all);
        printf("%s %s: backward: about %lld requests\n", name, bits, first);
        CHECK(first > 100);
    }
    sc_free(s->images);
    sc_free(s->maps);
    sc_free(s->gradients);
    tensors_destroy(s->t);
    sc_free(s);
}

int main(void)
{
    const sc_net_kind kinds[] = {SC_MULTIRESUNET, SC_DENSENET121};
    for (int i = 0; i < 2; i++) {
        test_network(kinds[i], SC_PRECISION_F32, false);
        if (sc_cpu_has_bf16()) test_network(kinds[i], SC_PRECISION_BF16, false);
        /* What int8 allocates is the same in both: once each way. */
        if (sc_isa_has_int8(sc_cpu_isa()))
            test_network(kinds[i], SC_PRECISION_INT8, i == 1);
    }
    printf("%lld faults\n", faults_done);
    return check_end();
}
