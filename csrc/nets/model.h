/* What net.c needs to know of an architecture, and what the architectures share. */
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
    void (*feature_shape)(int64_t h, int64_t w, int64_t shape[3]);
} sc_architecture;

extern const sc_architecture sc_densenet121;
extern const sc_architecture sc_multiresunet;

/* ---- Taking weights ------------------------------------------------------------- */

/* A Norm with stored statistics as y = x * scale + shift, both of 'c' channels, padded
 * as by sc_channels.  The tensors are prefix + ".bias" and so on; without 'has_scale'
 * there is no ".weight" and gamma is 1. */
sc_status sc_take_norm(sc_source *source, const char *prefix, int64_t c, float eps,
                       bool has_scale, float **scale, float **shift, sc_error *err);

/* The tensor prefix + suffix as it is, (shape) of 'ndim' extents. */
sc_status sc_take(sc_source *source, const char *prefix, const char *suffix, int ndim,
                  const int64_t *shape, float **out, sc_error *err);

#endif
