/* The door to oneDNN: convolutions for CPUs without kernels of our own (conv.h), and
 * for whoever asks for them.
 *
 * One primitive computes one thread's rows, single-threaded: our pool's threads are
 * the parallelism (base/threads.h), so oneDNN's own never starts.  It sees a dense
 * copy of the input rows with their margins, and writes dense rows of the layer's output:
 * what follows the sums are its own post-operations.  Pixels that are not dense are for its
 * reference implementation alone.
 */
#ifndef SC_KERNELS_CONV_ONEDNN_H
#define SC_KERNELS_CONV_ONEDNN_H

#include "conv.h"

typedef struct sc_onednn_weights sc_onednn_weights;

/* What maps hold. */
typedef enum { SC_ONEDNN_F32, SC_ONEDNN_BF16, SC_ONEDNN_U8 } sc_onednn_type;

/* Weights (oc, kh, kw, ic) and, made once and stored beside them, copies in the orders that
 * primitives ask for.  'plain' is copied: float32, or int8_t where 'src', the type of
 * what is multiplied by them, is bytes.  Sums are float32, of bytes int32. */
sc_status sc_onednn_weights_create(const sc_conv_shape *shape, const void *plain,
                                   sc_onednn_type src, sc_onednn_weights **out,
                                   sc_error *err);
void sc_onednn_weights_destroy(sc_onednn_weights *weights);
const void *sc_onednn_weights_plain(const sc_onednn_weights *weights);

/* What follows the sums, in this order; arrays of oc channels, which must outlive the
 * convolution, or NULL. */
typedef struct {
    const float *sum_scale; /* what a sum of integers stands for */
    const float *bias;
    bool add; /* what sc_onednn_conv_run is given */
    bool relu;
    const float *post_scale, *post_shift; /* both or neither */
    sc_onednn_type dst; /* bytes, rounded to the nearest of 0 to 255, from bytes only */
} sc_onednn_finish;

typedef struct sc_onednn_conv sc_onednn_conv;

/* A convolution of 'rows' x 'columns' output pixels.  Call it on the thread that will
 * run it.  SC_BACKEND with oneDNN's status, also where it has only its reference
 * implementation, which is hundreds of times slower than the rest. */
sc_status sc_onednn_conv_create(sc_onednn_weights *weights,
                                const sc_onednn_finish *finish, int64_t rows,
                                int64_t columns, sc_onednn_conv **out, sc_error *err);
void sc_onednn_conv_destroy(sc_onednn_conv *conv);

/* 'src' ((rows - 1) * stride + kh, (columns - 1) * stride + kw, ic), 'dst' (rows,
 * columns, oc), both dense.  'more' is float32 as 'dst', to add: 'dst' itself where that is
 * float32, which some implementations demand. */
sc_status sc_onednn_conv_run(sc_onednn_conv *conv, const void *src, const float *more,
                             void *dst, sc_error *err);

/* oneDNN's name for the implementation, such as "jit:avx2". */
const char *sc_onednn_conv_name(const sc_onednn_conv *conv);

/* Keep oneDNN's own threads out of the calling thread's work, for good: for threads
 * of our own only, since it changes a setting that the thread shares with OpenMP. */
void sc_onednn_own_thread(void);

#endif
