/* Multiply-adds of float32 with AVX-512. */
#define PEAK sc_peak_f32_avx512
#define VECTOR __m512
#define FACTOR __m512
#define ZERO _mm512_setzero_ps()
#define A _mm512_set1_ps(1e-3f)
#define DOT _mm512_fmadd_ps(a, a, sum[i])
#define LANES 16
#define REGISTERS "v"
#include "peak_impl.h"
