/* conv.h in integers of eight bits with AMX tiles. */
#define ITEM uint8_t
#define TILE_K 64
#define INTEGERS 1
#define DOT _tile_dpbusd
#include "conv_amx_impl.h"

INLINE __m512 load_items(const uint8_t *src) { return u8_load(src); }

void sc_conv_u8_amx(const sc_conv *conv, int64_t row0, int64_t row1, int64_t block0,
                    int64_t block1)
{
    run_tiles(conv, row0, row1, block0, block1);
}
