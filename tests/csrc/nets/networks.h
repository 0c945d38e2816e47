/* Seeded random tensors of both architectures, and networks made of them. */
#ifndef SC_TESTS_NETWORKS_H
#define SC_TESTS_NETWORKS_H

#include "spinalcord.h"

#include "base/memory.h"

#include "check.h"
#include "random.h"

#include <string.h>

enum { TENSORS_MAX = 800, TENSORS_MAX_VALUES = 8 << 20 };

typedef struct {
    sc_net_config config;
    int64_t n, n_values;
    sc_tensor tensors[TENSORS_MAX];
    char names[TENSORS_MAX][128];
    float *values;
    generator g;
} tensors;

/* Uniform values of the given mean and half width. */
static inline void tensors_add(tensors *t, const char *prefix, const char *suffix,
                               int ndim, const int64_t *shape, float mean, float width)
{
    sc_tensor *one = &t->tensors[t->n];
    snprintf(t->names[t->n], sizeof t->names[0], "%s%s", prefix, suffix);
    *one = (sc_tensor){
        .name = t->names[t->n++], .ndim = ndim, .data = t->values + t->n_values};
    int64_t n = 1;
    for (int i = 0; i < ndim; i++) n *= one->shape[i] = shape[i];
    for (int64_t i = 0; i < n; i++) {
        t->values[t->n_values++] = next_real(&t->g, mean - width, mean + width);
    }
}

static inline void tensors_conv(tensors *t, const char *name, int64_t oc, int64_t ic,
                                int64_t k)
{
    const int64_t shape[] = {oc, ic, k, k};
    tensors_add(t, name, ".weight", 4, shape, 0.0f, sqrtf(6.0f / (float)(ic * k * k)));
}

static inline void tensors_norm(tensors *t, const char *name, int64_t c, bool scale)
{
    if (scale) tensors_add(t, name, ".weight", 1, &c, 1.0f, 0.4f);
    tensors_add(t, name, ".bias", 1, &c, 0.0f, 0.3f);
    tensors_add(t, name, ".running_mean", 1, &c, 0.0f, 0.3f);
    tensors_add(t, name, ".running_var", 1, &c, 1.0f, 0.5f);
}

static inline void tensors_conv_norm(tensors *t, const char *prefix, const char *part,
                                     int64_t oc, int64_t ic, int64_t k)
{
    char name[96];
    snprintf(name, sizeof name, "%s%s.conv", prefix, part);
    tensors_conv(t, name, oc, ic, k);
    snprintf(name, sizeof name, "%s%s.norm", prefix, part);
    tensors_norm(t, name, oc, false);
}

/* Returns the block's output channels. */
static inline int64_t tensors_block(tensors *t, const char *kind, int i, int64_t ic,
                                    int64_t width)
{
    char prefix[32], name[64];
    const double w = 1.67 * (double)width;
    const int64_t a = (int64_t)(0.167 * w), b = (int64_t)(0.333 * w),
                  c = (int64_t)(0.5 * w);
    snprintf(prefix, sizeof prefix, "%s.%d", kind, i);
    tensors_conv_norm(t, prefix, ".a", a, ic, 3);
    tensors_conv_norm(t, prefix, ".b", b, a, 3);
    tensors_conv_norm(t, prefix, ".c", c, b, 3);
    tensors_conv_norm(t, prefix, ".shortcut", a + b + c, ic, 1);
    snprintf(name, sizeof name, "%s.concat_norm", prefix);
    tensors_norm(t, name, a + b + c, true);
    snprintf(name, sizeof name, "%s.out_norm", prefix);
    tensors_norm(t, name, a + b + c, true);
    return a + b + c;
}

static inline void tensors_multiresunet(tensors *t)
{
    char name[64];
    int64_t ic = t->config.in_channels, oc;
    for (int i = 0; i < 5; i++) {
        ic = tensors_block(t, "encoder", i, ic, (int64_t)32 << i);
        for (int j = 0; i < 4 && j < 4 - i; j++) {
            const int64_t f = (int64_t)32 << i;
            snprintf(name, sizeof name, "path.%d.%d", i, j);
            tensors_conv_norm(t, name, ".shortcut", f, j == 0 ? ic : f, 1);
            tensors_conv_norm(t, name, ".conv", f, j == 0 ? ic : f, 3);
            strcat(name, ".out_norm");
            tensors_norm(t, name, f, true);
        }
    }
    for (int k = 0; k < 4; k++) {
        const int64_t width = (int64_t)256 >> k, shape[] = {ic, width, 2, 2};
        snprintf(name, sizeof name, "up.%d", k);
        tensors_add(t, name, ".weight", 4, shape, 0.0f, sqrtf(3.0f / (float)ic));
        tensors_add(t, name, ".bias", 1, &width, 0.0f, 0.1f);
        ic = tensors_block(t, "decoder", k, 2 * width, width);
    }
    oc = t->config.outputs;
    tensors_conv(t, "head.conv", oc, ic, 1);
    if (t->config.final_norm)
        tensors_norm(t, "head.norm", oc, false);
    else
        tensors_add(t, "head.conv", ".bias", 1, &oc, 0.0f, 1.0f);
}

static inline void tensors_densenet121(tensors *t)
{
    static const int LAYERS[] = {6, 12, 24, 16};
    char name[72];
    int64_t c = 64;
    tensors_conv(t, "features.conv0", c, t->config.in_channels, 7);
    tensors_norm(t, "features.norm0", c, true);
    for (int b = 0; b < 4; b++) {
        for (int i = 0; i < LAYERS[b]; i++, c += 32) {
            const int n = snprintf(name, sizeof name,
                                   "features.denseblock%d.denselayer%d.", b + 1, i + 1);
            strcpy(name + n, "norm1");
            tensors_norm(t, name, c, true);
            strcpy(name + n, "conv1");
            tensors_conv(t, name, 128, c, 1);
            strcpy(name + n, "norm2");
            tensors_norm(t, name, 128, true);
            strcpy(name + n, "conv2");
            tensors_conv(t, name, 32, 128, 3);
        }
        if (b == 3) break;
        snprintf(name, sizeof name, "features.transition%d.norm", b + 1);
        tensors_norm(t, name, c, true);
        snprintf(name, sizeof name, "features.transition%d.conv", b + 1);
        tensors_conv(t, name, c / 2, c, 1);
        c /= 2;
    }
    tensors_norm(t, "features.norm5", c, true);
    const int64_t hidden[] = {128, 1024}, output[] = {2, 128};
    tensors_add(t, "hidden", ".weight", 2, hidden, 0.0f, 0.08f);
    tensors_add(t, "hidden", ".bias", 1, hidden, 0.0f, 0.1f);
    tensors_add(t, "output", ".weight", 2, output, 0.0f, 0.1f);
    tensors_add(t, "output", ".bias", 1, output, 0.0f, 0.1f);
}

/* Tensors for the architecture as it usually is; change .config before the network is
 * made, but for in_channels, outputs and final_norm. */
static inline tensors *tensors_create(sc_net_kind kind, int in_channels, int outputs,
                                      bool final_norm)
{
    tensors *t = sc_calloc(sizeof *t);
    t->values = sc_alloc((size_t)TENSORS_MAX_VALUES * sizeof(float));
    t->config = (sc_net_config){.kind = kind,
                                .in_channels = in_channels,
                                .outputs = outputs,
                                .norm_eps = kind == SC_MULTIRESUNET ? 1e-3f : 1e-5f,
                                .final_norm = final_norm,
                                .final_relu = true,
                                .precision = SC_PRECISION_F32,
                                .threads = 1};
    t->g.state = (uint64_t)kind;
    if (kind == SC_MULTIRESUNET)
        tensors_multiresunet(t);
    else
        tensors_densenet121(t);
    return t;
}

static inline tensors *tensors_usual(sc_net_kind kind)
{
    const bool maps = kind == SC_MULTIRESUNET;
    return tensors_create(kind, maps ? 1 : 3, maps ? 1 : 2, true);
}

static inline void tensors_destroy(tensors *t)
{
    sc_free(t->values);
    sc_free(t);
}

/* The tensor of that name, or a failed check and the first. */
static inline sc_tensor *tensors_find(tensors *t, const char *name)
{
    for (int64_t i = 0; i < t->n; i++) {
        if (strcmp(t->names[i], name) == 0) return &t->tensors[i];
    }
    CHECK(!"such a tensor");
    return t->tensors;
}

static inline sc_net *tensors_net(const tensors *t)
{
    sc_net *net = NULL;
    sc_error err = {0};
    CHECK_EQ(sc_net_create(&t->config, t->tensors, t->n, &net, &err), SC_OK);
    if (net == NULL) fprintf(stderr, "%s\n", err.text);
    return net;
}

/* Run a network forward, for the probabilities alone. */
static inline sc_status net_forward(sc_net *net, int64_t n, int64_t h, int64_t w,
                                    const float *src, float *dst, sc_error *err)
{
    const sc_call call = {
        .n = n, .h = h, .w = w, .images = src, .forward = {.probabilities = dst}};
    return sc_net_run(net, &call, err);
}

/* Run it backward; 'what' has room for the results. */
static inline sc_status net_backward(sc_net *net, int64_t n, int64_t h, int64_t w,
                                     const float *src, const sc_backward *what,
                                     sc_error *err)
{
    const sc_call call = {
        .pass = SC_BACKWARD, .n = n, .h = h, .w = w, .images = src, .backward = *what};
    return sc_net_run(net, &call, err);
}

/* 'n' images of values from 0 to 1. */
static inline float *random_images(uint64_t seed, int64_t n_values)
{
    generator g = {seed};
    float *out = sc_alloc((size_t)n_values * sizeof *out);
    for (int64_t i = 0; i < n_values; i++) out[i] = next_real(&g, 0.0f, 1.0f);
    return out;
}

/* The ranges of all steps of a network, by name. */
typedef struct {
    sc_range ranges[2 * SC_MAX_STEPS];
    char names[2 * SC_MAX_STEPS][72];
} tensors_ranges;

static inline void tensors_widen(tensors *t, const char *name, const char *suffix,
                                 const float *ends, tensors_ranges *out)
{
    char whole[72];
    /* The length of a name is told because gcc takes it for that of the array of steps. */
    snprintf(whole, sizeof whole, "%.63s%s", name, suffix);
    for (int64_t i = 0; i < t->config.n_ranges; i++) {
        if (strcmp(out->names[i], whole) != 0) continue;
        out->ranges[i].low = fminf(out->ranges[i].low, ends[0]);
        out->ranges[i].high = fmaxf(out->ranges[i].high, ends[1]);
        return;
    }
    const int64_t n = t->config.n_ranges++;
    memcpy(out->names[n], whole, sizeof whole);
    out->ranges[n] = (sc_range){out->names[n], ends[0], ends[1]};
}

/* Run 'n' images of side x side in float32 to 'results', and give the configuration the
 * ranges on the way, which are in 'out'. */
static inline void tensors_measure(tensors *t, int64_t n, int64_t side,
                                   const float *images, float *results,
                                   tensors_ranges *out)
{
    static float ends[4 * SC_MAX_STEPS];
    static sc_layer_info steps[SC_MAX_STEPS];
    memset(ends, 0, sizeof ends);
    sc_net *net = tensors_net(t);
    const sc_call call = {.n = n,
                          .h = side,
                          .w = side,
                          .images = images,
                          .forward = {.probabilities = results},
                          .ranges = ends};
    int64_t n_steps = 0;
    CHECK_EQ(sc_net_run(net, &call, NULL), SC_OK);
    CHECK_EQ(sc_net_steps(net, SC_FORWARD, SC_LAYER_INPUT, side, side, steps, &n_steps,
                          NULL),
             SC_OK);
    for (int64_t i = 0; i < n_steps; i++) {
        tensors_widen(t, steps[i].name, ":in", &ends[4 * i], out);
        tensors_widen(t, steps[i].name, "", &ends[4 * i + 2], out);
    }
    sc_net_destroy(net);
    t->config.ranges = out->ranges;
}

#endif
