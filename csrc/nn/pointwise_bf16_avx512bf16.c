/* pointwise.h for bfloat16, compiled for AVX-512. */
#include "bf16.h"

#define ITEM uint16_t
#define LOAD(p) sc_from_bf16(*(p))
#define STORE(p, v) (*(p) = sc_to_bf16(v))
/* A float's bits order as its value once the magnitude of a negative is inverted. */
#define KEY int16_t
#define TO_KEY(v) ((int16_t)((int16_t)(v) ^ (((int16_t)(v) >> 15) & 0x7fff)))
#define FROM_KEY(k) ((uint16_t)((k) ^ (((k) >> 15) & 0x7fff)))
#define TABLE sc_pointwise_bf16_avx512
#define TABLE_NAME "own:bf16_avx512"
#include "pointwise_impl.h"
