/* MultiResUNet (Ibtehaz & Rahman 2020, "MultiResUNet: Rethinking the U-Net architecture
 * for multimodal biomedical image segmentation"), as in the authors' Keras code.
 *
 * A MultiResBlock's three convolutions write their channels side by side into one
 * buffer; the 1 x 1 shortcut then adds itself to it in place, with both batch normalisations and the
 * ReLU in the same pass.  A ResUnit is one step: its 3 x 3 and its 1 x 1 meet in
 * registers (conv.h).  Upsampling and the skip path write the decoder's input
 * directly, so nothing is ever concatenated.
 */
#include "multiresunet.h"

#include "../base/memory.h"
#include "../base/status.h"

#include <inttypes.h>
#include <stdio.h>

enum { MAX_NAME = 32, MAX_PART = 64 };

static void destroy(void *model)
{
    sc_multiresunet_weights *net = model;
    if (net == NULL) return;
    sc_multires_release(net);
    sc_free(net);
}

static sc_status create(const sc_net_config *config, const sc_engine *engine,
                        sc_source *source, void **model, sc_error *err)
{
    *model = NULL;
    sc_multiresunet_weights *net = sc_calloc(sizeof *net);
    if (net == NULL) return sc_fail(err, SC_NOMEM, "no memory for MultiResUNet");
    const sc_status status = sc_multires_take(net, config, engine, source, err);
    if (status == SC_OK) {
        *model = net;
    } else {
        destroy(net);
    }
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

static sc_status shape(const sc_net_config *config, sc_output output, sc_layer layer,
                       int64_t h, int64_t w, sc_shape *out, sc_error *err)
{
    (void)layer;
    sc_multires_block last;
    sc_multires_channels(SC_MULTIRES_WIDTH[0], &last);
    if (output == SC_OUTPUT_CAM || output == SC_OUTPUT_CAMS) {
        return sc_fail(err, SC_BAD_VALUE,
                       "class-activation maps are of a densenet121 only");
    }
    const bool features = output == SC_OUTPUT_FEATURES;
    *out = (sc_shape){3, {features ? last.out : config->outputs, h, w}};
    return SC_OK;
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

static int add_buffer(sc_plan *plan, bool bytes, int64_t h, int64_t w, int64_t c)
{
    return bytes ? sc_plan_buffer_u8(plan, h, w, c, 1)
                 : sc_plan_buffer(plan, h, w, c, 1, false);
}

/* Returns the buffer of the block's output: that of its three maps, unless one is in bytes
 * and the other not. */
static int build_block(const sc_multires_block *block, bool bytes, sc_plan *plan,
                       const char *prefix, int src, int64_t h, int64_t w)
{
    char name[MAX_PART];
    const bool out_bytes = block->levels.scale > 0.0f;
    const int cat = add_buffer(plan, bytes, h, w, block->out);
    const int out = bytes == out_bytes ? cat
                                       : add_buffer(plan, out_bytes, h, w, block->out);
    const sc_view a = {cat, 0}, b = {cat, block->a}, c = {cat, block->a + block->b};
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
                                       .dst = {out, 0},
                                       .h = h,
                                       .w = w,
                                       .dst_stride = 1,
                                       .dst_zero = block->levels.zero,
                                       .relu = true,
                                       .add = &a,
                                       .add_scale = block->concat_scale,
                                       .post_scale = block->out_scale,
                                       .post_shift = block->out_shift});
    return out;
}

static void build_unit(const sc_multires_unit *unit, sc_plan *plan, const char *name,
                       sc_view src, sc_view dst, int64_t h, int64_t w)
{
    sc_plan_conv(plan, &(sc_conv_step){.name = name,
                                       .wei = {unit->conv, unit->shortcut},
                                       .src = {src, src},
                                       .dst = dst,
                                       .h = h,
                                       .w = w,
                                       .dst_stride = 1,
                                       .dst_zero = unit->levels.zero,
                                       .relu = true,
                                       .post_scale = unit->out_scale,
                                       .post_shift = unit->out_shift});
}

/* The skip path of level i into the upper half of 'joined'. */
static void build_path(const sc_multires_unit *units, sc_plan *plan, int i, int src,
                       int joined, int64_t h, int64_t w)
{
    char name[MAX_NAME];
    sc_view from = {src, 0};
    for (int j = 0; j < SC_MULTIRES_UNITS[i]; j++) {
        const bool last = j == SC_MULTIRES_UNITS[i] - 1;
        const sc_view to =
            last ? (sc_view){joined, SC_MULTIRES_WIDTH[i]}
                 : (sc_view){add_buffer(plan, units[j].levels.scale > 0.0f, h, w,
                                        SC_MULTIRES_WIDTH[i]),
                             0};
        snprintf(name, sizeof name, "path.%d.%d", i, j);
        build_unit(&units[j], plan, name, from, to, h, w);
        from = to;
    }
}

static void build_up(sc_conv_weights *const up[4], int zero, sc_plan *plan, int k,
                     int src, int joined, int64_t h, int64_t w)
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
                                           .dst_stride = 2,
                                           .dst_zero = zero});
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
    const sc_multiresunet_weights *net = model;
    char name[MAX_NAME];
    int joined[MULTIRES_N_SKIPS];
    int x = sc_plan_buffer(plan, h, w, net->in_channels, 1, true);
    sc_plan_input(plan, "input", x);
    const sc_multires_unit *units = net->units;
    for (int i = 0; i < MULTIRES_N_LEVELS; i++) {
        snprintf(name, sizeof name, "encoder.%d", i);
        x = build_block(&net->encoder[i], net->bytes && i > 0, plan, name, x, h >> i,
                        w >> i);
        if (i == MULTIRES_N_SKIPS) break;
        joined[i] =
            add_buffer(plan, net->bytes, h >> i, w >> i, 2 * SC_MULTIRES_WIDTH[i]);
        build_path(units, plan, i, x, joined[i], h >> i, w >> i);
        units += SC_MULTIRES_UNITS[i];
        const int64_t c = net->encoder[i].out;
        const int pooled = add_buffer(plan, net->bytes, h >> (i + 1), w >> (i + 1), c);
        snprintf(name, sizeof name, "pool.%d", i);
        sc_plan_max_pool(plan, name, (sc_view){x, 0}, (sc_view){pooled, 0}, c, 2, 2, 0);
        x = pooled;
    }
    for (int k = 0; k < MULTIRES_N_SKIPS; k++) {
        const int i = MULTIRES_N_SKIPS - 1 - k;
        build_up(net->up[k], net->up_levels[k].zero, plan, k, x, joined[i],
                 h >> (i + 1), w >> (i + 1));
        snprintf(name, sizeof name, "decoder.%d", k);
        x = build_block(&net->decoder[k], net->bytes, plan, name, joined[i], h >> i,
                        w >> i);
    }
    const int logits = sc_plan_buffer_f32(plan, h, w, net->outputs);
    sc_plan_custom(plan, "features", "copy", (sc_view){x, 0}, run_features, net, 0.0);
    add_conv(plan, "head", net->head, (sc_view){x, 0}, (sc_view){logits, 0}, h, w,
             false);
    sc_plan_custom(plan, "sigmoid", "sigmoid", (sc_view){logits, 0}, run_sigmoid, net,
                   (double)(h * w * net->outputs));
}

const sc_architecture sc_multiresunet = {create, destroy, check_size, build,
                                         shape,  NULL,    NULL};
