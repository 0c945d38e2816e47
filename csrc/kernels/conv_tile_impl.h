/* The tile that the vector kernels of conv.h share: PIXELS pixels x up to BLOCKS blocks of
 * 16 channels of float32 sums that stay in registers, and all that happens to them before
 * and after the products.
 *
 * The including file has included one of the vec_*.h, and defines ITEM (the activations'
 * type) and the enumerators PIXELS and BLOCKS before it includes this, and the three
 * functions declared first after it.
 */
#include "conv.h"
#include "unroll.h"

#include "../base/memory.h"

enum { VECS = SC_LANES / VEC_LANES }; /* of a block */

typedef VEC accumulators[PIXELS][BLOCKS * VECS];

/* acc += the sum of one phase; 'origin' is the tile's first pixel's element offset. */
INLINE void accumulate(accumulators acc, const int pixels, const int vecs,
                       const sc_phase *phase, int64_t origin, int64_t block);

/* VEC_LANES items as float32. */
INLINE VEC load_items(const ITEM *src);

/* The first 'left' lanes to element 'at' of the destination. */
INLINE void store_items(const sc_conv *conv, int64_t at, int64_t left, VEC values);

/* Sums start at zero, or at add_scale * add.  Beyond 'valid' there may be no 'add'. */
INLINE void begin(accumulators acc, const int pixels, const int vecs,
                  const sc_conv *conv, int64_t y, int64_t x, int64_t valid,
                  int64_t block)
{
    UNROLL for (int m = 0; m < pixels; m++)
    {
        UNROLL for (int j = 0; j < vecs; j++) acc[m][j] = VEC_SET1(0.0f);
    }
    if (conv->add == NULL) return;
    const ITEM *add = (const ITEM *)conv->add + y * conv->add_row + x * conv->add_step;
    UNROLL for (int j = 0; j < vecs; j++)
    {
        const int64_t c = block * SC_LANES + j * VEC_LANES;
        const VEC scale = conv->add_scale == NULL ? VEC_SET1(1.0f)
                                                  : VEC_LOAD(conv->add_scale + c);
        UNROLL for (int m = 0; m < pixels; m++)
        {
            if (m >= valid) continue;
            acc[m][j] = VEC_MUL(scale, load_items(add + m * conv->add_step + c));
        }
    }
}

/* Between the two phases. */
INLINE void add_relu(accumulators acc, const int pixels, const int vecs,
                     const float *bias)
{
    UNROLL for (int j = 0; j < vecs; j++)
    {
        const VEC b = VEC_LOAD(bias + j * VEC_LANES);
        UNROLL for (int m = 0; m < pixels; m++)
        {
            acc[m][j] = VEC_MAX(VEC_ADD(acc[m][j], b), VEC_SET1(0.0f));
        }
    }
}

INLINE void finish(accumulators acc, const int pixels, const int vecs,
                   const sc_conv *conv, int64_t y, int64_t x, int64_t valid,
                   int64_t block)
{
    const int64_t offset = y * conv->dst_row + x * conv->dst_step;
    UNROLL for (int j = 0; j < vecs; j++)
    {
        const int64_t c = block * SC_LANES + j * VEC_LANES;
        const bool post = conv->post_scale != NULL;
        const VEC bias = VEC_LOAD(conv->bias + c);
        const VEC scale = post ? VEC_LOAD(conv->post_scale + c) : bias;
        const VEC shift = post ? VEC_LOAD(conv->post_shift + c) : bias;
        UNROLL for (int m = 0; m < pixels; m++)
        {
            if (m >= valid) continue;
            VEC v = VEC_ADD(acc[m][j], bias);
            if (conv->relu) v = VEC_MAX(v, VEC_SET1(0.0f));
            if (post) v = VEC_FMADD(v, scale, shift);
            store_items(conv, offset + m * conv->dst_step + c, conv->channels - c, v);
        }
    }
}

/* Pixels x .. x + pixels - 1 of row y, of which 'valid' are stored, and 'vecs' vectors of
 * channels from those of 'block' on. */
INLINE void tile(const int pixels, const int vecs, const sc_conv *conv, int64_t y,
                 int64_t x, int64_t valid, int64_t block)
{
    accumulators acc;
    begin(acc, pixels, vecs, conv, y, x, valid, block);
    for (int i = 0; i < conv->n_phases; i++) {
        const sc_phase *phase = &conv->phase[i];
        const int64_t origin = y * phase->src_row + x * phase->src_step;
        accumulate(acc, pixels, vecs, phase, origin, block);
        if (i == 0 && conv->n_phases == 2) {
            add_relu(acc, pixels, vecs, conv->mid_bias + block * SC_LANES);
        }
    }
    finish(acc, pixels, vecs, conv, y, x, valid, block);
}
