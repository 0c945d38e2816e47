/* Dot products of bfloat16 with AVX512_BF16. */
#define PEAK sc_peak_bf16_avx512
#define VECTOR __m512
#define FACTOR __m512bh
#define ZERO _mm512_setzero_ps()
#define A (__m512bh) _mm512_set1_epi16(0x3a80)
#define DOT _mm512_dpbf16_ps(sum[i], a, a)
#define LANES 32
#define REGISTERS "v"
#include "peak_impl.h"
