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

/* Where tensors are taken from, and for what. */
typedef struct {
    sc_source *source;
    const sc_engine *engine;
    const sc_net_config *config;
} origin;

/* ConvNorm: the convolution prefix.part.conv with prefix.part.norm folded in; of 'more',
 * what is added to its bias (NULL, or per channel) and the levels of its maps. */
static sc_status take_conv_norm(const origin *from, const char *prefix,
                                const char *part, sc_conv_shape shape, sc_fold more,
                                sc_conv_weights **out, sc_error *err)
{
    char conv[MAX_PART], norm[MAX_PART];
    snprintf(conv, sizeof conv, "%s%s.conv", prefix, part);
    snprintf(norm, sizeof norm, "%s%s.norm", prefix, part);
    more.norm = norm;
    more.eps = from->config->norm_eps;
    return sc_take_conv(from->source, from->engine, conv, shape, &more, out, err);
}

static sc_conv_shape conv_shape(int64_t oc, int64_t ic, int64_t k, bool dense)
{
    return (sc_conv_shape){oc, ic, k, k, 1, dense && k > 1};
}

/* The three 3 x 3 of a block; 'src' is of what it reads, 'own' of their maps. */
static sc_status take_threes(const origin *from, const char *prefix, int64_t ic,
                             bool dense, sc_conv_levels src, const sc_levels own[3],
                             sc_multires_block *block, sc_error *err)
{
    sc_status status = SC_OK;
    const sc_levels *to = own;
    const sc_fold a = {
        .levels = {
            .src = src.src, .other = src.other, .split = src.split, .dst = to[0]}};
    const sc_fold b = {.levels = {.src = to[0], .dst = to[1]}};
    const sc_fold c = {.levels = {.src = to[1], .dst = to[2]}};
    SC_TRY(take_conv_norm(from, prefix, ".a", conv_shape(block->a, ic, 3, dense), a,
                          &block->conv_a, err));
    SC_TRY(take_conv_norm(from, prefix, ".b", conv_shape(block->b, block->a, 3, false),
                          b, &block->conv_b, err));
    SC_TRY(take_conv_norm(from, prefix, ".c", conv_shape(block->c, block->b, 3, false),
                          c, &block->conv_c, err));
done:
    return status;
}

/* What concat_norm multiplies are bytes of three kinds, of which 0 is 0. */
static void scale_concat(sc_multires_block *block, const sc_levels own[3])
{
    const int64_t channels[] = {block->a, block->b, block->c};
    float *scale = block->concat_scale;
    for (int i = 0; i < 3; scale += channels[i++]) {
        for (int64_t c = 0; c < channels[i]; c++) scale[c] *= own[i].scale;
    }
}

/* 'dense': the block reads the image itself, whose few channels are not padded, and no
 * map inside it is in bytes; otherwise those of 'src' are, if it has a scale. */
static sc_status take_block(const origin *from, const char *prefix, int64_t ic,
                            int64_t width, bool dense, sc_conv_levels src,
                            sc_multires_block *block, sc_error *err)
{
    static const char *const PARTS[] = {".a", ".b", ".c"};
    sc_status status = SC_OK;
    char name[MAX_PART];
    float *concat_shift = NULL;
    sc_levels own[3] = {{0.0f, 0}};
    const bool bytes = src.src.scale > 0.0f;
    const float eps = from->config->norm_eps;
    sc_multires_channels(width, block);
    for (int i = 0; i < 3 && bytes; i++) {
        SC_TRY(sc_take_levels(from->config, prefix, PARTS[i], &own[i], err));
    }
    SC_TRY(take_threes(from, prefix, ic, dense, src, own, block, err));
    snprintf(name, sizeof name, "%s.concat_norm", prefix);
    SC_TRY(sc_take_norm(from->source, name, block->out, eps, true, &block->concat_scale,
                        &concat_shift, err));
    if (bytes) scale_concat(block, own);
    SC_TRY(take_conv_norm(
        from, prefix, ".shortcut", conv_shape(block->out, ic, 1, dense),
        (sc_fold){.more = concat_shift, .levels = src}, &block->shortcut, err));
    snprintf(name, sizeof name, "%s.out_norm", prefix);
    SC_TRY(sc_take_norm(from->source, name, block->out, eps, true, &block->out_scale,
                        &block->out_shift, err));
    if (block->levels.scale > 0.0f) {
        sc_levels_apply(block->levels, block->out, block->out_scale, block->out_shift);
    }
done:
    sc_free(concat_shift);
    return status;
}

static sc_status take_unit(const origin *from, const char *prefix, int64_t ic,
                           int64_t width, sc_levels src, sc_multires_unit *unit,
                           sc_error *err)
{
    sc_status status = SC_OK;
    char name[MAX_PART];
    const sc_fold fold = {.levels = {.src = src, .pitch = sc_pitch_u8(ic)}};
    SC_TRY(take_conv_norm(from, prefix, ".shortcut", conv_shape(width, ic, 1, false),
                          fold, &unit->shortcut, err));
    SC_TRY(take_conv_norm(from, prefix, ".conv", conv_shape(width, ic, 3, false), fold,
                          &unit->conv, err));
    snprintf(name, sizeof name, "%s.out_norm", prefix);
    SC_TRY(sc_take_norm(from->source, name, width, from->config->norm_eps, true,
                        &unit->out_scale, &unit->out_shift, err));
    if (unit->levels.scale > 0.0f) {
        sc_levels_apply(unit->levels, width, unit->out_scale, unit->out_shift);
    }
done:
    return status;
}

/* A 2 x 2 transposed convolution with stride 2 is a 1 x 1 convolution for each of the
 * four pixels that an input pixel becomes. */
static sc_status take_up(const origin *from, int k, int64_t ic, int64_t oc,
                         sc_levels src, sc_levels dst, sc_conv_weights *up[4],
                         sc_error *err)
{
    sc_status status = SC_OK;
    char prefix[MAX_NAME];
    const int64_t extents[] = {ic, oc, 2, 2};
    const sc_conv_shape shape = conv_shape(oc, ic, 1, false);
    const sc_conv_levels levels = {.src = src, .dst = dst};
    float *wei = NULL, *bias = NULL;
    float *one = sc_alloc((size_t)(ic * oc) * sizeof *one); /* (oc, ic) */
    if (one == NULL) return sc_fail(err, SC_NOMEM, "no memory for up.%d", k);
    snprintf(prefix, sizeof prefix, "up.%d", k);
    SC_TRY(sc_take(from->source, prefix, ".weight", 4, extents, &wei, err));
    SC_TRY(sc_take(from->source, prefix, ".bias", 1, &oc, &bias, err));
    for (int pixel = 0; pixel < 4; pixel++) {
        for (int64_t o = 0; o < oc; o++) {
            for (int64_t i = 0; i < ic; i++)
                one[o * ic + i] = wei[(i * oc + o) * 4 + pixel];
        }
        if (src.scale > 0.0f) {
            SC_TRY(sc_conv_weights_create_u8(from->engine, shape, one, NULL, bias,
                                             &levels, &up[pixel], err));
        } else {
            SC_TRY(sc_conv_weights_create(from->engine, shape, one, NULL, bias,
                                          &up[pixel], err));
        }
    }
done:
    sc_free(one);
    sc_free(wei);
    sc_free(bias);
    return status;
}

static sc_status take_head(const origin *from, int64_t ic, sc_conv_weights **out,
                           sc_error *err)
{
    sc_status status = SC_OK;
    const sc_conv_shape shape = conv_shape(from->config->outputs, ic, 1, false);
    const int64_t extents[] = {shape.oc, ic, 1, 1};
    float *wei = NULL, *bias = NULL;
    if (from->config->final_norm) {
        return take_conv_norm(from, "head", "", shape, (sc_fold){0}, out, err);
    }
    SC_TRY(sc_take(from->source, "head.conv", ".weight", 4, extents, &wei, err));
    SC_TRY(sc_take(from->source, "head.conv", ".bias", 1, &shape.oc, &bias, err));
    SC_TRY(sc_conv_weights_create(from->engine, shape, wei, NULL, bias, out, err));
done:
    sc_free(wei);
    sc_free(bias);
    return status;
}

/* The units of level i, which read a block's map of 'ic' channels. */
static sc_status take_path(const origin *from, int i, int64_t ic, sc_levels src,
                           sc_multires_unit *unit, sc_error *err)
{
    sc_status status = SC_OK;
    char name[MAX_NAME];
    for (int j = 0; j < SC_MULTIRES_UNITS[i]; j++, unit++) {
        snprintf(name, sizeof name, "path.%d.%d", i, j);
        SC_TRY(sc_take_levels(from->config, name, "", &unit->levels, err));
        SC_TRY(take_unit(from, name, ic, SC_MULTIRES_WIDTH[i], src, unit, err));
        ic = SC_MULTIRES_WIDTH[i];
        src = unit->levels;
    }
done:
    return status;
}

static sc_status take_encoder(const origin *from, sc_multiresunet_weights *net,
                              sc_error *err)
{
    sc_status status = SC_OK;
    char name[MAX_NAME];
    int64_t ic = net->in_channels;
    sc_levels src = {0.0f, 0};
    sc_multires_unit *unit = net->units;
    for (int i = 0; i < MULTIRES_N_LEVELS; i++) {
        sc_multires_block *block = &net->encoder[i];
        snprintf(name, sizeof name, "encoder.%d", i);
        SC_TRY(sc_take_levels(from->config, name, ".shortcut", &block->levels, err));
        SC_TRY(take_block(from, name, ic, SC_MULTIRES_WIDTH[i], i == 0,
                          (sc_conv_levels){.src = src}, block, err));
        ic = block->out;
        src = block->levels;
        if (i == MULTIRES_N_SKIPS) break;
        SC_TRY(take_path(from, i, ic, src, unit, err));
        unit += SC_MULTIRES_UNITS[i];
    }
done:
    return status;
}

sc_status sc_multires_take(sc_multiresunet_weights *net, const sc_net_config *config,
                           const sc_engine *engine, sc_source *source, sc_error *err)
{
    sc_status status = SC_OK;
    const origin from = {source, engine, config};
    net->in_channels = config->in_channels;
    net->outputs = config->outputs;
    net->bytes = config->precision == SC_PRECISION_INT8;
    SC_TRY(take_encoder(&from, net, err));
    int64_t ic = net->encoder[MULTIRES_N_SKIPS].out;
    sc_levels src = net->encoder[MULTIRES_N_SKIPS].levels;
    const sc_multires_unit *path = net->units + MULTIRES_N_UNITS;
    for (int k = 0; k < MULTIRES_N_SKIPS; k++) {
        char name[MAX_NAME];
        const int i = MULTIRES_N_SKIPS - 1 - k;
        const int64_t width = SC_MULTIRES_WIDTH[i];
        sc_multires_block *block = &net->decoder[k];
        snprintf(name, sizeof name, "up.%d", k);
        SC_TRY(sc_take_levels(config, name, "", &net->up_levels[k], err));
        SC_TRY(take_up(&from, k, ic, width, src, net->up_levels[k], net->up[k], err));
        /* Behind the upsampled channels lie those of the skip path's last unit. */
        const sc_conv_levels joined = {
            .src = net->up_levels[k], .other = path[-1].levels, .split = width};
        path -= SC_MULTIRES_UNITS[i];
        snprintf(name, sizeof name, "decoder.%d", k);
        if (i > 0) {
            SC_TRY(sc_take_levels(config, name, ".shortcut", &block->levels, err));
        }
        SC_TRY(take_block(&from, name, 2 * width, width, false, joined, block, err));
        ic = block->out;
        src = block->levels;
    }
    SC_TRY(take_head(&from, ic, &net->head, err));
done:
    return status;
}
