/* pointwise.h for bfloat16, compiled for AVX-512. */
#include "bf16.h"

#define ITEM uint16_t
#define LOAD(p) sc_from_bf16(*(p))
#define STORE(p, v) (*(p) = sc_to_bf16(v))
#define TABLE sc_pointwise_bf16_avx512
#define TABLE_NAME "own:bf16_avx512"
#include "pointwise_impl.h"
