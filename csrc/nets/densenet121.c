/* DenseNet121 (Huang et al. 2017, "Densely Connected Convolutional Networks") with a
 * small head: norm5, ReLU, mean, 1024 -> 128 ReLU -> 2, softmax.
 *
 * A dense block is one buffer: each layer reads the channels so far and writes its 32
 * behind them, so nothing is ever concatenated.  norm2 is folded into conv1 and norm0
 * into conv0; norm1 stands before a ReLU and is applied while conv1's input is packed.
 * The transition's mean over 2 x 2 commutes with its 1 x 1 convolution, and before it
 * costs a quarter of the products.
 */
#include "head.h"
#include "model.h"

#include "../base/memory.h"
#include "../base/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { N_BLOCKS = 4, N_LAYERS = 58, GROWTH = 32, BOTTLENECK = 128, STEM = 64 };

static const int BLOCK_LAYERS[N_BLOCKS] = {6, 12, 24, 16};
/* Channels that enter and leave each block. */
static const int64_t BLOCK_IN[N_BLOCKS] = {64, 128, 256, 512};
static const int64_t BLOCK_OUT[N_BLOCKS] = {256, 512, 1024, 1024};

typedef struct {
    float *norm_scale, *norm_shift;
    sc_conv_weights *conv1, *conv2; /* a transition has conv1 only */
} dense_layer;

typedef struct {
    int in_channels;
    sc_conv_weights *stem;
    dense_layer layers[N_LAYERS];
    dense_layer transitions[N_BLOCKS - 1];
    sc_head *head;
} densenet;

static void layer_destroy(dense_layer *layer)
{
    sc_free(layer->norm_scale);
    sc_free(layer->norm_shift);
    sc_conv_weights_destroy(layer->conv1);
    sc_conv_weights_destroy(layer->conv2);
}

static void destroy(void *model)
{
    densenet *net = model;
    if (net == NULL) return;
    sc_conv_weights_destroy(net->stem);
    for (int i = 0; i < N_LAYERS; i++) layer_destroy(&net->layers[i]);
    for (int i = 0; i < N_BLOCKS - 1; i++) layer_destroy(&net->transitions[i]);
    sc_head_destroy(net->head);
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
                            int block, int index, dense_layer *layer, sc_error *err)
{
    sc_status status = SC_OK;
    char prefix[64], norm1[80], conv1[80], norm2[80], conv2[80];
    snprintf(prefix, sizeof prefix, "features.denseblock%d.denselayer%d", block + 1,
             index + 1);
    snprintf(norm1, sizeof norm1, "%s.norm1", prefix);
    snprintf(conv1, sizeof conv1, "%s.conv1", prefix);
    snprintf(norm2, sizeof norm2, "%s.norm2", prefix);
    snprintf(conv2, sizeof conv2, "%s.conv2", prefix);
    const int64_t c = BLOCK_IN[block] + index * GROWTH;
    SC_TRY(sc_take_norm(source, norm1, c, eps, true, &layer->norm_scale,
                        &layer->norm_shift, err));
    SC_TRY(take_conv(source, engine, eps, conv1, norm2,
                     (sc_conv_shape){BOTTLENECK, c, 1, 1, 1, false}, &layer->conv1,
                     err));
    SC_TRY(take_conv(source, engine, eps, conv2, NULL,
                     (sc_conv_shape){GROWTH, BOTTLENECK, 3, 3, 1, false}, &layer->conv2,
                     err));
done:
    return status;
}

static sc_status take_transition(sc_source *source, const sc_engine *engine, float eps,
                                 int block, dense_layer *layer, sc_error *err)
{
    sc_status status = SC_OK;
    char norm[64], conv[64];
    snprintf(norm, sizeof norm, "features.transition%d.norm", block + 1);
    snprintf(conv, sizeof conv, "features.transition%d.conv", block + 1);
    const int64_t c = BLOCK_OUT[block];
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
    densenet *net = sc_calloc(sizeof *net);
    if (net == NULL) return sc_fail(err, SC_NOMEM, "no memory for DenseNet121");
    net->in_channels = config->in_channels;
    SC_TRY(take_conv(source, engine, eps, "features.conv0", "features.norm0",
                     (sc_conv_shape){STEM, config->in_channels, 7, 7, 2, true},
                     &net->stem, err));
    dense_layer *layer = net->layers;
    for (int block = 0; block < N_BLOCKS; block++) {
        for (int i = 0; i < BLOCK_LAYERS[block]; i++, layer++) {
            SC_TRY(take_layer(source, engine, eps, block, i, layer, err));
        }
        if (block == N_BLOCKS - 1) break;
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
    shape[0] = BLOCK_OUT[N_BLOCKS - 1];
    for (int i = 0; i < 2; i++) shape[1 + i] = ((size[i] - 1) / 2 + 1) / 8;
}

static void build_stem(const densenet *net, sc_plan *plan, int64_t h, int64_t w,
                       int block)
{
    int64_t size[2];
    stem_size(h, w, size);
    const int input = sc_plan_buffer(plan, h, w, net->in_channels, 3, true);
    const int stem = sc_plan_buffer(plan, size[0], size[1], STEM, 1, false);
    sc_plan_input(plan, "input", input);
    sc_plan_conv(plan, &(sc_conv_step){.name = "features.conv0",
                                       .wei = {net->stem},
                                       .src = {{input, 0}},
                                       .dst = {stem, 0},
                                       .h = size[0],
                                       .w = size[1],
                                       .dst_stride = 1,
                                       .relu = true});
    sc_plan_max_pool(plan, "features.pool0", (sc_view){stem, 0}, (sc_view){block, 0},
                     STEM, 3, 2, -1);
}

static void build_block(const dense_layer *layers, sc_plan *plan, int block, int buffer,
                        int64_t h, int64_t w)
{
    char name[64];
    for (int i = 0; i < BLOCK_LAYERS[block]; i++) {
        const dense_layer *layer = &layers[i];
        const int middle = sc_plan_buffer(plan, h, w, BOTTLENECK, 1, false);
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
        sc_plan_conv(plan,
                     &(sc_conv_step){.name = name,
                                     .wei = {layer->conv2},
                                     .src = {{middle, 0}},
                                     .dst = {buffer, BLOCK_IN[block] + i * GROWTH},
                                     .h = h,
                                     .w = w,
                                     .dst_stride = 1});
    }
}

static void build_transition(const dense_layer *layer, sc_plan *plan, int block,
                             int src, int dst, int64_t h, int64_t w)
{
    char name[64];
    snprintf(name, sizeof name, "features.transition%d.conv", block + 1);
    sc_plan_conv(plan, &(sc_conv_step){.name = name,
                                       .wei = {layer->conv1},
                                       .src = {{src, 0}},
                                       .dst = {dst, 0},
                                       .h = h,
                                       .w = w,
                                       .dst_stride = 1,
                                       .norm_scale = layer->norm_scale,
                                       .norm_shift = layer->norm_shift,
                                       .mean2 = true});
}

static void build(const void *model, sc_plan *plan, int64_t h, int64_t w)
{
    const densenet *net = model;
    int64_t size[2];
    stem_size(h, w, size);
    const int64_t ph = (size[0] - 1) / 2 + 1, pw = (size[1] - 1) / 2 + 1; /* pool0 */
    int buffer = sc_plan_buffer(plan, ph, pw, BLOCK_OUT[0], 0, false);
    build_stem(net, plan, h, w, buffer);
    h = ph;
    w = pw;
    const dense_layer *layers = net->layers;
    for (int block = 0; block < N_BLOCKS; block++) {
        build_block(layers, plan, block, buffer, h, w);
        layers += BLOCK_LAYERS[block];
        if (block == N_BLOCKS - 1) break;
        h /= 2;
        w /= 2;
        const int next = sc_plan_buffer(plan, h, w, BLOCK_OUT[block + 1], 0, false);
        build_transition(&net->transitions[block], plan, block, buffer, next, h, w);
        buffer = next;
    }
    sc_plan_custom(plan, "head", "head", (sc_view){buffer, 0}, sc_head_run, net->head,
                   2.0 * (1024 * 128 + 128 * 2));
}

const sc_architecture sc_densenet121 = {create, destroy, check_size, build,
                                        feature_shape};
