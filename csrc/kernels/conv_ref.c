/* The formula of conv.h, one output after another. */
#include "conv_ref.h"

#include "bf16.h"

#include "../base/memory.h"

static float load(const void *src, int64_t i, bool bf16)
{
    return bf16 ? sc_from_bf16(((const uint16_t *)src)[i]) : ((const float *)src)[i];
}

static float weight(const sc_phase *phase, int64_t c, int64_t t, int64_t k, bool bf16)
{
    const int64_t block = c / SC_LANES, lane = c % SC_LANES;
    if (!bf16) {
        const float *wei = (const float *)phase->wei + block * phase->wei_block;
        return wei[(t * phase->kc + k) * SC_LANES + lane];
    }
    const uint16_t *wei = (const uint16_t *)phase->wei + block * phase->wei_block;
    const int64_t tap = sc_round_up(phase->kc, 32) * SC_LANES;
    return sc_from_bf16(wei[t * tap + (k / 2) * 2 * SC_LANES + lane * 2 + k % 2]);
}

static float accumulate(float acc, const sc_phase *phase, int64_t y, int64_t x,
                        int64_t c, bool bf16)
{
    const int64_t origin = y * phase->src_row + x * phase->src_step;
    for (int64_t t = 0; t < phase->n_taps; t++) {
        for (int64_t k = 0; k < phase->kc; k++) {
            acc += weight(phase, c, t, k, bf16) *
                   load(phase->src, origin + phase->taps[t] + k, bf16);
        }
    }
    return acc;
}

static float output(const sc_conv *conv, int64_t y, int64_t x, int64_t c, bool bf16)
{
    float acc = 0.0f;
    if (conv->add != NULL) {
        const int64_t at = y * conv->add_row + x * conv->add_step + c;
        const float scale = conv->add_scale == NULL ? 1.0f : conv->add_scale[c];
        acc = scale * load(conv->add, at, bf16);
    }
    acc = accumulate(acc, &conv->phase[0], y, x, c, bf16);
    if (conv->n_phases == 2) {
        acc += conv->mid_bias[c];
        acc = accumulate(acc > 0.0f ? acc : 0.0f, &conv->phase[1], y, x, c, bf16);
    }
    acc += conv->bias[c];
    if (conv->relu) acc = acc > 0.0f ? acc : 0.0f;
    if (conv->post_scale != NULL) acc = acc * conv->post_scale[c] + conv->post_shift[c];
    return acc;
}

static float saturated(float value)
{
    const float largest = sc_from_bf16(0x7f7f);
    if (!(value < largest)) return largest;
    return value > -largest ? value : -largest;
}

static void run(const sc_conv *conv, int64_t row0, int64_t row1, int64_t block0,
                int64_t block1, bool bf16)
{
    const int64_t end = sc_min(block1 * SC_LANES, conv->channels);
    for (int64_t y = row0; y < row1; y++) {
        for (int64_t x = 0; x < conv->columns; x++) {
            const int64_t at = y * conv->dst_row + x * conv->dst_step;
            for (int64_t c = block0 * SC_LANES; c < end; c++) {
                const float value = output(conv, y, x, c, bf16);
                if (bf16 && !conv->dst_f32) {
                    ((uint16_t *)conv->dst)[at + c] = sc_to_bf16(saturated(value));
                } else {
                    ((float *)conv->dst)[at + c] = value;
                }
            }
        }
    }
}

void sc_conv_ref_f32(const sc_conv *conv, int64_t row0, int64_t row1, int64_t block0,
                     int64_t block1)
{
    run(conv, row0, row1, block0, block1, false);
}

void sc_conv_ref_bf16(const sc_conv *conv, int64_t row0, int64_t row1, int64_t block0,
                      int64_t block1)
{
    run(conv, row0, row1, block0, block1, true);
}
