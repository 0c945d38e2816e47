/* The body of the vector kernels of conv.h in integers of eight bits: dot products of four.
 *
 * The tile of conv_tile_impl.h, but its sums are int32 until the last product: a second
 * phase's begin in the same registers, while the first's wait in memory.
 *
 * The including file has included one of the vec_*.h, and defines the enumerators PIXELS and
 * BLOCKS and DOT (sums, bytes, weights: the sums and products of four) before it includes
 * this, and the two functions declared first after it.
 */
#include "conv.h"
#include "unroll.h"

#include "../base/memory.h"

#include <string.h>

enum { VECS = SC_LANES / VEC_LANES }; /* of a block */

typedef VEC_INT sums[PIXELS][BLOCKS * VECS];

/* VEC_LANES bytes as float32. */
INLINE VEC load_items(const uint8_t *src);

/* The first 'left' lanes to element 'at' of the destination; the same of several vectors. */
INLINE void store_items(const sc_conv *conv, int64_t at, int64_t left, VEC values);
INLINE void store_pixel(const sc_conv *conv, int64_t at, int64_t left,
                        const VEC *values, const int vecs);

INLINE void accumulate(sums acc, const int pixels, const int vecs,
                       const sc_phase *phase, int64_t origin, int64_t block)
{
    const int64_t step = phase->src_step, quads = (phase->kc + 3) / 4;
    const int64_t stride = phase->wei_block,
                  tap = sc_round_up(phase->kc, 64) * SC_LANES;
    const int8_t *wei_block = (const int8_t *)phase->wei + block * stride;
    UNROLL for (int m = 0; m < pixels; m++)
    {
        UNROLL for (int j = 0; j < vecs; j++) acc[m][j] = VEC_INT_SET1(0);
    }
    for (int64_t t = 0; t < phase->n_taps; t++) {
        const int8_t *wei = wei_block + t * tap;
        const uint8_t *low = (const uint8_t *)phase->src + origin + phase->taps[t];
        const uint8_t *high = low + PIXELS / 2 * step;
        for (int64_t k = 0; k < quads; k++) {
            VEC_INT w[BLOCKS * VECS];
            UNROLL for (int j = 0; j < vecs; j++)
            {
                w[j] = VEC_INT_LOAD(wei + j / VECS * stride + j % VECS * 4 * VEC_LANES);
            }
            UNROLL for (int m = 0; m < pixels; m++)
            {
                int four; /* values of a pixel, at any address */
                memcpy(&four,
                       m < PIXELS / 2 ? low + m * step : high + (m - PIXELS / 2) * step,
                       sizeof four);
                const VEC_INT a = VEC_INT_SET1(four);
                UNROLL for (int j = 0; j < vecs; j++)
                {
                    acc[m][j] = DOT(acc[m][j], a, w[j]);
                }
            }
            low += 4;
            high += 4;
            wei += 4 * SC_LANES;
        }
    }
}

/* Not by memcpy, which becomes an instruction with a start of its own. */
INLINE void keep(sums acc, const int pixels, const int vecs, sums before)
{
    UNROLL for (int m = 0; m < pixels; m++)
    {
        UNROLL for (int j = 0; j < vecs; j++) before[m][j] = acc[m][j];
    }
}

INLINE VEC scaled(VEC_INT sum, const sc_conv *conv, int i, int64_t c)
{
    const float *bias = i + 1 < conv->n_phases ? conv->mid_bias : conv->bias;
    return VEC_FMADD(VEC_FROM_INT(sum), VEC_LOAD(conv->sum_scale[i] + c),
                     VEC_LOAD(bias + c));
}

/* The first phase's sums, and 'add', which belongs to them, of one vector. */
INLINE VEC first_sum(VEC_INT sum, const sc_conv *conv, const uint8_t *add, int64_t c)
{
    const VEC v = scaled(sum, conv, 0, c);
    if (add == NULL) return v;
    const VEC factor = conv->add_scale == NULL ? VEC_SET1(1.0f)
                                               : VEC_LOAD(conv->add_scale + c);
    return VEC_FMADD(factor, load_items(add + c), v);
}

/* Sums with a scale, a bias and a ReLU, as of most layers: what follows a few dozen products
 * takes half as long as these. */
INLINE void finish_plain(sums acc, const int vecs, const sc_conv *conv, int64_t y,
                         int64_t x, int64_t n_pixels, int64_t block)
{
    const VEC floor = VEC_SET1(conv->relu ? 0.0f : -__builtin_inff());
    const int64_t c = block * SC_LANES;
    VEC scale[BLOCKS * VECS], bias[BLOCKS * VECS];
    UNROLL for (int j = 0; j < vecs; j++)
    {
        scale[j] = VEC_LOAD(conv->sum_scale[0] + c + j * VEC_LANES);
        bias[j] = VEC_LOAD(conv->bias + c + j * VEC_LANES);
    }
    for (int64_t m = 0; m < n_pixels; m++) {
        VEC v[BLOCKS * VECS];
        UNROLL for (int j = 0; j < vecs; j++)
        {
            v[j] =
                VEC_MAX(VEC_FMADD(VEC_FROM_INT(acc[m][j]), scale[j], bias[j]), floor);
        }
        store_pixel(conv, y * conv->dst_row + (x + m) * conv->dst_step + c,
                    conv->channels - c, v, vecs);
    }
}

INLINE void tile(const int pixels, const int vecs, const sc_conv *conv, int64_t y,
                 int64_t x, int64_t valid, int64_t block)
{
    const bool two = conv->n_phases == 2;
    const VEC floor = VEC_SET1(conv->relu ? 0.0f : -__builtin_inff());
    sums acc, before;
    for (int i = 0; i < conv->n_phases; i++) {
        const sc_phase *phase = &conv->phase[i];
        if (i == 1) keep(acc, pixels, vecs, before);
        accumulate(acc, pixels, vecs, phase, y * phase->src_row + x * phase->src_step,
                   block);
    }
    if (!two && conv->add == NULL && conv->post_scale == NULL) {
        finish_plain(acc, vecs, conv, y, x, sc_min(pixels, valid), block);
        return;
    }
    for (int m = 0; m < pixels && m < valid; m++) {
        const uint8_t *add = conv->add == NULL
                                 ? NULL
                                 : (const uint8_t *)conv->add + y * conv->add_row +
                                       (x + m) * conv->add_step;
        const int64_t dst = y * conv->dst_row + (x + m) * conv->dst_step;
        for (int j = 0; j < vecs; j++) {
            const int64_t c = block * SC_LANES + j * VEC_LANES;
            VEC v = first_sum(two ? before[m][j] : acc[m][j], conv, add, c);
            if (two)
                v = VEC_ADD(VEC_MAX(v, VEC_SET1(0.0f)), scaled(acc[m][j], conv, 1, c));
            v = VEC_MAX(v, floor);
            if (conv->post_scale != NULL) {
                v = VEC_FMADD(v, VEC_LOAD(conv->post_scale + c),
                              VEC_LOAD(conv->post_shift + c));
            }
            store_items(conv, dst + c, conv->channels - c, v);
        }
    }
}
