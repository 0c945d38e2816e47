/* conv.h in bfloat16 with AMX tiles. */
#define ITEM uint16_t
#define TILE_K 32
#define INTEGERS 0
#define DOT _tile_dpbf16ps
#include "conv_amx_impl.h"

#include <string.h>

INLINE __m512 load_items(const uint16_t *src) { return bf16_load(src); }

void sc_amx_begin(void)
{
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t row_nbytes[16];
        uint8_t rows[16];
    } config;
    memset(&config, 0, sizeof config);
    config.palette = 1;
    for (int i = 0; i < 8; i++) {
        config.row_nbytes[i] = 64;
        config.rows[i] = PIXELS;
    }
    STORES_DONE();
    _tile_loadconfig(&config);
}

void sc_amx_end(void) { _tile_release(); }

void sc_conv_bf16_amx(const sc_conv *conv, int64_t row0, int64_t row1, int64_t block0,
                      int64_t block1)
{
    run_tiles(conv, row0, row1, block0, block1);
}
