/* The tensors of a model, each looked up by name, checked and converted once; and
 * convolutions packed for the kernels of an engine. */
#ifndef SC_NN_WEIGHTS_H
#define SC_NN_WEIGHTS_H

#include "engine.h"

#include "../kernels/conv_onednn.h"

#include <pthread.h>

/* ---- The tensors as they come ------------------------------------------------ */

typedef struct sc_source sc_source;

/* An index of 'tensors', which must outlive it.  SC_BAD_MODEL where a name occurs
 * twice. */
sc_status sc_source_create(const sc_tensor *tensors, int64_t n, sc_source **out,
                           sc_error *err);
void sc_source_destroy(sc_source *source);

/* The tensor 'name' of exactly this shape as float32, or SC_BAD_MODEL with its name.
 * The caller frees *out with sc_free. */
sc_status sc_source_take(sc_source *source, const char *name, int ndim,
                         const int64_t *shape, float **out, sc_error *err);

/* SC_BAD_MODEL with the name of a tensor that nobody has taken; *n_values is the
 * number of values taken. */
sc_status sc_source_finish(const sc_source *source, int64_t *n_values, sc_error *err);

/* ---- Bytes --------------------------------------------------------------------- */

/* What the bytes of a map stand for: (byte - zero) * scale.  A scale of 0: no bytes. */
typedef struct {
    float scale;
    int zero;
} sc_levels;

/* The levels from 'low' to 'high' and 0, which is one of them. */
sc_levels sc_levels_of(float low, float high);

/* In a batch normalisation of 'n' channels, its result in bytes. */
void sc_levels_apply(sc_levels to, int64_t n, float *scale, float *shift);

/* The pixel pitch of a map of bytes. */
int64_t sc_pitch_u8(int64_t channels);

/* ---- Convolutions ready to run ------------------------------------------------ */

/* Weights transformed for Winograd, four times as many: computed when a plan first uses
 * them, since most weights belong to layers of few pixels, where Winograd never pays. */
typedef struct {
    pthread_mutex_t lock; /* guards 'packed' while it is computed */
    void *packed;         /* or NULL */
} sc_winograd_weights;

/* Read-only once made, but for what 'winograd' points to; shared by all plans. */
typedef struct {
    sc_conv_shape shape;
    int64_t n_taps, kc;            /* as for sc_phase */
    void *packed;                  /* for engine->conv; NULL where oneDNN computes */
    int64_t wei_block;             /* elements of one block of 'packed' */
    sc_winograd_weights *winograd; /* for 3 x 3 layers where the engine has it */
    sc_onednn_weights *onednn;     /* else: (oc, kh, kw, ic) and its reordered copies */
    float *bias;                   /* n_blocks * SC_LANES, zero-padded */
    float *sum_scale;              /* of a layer in integers (conv.h); else NULL */
} sc_conv_weights;

/* 'wei' is PyTorch's (oc, ic, kh, kw) times 'scale' per output channel (NULL: ones);
 * 'bias' may be NULL. */
sc_status sc_conv_weights_create(const sc_engine *engine, sc_conv_shape shape,
                                 const float *wei, const float *scale,
                                 const float *bias, sc_conv_weights **out,
                                 sc_error *err);
/* Levels of the maps round a convolution in integers. */
typedef struct {
    sc_levels src;   /* of what it reads */
    sc_levels other; /* of its channels from 'split' on, where that is not 0 */
    int64_t split;
    int64_t pitch; /* of its pixels, where they hold these channels alone; else 0 */
    sc_levels dst; /* where it has a scale: of what is written, with nothing between the
                      bias and it but a ReLU */
} sc_conv_levels;

/* The same in integers. */
sc_status sc_conv_weights_create_u8(const sc_engine *engine, sc_conv_shape shape,
                                    const float *wei, const float *scale,
                                    const float *bias, const sc_conv_levels *levels,
                                    sc_conv_weights **out, sc_error *err);
void sc_conv_weights_destroy(sc_conv_weights *weights);

/* Make what weights->winograd, which is not NULL, lacks.  Several threads may call it. */
sc_status sc_conv_weights_need_winograd(const sc_engine *engine,
                                        const sc_conv_weights *weights, sc_error *err);

/* The weight of output channel o and input channel k at (ky, kx), scale included, of an
 * engine that computes in float32. */
float sc_conv_weights_at(const sc_conv_weights *weights, int64_t o, int64_t ky,
                         int64_t kx, int64_t k);

/* 'n' channels of 'values' (NULL: 'fill') padded with zeros to whole blocks and one
 * more, or NULL without memory.  Free with sc_free. */
float *sc_channels(const float *values, int64_t n, float fill);

#endif
