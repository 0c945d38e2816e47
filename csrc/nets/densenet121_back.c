/* DenseNet121 backward: see densenet121.h. */
#include "densenet121.h"

#include "../base/memory.h"
#include "../base/status.h"

#include <stdio.h>
#include <string.h>

enum { STEM_TAPS = 4, STEM_HALO = 2 };

/* The convolutions the other way; NULL where no call has gone that deep. */
struct sc_dense_back {
    sc_conv_weights *conv1[DENSE_N_LAYERS], *conv2[DENSE_N_LAYERS];
    sc_conv_weights *transitions[DENSE_N_BLOCKS - 1];
    sc_conv_weights *stem;
};

void sc_dense_back_destroy(sc_dense_back *back)
{
    if (back == NULL) return;
    for (int i = 0; i < DENSE_N_LAYERS; i++) {
        sc_conv_weights_destroy(back->conv1[i]);
        sc_conv_weights_destroy(back->conv2[i]);
    }
    for (int i = 0; i < DENSE_N_BLOCKS - 1; i++) {
        sc_conv_weights_destroy(back->transitions[i]);
    }
    sc_conv_weights_destroy(back->stem);
    sc_free(back);
}

/* ---- Weights -------------------------------------------------------------------- */

/* 'conv' with its kernel flipped and its channels swapped, times 'factor', times
 * 'scale' for each channel that goes out (NULL: ones). */
static sc_status turn(const sc_engine *engine, const sc_conv_weights *conv,
                      const float *scale, float factor, sc_conv_weights **out,
                      sc_error *err)
{
    const sc_conv_shape *s = &conv->shape;
    const sc_conv_shape turned = {s->ic, s->oc, s->kh, s->kw, 1, false};
    const int64_t n = s->oc * s->ic * s->kh * s->kw;
    float *wei = sc_alloc((size_t)n * sizeof *wei), *to = wei;
    if (wei == NULL) return sc_fail(err, SC_NOMEM, "no memory for a layer's weights");
    for (int64_t k = 0; k < s->ic; k++) {
        for (int64_t o = 0; o < s->oc; o++) {
            for (int64_t y = s->kh - 1; y >= 0; y--) {
                for (int64_t x = s->kw - 1; x >= 0; x--) {
                    *to++ = factor * sc_conv_weights_at(conv, o, y, x, k);
                }
            }
        }
    }
    const sc_status status =
        sc_conv_weights_create(engine, turned, wei, scale, NULL, out, err);
    sc_free(wei);
    return status;
}

/* Input row 2 Y + a was under kernel row a + 3 + 2 (Y - s) of stem row s, and so for
 * columns: of the 4 stem rows from Y - 1 on, 3 or 4 count.  Channels (a, b, c). */
static sc_status turn_stem(const sc_engine *engine, const sc_conv_weights *stem,
                           int64_t in_channels, sc_conv_weights **out, sc_error *err)
{
    const sc_conv_shape shape = {4 * in_channels, DENSE_STEM, STEM_TAPS,
                                 STEM_TAPS,       1,          true};
    const int64_t n = shape.oc * shape.ic * STEM_TAPS * STEM_TAPS;
    float *wei = sc_calloc((size_t)n * sizeof *wei), *to = wei;
    if (wei == NULL) return sc_fail(err, SC_NOMEM, "no memory for a layer's weights");
    for (int64_t o = 0; o < shape.oc; o++) {
        const int64_t c = o % in_channels, parity = o / in_channels;
        for (int64_t k = 0; k < shape.ic; k++) {
            for (int64_t t = 0; t < STEM_TAPS * STEM_TAPS; t++, to++) {
                const int64_t y = parity / 2 + 5 - 2 * (t / STEM_TAPS);
                const int64_t x = parity % 2 + 5 - 2 * (t % STEM_TAPS);
                if (y >= 0 && x >= 0) *to = sc_conv_weights_at(stem, k, y, x, c);
            }
        }
    }
    const sc_status status =
        sc_conv_weights_create(engine, shape, wei, NULL, NULL, out, err);
    sc_free(wei);
    return status;
}

static sc_status need_block(const sc_densenet *net, const sc_engine *engine, int first,
                            int n, sc_error *err)
{
    sc_status status = SC_OK;
    for (int i = first; i < first + n; i++) {
        const sc_dense_layer *layer = &net->layers[i];
        sc_conv_weights **conv1 = &net->back->conv1[i], **conv2 = &net->back->conv2[i];
        if (*conv1 == NULL) {
            SC_TRY(turn(engine, layer->conv1, layer->norm_scale, 1.0f, conv1, err));
        }
        if (*conv2 == NULL) {
            SC_TRY(turn(engine, layer->conv2, NULL, 1.0f, conv2, err));
        }
    }
done:
    return status;
}

sc_status sc_dense_need(void *model, const sc_engine *engine, sc_layer layer,
                        sc_error *err)
{
    sc_status status = SC_OK;
    sc_densenet *net = model;
    if (net->back == NULL) net->back = sc_calloc(sizeof *net->back);
    if (net->back == NULL) return sc_fail(err, SC_NOMEM, "no memory for DenseNet121");
    int end = DENSE_N_LAYERS;
    for (int b = DENSE_N_BLOCKS - 1; b >= (int)layer; b--) {
        const int n = SC_DENSE_LAYERS[b];
        end -= n;
        SC_TRY(need_block(net, engine, end, n, err));
        if (b == 0 || net->back->transitions[b - 1] != NULL) continue;
        const sc_dense_layer *transition = &net->transitions[b - 1];
        SC_TRY(turn(engine, transition->conv1, transition->norm_scale, 0.25f,
                    &net->back->transitions[b - 1], err));
    }
    if (layer == SC_LAYER_INPUT && net->back->stem == NULL) {
        SC_TRY(turn_stem(engine, net->stem, net->in_channels, &net->back->stem, err));
    }
done:
    return status;
}

/* ---- Steps ---------------------------------------------------------------------- */

static void planes(const sc_engine *engine, const sc_map *map, float *dst, int thread,
                   int n_threads)
{
    for (int64_t y = thread; y < map->h; y += n_threads) {
        engine->pointwise->deinterleave((const float *)map->data + y * map->row,
                                        map->step, dst + y * map->w, map->h * map->w,
                                        map->w, map->c);
    }
}

/* {a block's maps, their gradient} to the image's results. */
static void emit_block(const void *context, const sc_engine *engine, const sc_map *map,
                       const sc_image *image, int thread, int n_threads)
{
    (void)context;
    planes(engine, &map[0], image->activations, thread, n_threads);
    planes(engine, &map[1], image->gradients, thread, n_threads);
}

/* {stem, block 1's gradient} to the stem's gradient, each thread its rows. */
static void pool_back(const void *context, const sc_engine *engine, const sc_map *map,
                      const sc_image *image, int thread, int n_threads)
{
    (void)context;
    (void)image;
    const sc_map *stem = &map[0], *grad = &map[1], *dst = &map[2];
    const int64_t row0 = dst->h * thread / n_threads;
    const int64_t row1 = dst->h * (thread + 1) / n_threads;
    for (int64_t y = row0; y < row1; y++) {
        memset((float *)dst->data + y * dst->row, 0,
               (size_t)(dst->w * dst->step) * sizeof(float));
    }
    /* Pooled row y saw the stem's rows from 2 y - 1 to 2 y + 1. */
    for (int64_t y = row0 / 2; y <= sc_min(row1 / 2, grad->h - 1) && row0 < row1; y++) {
        const int64_t first = 2 * y - 1;
        engine->pointwise->max_pool_back(
            (const float *)stem->data + first * stem->row - stem->step, stem->row,
            stem->step, 3, 3, 2, sc_max(0, row0 - first), sc_min(3, row1 - first),
            (const float *)grad->data + y * grad->row, grad->step,
            (float *)dst->data + first * dst->row - dst->step, dst->row, dst->step,
            grad->w, DENSE_STEM);
    }
}

/* {the image, (a, b, c) of 2 x 2 pixels each}: the image and its gradient as planes. */
static void emit_input(const void *context, const sc_engine *engine, const sc_map *map,
                       const sc_image *image, int thread, int n_threads)
{
    (void)context;
    (void)engine;
    const sc_map *grad = &map[1];
    const int64_t h = map->h, w = map->w, channels = map->c;
    for (int64_t y = thread; y < h; y += n_threads) {
        const float *row = (const float *)grad->data + y / 2 * grad->row;
        for (int64_t c = 0; c < channels; c++) {
            const int64_t at = (c * h + y) * w;
            const float *src = row + y % 2 * 2 * channels + c;
            for (int64_t x = 0; x < w; x++) {
                image->gradients[at + x] = src[x / 2 * grad->step + x % 2 * channels];
            }
            memcpy(image->activations + at, image->src + at, (size_t)w * sizeof(float));
        }
    }
}

/* ---- Plan ----------------------------------------------------------------------- */

/* From the last layer of a block to its first: 'grad' holds the gradient of all its
 * channels, as far as what follows the block gave it, and is completed in place. */
static void build_block(const sc_densenet *net, sc_plan *plan, int b, int first,
                        const sc_dense_maps *maps, int grad)
{
    char name[64];
    for (int i = SC_DENSE_LAYERS[b] - 1; i >= 0; i--) {
        const sc_dense_layer *layer = &net->layers[first + i];
        const int64_t h = maps->h[b], w = maps->w[b];
        const int64_t channel = SC_DENSE_IN[b] + i * DENSE_GROWTH;
        const int middle = sc_plan_buffer(plan, h, w, DENSE_BOTTLENECK, 0, false);
        const sc_back relu2 = {.src = {maps->middle[first + i], 0}};
        const sc_back relu1 = {.src = {maps->block[b], 0},
                               .norm_scale = layer->norm_scale,
                               .norm_shift = layer->norm_shift,
                               .add = true};
        snprintf(name, sizeof name, "features.denseblock%d.denselayer%d.conv2", b + 1,
                 i + 1);
        sc_plan_conv(plan, &(sc_conv_step){.name = name,
                                           .wei = {net->back->conv2[first + i]},
                                           .src = {{grad, channel}},
                                           .dst = {middle, 0},
                                           .h = h,
                                           .w = w,
                                           .dst_stride = 1,
                                           .back = &relu2});
        name[strlen(name) - 1] = '1';
        sc_plan_conv(plan, &(sc_conv_step){.name = name,
                                           .wei = {net->back->conv1[first + i]},
                                           .src = {{middle, 0}},
                                           .dst = {grad, 0},
                                           .h = h,
                                           .w = w,
                                           .dst_stride = 1,
                                           .back = &relu1});
    }
}

/* Before block b to the block before it, whose gradient is the result. */
static int build_transition(const sc_densenet *net, sc_plan *plan, int b,
                            const sc_dense_maps *maps, int grad)
{
    char name[64];
    const sc_dense_layer *layer = &net->transitions[b - 1];
    const sc_back relu = {.src = {maps->block[b - 1], 0},
                          .norm_scale = layer->norm_scale,
                          .norm_shift = layer->norm_shift,
                          .spread2 = true};
    const int dst = sc_plan_buffer(plan, maps->h[b - 1], maps->w[b - 1],
                                   SC_DENSE_OUT[b - 1], 1, false);
    snprintf(name, sizeof name, "features.transition%d.conv", b);
    sc_plan_conv(plan, &(sc_conv_step){.name = name,
                                       .wei = {net->back->transitions[b - 1]},
                                       .src = {{grad, 0}},
                                       .dst = {dst, 0},
                                       .h = maps->h[b],
                                       .w = maps->w[b],
                                       .dst_stride = 1,
                                       .back = &relu});
    return dst;
}

static void build_stem(const sc_densenet *net, sc_plan *plan, const sc_dense_maps *maps,
                       int grad)
{
    const int64_t h = maps->stem_h, w = maps->stem_w;
    const int stem = sc_plan_buffer(plan, h, w, DENSE_STEM, STEM_HALO, true);
    const int image = sc_plan_buffer(plan, h, w, 4 * net->in_channels, 0, false);
    sc_plan_custom_to(plan, "features.pool0", "max pooling",
                      (sc_view[]){{maps->stem, 0}, {grad, 0}}, (sc_view){stem, 0},
                      pool_back, NULL, 9.0 * (double)(maps->h[0] * maps->w[0] * 64));
    sc_plan_conv(plan, &(sc_conv_step){.name = "features.conv0",
                                       .wei = {net->back->stem},
                                       .src = {{stem, 0}},
                                       .dst = {image, 0},
                                       .h = h,
                                       .w = w,
                                       .dst_stride = 1});
    sc_plan_custom_to(plan, "input", "output",
                      (sc_view[]){{maps->input, 0}, {image, 0}}, (sc_view){-1, 0},
                      emit_input, NULL, 0.0);
}

void sc_dense_backward(const void *model, sc_plan *plan, sc_layer layer, int64_t h,
                       int64_t w)
{
    enum { LAST = DENSE_N_BLOCKS - 1 };
    const sc_densenet *net = model;
    const sc_view none = {-1, 0};
    sc_dense_maps maps;
    sc_dense_forward(net, plan, h, w, &maps);
    const int weights = sc_plan_buffer_f32(plan, 1, 1, SC_DENSE_OUT[LAST]);
    const sc_view from[] = {{maps.block[LAST], 0}, {weights, 0}};
    sc_plan_custom_to(plan, "head", "head", (sc_view[]){from[0], none}, from[1],
                      sc_head_gradient, net->head, 2.0 * (1024 * 256 + 128 * 2));
    if (layer == SC_LAYER_LAST) {
        sc_plan_custom_to(plan, "last", "output", from, none, sc_head_emit, net->head,
                          0.0);
        return;
    }
    int grad =
        sc_plan_buffer(plan, maps.h[LAST], maps.w[LAST], SC_DENSE_OUT[LAST], 1, false);
    sc_plan_custom_to(plan, "features.norm5", "norm", from, (sc_view){grad, 0},
                      sc_head_back, net->head, 0.0);
    int first = DENSE_N_LAYERS;
    for (int b = LAST; b >= (int)layer; b--) {
        first -= SC_DENSE_LAYERS[b];
        build_block(net, plan, b, first, &maps, grad);
        if (b > 0) grad = build_transition(net, plan, b, &maps, grad);
    }
    if (layer == SC_LAYER_INPUT) {
        build_stem(net, plan, &maps, grad);
        return;
    }
    char name[24];
    snprintf(name, sizeof name, "block%d", (int)layer);
    sc_plan_custom_to(plan, name, "output",
                      (sc_view[]){{maps.block[(int)layer - 1], 0}, {grad, 0}}, none,
                      emit_block, NULL, 0.0);
}
