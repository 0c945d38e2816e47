/* Multiply-adds of float32 with AVX2. */
#define PEAK sc_peak_f32_avx2
#define VECTOR __m256
#define FACTOR __m256
#define ZERO _mm256_setzero_ps()
#define A _mm256_set1_ps(1e-3f)
#define DOT _mm256_fmadd_ps(a, a, sum[i])
#define LANES 8
#define REGISTERS "x"
#include "peak_impl.h"
