/* Products of tiles with AMX, in bfloat16 and in bytes: four sums of 16 x 16. */
#include "conv.h"
#include "peak.h"

#include <immintrin.h>

static void begin(void)
{
    sc_amx_begin();
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    _tile_zero(4);
    _tile_zero(5);
}

double sc_peak_bf16_amx(int64_t rounds)
{
    begin();
    for (int64_t r = 0; r < rounds; r++) {
        _tile_dpbf16ps(0, 4, 5);
        _tile_dpbf16ps(1, 4, 5);
        _tile_dpbf16ps(2, 4, 5);
        _tile_dpbf16ps(3, 4, 5);
    }
    sc_amx_end();
    return (double)rounds * 4 * 16 * 16 * 32;
}

double sc_peak_u8_amx(int64_t rounds)
{
    begin();
    for (int64_t r = 0; r < rounds; r++) {
        _tile_dpbusd(0, 4, 5);
        _tile_dpbusd(1, 4, 5);
        _tile_dpbusd(2, 4, 5);
        _tile_dpbusd(3, 4, 5);
    }
    sc_amx_end();
    return (double)rounds * 4 * 16 * 16 * 64;
}
