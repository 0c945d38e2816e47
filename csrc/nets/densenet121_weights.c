/* DenseNet121: take the tensors, fold the batch normalisations, pack. */
#include "densenet121.h"

#include "../base/memory.h"
#include "../base/status.h"

#include <stdio.h>

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

void sc_dense_release(sc_densenet *net)
{
    sc_conv_weights_destroy(net->stem);
    for (int i = 0; i < DENSE_N_LAYERS; i++) layer_destroy(&net->layers[i]);
    for (int i = 0; i < DENSE_N_BLOCKS - 1; i++) layer_destroy(&net->transitions[i]);
    sc_head_destroy(net->head);
}

/* The convolution 'name' with the batch normalisation 'norm' (or NULL) folded in. */
static sc_status take_conv(sc_source *source, const sc_engine *engine, float eps,
                           const char *name, const char *norm, sc_conv_shape shape,
                           sc_levels src, sc_levels dst, sc_conv_weights **out,
                           sc_error *err)
{
    const sc_fold fold = {.norm = norm,
                          .has_scale = true,
                          .eps = eps,
                          .levels = {.src = src, .dst = dst}};
    return sc_take_conv(source, engine, name, shape, &fold, out, err);
}

/* A batch normalisation before a convolution, whose result is bytes of 'levels' where that
 * is in integers. */
static sc_status take_norm(sc_source *source, const sc_net_config *config,
                           const char *norm, const char *conv, int64_t c,
                           sc_dense_layer *layer, sc_levels *levels, sc_error *err)
{
    sc_status status = SC_OK;
    SC_TRY(sc_take_levels(config, conv, ":in", levels, err));
    SC_TRY(sc_take_norm(source, norm, c, config->norm_eps, true, &layer->norm_scale,
                        &layer->norm_shift, err));
    if (levels->scale > 0.0f) {
        sc_levels_apply(*levels, c, layer->norm_scale, layer->norm_shift);
    }
done:
    return status;
}

static sc_status take_layer(sc_source *source, const sc_engine *engine,
                            const sc_net_config *config, int block, int index,
                            sc_dense_layer *layer, sc_error *err)
{
    sc_status status = SC_OK;
    sc_levels src, middle;
    const sc_levels plain = {0.0f, 0};
    const float eps = config->norm_eps;
    char prefix[64], norm1[80], conv1[80], norm2[80], conv2[80];
    snprintf(prefix, sizeof prefix, "features.denseblock%d.denselayer%d", block + 1,
             index + 1);
    snprintf(norm1, sizeof norm1, "%s.norm1", prefix);
    snprintf(conv1, sizeof conv1, "%s.conv1", prefix);
    snprintf(norm2, sizeof norm2, "%s.norm2", prefix);
    snprintf(conv2, sizeof conv2, "%s.conv2", prefix);
    const int64_t c = SC_DENSE_IN[block] + index * DENSE_GROWTH;
    SC_TRY(take_norm(source, config, norm1, conv1, c, layer, &src, err));
    SC_TRY(sc_take_levels(config, conv1, "", &middle, err));
    SC_TRY(take_conv(source, engine, eps, conv1, norm2,
                     (sc_conv_shape){DENSE_BOTTLENECK, c, 1, 1, 1, false}, src, middle,
                     &layer->conv1, err));
    SC_TRY(take_conv(source, engine, eps, conv2, NULL,
                     (sc_conv_shape){DENSE_GROWTH, DENSE_BOTTLENECK, 3, 3, 1, false},
                     middle, plain, &layer->conv2, err));
done:
    return status;
}

static sc_status take_transition(sc_source *source, const sc_engine *engine,
                                 const sc_net_config *config, int block,
                                 sc_dense_layer *layer, sc_error *err)
{
    sc_status status = SC_OK;
    char norm[64], conv[64];
    snprintf(norm, sizeof norm, "features.transition%d.norm", block + 1);
    snprintf(conv, sizeof conv, "features.transition%d.conv", block + 1);
    const int64_t c = SC_DENSE_OUT[block];
    sc_levels src;
    const sc_levels plain = {0.0f, 0};
    SC_TRY(take_norm(source, config, norm, conv, c, layer, &src, err));
    SC_TRY(take_conv(source, engine, config->norm_eps, conv, NULL,
                     (sc_conv_shape){c / 2, c, 1, 1, 1, false}, src, plain,
                     &layer->conv1, err));
done:
    return status;
}

sc_status sc_dense_take(sc_densenet *net, const sc_net_config *config,
                        const sc_engine *engine, sc_source *source, sc_error *err)
{
    sc_status status = SC_OK;
    const float eps = config->norm_eps;
    const sc_levels plain = {0.0f, 0};
    net->in_channels = config->in_channels;
    net->bytes = config->precision == SC_PRECISION_INT8;
    SC_TRY(take_conv(source, engine, eps, "features.conv0", "features.norm0",
                     (sc_conv_shape){DENSE_STEM, config->in_channels, 7, 7, 2, true},
                     plain, plain, &net->stem, err));
    sc_dense_layer *layer = net->layers;
    for (int block = 0; block < DENSE_N_BLOCKS; block++) {
        for (int i = 0; i < SC_DENSE_LAYERS[block]; i++, layer++) {
            SC_TRY(take_layer(source, engine, config, block, i, layer, err));
        }
        if (block == DENSE_N_BLOCKS - 1) break;
        SC_TRY(take_transition(source, engine, config, block, &net->transitions[block],
                               err));
    }
    SC_TRY(sc_head_create(source, eps, config->final_relu, &net->head, err));
done:
    return status;
}
