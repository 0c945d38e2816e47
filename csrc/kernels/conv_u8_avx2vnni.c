/* conv.h in integers of eight bits with AVX-VNNI: the same instruction in AVX2's registers.
 * The result is bytes or float32, in which the other layers of such a CPU are. */
#define INTEGERS
#define DOT _mm256_dpbusd_avx_epi32
#include "conv_tile_avx2.h"

INLINE __m256 load_items(const uint8_t *src) { return u8_load(src); }

void sc_conv_u8_avx2(const sc_conv *conv, int64_t row0, int64_t row1, int64_t block0,
                     int64_t block1)
{
    run_blocks(conv, row0, row1, block0, block1);
}
