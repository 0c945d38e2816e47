/* DenseNet121 (Huang et al. 2017, "Densely Connected Convolutional Networks") with a
 * small head: norm5, ReLU, mean, 1024 -> 128 ReLU -> 2, softmax.
 *
 * A dense block is one buffer: each layer reads the channels so far and writes its 32
 * behind them, so nothing is ever concatenated.  norm2 is folded into conv1 and norm0
 * into conv0; norm1 stands before a ReLU and is applied while conv1's input is packed.
 * The transition's mean over 2 x 2 commutes with its 1 x 1 convolution, and before it
 * costs a quarter of the products.
 */
#include "densenet121.h"

#include "../base/memory.h"
#include "../base/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const int SC_DENSE_LAYERS[DENSE_N_BLOCKS] = {6, 12, 24, 16};
const int64_t SC_DENSE_IN[DENSE_N_BLOCKS] = {64, 128, 256, 512};
const int64_t SC_DENSE_OUT[DENSE_N_BLOCKS] = {256, 512, 1024, 1024};

static void layer_destroy(sc_dense_layer *layer)
{
    sc_free(layer->norm_scale);
    sc_free(layer->norm_shift);
    sc_conv_weights_destroy(layer->conv1);
    sc_conv_weights_destroy(layer->conv2);
}

static void destroy(void *model)
{
    sc_densenet *net = model;
    if (net == NULL) return;
    sc_conv_weights_destroy(net->stem);
    for (int i = 0; i < DENSE_N_LAYERS; i++) layer_destroy(&net->layers[i]);
    for (int i = 0; i < DENSE_N_BLOCKS - 1; i++) layer_destroy(&net->transitions[i]);
    sc_head_destroy(net->head);
    sc_dense_back_destroy(net->back);
    sc_free(net);
}

/* The convolution 'name' with the Norm behind it ('norm', or NULL) folded in. */
static sc_status take_conv(sc_source *source, const sc_engine *engine, float eps,
                           const char *name, const char *norm, sc_conv_shape shape,
                           sc_conv_weights **out, sc_error *err)
{
    sc_status status = SC_OK;
    const int64_t extents[] = {shape.oc, shape.ic, shape.kh, shape.kw};
    float *wei = NULL, *scale = NULL, *shift = NULL;
    SC_TRY(sc_take(source, name, ".weight", 4, extents, &wei, err));
    if (norm != NULL) {
        SC_TRY(sc_take_norm(source, norm, shape.oc, eps, true, &scale, &shift, err));
    }
    SC_TRY(sc_conv_weights_create(engine, shape, wei, scale, shift, out, err));
done:
    sc_free(wei);
    sc_free(scale);
    sc_free(shift);
    return status;
}

static sc_status take_layer(sc_source *source, const sc_engine *engine, float eps,
                            int block, int index, sc_dense_layer *layer, sc_error *err)
{
    sc_status status = SC_OK;
    char prefix[64], norm1[80], conv1[80], norm2[80], conv2[80];
    snprintf(prefix, sizeof prefix, "features.denseblock%d.denselayer%d", block + 1,
             index + 1);
    snprintf(norm1, sizeof norm1, "%s.norm1", prefix);
    snprintf(conv1, sizeof conv1, "%s.conv1", prefix);
    snprintf(norm2, sizeof norm2, "%s.norm2", prefix);
    snprintf(conv2, sizeof conv2, "%s.conv2", prefix);
    const int64_t c = SC_DENSE_IN[block] + index * DENSE_GROWTH;
    SC_TRY(sc_take_norm(source, norm1, c, eps, true, &layer->norm_scale,
                        &layer->norm_shift, err));
    SC_TRY(take_conv(source, engine, eps, conv1, norm2,
                     (sc_conv_shape){DENSE_BOTTLENECK, c, 1, 1, 1, false},
                     &layer->conv1, err));
    SC_TRY(take_conv(source, engine, eps, conv2, NULL,
                     (sc_conv_shape){DENSE_GROWTH, DENSE_BOTTLENECK, 3, 3, 1, false},
                     &layer->conv2, err));
done:
    return status;
}

static sc_status take_transition(sc_source *source, const sc_engine *engine, float eps,
                                 int block, sc_dense_layer *layer, sc_error *err)
{
    sc_status status = SC_OK;
    char norm[64], conv[64];
    snprintf(norm, sizeof norm, "features.transition%d.norm", block + 1);
    snprintf(conv, sizeof conv, "features.transition%d.conv", block + 1);
    const int64_t c = SC_DENSE_OUT[block];
    SC_TRY(sc_take_norm(source, norm, c, eps, true, &layer->norm_scale,
                        &layer->norm_shift, err));
    SC_TRY(take_conv(source, engine, eps, conv, NULL,
                     (sc_conv_shape){c / 2, c, 1, 1, 1, false}, &layer->conv1, err));
done:
    return status;
}

static sc_status create(const sc_net_config *config, const sc_engine *engine,
                        sc_source *source, void **model, sc_error *err)
{
    sc_status status = SC_OK;
    const float eps = config->norm_eps;
    *model = NULL;
    sc_densenet *net = sc_calloc(sizeof *net);
    if (net == NULL) return sc_fail(err, SC_NOMEM, "no memory for DenseNet121");
    net->in_channels = config->in_channels;
    SC_TRY(take_conv(source, engine, eps, "features.conv0", "features.norm0",
                     (sc_conv_shape){DENSE_STEM, config->in_channels, 7, 7, 2, true},
                     &net->stem, err));
    sc_dense_layer *layer = net->layers;
    for (int block = 0; block < DENSE_N_BLOCKS; block++) {
        for (int i = 0; i < SC_DENSE_LAYERS[block]; i++, layer++) {
            SC_TRY(take_layer(source, engine, eps, block, i, layer, err));
        }
        if (block == DENSE_N_BLOCKS - 1) break;
        SC_TRY(
            take_transition(source, engine, eps, block, &net->transitions[block], err));
    }
    SC_TRY(sc_head_create(source, eps, config->final_relu, &net->head, err));
    *model = net;
    net = NULL;
done:
    destroy(net);
    return status;
}

static sc_status check_size(int64_t h, int64_t w, sc_error *err)
{
    if (h >= 32 && w >= 32 && h <= 4096 && w <= 4096) return SC_OK;
    return sc_fail(
        err, SC_BAD_SHAPE,
        "DenseNet121 takes images from 32 to 4096 pixels a side; got %" PRId64
        " x %" PRId64,
        h, w);
}

static void stem_size(int64_t h, int64_t w, int64_t size[2])
{
    size[0] = (h - 1) / 2 + 1; /* conv0: k7, stride 2, padding 3 */
    size[1] = (w - 1) / 2 + 1;
}

static void feature_shape(int64_t h, int64_t w, int64_t shape[3])
{
    int64_t size[2];
    stem_size(h, w, size);
    shape[0] = SC_DENSE_OUT[DENSE_N_BLOCKS - 1];
    for (int i = 0; i < 2; i++) shape[1 + i] = ((size[i] - 1) / 2 + 1) / 8;
}

static void build_stem(const sc_densenet *net, sc_plan *plan, int64_t image_h,
                       int64_t image_w, sc_dense_maps *maps)
{
    const int64_t h = maps->stem_h, w = maps->stem_w;
    maps->input = sc_plan_buffer(plan, image_h, image_w, net->in_channels, 3, true);
    maps->stem = sc_plan_buffer(plan, h, w, DENSE_STEM, 1, false);
    sc_plan_input(plan, "input", maps->input);
    sc_plan_conv(plan, &(sc_conv_step){.name = "features.conv0",
                                       .wei = {net->stem},
                                       .src = {{maps->input, 0}},
                                       .dst = {maps->stem, 0},
                                       .h = h,
                                       .w = w,
                                       .dst_stride = 1,
                                       .relu = true});
    sc_plan_max_pool(plan, "features.pool0", (sc_view){maps->stem, 0},
                     (sc_view){maps->block[0], 0}, DENSE_STEM, 3, 2, -1);
}

static void build_block(const sc_dense_layer *layers, sc_plan *plan, int block,
                        const sc_dense_maps *maps, int *middles)
{
    char name[64];
    const int buffer = maps->block[block];
    const int64_t h = maps->h[block], w = maps->w[block];
    for (int i = 0; i < SC_DENSE_LAYERS[block]; i++) {
        const sc_dense_layer *layer = &layers[i];
        const int middle = sc_plan_buffer(plan, h, w, DENSE_BOTTLENECK, 1, false);
        middles[i] = middle;
        snprintf(name, sizeof name, "features.denseblock%d.denselayer%d.conv1",
                 block + 1, i + 1);
        sc_plan_conv(plan, &(sc_conv_step){.name = name,
                                           .wei = {layer->conv1},
                                           .src = {{buffer, 0}},
                                           .dst = {middle, 0},
                                           .h = h,
                                           .w = w,
                                           .dst_stride = 1,
                                           .relu = true,
                                           .norm_scale = layer->norm_scale,
                                           .norm_shift = layer->norm_shift});
        name[strlen(name) - 1] = '2';
        const int64_t channel = SC_DENSE_IN[block] + i * DENSE_GROWTH;
        sc_plan_conv(plan, &(sc_conv_step){.name = name,
                                           .wei = {layer->conv2},
                                           .src = {{middle, 0}},
                                           .dst = {buffer, channel},
                                           .h = h,
                                           .w = w,
                                           .dst_stride = 1});
    }
}

static void build_transition(const sc_dense_layer *layer, sc_plan *plan, int block,
                             const sc_dense_maps *maps)
{
    char name[64];
    snprintf(name, sizeof name, "features.transition%d.conv", block + 1);
    sc_plan_conv(plan, &(sc_conv_step){.name = name,
                                       .wei = {layer->conv1},
                                       .src = {{maps->block[block], 0}},
                                       .dst = {maps->block[block + 1], 0},
                                       .h = maps->h[block + 1],
                                       .w = maps->w[block + 1],
                                       .dst_stride = 1,
                                       .norm_scale = layer->norm_scale,
                                       .norm_shift = layer->norm_shift,
                                       .mean2 = true});
}

void sc_dense_forward(const sc_densenet *net, sc_plan *plan, int64_t h, int64_t w,
                      sc_dense_maps *maps)
{
    int64_t size[2];
    stem_size(h, w, size);
    *maps = (sc_dense_maps){.stem_h = size[0], .stem_w = size[1]};
    for (int b = 0; b < DENSE_N_BLOCKS; b++) {
        maps->h[b] = ((size[0] - 1) / 2 + 1) >> b; /* pool0, then halves */
        maps->w[b] = ((size[1] - 1) / 2 + 1) >> b;
        maps->block[b] =
            sc_plan_buffer(plan, maps->h[b], maps->w[b], SC_DENSE_OUT[b], 0, false);
    }
    build_stem(net, plan, h, w, maps);
    int done = 0;
    for (int b = 0; b < DENSE_N_BLOCKS; b++) {
        build_block(&net->layers[done], plan, b, maps, &maps->middle[done]);
        done += SC_DENSE_LAYERS[b];
        if (b < DENSE_N_BLOCKS - 1)
            build_transition(&net->transitions[b], plan, b, maps);
    }
}

static void build(const void *model, sc_plan *plan, int64_t h, int64_t w)
{
    const sc_densenet *net = model;
    sc_dense_maps maps;
    sc_dense_forward(net, plan, h, w, &maps);
    sc_plan_custom(plan, "head", "head", (sc_view){maps.block[DENSE_N_BLOCKS - 1], 0},
                   sc_head_run, net->head, 2.0 * (1024 * 128 + 128 * 2));
}

static void layer_shape(sc_layer layer, int in_channels, int64_t h, int64_t w,
                        int64_t shape[3])
{
    const bool block = layer >= SC_LAYER_BLOCK1 && layer <= SC_LAYER_BLOCK4;
    const int b = block ? (int)layer - 1 : DENSE_N_BLOCKS - 1;
    const int64_t sides[] = {h, w};
    for (int i = 0; i < 2; i++) {
        const int64_t stem = (sides[i] - 1) / 2 + 1;
        shape[1 + i] = layer == SC_LAYER_INPUT ? sides[i] : ((stem - 1) / 2 + 1) >> b;
    }
    shape[0] = layer == SC_LAYER_INPUT ? in_channels : SC_DENSE_OUT[b];
}

const sc_architecture sc_densenet121 = {create,        destroy,          check_size,
                                        build,         feature_shape,    layer_shape,
                                        sc_dense_need, sc_dense_backward};
