/* Dot products of bytes with AVX512_VNNI. */
#include "peak.h"
#include "unroll.h"

#include <immintrin.h>

/* As many sums as hide the latency of the products on two ports. */
enum { SUMS = 12, LANES = 64 };

double sc_peak_u8_avx512(int64_t rounds)
{
    __m512i sum[SUMS];
    const __m512i a = _mm512_set1_epi8(1);
    _Pragma("GCC unroll 12") for (int i = 0; i < SUMS; i++)
    {
        sum[i] = _mm512_setzero_si512();
    }
    for (int64_t r = 0; r < rounds; r++) {
        _Pragma("GCC unroll 12") for (int i = 0; i < SUMS; i++)
        {
            sum[i] = _mm512_dpbusd_epi32(sum[i], a, a);
            __asm__ volatile("" : "+v"(sum[i])); /* neither dropped nor merged */
        }
    }
    return (double)rounds * SUMS * LANES;
}
