/* Packing weights into blocks of output channels. */
#include "conv_pack.h"

#include "bf16.h"

#include "../base/memory.h"

#include <math.h>
#include <string.h>

int64_t sc_conv_packed_f32(int64_t oc, int64_t n_taps, int64_t kc)
{
    return sc_conv_blocks(oc) * n_taps * kc * SC_LANES;
}

int64_t sc_conv_packed_bf16(int64_t oc, int64_t n_taps, int64_t kc)
{
    return sc_conv_packed_f32(oc, n_taps, sc_round_up(kc, 32));
}

int64_t sc_conv_packed_s8(int64_t oc, int64_t n_taps, int64_t kc)
{
    return sc_conv_packed_f32(oc, n_taps, sc_round_up(kc, 64));
}

void sc_conv_pack_f32(const float *wei, int64_t oc, int64_t n_taps, int64_t kc,
                      float *dst)
{
    memset(dst, 0, (size_t)sc_conv_packed_f32(oc, n_taps, kc) * sizeof *dst);
    const int64_t reduction = n_taps * kc;
    for (int64_t c = 0; c < oc; c++) {
        float *block = dst + c / SC_LANES * reduction * SC_LANES + c % SC_LANES;
        for (int64_t i = 0; i < reduction; i++)
            block[i * SC_LANES] = wei[c * reduction + i];
    }
}

void sc_conv_pack_bf16(const float *wei, int64_t oc, int64_t n_taps, int64_t kc,
                       uint16_t *dst)
{
    memset(dst, 0, (size_t)sc_conv_packed_bf16(oc, n_taps, kc) * sizeof *dst);
    const int64_t tap = sc_round_up(kc, 32) * SC_LANES;
    for (int64_t c = 0; c < oc; c++) {
        uint16_t *block = dst + c / SC_LANES * n_taps * tap + c % SC_LANES * 2;
        for (int64_t t = 0; t < n_taps; t++) {
            for (int64_t k = 0; k < kc; k++) {
                block[t * tap + k / 2 * 2 * SC_LANES + k % 2] =
                    sc_to_bf16(wei[(c * n_taps + t) * kc + k]);
            }
        }
    }
}

void sc_conv_pack_s8(const int8_t *wei, int64_t oc, int64_t n_taps, int64_t kc,
                     int8_t *dst)
{
    memset(dst, 0, (size_t)sc_conv_packed_s8(oc, n_taps, kc));
    const int64_t tap = sc_round_up(kc, 64) * SC_LANES;
    for (int64_t c = 0; c < oc; c++) {
        int8_t *block = dst + c / SC_LANES * n_taps * tap + c % SC_LANES * 4;
        for (int64_t t = 0; t < n_taps; t++) {
            for (int64_t k = 0; k < kc; k++) {
                block[t * tap + k / 4 * 4 * SC_LANES + k % 4] =
                    wei[(c * n_taps + t) * kc + k];
            }
        }
    }
}

void sc_conv_quantize_s8(const float *wei, int64_t oc, int64_t n_taps, int64_t kc,
                         const int32_t *zero, int8_t *dst, float *scale, int32_t *total)
{
    for (int64_t c = 0; c < oc; c++) {
        const float *own = wei + c * n_taps * kc;
        float largest = 0.0f;
        for (int64_t i = 0; i < n_taps * kc; i++)
            largest = fmaxf(largest, fabsf(own[i]));
        scale[c] = largest > 0.0f ? largest / 127.0f : 1.0f;
        total[c] = 0;
        for (int64_t i = 0; i < n_taps * kc; i++) {
            const int8_t q = (int8_t)lrintf(own[i] / scale[c]);
            dst[c * n_taps * kc + i] = q;
            total[c] += q * zero[i % kc];
        }
    }
}
