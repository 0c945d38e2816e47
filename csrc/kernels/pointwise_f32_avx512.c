/* pointwise.h in float32 with AVX-512. */
#define TABLE sc_pointwise_f32_avx512
#define TABLE_NAME "own:f32_avx512"
#include "pointwise_f32_impl.h"
