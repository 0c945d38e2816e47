/* The door to oneDNN: convolutions for CPUs without kernels of our own (conv.h), and
 * for whoever asks for them.
 *
 * One primitive computes one thread's rows, single-threaded: our pool's threads are
 * the parallelism (base/threads.h), so oneDNN's own never starts.  It sees a dense
 * copy of the input rows with their margins, and writes dense float32 rows that the
 * epilogue (pointwise.h) turns into the layer's output.
 */
#ifndef SC_KERNELS_CONV_ONEDNN_H
#define SC_KERNELS_CONV_ONEDNN_H

#include "conv.h"

typedef struct sc_onednn_weights sc_onednn_weights;

/* Weights (oc, kh, kw, ic) and, made once and stored beside them, copies in the orders that
 * primitives ask for.  'plain' is copied.  'bf16': inputs and products are bfloat16,
 * and sums still float32. */
sc_status sc_onednn_weights_create(const sc_conv_shape *shape, const float *plain,
                                   bool bf16, sc_onednn_weights **out, sc_error *err);
void sc_onednn_weights_destroy(sc_onednn_weights *weights);
const float *sc_onednn_weights_plain(const sc_onednn_weights *weights);

typedef struct sc_onednn_conv sc_onednn_conv;

/* A convolution of 'rows' x 'columns' output pixels.  Call it on the thread that will
 * run it.  SC_BACKEND with oneDNN's status, also where it has only its reference
 * implementation, which is hundreds of times slower than the rest. */
sc_status sc_onednn_conv_create(sc_onednn_weights *weights, int64_t rows,
                                int64_t columns, sc_onednn_conv **out, sc_error *err);
void sc_onednn_conv_destroy(sc_onednn_conv *conv);

/* 'src' ((rows - 1) * stride + kh, (columns - 1) * stride + kw, ic), 'dst' (rows,
 * columns, oc), both dense. */
sc_status sc_onednn_conv_run(sc_onednn_conv *conv, const void *src, float *dst,
                             sc_error *err);

/* oneDNN's name for the implementation, such as "jit:avx2". */
const char *sc_onednn_conv_name(const sc_onednn_conv *conv);

/* Keep oneDNN's own threads out of the calling thread's work, for good: for threads
 * of our own only, since it changes a setting that the thread shares with OpenMP. */
void sc_onednn_own_thread(void);

#endif
