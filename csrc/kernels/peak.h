/* What a core can do at most: products of one kind and nothing else, from registers. */
#ifndef SC_KERNELS_PEAK_H
#define SC_KERNELS_PEAK_H

#include <stdint.h>

/* Each makes 'rounds' of products and returns how many multiply-adds these were. */
typedef double (*sc_peak_fn)(int64_t rounds);

double sc_peak_f32_avx2(int64_t rounds);
double sc_peak_f32_avx512(int64_t rounds);
double sc_peak_bf16_avx512(int64_t rounds);
double sc_peak_u8_avx2(int64_t rounds);
double sc_peak_u8_avx512(int64_t rounds);
double sc_peak_bf16_amx(int64_t rounds);
double sc_peak_u8_amx(int64_t rounds);

#endif
