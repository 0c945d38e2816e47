/* pointwise.h in float32 with AVX2 and FMA. */
#define TABLE sc_pointwise_f32_avx2
#define TABLE_NAME "own:f32_avx2"
#include "pointwise_f32_impl.h"
