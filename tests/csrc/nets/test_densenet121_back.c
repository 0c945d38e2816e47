/* DenseNet121 backward: against differences of the core's own outputs, on every engine
 * and any number of threads; what is refused; where calls meet.  PyTorch's autograd is
 * the judge in tests/nets/test_backward.py. */
#include "spinalcord.h"

#include "check.h"
#include "networks.h"

#include <pthread.h>

enum { H = 37, W = 32, BATCH = 3 };
static const float POSITIVE[2] = {0, 1}, GAP[2] = {-1, 1};

static int64_t layer_values(const sc_net *net, sc_layer layer, int64_t h, int64_t w)
{
    sc_shape shape = {0};
    CHECK_EQ(sc_net_shape(net, SC_OUTPUT_LAYER, layer, h, w, &shape, NULL), SC_OK);
    CHECK_EQ(shape.n_axes, 3);
    return shape.extents[0] * shape.extents[1] * shape.extents[2];
}

/* Gradients of the difference of the logits, and the layer's maps. */
static void backward(sc_net *net, sc_layer layer, int64_t n, const float *src,
                     float *activations, float *gradients)
{
    const sc_backward what = {.layer = layer,
                              .direction = GAP,
                              .activations = activations,
                              .gradients = gradients};
    sc_error err = {0};
    CHECK_EQ(net_backward(net, n, H, W, src, &what, &err), SC_OK);
    if (err.code != SC_OK) fprintf(stderr, "%s\n", err.text);
}

static double gap(sc_net *net, const float *src)
{
    float p[2];
    CHECK_EQ(net_forward(net, 1, H, W, src, p, NULL), SC_OK);
    return log((double)p[1]) - log((double)p[0]);
}

/* Along its own gradient an image's answer moves by the gradient's square. */
static void check_differences(sc_net *net)
{
    enum { N = 3 * H * W };
    float *src = random_images(1, N), *moved = random_images(2, N);
    float *same = random_images(3, N), *grad = random_images(4, N);
    backward(net, SC_LAYER_INPUT, 1, src, same, grad);
    CHECK(memcmp(src, same, N * sizeof *src) == 0);
    double square = 0, gain = 0;
    for (int i = 0; i < N; i++) square += (double)grad[i] * (double)grad[i];
    CHECK(square > 1e-8);
    for (int side = -1; side <= 1; side += 2) {
        for (int i = 0; i < N; i++) {
            const double by = side * 0.01 / square * (double)grad[i];
            moved[i] = (float)((double)src[i] + by);
        }
        gain += side * gap(net, moved);
    }
    CHECK_NEAR(gain / 0.02, 1.0, 0.04);
    sc_free(src);
    sc_free(moved);
    sc_free(same);
    sc_free(grad);
}

/* One layer's results on 1 to 3 threads, in a batch and alone; 'first' takes those of
 * one thread. */
static void check_bits(tensors *t, sc_layer layer, float *first)
{
    const int64_t n_src = 3 * H * W;
    float *src = random_images(5, BATCH * n_src);
    const int batch = check_few(BATCH, 2), most = check_few(3, 2);
    for (int threads = 1; threads <= most; threads++) {
        t->config.threads = threads;
        sc_net *net = tensors_net(t);
        const int64_t n = layer_values(net, layer, H, W);
        float *maps = random_images(6, batch * n), *got = random_images(7, batch * n);
        backward(net, layer, batch, src, maps, got);
        if (threads == 1) memcpy(first, got, (size_t)(batch * n) * sizeof *got);
        CHECK(memcmp(first, got, (size_t)(batch * n) * sizeof *got) == 0);
        for (int64_t i = batch - 1; i >= 0; i--) {
            backward(net, layer, 1, src + i * n_src, maps, got);
            CHECK(memcmp(first + i * n, got, (size_t)n * sizeof *got) == 0);
        }
        sc_free(maps);
        sc_free(got);
        sc_net_destroy(net);
    }
    t->config.threads = 1;
    sc_free(src);
}

static void check_engine(tensors *t, bool own)
{
    static const sc_layer LAYERS[] = {SC_LAYER_INPUT, SC_LAYER_BLOCK3};
    sc_net *net = tensors_net(t);
    check_differences(net);
    sc_layer_info steps[SC_MAX_STEPS];
    int64_t n = 0;
    int64_t n_forward = 0;
    CHECK_EQ(
        sc_net_steps(net, SC_FORWARD, SC_LAYER_INPUT, H, W, steps, &n_forward, NULL),
        SC_OK);
    CHECK_EQ(sc_net_steps(net, SC_BACKWARD, SC_LAYER_INPUT, H, W, steps, &n, NULL),
             SC_OK);
    CHECK_EQ(n, 2 * n_forward);
    for (int64_t i = 0; i < n; i++) {
        CHECK(strstr(steps[i].implementation, "bf16") == NULL);
        CHECK(steps[i].name[0] != '\0' && steps[i].shape[0] > 0);
    }
    for (int i = t->config.isa == SC_ISA_AVX2; i < 2 && own; i++) {
        float *first = random_images(8, BATCH * layer_values(net, LAYERS[i], H, W));
        check_bits(t, LAYERS[i], first);
        sc_free(first);
    }
    sc_net_destroy(net);
}

static void test_engines(void)
{
    const sc_isa isas[] = {SC_ISA_BASE, SC_ISA_AVX2, SC_ISA_AVX512, SC_ISA_AVX512_BF16};
    tensors *t = tensors_usual(SC_DENSENET121);
    for (int i = 0; i < 4; i++) {
        if (isas[i] > sc_cpu_isa()) {
            fprintf(stderr, "skipped: gradients with %s, which this CPU lacks\n",
                    sc_isa_name(isas[i]));
            continue;
        }
        t->config.isa = isas[i];
        check_engine(t, isas[i] == SC_ISA_AVX2 || isas[i] == SC_ISA_AVX512);
    }
    tensors_destroy(t);
}

/* The float32 twin of a bf16 network computes what the float32 network does. */
static void test_bf16(void)
{
    if (!sc_cpu_has_bf16()) {
        fprintf(stderr, "skipped: gradients of a bf16 network, which this CPU lacks\n");
        return;
    }
    tensors *t = tensors_usual(SC_DENSENET121);
    sc_net *f32 = tensors_net(t);
    t->config.precision = SC_PRECISION_BF16;
    sc_net *bf16 = tensors_net(t);
    memset(t->values, 0, (size_t)t->n_values * sizeof *t->values); /* they are kept */
    const int64_t n = layer_values(f32, SC_LAYER_BLOCK3, H, W);
    float *src = random_images(9, 3 * H * W), *maps = random_images(10, n);
    float *want = random_images(11, n), *got = random_images(12, n);
    backward(f32, SC_LAYER_BLOCK3, 1, src, maps, want);
    backward(bf16, SC_LAYER_BLOCK3, 1, src, maps, got);
    CHECK(memcmp(want, got, (size_t)n * sizeof *got) == 0);
    backward(bf16, SC_LAYER_BLOCK3, 1, src, maps, got);
    CHECK(memcmp(want, got, (size_t)n * sizeof *got) == 0);
    sc_free(src);
    sc_free(maps);
    sc_free(want);
    sc_free(got);
    sc_net_destroy(f32);
    sc_net_destroy(bf16);
    tensors_destroy(t);
}

static bool refused(sc_net *net, int64_t h, sc_backward what, const float *src,
                    sc_status code, const char *text)
{
    sc_error err = {0};
    float maps[1], grads[1]; /* refused before it is written to */
    what.activations = maps;
    what.gradients = grads;
    CHECK_EQ(net_backward(net, 1, h, W, src, &what, &err), code);
    if (strstr(err.text, text) != NULL) return true;
    fprintf(stderr, "not in \"%s\": %s\n", err.text, text);
    return false;
}

static void test_refusals(void)
{
    tensors *t = tensors_usual(SC_DENSENET121), *u = tensors_usual(SC_MULTIRESUNET);
    sc_net *dense = tensors_net(t), *maps = tensors_net(u);
    float *src = random_images(13, 3 * H * W), bad[2] = {0, NAN};
    const sc_backward good = {.layer = SC_LAYER_LAST, .direction = POSITIVE};
    sc_backward what = good;
    CHECK(refused(maps, 32, good, src, SC_BAD_VALUE, "densenet121 only"));
    CHECK(refused(dense, 31, good, src, SC_BAD_SHAPE, "31"));
    what.layer = (sc_layer)6;
    CHECK(refused(dense, H, what, src, SC_BAD_VALUE, "expected 0 to 5"));
    what = good;
    what.direction = bad;
    CHECK(refused(dense, H, what, src, SC_NOT_FINITE, "direction"));
    src[5] = INFINITY;
    CHECK(refused(dense, H, good, src, SC_NOT_FINITE, "1 of"));
    sc_shape shape;
    CHECK_EQ(sc_net_shape(maps, SC_OUTPUT_LAYER, SC_LAYER_LAST, 32, 32, &shape, NULL),
             SC_BAD_VALUE);
    CHECK_EQ(sc_net_shape(maps, SC_OUTPUT_CAM, SC_LAYER_LAST, 32, 32, &shape, NULL),
             SC_BAD_VALUE);
    CHECK_EQ(sc_net_shape(dense, (sc_output)7, SC_LAYER_LAST, 32, 32, &shape, NULL),
             SC_BAD_VALUE);
    CHECK_EQ(sc_net_shape(dense, SC_OUTPUT_CAM, SC_LAYER_LAST, 31, 32, &shape, NULL),
             SC_BAD_SHAPE);
    const sc_call other = {.pass = (sc_pass)2, .n = 1, .h = H, .w = W, .images = src};
    CHECK_EQ(sc_net_run(dense, &other, NULL), SC_BAD_VALUE);
    sc_free(src);
    sc_net_destroy(dense);
    sc_net_destroy(maps);
    tensors_destroy(t);
    tensors_destroy(u);
}

static int cancel_at_once(void *arg)
{
    (void)arg;
    return 1;
}

static void test_cancelled(void)
{
    tensors *t = tensors_usual(SC_DENSENET121);
    sc_net *net = tensors_net(t);
    enum { N = 40 };
    const int side = check_few(64, 32);
    float *src = random_images(14, N * 3 * side * side);
    const int64_t n = layer_values(net, SC_LAYER_BLOCK1, side, side);
    float *maps = random_images(15, N * n), *grads = random_images(16, N * n);
    const sc_call call = {.pass = SC_BACKWARD,
                          .n = N,
                          .h = side,
                          .w = side,
                          .images = src,
                          .backward = {.layer = SC_LAYER_BLOCK1,
                                       .direction = POSITIVE,
                                       .activations = maps,
                                       .gradients = grads},
                          .poll = cancel_at_once};
    CHECK_EQ(sc_net_run(net, &call, NULL), SC_CANCELLED);
    sc_free(src);
    sc_free(maps);
    sc_free(grads);
    sc_net_destroy(net);
    tensors_destroy(t);
}

/* ---- First calls that meet -------------------------------------------------------- */

typedef struct {
    sc_net *net;
    sc_layer layer;
    const float *src;
    float *maps, *grads;
} caller;

static void *call(void *arg)
{
    const caller *c = arg;
    const sc_backward what = {.layer = c->layer,
                              .direction = GAP,
                              .activations = c->maps,
                              .gradients = c->grads};
    CHECK_EQ(net_backward(c->net, 1, H, W, c->src, &what, NULL), SC_OK);
    return NULL;
}

/* Several threads make the weights that several layers need, at once. */
static void test_first_calls_together(bool bf16)
{
    enum { N = 4 };
    static const sc_layer LAYERS[N] = {SC_LAYER_BLOCK3, SC_LAYER_INPUT, SC_LAYER_BLOCK2,
                                       SC_LAYER_BLOCK3};
    tensors *t = tensors_usual(SC_DENSENET121);
    sc_net *alone = tensors_net(t);
    if (bf16) t->config.precision = SC_PRECISION_BF16;
    sc_net *net = tensors_net(t);
    float *src = random_images(17, 3 * H * W);
    pthread_t threads[N];
    caller callers[N];
    for (int i = 0; i < N; i++) {
        const int64_t n = layer_values(net, LAYERS[i], H, W);
        callers[i] =
            (caller){net, LAYERS[i], src, random_images(18, n), random_images(19, n)};
        CHECK_EQ(pthread_create(&threads[i], NULL, call, &callers[i]), 0);
    }
    for (int i = 0; i < N; i++) {
        const size_t n = (size_t)layer_values(net, LAYERS[i], H, W);
        float *maps = random_images(20, (int64_t)n),
              *want = random_images(21, (int64_t)n);
        backward(alone, LAYERS[i], 1, src, maps, want);
        pthread_join(threads[i], NULL);
        CHECK(memcmp(callers[i].grads, want, n * sizeof *want) == 0);
        CHECK(memcmp(callers[i].maps, maps, n * sizeof *maps) == 0);
        sc_free(maps);
        sc_free(want);
        sc_free(callers[i].maps);
        sc_free(callers[i].grads);
    }
    sc_free(src);
    sc_net_destroy(alone);
    sc_net_destroy(net);
    tensors_destroy(t);
}

int main(void)
{
    test_engines();
    test_bf16();
    test_refusals();
    test_cancelled();
    test_first_calls_together(false);
    if (sc_cpu_has_bf16()) test_first_calls_together(true);
    return check_end();
}
