/* DenseNet121 forward: the steps of a plan up to the head. */
#include "densenet121.h"

#include <stdio.h>
#include <string.h>

void sc_dense_sizes(int64_t h, int64_t w, sc_dense_maps *maps)
{
    *maps = (sc_dense_maps){
        .stem_h = (h - 1) / 2 + 1, /* conv0: k7, stride 2, padding 3 */
        .stem_w = (w - 1) / 2 + 1,
    };
    for (int b = 0; b < DENSE_N_BLOCKS; b++) {
        maps->h[b] = ((maps->stem_h - 1) / 2 + 1) >> b; /* pool0, then halves */
        maps->w[b] = ((maps->stem_w - 1) / 2 + 1) >> b;
    }
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

static void build_block(const sc_dense_layer *layers, bool bytes, sc_plan *plan,
                        int block, const sc_dense_maps *maps, int *middles)
{
    char name[64];
    const int buffer = maps->block[block];
    const int64_t h = maps->h[block], w = maps->w[block];
    for (int i = 0; i < SC_DENSE_LAYERS[block]; i++) {
        const sc_dense_layer *layer = &layers[i];
        const int middle = bytes
                               ? sc_plan_buffer_u8(plan, h, w, DENSE_BOTTLENECK, 1)
                               : sc_plan_buffer(plan, h, w, DENSE_BOTTLENECK, 1, false);
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
    sc_dense_sizes(h, w, maps);
    for (int b = 0; b < DENSE_N_BLOCKS; b++) {
        maps->block[b] =
            sc_plan_buffer(plan, maps->h[b], maps->w[b], SC_DENSE_OUT[b], 0, false);
    }
    build_stem(net, plan, h, w, maps);
    int done = 0;
    for (int b = 0; b < DENSE_N_BLOCKS; b++) {
        build_block(&net->layers[done], net->bytes, plan, b, maps, &maps->middle[done]);
        done += SC_DENSE_LAYERS[b];
        if (b < DENSE_N_BLOCKS - 1)
            build_transition(&net->transitions[b], plan, b, maps);
    }
}
