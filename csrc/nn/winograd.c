/* What of winograd.h needs no vector instructions: weights, sizes, the decision. */
#include "winograd.h"

#include "../base/memory.h"

enum {
    INPUT_NBYTES = 448 << 10, /* of transformed input: with the products, half of L2 */
    DEEP_NBYTES = 1100
        << 10,  /* where the weights are so many that they stream anyway */
    DEEP = 192, /* input channels from which that is so */
    MIN_TILES = 8,
    MAX_TILES = 64,
    SLACK = 8 * 1024, /* floats: the matrix kernel reads whole tiles of 8 rows */
};

/* G of F(4, 3): interpolation at 0, 1, -1, 2, -2 and infinity. */
static const double G[SC_WINOGRAD_IN][3] = {
    {1.0 / 4, 0, 0},
    {-1.0 / 6, -1.0 / 6, -1.0 / 6},
    {-1.0 / 6, 1.0 / 6, -1.0 / 6},
    {1.0 / 24, 1.0 / 12, 1.0 / 6},
    {1.0 / 24, -1.0 / 12, 1.0 / 6},
    {0, 0, 1},
};

int64_t sc_winograd_packed(int64_t oc, int64_t ic)
{
    return SC_WINOGRAD_POINTS * sc_conv_packed_f32(oc, 1, ic);
}

typedef double lanes[SC_LANES];

/* dst[0 .. 5] = G times src[0 .. 2], which lie a step apart. */
static void interpolate(const lanes *src, int src_step, lanes *dst, int dst_step)
{
    for (int i = 0; i < SC_WINOGRAD_IN; i++) {
        for (int c = 0; c < SC_LANES; c++) {
            dst[i * dst_step][c] = G[i][0] * src[0][c] + G[i][1] * src[src_step][c] +
                                   G[i][2] * src[2 * src_step][c];
        }
    }
}

/* G g G' of one input channel and a block of 'n' output channels, whose taps lie at
 * wei[(c * 9 + tap) * ic]; dst[point * point_size + c]. */
static void pack_block(const float *wei, int64_t n, int64_t ic, float *dst,
                       int64_t point_size)
{
    lanes g[9] = {{0.0}}, half[SC_WINOGRAD_IN * 3], all[SC_WINOGRAD_POINTS];
    for (int64_t c = 0; c < n; c++) {
        for (int t = 0; t < 9; t++) g[t][c] = (double)wei[(c * 9 + t) * ic];
    }
    for (int x = 0; x < 3; x++) interpolate(g + x, 3, half + x, 3);
    for (int y = 0; y < SC_WINOGRAD_IN; y++) {
        interpolate(half + y * 3, 1, all + y * SC_WINOGRAD_IN, 1);
    }
    for (int p = 0; p < SC_WINOGRAD_POINTS; p++) {
        for (int c = 0; c < SC_LANES; c++) dst[p * point_size + c] = (float)all[p][c];
    }
}

void sc_winograd_pack(const float *wei, int64_t oc, int64_t ic, float *dst)
{
    const int64_t point_size = sc_conv_packed_f32(oc, 1, ic);
    for (int64_t c = 0; c < oc; c += SC_LANES) {
        for (int64_t k = 0; k < ic; k++) {
            pack_block(wei + c * 9 * ic + k, sc_min(oc - c, SC_LANES), ic,
                       dst + (c * ic + k * SC_LANES), point_size);
        }
    }
}

int64_t sc_winograd_tiles(int64_t ic)
{
    const int64_t one = SC_WINOGRAD_POINTS * sc_round_up(ic, SC_LANES) *
                        (int64_t)sizeof(float);
    const int64_t nbytes = ic < DEEP ? INPUT_NBYTES : DEEP_NBYTES;
    const int64_t n = nbytes / one / MIN_TILES * MIN_TILES;
    return sc_max(MIN_TILES, sc_min(n, MAX_TILES));
}

int64_t sc_winograd_point(int64_t tiles, int64_t channels)
{
    return tiles * channels + SC_LANES;
}

int64_t sc_winograd_scratch(int64_t ic)
{
    const int64_t tiles = sc_winograd_tiles(ic);
    const int64_t one = sc_winograd_point(tiles, sc_round_up(ic, SC_LANES)) +
                        sc_winograd_point(tiles, SC_WINOGRAD_GROUP * SC_LANES);
    return SC_WINOGRAD_POINTS * one + SLACK;
}

/* In units of 16-lane operations for each input pixel, two a cycle.  The direct kernel
 * does 9 * ic * blocks of them; Winograd 36 / 16 of ic * blocks, about 14 for each block
 * of channels that goes in or comes out, and reads four times the weights, at about 10
 * bytes a cycle where they come from beyond L2. */
bool sc_winograd_pays(int64_t ic, int64_t oc, int64_t rows, int64_t columns)
{
    if (rows % SC_WINOGRAD_OUT != 0 || columns % SC_WINOGRAD_OUT != 0) return false;
    const double blocks = (double)sc_conv_blocks(oc), pixels = (double)(rows * columns);
    const double in_blocks = (double)sc_conv_blocks(ic), k = (double)ic;
    const double more_nbytes = (36.0 - 9.0) * k * blocks * SC_LANES * sizeof(float);
    const double weights = more_nbytes / 5.0 / pixels;
    const double transformed = 2.25 * k * blocks + 14.0 * (in_blocks + blocks) +
                               weights;
    return transformed < 0.85 * 9.0 * k * blocks;
}
