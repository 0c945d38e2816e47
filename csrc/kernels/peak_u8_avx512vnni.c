/* Dot products of bytes with AVX512_VNNI. */
#define PEAK sc_peak_u8_avx512
#define VECTOR __m512i
#define FACTOR __m512i
#define ZERO _mm512_setzero_si512()
#define A _mm512_set1_epi8(1)
#define DOT _mm512_dpbusd_epi32(sum[i], a, a)
#define LANES 64
#define REGISTERS "v"
#include "peak_impl.h"
