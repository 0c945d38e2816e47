/* winograd.h with AVX2 and FMA. */
#include "vec_avx2.h"

#define TABLE sc_winograd_f32_avx2
#define TABLE_NAME "own:f32_avx2_winograd"
enum { BATCH = 6, GROUP = 1, INPUT_NBYTES = 128 << 10 };
#include "winograd_f32_impl.h"

INLINE void store_lanes(const sc_conv *conv, int64_t at, int64_t left, __m256 v)
{
    vec_store_lanes((float *)conv->dst + at, left, v);
}
