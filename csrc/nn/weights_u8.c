/* Convolutions in integers: weights of eight bits, and what their sums stand for. */
#include "weights.h"

#include "../base/memory.h"
#include "../base/status.h"
#include "../kernels/conv_pack.h"

#include <math.h>
#include <string.h>

sc_levels sc_levels_of(float low, float high)
{
    low = fminf(low, 0.0f);
    high = fmaxf(high, 0.0f);
    const float scale = (high - low) / 255.0f;
    if (!(scale > 0.0f)) return (sc_levels){1.0f, 0};
    return (sc_levels){scale, (int)lrintf(-low / scale)};
}

void sc_levels_apply(sc_levels to, int64_t n, float *scale, float *shift)
{
    for (int64_t c = 0; c < n; c++) {
        scale[c] /= to.scale;
        shift[c] = shift[c] / to.scale + (float)to.zero;
    }
}

/* Few channels lie closer than a cache line, so that a tile holds several pixels. */
int64_t sc_pitch_u8(int64_t channels)
{
    return channels <= 16 ? 16 : channels <= 32 ? 32 : sc_round_up(channels, 64);
}

/* A kernel row as one tap, from pixel to pixel of the map, where that makes fewer steps
 * of 'values' than its taps one by one: with tiles. */
static void choose_taps(sc_conv_weights *w, int64_t pitch, int64_t values)
{
    const sc_conv_shape *s = &w->shape;
    const int64_t row = (s->kw - 1) * pitch + s->ic;
    const int64_t single = s->kw * sc_round_up(s->ic, values);
    w->shape.merged = pitch > 0 && s->kw > 1 && s->stride == 1 &&
                      sc_round_up(row, values) < single;
    w->n_taps = w->shape.merged ? s->kh : s->kh * s->kw;
    w->kc = w->shape.merged ? row : s->ic;
}

static const sc_levels *levels_at(const sc_conv_levels *levels, int64_t k)
{
    return levels->split > 0 && k >= levels->split ? &levels->other : &levels->src;
}

/* PyTorch's (oc, ic, kh, kw) to (oc, taps, kc), each output channel scaled, and each input
 * channel by what a step of its bytes stands for. */
static float *by_taps(const sc_conv_weights *w, const float *wei, const float *scale,
                      const sc_conv_levels *levels)
{
    const sc_conv_shape *s = &w->shape;
    const int64_t pitch = levels->pitch, n = s->oc * w->n_taps * w->kc;
    float *out = sc_calloc((size_t)n * sizeof *out);
    for (int64_t c = 0; out != NULL && c < s->oc; c++) {
        for (int64_t t = 0; t < s->kh * s->kw; t++) {
            float *tap = s->merged
                             ? out + (c * s->kh + t / s->kw) * w->kc + t % s->kw * pitch
                             : out + (c * w->n_taps + t) * w->kc;
            for (int64_t k = 0; k < s->ic; k++) {
                tap[k] = wei[(c * s->ic + k) * s->kh * s->kw + t] *
                         (scale == NULL ? 1.0f : scale[c]) *
                         levels_at(levels, k)->scale;
            }
        }
    }
    return out;
}

/* A sum of products is sum_scale times that of integers.  Where the input is 0 it has
 * the byte 'zero', in the halo as well: what these add up to goes into the bias. */
static sc_status quantize(sc_conv_weights *w, const float *plain, const float *bias,
                          const sc_conv_levels *levels, int8_t *integers)
{
    const int64_t oc = w->shape.oc, pitch = levels->pitch;
    const sc_levels dst = levels->dst;
    const float to = dst.scale > 0.0f ? 1.0f / dst.scale : 1.0f;
    int32_t *zero = sc_alloc((size_t)(oc + w->kc) * sizeof *zero), *total = NULL;
    w->bias = sc_channels(bias, oc, 0.0f);
    w->sum_scale = sc_channels(NULL, oc, 0.0f);
    if (zero == NULL || w->bias == NULL || w->sum_scale == NULL) {
        sc_free(zero);
        return SC_NOMEM;
    }
    total = zero + w->kc;
    for (int64_t k = 0; k < w->kc; k++) {
        zero[k] = levels_at(levels, w->shape.merged ? k % pitch : k)->zero;
    }
    sc_conv_quantize_s8(plain, oc, w->n_taps, w->kc, zero, integers, w->sum_scale,
                        total);
    for (int64_t c = 0; c < oc; c++) {
        w->bias[c] -= w->sum_scale[c] * (float)total[c];
        w->sum_scale[c] *= to;
        w->bias[c] = w->bias[c] * to + (float)dst.zero;
    }
    sc_free(zero);
    return SC_OK;
}

/* In the order of who computes. */
static sc_status pack(const sc_engine *engine, sc_conv_weights *w,
                      const int8_t *integers, sc_error *err)
{
    if (sc_engine_is_onednn(engine)) {
        return sc_onednn_weights_create(&w->shape, integers, SC_ONEDNN_U8, &w->onednn,
                                        err);
    }
    w->wei_block = w->n_taps * sc_round_up(w->kc, 64) * SC_LANES;
    w->packed = sc_alloc_kept((size_t)sc_conv_packed_s8(w->shape.oc, w->n_taps, w->kc));
    if (w->packed == NULL) return SC_NOMEM;
    sc_conv_pack_s8(integers, w->shape.oc, w->n_taps, w->kc, w->packed);
    return SC_OK;
}

sc_status sc_conv_weights_create_u8(const sc_engine *engine, sc_conv_shape shape,
                                    const float *wei, const float *scale,
                                    const float *bias, const sc_conv_levels *levels,
                                    sc_conv_weights **out, sc_error *err)
{
    *out = NULL;
    sc_conv_weights *w = sc_calloc(sizeof *w);
    float *plain = NULL;
    int8_t *integers = NULL;
    sc_status status = SC_NOMEM;
    if (w != NULL) {
        w->shape = shape;
        choose_taps(w, levels->pitch, engine->u8_values);
        plain = by_taps(w, wei, scale, levels);
    }
    if (plain != NULL) {
        integers = sc_alloc((size_t)(shape.oc * w->n_taps * w->kc));
    }
    if (integers != NULL) status = quantize(w, plain, bias, levels, integers);
    if (status == SC_OK) status = pack(engine, w, integers, err);
    sc_free(integers);
    sc_free(plain);
    if (status != SC_OK) {
        sc_conv_weights_destroy(w);
        return sc_fail(err, SC_NOMEM, "no memory for a layer's weights");
    }
    *out = w;
    return SC_OK;
}
