/* MultiResUNet (Ibtehaz & Rahman 2020, "MultiResUNet: Rethinking the U-Net architecture
 * for multimodal biomedical image segmentation"), as in the authors' Keras code.
 *
 * A MultiResBlock's three convolutions write their channels side by side into one
 * buffer; the 1 x 1 shortcut then adds itself to it in place, with both Norms and the
 * ReLU in the same pass.  A ResUnit is one step: its 3 x 3 and its 1 x 1 meet in
 * registers (conv.h).  Upsampling and the skip path write the decoder's input
 * directly, so nothing is ever concatenated.
 */
#include "model.h"

#include "../base/memory.h"
#include "../base/status.h"

#include <inttypes.h>
#include <stdio.h>

enum { N_LEVELS = 5, N_SKIPS = 4, N_UNITS = 10, MAX_NAME = 32, MAX_PART = 64 };

static const int UNITS[N_SKIPS] = {4, 3, 2, 1};
static const int64_t WIDTH[N_LEVELS] = {32, 64, 128, 256, 512};

typedef struct {
    int64_t a, b, c, out; /* channels */
    sc_conv_weights *conv_a, *conv_b, *conv_c, *shortcut;
    float *concat_scale; /* its shift is in the shortcut's bias */
    float *out_scale, *out_shift;
} res_block;

typedef struct {
    sc_conv_weights *conv, *shortcut;
    float *out_scale, *out_shift;
} res_unit;

typedef struct {
    int in_channels, outputs;
    res_block encoder[N_LEVELS], decoder[N_SKIPS];
    res_unit units[N_UNITS];         /* path.0.0, path.0.1, ... path.3.0 */
    sc_conv_weights *up[N_SKIPS][4]; /* one for each pixel of 2 x 2 */
    sc_conv_weights *head;
} multiresunet;

/* int(share * 1.67 * U), in double as Python computes it. */
static void block_channels(int64_t width, res_block *block)
{
    const double w = (double)width * 1.67;
    block->a = (int64_t)(w * 0.167);
    block->b = (int64_t)(w * 0.333);
    block->c = (int64_t)(w * 0.5);
    block->out = block->a + block->b + block->c;
}

static void block_destroy(res_block *block)
{
    sc_conv_weights_destroy(block->conv_a);
    sc_conv_weights_destroy(block->conv_b);
    sc_conv_weights_destroy(block->conv_c);
    sc_conv_weights_destroy(block->shortcut);
    sc_free(block->concat_scale);
    sc_free(block->out_scale);
    sc_free(block->out_shift);
}

static void destroy(void *model)
{
    multiresunet *net = model;
    if (net == NULL) return;
    for (int i = 0; i < N_LEVELS; i++) block_destroy(&net->encoder[i]);
    for (int i = 0; i < N_SKIPS; i++) {
        block_destroy(&net->decoder[i]);
        for (int j = 0; j < 4; j++) sc_conv_weights_destroy(net->up[i][j]);
    }
    for (int i = 0; i < N_UNITS; i++) {
        sc_conv_weights_destroy(net->units[i].conv);
        sc_conv_weights_destroy(net->units[i].shortcut);
        sc_free(net->units[i].out_scale);
        sc_free(net->units[i].out_shift);
    }
    sc_conv_weights_destroy(net->head);
    sc_free(net);
}

/* ConvNorm: the convolution prefix.part.conv with prefix.part.norm folded in, and
 * 'more' (NULL, or per channel) added to its bias. */
static sc_status take_conv_norm(sc_source *source, const sc_engine *engine, float eps,
                                const char *prefix, const char *part,
                                sc_conv_shape shape, const float *more,
                                sc_conv_weights **out, sc_error *err)
{
    sc_status status = SC_OK;
    char conv[MAX_PART], norm[MAX_PART];
    const int64_t extents[] = {shape.oc, shape.ic, shape.kh, shape.kw};
    float *wei = NULL, *scale = NULL, *shift = NULL;
    snprintf(conv, sizeof conv, "%s%s.conv", prefix, part);
    snprintf(norm, sizeof norm, "%s%s.norm", prefix, part);
    SC_TRY(sc_take(source, conv, ".weight", 4, extents, &wei, err));
    SC_TRY(sc_take_norm(source, norm, shape.oc, eps, false, &scale, &shift, err));
    for (int64_t i = 0; more != NULL && i < shape.oc; i++) shift[i] += more[i];
    SC_TRY(sc_conv_weights_create(engine, shape, wei, scale, shift, out, err));
done:
    sc_free(wei);
    sc_free(scale);
    sc_free(shift);
    return status;
}

static sc_conv_shape conv_shape(int64_t oc, int64_t ic, int64_t k, bool dense)
{
    return (sc_conv_shape){oc, ic, k, k, 1, dense && k > 1};
}

/* 'dense': the block reads the image itself, whose few channels are not padded. */
static sc_status take_block(sc_source *source, const sc_engine *engine, float eps,
                            const char *prefix, int64_t ic, int64_t width, bool dense,
                            res_block *block, sc_error *err)
{
    sc_status status = SC_OK;
    char name[MAX_PART];
    float *concat_shift = NULL;
    block_channels(width, block);
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
                           res_unit *unit, sc_error *err)
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
                              multiresunet *net, sc_error *err)
{
    sc_status status = SC_OK;
    char name[MAX_NAME];
    int64_t ic = net->in_channels;
    res_unit *unit = net->units;
    for (int i = 0; i < N_LEVELS; i++) {
        snprintf(name, sizeof name, "encoder.%d", i);
        SC_TRY(take_block(source, engine, eps, name, ic, WIDTH[i], i == 0,
                          &net->encoder[i], err));
        ic = net->encoder[i].out;
        if (i == N_SKIPS) break;
        for (int j = 0; j < UNITS[i]; j++, unit++) {
            snprintf(name, sizeof name, "path.%d.%d", i, j);
            SC_TRY(take_unit(source, engine, eps, name, j == 0 ? ic : WIDTH[i],
                             WIDTH[i], unit, err));
        }
    }
done:
    return status;
}

static sc_status create(const sc_net_config *config, const sc_engine *engine,
                        sc_source *source, void **model, sc_error *err)
{
    sc_status status = SC_OK;
    *model = NULL;
    multiresunet *net = sc_calloc(sizeof *net);
    if (net == NULL) return sc_fail(err, SC_NOMEM, "no memory for MultiResUNet");
    net->in_channels = config->in_channels;
    net->outputs = config->outputs;
    SC_TRY(take_encoder(source, engine, config->norm_eps, net, err));
    int64_t ic = net->encoder[N_SKIPS].out;
    for (int k = 0; k < N_SKIPS; k++) {
        char name[MAX_NAME];
        const int64_t width = WIDTH[N_SKIPS - 1 - k];
        SC_TRY(take_up(source, engine, k, ic, width, net->up[k], err));
        snprintf(name, sizeof name, "decoder.%d", k);
        SC_TRY(take_block(source, engine, config->norm_eps, name, 2 * width, width,
                          false, &net->decoder[k], err));
        ic = net->decoder[k].out;
    }
    SC_TRY(take_head(source, engine, config, ic, &net->head, err));
    *model = net;
    net = NULL;
done:
    destroy(net);
    return status;
}

static sc_status check_size(int64_t h, int64_t w, sc_error *err)
{
    if (h >= 16 && w >= 16 && h <= 4096 && w <= 4096 && h % 16 == 0 && w % 16 == 0) {
        return SC_OK;
    }
    return sc_fail(
        err, SC_BAD_SHAPE,
        "MultiResUNet takes images whose sides are multiples of 16 from 16 to "
        "4096; got %" PRId64 " x %" PRId64,
        h, w);
}

static void feature_shape(int64_t h, int64_t w, int64_t shape[3])
{
    res_block last;
    block_channels(WIDTH[0], &last);
    shape[0] = last.out;
    shape[1] = h;
    shape[2] = w;
}

/* ---- Plans ---------------------------------------------------------------------- */

static void add_conv(sc_plan *plan, const char *name, const sc_conv_weights *wei,
                     sc_view src, sc_view dst, int64_t h, int64_t w, bool relu)
{
    sc_plan_conv(plan, &(sc_conv_step){.name = name,
                                       .wei = {wei},
                                       .src = {src},
                                       .dst = dst,
                                       .h = h,
                                       .w = w,
                                       .dst_stride = 1,
                                       .relu = relu});
}

/* Returns the buffer of the block's output. */
static int build_block(const res_block *block, sc_plan *plan, const char *prefix,
                       int src, int64_t h, int64_t w)
{
    char name[MAX_PART];
    const int out = sc_plan_buffer(plan, h, w, block->out, 1, false);
    const sc_view a = {out, 0}, b = {out, block->a}, c = {out, block->a + block->b};
    snprintf(name, sizeof name, "%s.a", prefix);
    add_conv(plan, name, block->conv_a, (sc_view){src, 0}, a, h, w, true);
    snprintf(name, sizeof name, "%s.b", prefix);
    add_conv(plan, name, block->conv_b, a, b, h, w, true);
    snprintf(name, sizeof name, "%s.c", prefix);
    add_conv(plan, name, block->conv_c, b, c, h, w, true);
    snprintf(name, sizeof name, "%s.shortcut", prefix);
    sc_plan_conv(plan, &(sc_conv_step){.name = name,
                                       .wei = {block->shortcut},
                                       .src = {{src, 0}},
                                       .dst = a,
                                       .h = h,
                                       .w = w,
                                       .dst_stride = 1,
                                       .relu = true,
                                       .add = &a,
                                       .add_scale = block->concat_scale,
                                       .post_scale = block->out_scale,
                                       .post_shift = block->out_shift});
    return out;
}

static void build_unit(const res_unit *unit, sc_plan *plan, const char *name,
                       sc_view src, sc_view dst, int64_t h, int64_t w)
{
    sc_plan_conv(plan, &(sc_conv_step){.name = name,
                                       .wei = {unit->conv, unit->shortcut},
                                       .src = {src, src},
                                       .dst = dst,
                                       .h = h,
                                       .w = w,
                                       .dst_stride = 1,
                                       .relu = true,
                                       .post_scale = unit->out_scale,
                                       .post_shift = unit->out_shift});
}

/* The skip path of level i into the upper half of 'joined'. */
static void build_path(const res_unit *units, sc_plan *plan, int i, int src, int joined,
                       int64_t h, int64_t w)
{
    char name[MAX_NAME];
    sc_view from = {src, 0};
    for (int j = 0; j < UNITS[i]; j++) {
        const bool last = j == UNITS[i] - 1;
        const sc_view to =
            last ? (sc_view){joined, WIDTH[i]}
                 : (sc_view){sc_plan_buffer(plan, h, w, WIDTH[i], 1, false), 0};
        snprintf(name, sizeof name, "path.%d.%d", i, j);
        build_unit(&units[j], plan, name, from, to, h, w);
        from = to;
    }
}

static void build_up(sc_conv_weights *const up[4], sc_plan *plan, int k, int src,
                     int joined, int64_t h, int64_t w)
{
    char name[MAX_NAME];
    snprintf(name, sizeof name, "up.%d", k);
    for (int pixel = 0; pixel < 4; pixel++) {
        sc_plan_conv(plan, &(sc_conv_step){.name = name,
                                           .wei = {up[pixel]},
                                           .src = {{src, 0}},
                                           .dst = {joined, 0},
                                           .h = h,
                                           .w = w,
                                           .dst_y = pixel / 2,
                                           .dst_x = pixel % 2,
                                           .dst_stride = 2});
    }
}

/* sc_custom_fn: the last maps, where they are wanted. */
static void run_features(const void *context, const sc_engine *engine,
                         const sc_map *map, const sc_image *image, int thread,
                         int n_threads)
{
    (void)context;
    if (image->features == NULL) return;
    const int64_t end = map->h * (thread + 1) / n_threads;
    for (int64_t y = map->h * thread / n_threads; y < end; y++) {
        const void *src = (const char *)map->data +
                          (size_t)(y * map->row) * engine->item_nbytes;
        engine->pointwise->deinterleave(src, map->step, image->features + y * map->w,
                                        map->h * map->w, map->w, map->c);
    }
}

/* sc_custom_fn: logits to probabilities, channel-last to planes. */
static void run_sigmoid(const void *context, const sc_engine *engine, const sc_map *map,
                        const sc_image *image, int thread, int n_threads)
{
    (void)context;
    (void)engine;
    const int64_t end = map->h * (thread + 1) / n_threads;
    for (int64_t y = map->h * thread / n_threads; y < end; y++) {
        const float *src = (const float *)map->data + y * map->row;
        for (int64_t c = 0; c < map->c; c++) {
            sc_sigmoid(src + c, map->step, image->dst + (c * map->h + y) * map->w,
                       map->w);
        }
    }
}

static void build(const void *model, sc_plan *plan, int64_t h, int64_t w)
{
    const multiresunet *net = model;
    char name[MAX_NAME];
    int joined[N_SKIPS];
    int x = sc_plan_buffer(plan, h, w, net->in_channels, 1, true);
    sc_plan_input(plan, "input", x);
    const res_unit *units = net->units;
    for (int i = 0; i < N_LEVELS; i++) {
        snprintf(name, sizeof name, "encoder.%d", i);
        x = build_block(&net->encoder[i], plan, name, x, h >> i, w >> i);
        if (i == N_SKIPS) break;
        joined[i] = sc_plan_buffer(plan, h >> i, w >> i, 2 * WIDTH[i], 1, false);
        build_path(units, plan, i, x, joined[i], h >> i, w >> i);
        units += UNITS[i];
        const int64_t c = net->encoder[i].out;
        const int pooled =
            sc_plan_buffer(plan, h >> (i + 1), w >> (i + 1), c, 1, false);
        snprintf(name, sizeof name, "pool.%d", i);
        sc_plan_max_pool(plan, name, (sc_view){x, 0}, (sc_view){pooled, 0}, c, 2, 2, 0);
        x = pooled;
    }
    for (int k = 0; k < N_SKIPS; k++) {
        const int i = N_SKIPS - 1 - k;
        build_up(net->up[k], plan, k, x, joined[i], h >> (i + 1), w >> (i + 1));
        snprintf(name, sizeof name, "decoder.%d", k);
        x = build_block(&net->decoder[k], plan, name, joined[i], h >> i, w >> i);
    }
    const int logits = sc_plan_buffer_f32(plan, h, w, net->outputs);
    sc_plan_custom(plan, "features", "copy", (sc_view){x, 0}, run_features, net, 0.0);
    add_conv(plan, "head", net->head, (sc_view){x, 0}, (sc_view){logits, 0}, h, w,
             false);
    sc_plan_custom(plan, "sigmoid", "sigmoid", (sc_view){logits, 0}, run_sigmoid, net,
                   (double)(h * w * net->outputs));
}

const sc_architecture sc_multiresunet = {create,        destroy, check_size, build,
                                         feature_shape, NULL,    NULL,       NULL};
