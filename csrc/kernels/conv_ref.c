/* The formula of conv.h, one output after another. */
#include "conv_ref.h"

#include "bf16.h"

#include "../base/memory.h"

#include <math.h>

typedef enum { F32, BF16, U8 } arithmetic;

static float load(const void *src, int64_t i, arithmetic in)
{
    if (in == U8) return ((const uint8_t *)src)[i];
    return in == BF16 ? sc_from_bf16(((const uint16_t *)src)[i])
                      : ((const float *)src)[i];
}

static float weight(const sc_phase *phase, int64_t c, int64_t t, int64_t k,
                    arithmetic in)
{
    const int64_t block = c / SC_LANES, lane = c % SC_LANES;
    if (in == U8) {
        const int8_t *wei = (const int8_t *)phase->wei + block * phase->wei_block;
        const int64_t tap = sc_round_up(phase->kc, 64) * SC_LANES;
        const int64_t four = k / 4 * 4 * SC_LANES;
        return wei[t * tap + four + lane * 4 + k % 4];
    }
    if (in == F32) {
        const float *wei = (const float *)phase->wei + block * phase->wei_block;
        return wei[(t * phase->kc + k) * SC_LANES + lane];
    }
    const uint16_t *wei = (const uint16_t *)phase->wei + block * phase->wei_block;
    const int64_t tap = sc_round_up(phase->kc, 32) * SC_LANES;
    return sc_from_bf16(wei[t * tap + (k / 2) * 2 * SC_LANES + lane * 2 + k % 2]);
}

static float accumulate(float acc, const sc_phase *phase, int64_t y, int64_t x,
                        int64_t c, arithmetic in)
{
    const int64_t origin = y * phase->src_row + x * phase->src_step;
    for (int64_t t = 0; t < phase->n_taps; t++) {
        for (int64_t k = 0; k < phase->kc; k++) {
            acc += weight(phase, c, t, k, in) *
                   load(phase->src, origin + phase->taps[t] + k, in);
        }
    }
    return acc;
}

/* The sum of phase i added to 'acc', or of integers, which are exact, what it stands for. */
static float phase_sum(float acc, const sc_conv *conv, int i, int64_t y, int64_t x,
                       int64_t c, arithmetic in)
{
    const sc_phase *phase = &conv->phase[i];
    if (in != U8) return accumulate(acc, phase, y, x, c, in);
    const int64_t origin = y * phase->src_row + x * phase->src_step;
    int32_t sum = 0;
    for (int64_t t = 0; t < phase->n_taps; t++) {
        for (int64_t k = 0; k < phase->kc; k++) {
            sum += (int32_t)weight(phase, c, t, k, in) *
                   (int32_t)load(phase->src, origin + phase->taps[t] + k, in);
        }
    }
    return acc + (float)sum * conv->sum_scale[i][c];
}

static float output(const sc_conv *conv, int64_t y, int64_t x, int64_t c, arithmetic in)
{
    float acc = 0.0f;
    if (conv->add != NULL) {
        const int64_t at = y * conv->add_row + x * conv->add_step + c;
        const float scale = conv->add_scale == NULL ? 1.0f : conv->add_scale[c];
        acc = scale * load(conv->add, at, in);
    }
    acc = phase_sum(acc, conv, 0, y, x, c, in);
    if (conv->n_phases == 2) {
        acc += conv->mid_bias[c];
        acc = phase_sum(acc > 0.0f ? acc : 0.0f, conv, 1, y, x, c, in);
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

static void store(const sc_conv *conv, int64_t at, float value, arithmetic in)
{
    if (conv->dst_u8) {
        const float least = value > 0.0f ? value : 0.0f;
        ((uint8_t *)conv->dst)[at] = (uint8_t)lrintf(least < 255.0f ? least : 255.0f);
    } else if (in == F32 || conv->dst_f32) {
        ((float *)conv->dst)[at] = value;
    } else {
        ((uint16_t *)conv->dst)[at] = sc_to_bf16(saturated(value));
    }
}

static void run(const sc_conv *conv, int64_t row0, int64_t row1, int64_t block0,
                int64_t block1, arithmetic in)
{
    const int64_t end = sc_min(block1 * SC_LANES, conv->channels);
    for (int64_t y = row0; y < row1; y++) {
        for (int64_t x = 0; x < conv->columns; x++) {
            const int64_t at = y * conv->dst_row + x * conv->dst_step;
            for (int64_t c = block0 * SC_LANES; c < end; c++) {
                store(conv, at + c, output(conv, y, x, c, in), in);
            }
        }
    }
}

void sc_conv_ref_f32(const sc_conv *conv, int64_t row0, int64_t row1, int64_t block0,
                     int64_t block1)
{
    run(conv, row0, row1, block0, block1, F32);
}

void sc_conv_ref_bf16(const sc_conv *conv, int64_t row0, int64_t row1, int64_t block0,
                      int64_t block1)
{
    run(conv, row0, row1, block0, block1, BF16);
}

void sc_conv_ref_u8(const sc_conv *conv, int64_t row0, int64_t row1, int64_t block0,
                    int64_t block1)
{
    run(conv, row0, row1, block0, block1, U8);
}
