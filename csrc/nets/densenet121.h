/* Shared by DenseNet121's forward and backward passes.
 *
 * The backward pass is a plan like the other: the forward steps, whose maps it keeps
 * where a ReLU needs them again, then the same convolutions the other way.  The way
 * back through a stride-1 convolution is a convolution: kernel flipped, channels in and
 * out swapped, so the forward kernels serve with re-packed weights.
 *
 *     norm5, ReLU, head   closed form (head.h)
 *     conv1               1 x 1, 128 to the channels so far; norm1's factor is in its
 *                         weights, what norm1's ReLU cut off becomes 0 (plan.h,
 *                         sc_back); added to the block's gradient in place: nothing is
 *                         ever split
 *     conv2               3 x 3, 32 to 128, Winograd where it pays, through norm2's ReLU
 *     transition          1 x 1 on the pooled size, a quarter of it to 2 x 2 pixels
 *     pool0, norm0, ReLU  to the first of the largest
 *     conv0               each pixel of 2 x 2 meets every second tap: one 4 x 4
 *                         convolution of the stem's gradient has all four as channels
 */
#ifndef SC_NETS_DENSENET121_H
#define SC_NETS_DENSENET121_H

#include "head.h"
#include "model.h"

enum {
    DENSE_N_BLOCKS = 4,
    DENSE_N_LAYERS = 58,
    DENSE_GROWTH = 32,
    DENSE_BOTTLENECK = 128,
    DENSE_STEM = 64,
};

extern const int SC_DENSE_LAYERS[DENSE_N_BLOCKS];
/* Channels that enter and leave each block. */
extern const int64_t SC_DENSE_IN[DENSE_N_BLOCKS], SC_DENSE_OUT[DENSE_N_BLOCKS];

typedef struct {
    float *norm_scale, *norm_shift;
    sc_conv_weights *conv1, *conv2; /* a transition has conv1 only */
} sc_dense_layer;

typedef struct sc_dense_back sc_dense_back;

typedef struct {
    int in_channels;
    bool bytes; /* between conv1 and conv2 */
    sc_conv_weights *stem;
    sc_dense_layer layers[DENSE_N_LAYERS];
    sc_dense_layer transitions[DENSE_N_BLOCKS - 1];
    sc_head *head;
    sc_dense_back
        *back; /* made by sc_dense_need, down to the deepest layer requested */
} sc_densenet;

/* The forward pass's buffers and their extents; h[0] and w[0] are pool0's. */
typedef struct {
    int64_t stem_h, stem_w;
    int64_t h[DENSE_N_BLOCKS], w[DENSE_N_BLOCKS];
    int input, stem, block[DENSE_N_BLOCKS], middle[DENSE_N_LAYERS];
} sc_dense_maps;

/* Fill 'net', which is zeroed, from the tensors of 'source'.  After a failure, too, it
 * is for sc_dense_release, which frees what lies in it (but 'back'). */
sc_status sc_dense_take(sc_densenet *net, const sc_net_config *config,
                        const sc_engine *engine, sc_source *source, sc_error *err);
void sc_dense_release(sc_densenet *net);

/* The extents of all maps for images of h x w; buffers are 0. */
void sc_dense_sizes(int64_t h, int64_t w, sc_dense_maps *maps);

/* Everything before the head. */
void sc_dense_forward(const sc_densenet *net, sc_plan *plan, int64_t h, int64_t w,
                      sc_dense_maps *maps);

/* sc_architecture's need_back and build_back. */
sc_status sc_dense_need(void *model, const sc_engine *engine, sc_layer layer,
                        sc_error *err);
void sc_dense_backward(const void *model, sc_plan *plan, sc_layer layer, int64_t h,
                       int64_t w);
void sc_dense_back_destroy(sc_dense_back *back); /* NULL is fine */

#endif
