/* Plans for the sizes seen lately: results when they come back, batches that do not
 * divide evenly, descriptions and profiles. */
#include "nets/runner.h"

#include "base/clock.h"

#include "check.h"
#include "networks.h"

/* Sizes that come and go: more than a runner keeps. */
static void test_many_sizes(void)
{
    enum { N_SIZES = SC_MAX_PLANS + 2, SIDE = 32 + N_SIZES };
    tensors *t = tensors_usual(SC_DENSENET121);
    t->config.threads = 2;
    sc_net *net = tensors_net(t);
    float *src = random_images(1, 3 * SIDE * SIDE), first[N_SIZES][2];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < N_SIZES; i += round == 0 ? 1 : check_few(1, 3)) {
            float dst[2];
            const int64_t h = 32 + i;
            CHECK_EQ(net_forward(net, 1, h, 32, src, dst, NULL), SC_OK);
            if (round == 0)
                memcpy(first[i], dst, sizeof dst);
            else
                CHECK(memcmp(first[i], dst, sizeof dst) == 0);
        }
    }
    CHECK(first[0][0] != first[N_SIZES - 1][0]);
    sc_free(src);
    sc_net_destroy(net);
    tensors_destroy(t);
}

/* Extras of a batch, image by image, whoever computed which. */
static void test_batches(void)
{
    enum { N = 5, SIDE = 32, MAPS = 1024 };
    const int n = check_few(N, 3);
    static float features[2][N * MAPS], cam[2][N], dst[2][N * 2];
    tensors *t = tensors_usual(SC_DENSENET121);
    float *src = random_images(2, N * 3 * SIDE * SIDE);
    for (int i = 0; i < 2; i++) {
        t->config.threads = 1 + i;
        sc_net *net = tensors_net(t);
        const sc_call call = {.n = n,
                              .h = SIDE,
                              .w = SIDE,
                              .images = src,
                              .forward = {.probabilities = dst[i],
                                          .features = features[i],
                                          .cam = cam[i],
                                          .cam_index = 1}};
        CHECK_EQ(sc_net_run(net, &call, NULL), SC_OK);
        sc_net_destroy(net);
    }
    bool good = true;
    for (int i = 0; i < n * MAPS; i++) {
        good = good && fabsf(features[0][i] - features[1][i]) <= 1e-4f;
    }
    CHECK(good);
    for (int i = 0; i < n; i++) {
        CHECK_NEAR(cam[0][i], cam[1][i], 1e-4);
        CHECK_NEAR(dst[0][2 * i], dst[1][2 * i], 1e-5);
        if (i > 0)
            CHECK(cam[0][i] != cam[0][i - 1] && dst[0][2 * i] != dst[0][2 * i - 2]);
    }
    sc_free(src);
    tensors_destroy(t);
}

/* The first batch of four images a thread measures both ways; no result depends on it. */
static void test_batches_are_measured(void)
{
    enum { N = 9, SIDE = 32, THREADS = 2 };
    static float dst[N * 2], one[2];
    tensors *t = tensors_usual(SC_DENSENET121);
    float *src = random_images(2, N * 3 * SIDE * SIDE);
    sc_plan_info info;
    t->config.threads = THREADS;
    sc_net *net = tensors_net(t);
    for (int n = 4; n <= N; n += N - 4) {
        CHECK_EQ(net_forward(net, n, SIDE, SIDE, src, dst, NULL), SC_OK);
        CHECK_EQ(sc_net_plan_info(net, SIDE, SIDE, &info, NULL), SC_OK);
        CHECK_EQ(info.measured, n >= 4 * THREADS);
        CHECK(info.nbytes > 0);
    }
    CHECK(info.alone_seconds > 0 && info.together_seconds > 0);
    CHECK_EQ(info.alone, info.alone_seconds <= info.together_seconds);
    for (int i = 0; i < N; i += check_few(1, N - 1)) {
        CHECK_EQ(net_forward(net, 1, SIDE, SIDE, src + i * 3 * SIDE * SIDE, one, NULL),
                 SC_OK);
        CHECK(memcmp(one, dst + 2 * i, sizeof one) == 0);
    }
    CHECK_EQ(sc_net_plan_info(net, 1, 1, &info, NULL), SC_BAD_SHAPE);
    sc_net_destroy(net);
    sc_free(src);
    tensors_destroy(t);
}

static double giga_macs(const sc_layer_info *layers, int64_t n)
{
    double flops = 0;
    for (int64_t i = 0; i < n; i++) {
        CHECK(layers[i].name[0] != '\0' && layers[i].implementation[0] != '\0');
        CHECK(layers[i].shape[0] > 0 && layers[i].shape[1] > 0 &&
              layers[i].shape[2] > 0);
        if (strcmp(layers[i].kind, "convolution") == 0) flops += layers[i].flops;
    }
    return flops / 2e9;
}

/* 'want': the architecture's multiply-adds for 256 x 256, a sixteenth of which 64 x 64
 * take, and a sixty-fourth 32 x 32; and the values it stores. */
static void check_layers(sc_net_kind kind, double want, int64_t n_values)
{
    static sc_layer_info layers[SC_MAX_STEPS];
    static double profile[SC_MAX_STEPS];
    tensors *t = tensors_usual(kind);
    sc_net *net = tensors_net(t);
    const int64_t side = check_few(64, 32);
    int64_t n = 0;
    CHECK_EQ(
        sc_net_steps(net, SC_FORWARD, SC_LAYER_INPUT, side, side, layers, &n, NULL),
        SC_OK);
    CHECK(n > 40 && n <= SC_MAX_STEPS);
    CHECK_EQ(sc_net_n_values(net), n_values);
    CHECK_EQ(t->n_values, n_values);
    want *= (double)(side * side) / (256.0 * 256.0);
    CHECK_NEAR(giga_macs(layers, n), want, 0.01 * want);
    CHECK_EQ(sc_net_steps(net, SC_FORWARD, SC_LAYER_INPUT, 5, side, layers, &n, NULL),
             SC_BAD_SHAPE);
    for (int i = 0; i < SC_MAX_STEPS; i++) profile[i] = i < n ? 0 : -7;
    float *src = random_images(3, 2 * 3 * side * side);
    float *dst = random_images(4, 2 * side * side);
    const sc_call call = {.n = 2,
                          .h = side,
                          .w = side,
                          .images = src,
                          .forward = {.probabilities = dst},
                          .seconds = profile};
    const double start = sc_seconds_now();
    CHECK_EQ(sc_net_run(net, &call, NULL), SC_OK);
    const double elapsed = sc_seconds_now() - start;
    double seconds = 0;
    for (int64_t i = 0; i < n; i++) seconds += profile[i];
    CHECK(seconds > 1e-4 && seconds <= elapsed); /* on one thread */
    for (int64_t i = n; i < SC_MAX_STEPS; i++) CHECK_EQ(profile[i], -7.0);
    sc_free(src);
    sc_free(dst);
    sc_net_destroy(net);
    tensors_destroy(t);
}

int main(void)
{
    test_many_sizes();
    test_batches();
    test_batches_are_measured();
    check_layers(SC_MULTIRESUNET, 15.66, 7262504);
    /* 3.70 as published: the transitions pool first, which saves 0.30. */
    check_layers(SC_DENSENET121, 3.40, 7168962);
    return check_end();
}
