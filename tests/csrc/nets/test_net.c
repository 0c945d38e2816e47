/* Networks as callers see them: what they refuse, and that results depend on nothing
 * but weights and image. */
#include "spinalcord.h"

#include "check.h"
#include "networks.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif

static const sc_net_kind KINDS[] = {SC_MULTIRESUNET, SC_DENSENET121};

static bool names(const sc_error *err, const char *text)
{
    if (strstr(err->text, text) != NULL) return true;
    fprintf(stderr, "not in \"%s\": %s\n", err->text, text);
    return false;
}

/* Floats of one result for h x w images. */
static int64_t result_size(const tensors *t, int64_t h, int64_t w)
{
    return t->config.outputs * (t->config.kind == SC_MULTIRESUNET ? h * w : 1);
}

static void run(sc_net *net, int64_t n, int64_t h, int64_t w, const float *src,
                float *dst)
{
    sc_error err = {0};
    CHECK_EQ(net_forward(net, n, h, w, src, dst, &err), SC_OK);
    if (err.code != SC_OK) fprintf(stderr, "%s\n", err.text);
}

/* Probabilities, and not all alike. */
static void check_sane(const float *dst, int64_t n)
{
    float low = 1, high = 0;
    bool good = true;
    for (int64_t i = 0; i < n; i++) {
        good = good && dst[i] >= 0 && dst[i] <= 1;
        low = fminf(low, dst[i]);
        high = fmaxf(high, dst[i]);
    }
    CHECK(good);
    CHECK(high - low > 0.01f);
}

/* ---- What is refused ---------------------------------------------------------------- */

static void check_refused(tensors *t, const char *name)
{
    sc_net *net = (sc_net *)t;
    sc_error err = {0};
    CHECK_EQ(sc_net_create(&t->config, t->tensors, t->n, &net, &err), SC_BAD_MODEL);
    CHECK(net == NULL);
    CHECK(names(&err, name));
}

static void test_bad_models(sc_net_kind kind, const char *name, const char *late)
{
    tensors *t = tensors_usual(kind);
    t->config.isa = SC_ISA_BASE; /* opens fastest */
    sc_tensor *one = tensors_find(t, late);
    const sc_tensor good = *one;
    one->name = "stranger"; /* which is extra, but what is missing comes first */
    check_refused(t, late);
    *one = good;
    one->shape[0]++;
    check_refused(t, late);
    *one = good;
    t->tensors[t->n] = (sc_tensor){.name = "stranger", .ndim = 1, .shape = {1}};
    t->tensors[t->n++].data = t->values;
    check_refused(t, "stranger");
    t->tensors[t->n - 1].name = name;
    check_refused(t, name);
    t->tensors[t->n - 1].name = "any.num_batches_tracked";
    sc_net_destroy(tensors_net(t));
    one = tensors_find(t, name);
    float *value = t->values + ((const float *)one->data - t->values);
    *value = NAN;
    check_refused(t, name);
    tensors_destroy(t);
}

static void check_config_refused(tensors *t, sc_net_config config, const char *number)
{
    sc_net *net = (sc_net *)t;
    sc_error err = {0};
    CHECK_EQ(sc_net_create(&config, t->tensors, t->n, &net, &err), SC_BAD_VALUE);
    CHECK(net == NULL && names(&err, number));
    CHECK_EQ(sc_net_create(&config, t->tensors, t->n, &net, NULL), SC_BAD_VALUE);
}

static void test_bad_configs(void)
{
    for (int i = 0; i < 2; i++) {
        tensors *t = tensors_usual(KINDS[i]);
        sc_net_config c = t->config;
        c.kind = (sc_net_kind)7;
        check_config_refused(t, c, "7");
        c = t->config;
        c.in_channels = 17;
        check_config_refused(t, c, "17");
        c = t->config;
        c.outputs = 0;
        check_config_refused(t, c, "0");
        c = t->config;
        c.threads = 0;
        check_config_refused(t, c, "0");
        c = t->config;
        c.norm_eps = NAN;
        check_config_refused(t, c, "nan");
        c = t->config;
        c.precision = (sc_precision)9;
        check_config_refused(t, c, "9");
        tensors_destroy(t);
    }
    sc_net_destroy(NULL);
}

static void check_size_refused(sc_net *net, int64_t n, int64_t h, int64_t w)
{
    const float src = 0;
    float dst;
    sc_error err = {0};
    CHECK_EQ(net_forward(net, n, h, w, &src, &dst, &err), SC_BAD_SHAPE);
    CHECK(err.text[0] != '\0');
}

static void test_bad_images(sc_net_kind kind)
{
    tensors *t = tensors_usual(kind);
    t->config.isa = SC_ISA_BASE;
    sc_net *net = tensors_net(t);
    const int64_t size = 32, n = t->config.in_channels * size * size;
    check_size_refused(net, 0, size, size);
    check_size_refused(net, -1, size, size);
    check_size_refused(net, 1, 0, size);
    check_size_refused(net, 1, size, 8192);
    check_size_refused(net, 1, kind == SC_MULTIRESUNET ? 40 : 31, size);
    float *src = random_images(1, n), *dst = random_images(2, size * size);
    src[n - 1] = NAN;
    src[5] = INFINITY;
    sc_error err = {0};
    const sc_status status = net_forward(net, 1, size, size, src, dst, &err);
    CHECK_EQ(status, SC_NOT_FINITE);
    CHECK(names(&err, "2 of"));
    sc_free(src);
    sc_free(dst);
    sc_net_destroy(net);
    tensors_destroy(t);
}

/* ---- What results depend on ---------------------------------------------------------- */

enum { BATCH = 3 };

/* A batch, its images one by one, again, and on more threads: the same bits. */
static void check_bits(tensors *t, int64_t h, int64_t w)
{
    const int64_t n_src = t->config.in_channels * h * w, n_dst = result_size(t, h, w);
    float *src = random_images(3, BATCH * n_src),
          *first = random_images(4, BATCH * n_dst);
    float *dst = random_images(5, BATCH * n_dst);
    const int batch = check_few(BATCH, 2), most = check_few(3, 2);
    const size_t nbytes = (size_t)(batch * n_dst) * sizeof(float);
    for (int threads = 1; threads <= most; threads++) {
        t->config.threads = threads;
        sc_net *net = tensors_net(t);
        run(net, batch, h, w, src, threads == 1 ? first : dst);
        if (threads == 1)
            check_sane(first, batch * n_dst);
        else
            CHECK(memcmp(first, dst, nbytes) == 0);
        for (int64_t i = batch - 1; i >= 0; i--) {
            run(net, 1, h, w, src + i * n_src, dst + i * n_dst);
        }
        CHECK(memcmp(first, dst, nbytes) == 0);
        sc_net_destroy(net);
    }
    CHECK(memcmp(first, first + n_dst, (size_t)n_dst * sizeof(float)) != 0);
    t->config.threads = 1;
    sc_free(src);
    sc_free(first);
    sc_free(dst);
}

/* Results of all engines, each near the others. */
static void check_engines(tensors *t, int64_t h, int64_t w)
{
    const int64_t n = result_size(t, h, w);
    float *src = random_images(6, t->config.in_channels * h * w);
    float *first = random_images(7, n), *dst = random_images(8, n);
    const sc_isa isas[] = {SC_ISA_BASE, SC_ISA_AVX2, SC_ISA_AVX512, SC_ISA_AVX512_BF16,
                           SC_ISA_AMX};
    for (int i = 0; i < 5 && isas[i] <= sc_cpu_isa(); i++) {
        const bool bf16 = isas[i] >= SC_ISA_AVX512_BF16;
        t->config.isa = isas[i];
        t->config.precision = bf16 ? SC_PRECISION_BF16 : SC_PRECISION_F32;
        sc_net *net = tensors_net(t);
        run(net, 1, h, w, src, i == 0 ? first : dst);
        double worst = 0, sum = 0;
        for (int64_t j = 0; i > 0 && j < n; j++) {
            const double d = fabs((double)dst[j] - (double)first[j]);
            worst = d <= worst ? worst : d;
            sum += d;
        }
        CHECK_NEAR(worst, 0, bf16 ? 0.5 : 2e-4);
        CHECK_NEAR(sum / (double)n, 0, bf16 ? 0.03 : 2e-5);
        sc_net_destroy(net);
    }
    t->config.isa = SC_ISA_AUTO;
    t->config.precision = SC_PRECISION_F32;
    sc_free(src);
    sc_free(first);
    sc_free(dst);
}

/* Finite images whose maps overflow must not show in the next result. */
static void check_overflow(tensors *t, int64_t h, int64_t w)
{
    const int64_t n_src = t->config.in_channels * h * w, n = result_size(t, h, w);
    float *src = random_images(9, n_src), *huge = random_images(10, n_src);
    float *first = random_images(11, n), *dst = random_images(12, n);
    for (int64_t i = 0; i < n_src; i++) huge[i] = (2.0f * huge[i] - 1.0f) * 3e38f;
    sc_net *net = tensors_net(t);
    run(net, 1, h, w, src, first);
    run(net, 1, h, w, huge, dst);
    run(net, 1, h, w, src, dst);
    CHECK(memcmp(first, dst, (size_t)n * sizeof(float)) == 0);
    sc_net_destroy(net);
    sc_free(src);
    sc_free(huge);
    sc_free(first);
    sc_free(dst);
}

static void test_results(sc_net_kind kind)
{
    tensors *t = tensors_usual(kind);
    const int64_t h = kind == SC_MULTIRESUNET ? 16 : 37;
    const int64_t w = kind == SC_MULTIRESUNET ? check_few(32, 16) : 32;
    const int64_t small = kind == SC_MULTIRESUNET ? 16 : 32;
    check_engines(t, h, w);
    check_overflow(t, h, w);
    if (sc_cpu_isa() >= SC_ISA_AVX2) {
        check_bits(t, h, w);
        t->config.isa = SC_ISA_AVX2;
        if (sc_cpu_isa() > SC_ISA_AVX2 || check_few(1, 0)) check_bits(t, small, small);
        t->config.isa = SC_ISA_AUTO;
    } else {
        fprintf(stderr, "skipped: bits of own kernels, which this CPU lacks\n");
    }
    if (sc_cpu_has_bf16()) {
        t->config.precision = SC_PRECISION_BF16;
        check_bits(t, h, w);
        check_overflow(t, h, w);
        t->config.isa = SC_ISA_AVX512_BF16;
        check_bits(t, small, small);
    }
    tensors_destroy(t);
}

/* ---- Calls that meet -------------------------------------------------------------------- */

typedef struct {
    sc_net *net;
    const float *src, *want;
    int n_wrong, n_done;
} caller;

static int n_calls(void) { return check_few(4, 1); }

static void *call_often(void *arg)
{
    caller *c = arg;
    for (int i = 0; i < n_calls(); i++) {
        float dst[2] = {-1, -1};
        if (net_forward(c->net, 1, 32, 32, c->src, dst, NULL) == SC_OK) {
            c->n_done++;
        }
        c->n_wrong += memcmp(dst, c->want, sizeof dst) != 0;
    }
    return NULL;
}

static int child_main(caller *c)
{
#ifdef __SANITIZE_THREAD__
    return 0; /* a lost thread may hold the lock of the sanitizer's own allocator */
#endif
#ifdef VALGRIND_CLO_CHANGE
    /* What the threads hold that the child does not have is lost there by design. */
    VALGRIND_CLO_CHANGE("--leak-check=no");
#endif
    call_often(c);
    if (c->n_wrong != 0 || c->n_done != n_calls()) return 1;
    sc_net_destroy(c->net);
    return 0;
}

static void test_threads_and_forks(void)
{
    enum { N = 3 };
    tensors *t = tensors_usual(SC_DENSENET121);
    t->config.threads = 2;
    sc_net *net = tensors_net(t);
    float *src = random_images(13, 3 * 32 * 32), want[2];
    run(net, 1, 32, 32, src, want);
    check_sane(want, 2);
    pthread_t threads[N];
    caller callers[N];
    for (int i = 0; i < N; i++) {
        callers[i] = (caller){.net = net, .src = src, .want = want};
        CHECK_EQ(pthread_create(&threads[i], NULL, call_often, &callers[i]), 0);
    }
    const pid_t child = fork(); /* while they run */
    if (child == 0) {
        alarm(check_few(60, 3600)); /* rather killed than hanging */
        caller c = {.net = net, .src = src, .want = want};
        _exit(child_main(&c));
    }
    int status = -1;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    for (int i = 0; i < N; i++) {
        pthread_join(threads[i], NULL);
        CHECK_EQ(callers[i].n_done, n_calls());
        CHECK_EQ(callers[i].n_wrong, 0);
    }
    sc_free(src);
    sc_net_destroy(net);
    tensors_destroy(t);
}

static int cancel_at_once(void *arg)
{
    ++*(int *)arg;
    return 1;
}

static void test_cancel(void)
{
    tensors *t = tensors_usual(SC_MULTIRESUNET);
    t->config.threads = 2;
    sc_net *net = tensors_net(t);
    enum { N = 400 }; /* far more than 50 ms */
    const int side = check_few(32, 16), size = side * side;
    float *src = random_images(14, N * size), *dst = random_images(15, N * size);
    float first[32 * 32];
    int n_polls = 0;
    sc_error err = {0};
    run(net, 1, side, side, src, first);
    const sc_call call = {.n = N,
                          .h = side,
                          .w = side,
                          .images = src,
                          .forward = {.probabilities = dst},
                          .poll = cancel_at_once,
                          .poll_arg = &n_polls};
    const sc_status status = sc_net_run(net, &call, &err);
    CHECK_EQ(status, SC_CANCELLED);
    CHECK_EQ(err.code, SC_CANCELLED);
    CHECK(n_polls >= 1);
    run(net, 1, side, side, src, dst);
    CHECK(memcmp(first, dst, (size_t)size * sizeof *first) == 0);
    sc_free(src);
    sc_free(dst);
    sc_net_destroy(net);
    tensors_destroy(t);
}

int main(void)
{
    test_bad_models(SC_MULTIRESUNET, "encoder.0.a.conv.weight", "head.norm.bias");
    test_bad_models(SC_DENSENET121, "features.conv0.weight", "output.bias");
    test_bad_configs();
    test_bad_images(SC_MULTIRESUNET);
    test_bad_images(SC_DENSENET121);
    test_results(SC_MULTIRESUNET);
    test_results(SC_DENSENET121);
    test_threads_and_forks();
    test_cancel();
    return check_end();
}
