/* pointwise.h for bytes, with AVX-512. */
#include <stdint.h>

#define ITEM uint8_t
#define LOAD(p) ((float)*(p))
#define STORE(p, v) (*(p) = to_byte(v))
#define KEY uint8_t
#define TO_KEY(v) (v)
#define FROM_KEY(k) (k)
#define TABLE sc_pointwise_u8_avx512
#define TABLE_NAME "own:u8_avx512"
#include "pointwise_impl.h"
