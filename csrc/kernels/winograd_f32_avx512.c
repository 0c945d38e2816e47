/* winograd.h with AVX-512. */
#include "vec_avx512.h"

#define TABLE sc_winograd_f32_avx512
#define TABLE_NAME "own:f32_avx512_winograd"
enum { BATCH = 8, GROUP = 2, INPUT_NBYTES = 256 << 10 };
#include "winograd_f32_impl.h"
