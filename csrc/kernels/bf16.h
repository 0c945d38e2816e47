/* bfloat16: the upper half of a float32, rounded to nearest even. */
#ifndef SC_KERNELS_BF16_H
#define SC_KERNELS_BF16_H

#include <stdint.h>
#include <string.h>

static inline float sc_from_bf16(uint16_t value)
{
    const uint32_t bits = (uint32_t)value << 16;
    float out;
    memcpy(&out, &bits, sizeof out);
    return out;
}

/* NaN stays NaN: its payload's top bit is set, or rounding could carry it into
 * infinity. */
static inline uint16_t sc_to_bf16(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7fffffffu) > 0x7f800000u) return (uint16_t)((bits >> 16) | 0x40u);
    return (uint16_t)((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

#endif
