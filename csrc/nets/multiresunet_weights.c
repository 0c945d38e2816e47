/* MultiResUNet: take the tensors, fold the batch normalisations, pack. */
#include "multiresunet.h"

#include "../base/memory.h"
#include "../base/status.h"

#include <stdio.h>

enum { MAX_NAME = 32, MAX_PART = 64 };

const int SC_MULTIRES_UNITS[MULTIRES_N_SKIPS] = {4, 3, 2, 1};
const int64_t SC_MULTIRES_WIDTH[MULTIRES_N_LEVELS] = {32, 64, 128, 256, 512};

/* int(share * 1.67 * U), in double as Python computes it. */
void sc_multires_channels(int64_t width, sc_multires_block *block)
{
    const double w = (double)width * 1.67;
    block->a = (int64_t)(w * 0.167);
    block->b = (int64_t)(w * 0.333);
    block->c = (int64_t)(w * 0.5);
    block->out = block->a + block->b + block->c;
}

static void block_destroy(sc_multires_block *block)
{
    sc_conv_weights_destroy(block->conv_a);
    sc_conv_weights_destroy(block->conv_b);
    sc_conv_weights_destroy(block->conv_c);
    sc_conv_weights_destroy(block->shortcut);
    sc_free(block->concat_scale);
    sc_free(block->out_scale);
    sc_free(block->out_shift);
}

void sc_multires_release(sc_multiresunet_weights *net)
{
    for (int i = 0; i < MULTIRES_N_LEVELS; i++) block_destroy(&net->encoder[i]);
    for (int i = 0; i < MULTIRES_N_SKIPS; i++) {
        block_destroy(&net->decoder[i]);
        for (int j = 0; j < 4; j++) sc_conv_weights_destroy(net->up[i][j]);
    }
    for (int i = 0; i < MULTIRES_N_UNITS; i++) {
        sc_conv_weights_destroy(net->units[i].conv);
        sc_conv_weights_destroy(net->units[i].shortcut);
        sc_free(net->units[i].out_scale);
        sc_free(net->units[i].out_shift);
    }
    sc_conv_weights_destroy(net->head);
}

/* ConvNorm: the convolution prefix.part.conv with prefix.part.norm folded in, and 'more'
 * (NULL, or per channel) added to its bias. */
static sc_status take_conv_norm(sc_source *source, const sc_engine *engine, float eps,
                                const char *prefix, const char *part,
                                sc_conv_shape shape, const float *more,
                                sc_conv_weights **out, sc_error *err)
{
    char conv[MAX_PART], norm[MAX_PART];
    snprintf(conv, sizeof conv, "%s%s.conv", prefix, part);
    snprintf(norm, sizeof norm, "%s%s.norm", prefix, part);
    const sc_fold fold = {norm, false, eps, more};
    return sc_take_conv(source, engine, conv, shape, &fold, out, err);
}

static sc_conv_shape conv_shape(int64_t oc, int64_t ic, int64_t k, bool dense)
{
    return (sc_conv_shape){oc, ic, k, k, 1, dense && k > 1};
}

/* 'dense': the block reads the image itself, whose few channels are not padded. */
static sc_status take_block(sc_source *source, const sc_engine *engine, float eps,
                            const char *prefix, int64_t ic, int64_t width, bool dense,
                            sc_multires_block *block, sc_error *err)
{
    sc_status status = SC_OK;
    char name[MAX_PART];
    float *concat_shift = NULL;
    sc_multires_channels(width, block);
    SC_TRY(take_conv_norm(source, engine, eps, prefix, ".a",
                          conv_shape(block->a, ic, 3, dense), NULL, &block->conv_a,
                          err));
    SC_TRY(take_conv_norm(source, engine, eps, prefix, ".b",
                          conv_shape(block->b, block->a, 3, false), NULL,
                          &block->conv_b, err));
    SC_TRY(take_conv_norm(source, engine, eps, prefix, ".c",
                          conv_shape(block->c, block->b, 3, false), NULL,
                          &block->conv_c, err));
    snprintf(name, sizeof name, "%s.concat_norm", prefix);
    SC_TRY(sc_take_norm(source, name, block->out, eps, true, &block->concat_scale,
                        &concat_shift, err));
    SC_TRY(take_conv_norm(source, engine, eps, prefix, ".shortcut",
                          conv_shape(block->out, ic, 1, dense), concat_shift,
                          &block->shortcut, err));
    snprintf(name, sizeof name, "%s.out_norm", prefix);
    SC_TRY(sc_take_norm(source, name, block->out, eps, true, &block->out_scale,
                        &block->out_shift, err));
done:
    sc_free(concat_shift);
    return status;
}

static sc_status take_unit(sc_source *source, const sc_engine *engine, float eps,
                           const char *prefix, int64_t ic, int64_t width,
                           sc_multires_unit *unit, sc_error *err)
{
    sc_status status = SC_OK;
    char name[MAX_PART];
    SC_TRY(take_conv_norm(source, engine, eps, prefix, ".shortcut",
                          conv_shape(width, ic, 1, false), NULL, &unit->shortcut, err));
    SC_TRY(take_conv_norm(source, engine, eps, prefix, ".conv",
                          conv_shape(width, ic, 3, false), NULL, &unit->conv, err));
    snprintf(name, sizeof name, "%s.out_norm", prefix);
    SC_TRY(sc_take_norm(source, name, width, eps, true, &unit->out_scale,
                        &unit->out_shift, err));
done:
    return status;
}

/* A 2 x 2 transposed convolution with stride 2 is a 1 x 1 convolution for each of the
 * four pixels that an input pixel becomes. */
static sc_status take_up(sc_source *source, const sc_engine *engine, int k, int64_t ic,
                         int64_t oc, sc_conv_weights *up[4], sc_error *err)
{
    sc_status status = SC_OK;
    char prefix[MAX_NAME];
    const int64_t extents[] = {ic, oc, 2, 2};
    float *wei = NULL, *bias = NULL;
    float *one = sc_alloc((size_t)(ic * oc) * sizeof *one); /* (oc, ic) */
    if (one == NULL) return sc_fail(err, SC_NOMEM, "no memory for up.%d", k);
    snprintf(prefix, sizeof prefix, "up.%d", k);
    SC_TRY(sc_take(source, prefix, ".weight", 4, extents, &wei, err));
    SC_TRY(sc_take(source, prefix, ".bias", 1, &oc, &bias, err));
    for (int pixel = 0; pixel < 4; pixel++) {
        for (int64_t o = 0; o < oc; o++) {
            for (int64_t i = 0; i < ic; i++)
                one[o * ic + i] = wei[(i * oc + o) * 4 + pixel];
        }
        SC_TRY(sc_conv_weights_create(engine, conv_shape(oc, ic, 1, false), one, NULL,
                                      bias, &up[pixel], err));
    }
done:
    sc_free(one);
    sc_free(wei);
    sc_free(bias);
    return status;
}

static sc_status take_head(sc_source *source, const sc_engine *engine,
                           const sc_net_config *config, int64_t ic,
                           sc_conv_weights **out, sc_error *err)
{
    sc_status status = SC_OK;
    const sc_conv_shape shape = conv_shape(config->outputs, ic, 1, false);
    const int64_t extents[] = {shape.oc, ic, 1, 1};
    float *wei = NULL, *bias = NULL;
    if (config->final_norm) {
        return take_conv_norm(source, engine, config->norm_eps, "head", "", shape, NULL,
                              out, err);
    }
    SC_TRY(sc_take(source, "head.conv", ".weight", 4, extents, &wei, err));
    SC_TRY(sc_take(source, "head.conv", ".bias", 1, &shape.oc, &bias, err));
    SC_TRY(sc_conv_weights_create(engine, shape, wei, NULL, bias, out, err));
done:
    sc_free(wei);
    sc_free(bias);
    return status;
}

static sc_status take_encoder(sc_source *source, const sc_engine *engine, float eps,
                              sc_multiresunet_weights *net, sc_error *err)
{
    sc_status status = SC_OK;
    char name[MAX_NAME];
    int64_t ic = net->in_channels;
    sc_multires_unit *unit = net->units;
    for (int i = 0; i < MULTIRES_N_LEVELS; i++) {
        snprintf(name, sizeof name, "encoder.%d", i);
        SC_TRY(take_block(source, engine, eps, name, ic, SC_MULTIRES_WIDTH[i], i == 0,
                          &net->encoder[i], err));
        ic = net->encoder[i].out;
        if (i == MULTIRES_N_SKIPS) break;
        for (int j = 0; j < SC_MULTIRES_UNITS[i]; j++, unit++) {
            snprintf(name, sizeof name, "path.%d.%d", i, j);
            SC_TRY(take_unit(source, engine, eps, name,
                             j == 0 ? ic : SC_MULTIRES_WIDTH[i], SC_MULTIRES_WIDTH[i],
                             unit, err));
        }
    }
done:
    return status;
}

sc_status sc_multires_take(sc_multiresunet_weights *net, const sc_net_config *config,
                           const sc_engine *engine, sc_source *source, sc_error *err)
{
    sc_status status = SC_OK;
    net->in_channels = config->in_channels;
    net->outputs = config->outputs;
    SC_TRY(take_encoder(source, engine, config->norm_eps, net, err));
    int64_t ic = net->encoder[MULTIRES_N_SKIPS].out;
    for (int k = 0; k < MULTIRES_N_SKIPS; k++) {
        char name[MAX_NAME];
        const int64_t width = SC_MULTIRES_WIDTH[MULTIRES_N_SKIPS - 1 - k];
        SC_TRY(take_up(source, engine, k, ic, width, net->up[k], err));
        snprintf(name, sizeof name, "decoder.%d", k);
        SC_TRY(take_block(source, engine, config->norm_eps, name, 2 * width, width,
                          false, &net->decoder[k], err));
        ic = net->decoder[k].out;
    }
    SC_TRY(take_head(source, engine, config, ic, &net->head, err));
done:
    return status;
}
