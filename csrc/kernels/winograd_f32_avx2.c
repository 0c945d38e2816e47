/* winograd.h with AVX2 and FMA. */
#include "vec_avx2.h"

#define TABLE sc_winograd_f32_avx2
#define TABLE_NAME "own:f32_avx2_winograd"
enum { BATCH = 6, GROUP = 1, INPUT_NBYTES = 128 << 10 };
#include "winograd_f32_impl.h"
