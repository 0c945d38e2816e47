/* conv.h in integers of eight bits with AVX512_VNNI. */
#define INTEGERS
#define DOT _mm512_dpbusd_epi32
#include "conv_tile_avx512.h"

#include "u8_avx512.h"

INLINE __m512 load_items(const uint8_t *src) { return u8_load(src); }

/* The upper half of each float, rounded to nearest even; none infinite or NaN (conv.h).
 * Without AVX512_BF16, which not every CPU with VNNI has. */
INLINE void store_bf16(uint16_t *dst, __mmask16 mask, __m512 v)
{
    const __m512 largest = _mm512_castsi512_ps(_mm512_set1_epi32(0x7f7f0000));
    const __m512i bits = _mm512_castps_si512(_mm512_range_ps(v, largest, 2));
    const __m512i odd =
        _mm512_and_si512(_mm512_srli_epi32(bits, 16), _mm512_set1_epi32(1));
    const __m512i half = _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff));
    _mm256_mask_storeu_epi16(
        dst, mask,
        _mm512_cvtepi32_epi16(_mm512_srli_epi32(_mm512_add_epi32(bits, half), 16)));
}

INLINE void store_items(const sc_conv *conv, int64_t at, int64_t left, __m512 values)
{
    const __mmask16 mask = vec_lanes(left);
    if (conv->dst_u8) {
        u8_store_lanes((uint8_t *)conv->dst + at, mask, values);
    } else if (conv->dst_f32) {
        _mm512_mask_storeu_ps((float *)conv->dst + at, mask, values);
    } else {
        store_bf16((uint16_t *)conv->dst + at, mask, values);
    }
}

INLINE void store_pixel(const sc_conv *conv, int64_t at, int64_t left,
                        const __m512 *values, const int vecs)
{
    UNROLL for (int j = 0; j < vecs; j++)
    {
        store_items(conv, at + j * VEC_LANES, left - j * VEC_LANES, values[j]);
    }
}

void sc_conv_u8_avx512(const sc_conv *conv, int64_t row0, int64_t row1, int64_t block0,
                       int64_t block1)
{
    run_blocks(conv, row0, row1, block0, block1);
}
