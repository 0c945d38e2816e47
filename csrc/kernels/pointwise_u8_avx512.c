/* pointwise.h for bytes, with AVX-512. */
#define TABLE sc_pointwise_u8_avx512
#define TABLE_NAME "own:u8_avx512"
#include "pointwise_u8_impl.h"
