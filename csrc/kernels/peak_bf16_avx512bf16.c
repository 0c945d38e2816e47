/* Dot products of bfloat16 with AVX512_BF16. */
#include "peak.h"
#include "unroll.h"

#include <immintrin.h>

/* As many sums as hide the latency of the products on two ports. */
enum { SUMS = 12, LANES = 32 };

double sc_peak_bf16_avx512(int64_t rounds)
{
    __m512 sum[SUMS];
    const __m512bh a = (__m512bh)_mm512_set1_epi16(0x3a80);
    _Pragma("GCC unroll 12") for (int i = 0; i < SUMS; i++)
    {
        sum[i] = _mm512_setzero_ps();
    }
    for (int64_t r = 0; r < rounds; r++) {
        _Pragma("GCC unroll 12") for (int i = 0; i < SUMS; i++)
        {
            sum[i] = _mm512_dpbf16_ps(sum[i], a, a);
            __asm__ volatile("" : "+v"(sum[i])); /* neither dropped nor merged */
        }
    }
    return (double)rounds * SUMS * LANES;
}
