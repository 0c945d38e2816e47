/* Multiply-adds of float32 with AVX2. */
#include "peak.h"
#include "unroll.h"

#include <immintrin.h>

/* As many sums as hide the latency of the products on two ports. */
enum { SUMS = 12, LANES = 8 };

double sc_peak_f32_avx2(int64_t rounds)
{
    __m256 sum[SUMS];
    const __m256 a = _mm256_set1_ps(1e-3f);
    _Pragma("GCC unroll 12") for (int i = 0; i < SUMS; i++)
    {
        sum[i] = _mm256_setzero_ps();
    }
    for (int64_t r = 0; r < rounds; r++) {
        _Pragma("GCC unroll 12") for (int i = 0; i < SUMS; i++)
        {
            sum[i] = _mm256_fmadd_ps(a, a, sum[i]);
            __asm__ volatile("" : "+x"(sum[i])); /* neither dropped nor merged */
        }
    }
    return (double)rounds * SUMS * LANES;
}
