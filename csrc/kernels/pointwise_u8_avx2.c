/* pointwise.h for bytes, with AVX2. */
#define TABLE sc_pointwise_u8_avx2
#define TABLE_NAME "own:u8_avx2"
#include "pointwise_u8_impl.h"
