/* An architecture as net.c sees it, and the functions that architectures share. */
#ifndef SC_NETS_MODEL_H
#define SC_NETS_MODEL_H

#include "../nn/plan.h"

/* One architecture: how to take its weights from a source and lay out its plans. */
typedef struct {
    /* 'model' holds folded and packed weights; NULL after a failure. */
    sc_status (*create)(const sc_net_config *config, const sc_engine *engine,
                        sc_source *source, void **model, sc_error *err);
    void (*destroy)(void *model); /* NULL is fine */
    sc_status (*check_size)(int64_t h, int64_t w, sc_error *err);
    /* Add all buffers and steps for h x w images. */
    void (*build)(const void *model, sc_plan *plan, int64_t h, int64_t w);
    /* As sc_net_shape, for a size that check_size takes; SC_OUTPUT_LAYER only of a
     * network with a backward pass. */
    sc_status (*shape)(const sc_net_config *config, sc_output output, sc_layer layer,
                       int64_t h, int64_t w, sc_shape *out, sc_error *err);

    /* The backward pass; NULL for a network without one.  The engine is a float32 one.
     *
     * need_back     make what build_back needs beside the weights, once: further calls
     *               add what they lack and touch nothing that a plan may be using
     * build_back    as build: forward, backward down to 'layer', both results out */
    sc_status (*need_back)(void *model, const sc_engine *engine, sc_layer layer,
                           sc_error *err);
    void (*build_back)(const void *model, sc_plan *plan, sc_layer layer, int64_t h,
                       int64_t w);
} sc_architecture;

extern const sc_architecture sc_densenet121;
extern const sc_architecture sc_multiresunet;

/* ---- Taking weights ------------------------------------------------------------- */

/* A batch normalisation with stored statistics as y = x * scale + shift, both of 'c' channels, padded
 * as by sc_channels.  The tensors are prefix + ".bias" and so on; without 'has_scale'
 * there is no ".weight" and gamma is 1. */
sc_status sc_take_norm(sc_source *source, const char *prefix, int64_t c, float eps,
                       bool has_scale, float **scale, float **shift, sc_error *err);

/* Layers to fold into a convolution. */
typedef struct {
    const char *norm; /* the batch normalisation behind it, or NULL */
    bool has_scale;   /* as for sc_take_norm */
    float eps;
    const float
        *more; /* added to the bias of each channel, or NULL; with 'norm' only */
    sc_conv_levels levels; /* of a convolution in integers, where src has a scale */
} sc_fold;

/* The levels of the range 'name' + 'suffix' of an int8 network; without a scale of another.
 * SC_UNSUPPORTED with its name where it is missing or not finite. */
sc_status sc_take_levels(const sc_net_config *config, const char *name,
                         const char *suffix, sc_levels *out, sc_error *err);

/* The convolution name + ".weight" with 'fold' in it. */
sc_status sc_take_conv(sc_source *source, const sc_engine *engine, const char *name,
                       sc_conv_shape shape, const sc_fold *fold, sc_conv_weights **out,
                       sc_error *err);

/* The tensor prefix + suffix as it is, (shape) of 'ndim' extents. */
sc_status sc_take(sc_source *source, const char *prefix, const char *suffix, int ndim,
                  const int64_t *shape, float **out, sc_error *err);

#endif
