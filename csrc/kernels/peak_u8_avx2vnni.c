/* Dot products of bytes with AVX-VNNI. */
#define PEAK sc_peak_u8_avx2
#define VECTOR __m256i
#define FACTOR __m256i
#define ZERO _mm256_setzero_si256()
#define A _mm256_set1_epi8(1)
#define DOT _mm256_dpbusd_avx_epi32(sum[i], a, a)
#define LANES 32
#define REGISTERS "x"
#include "peak_impl.h"
