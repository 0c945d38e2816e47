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

/* One value of G g G': point (i, j) of the 3 x 3 kernel at 'g', taps 'step' apart. */
static float transformed(const float *g, int64_t step, int i, int j)
{
    double sum = 0.0;
    for (int y = 0; y < 3; y++) {
        for (int x = 0; x < 3; x++) {
            sum += G[i][y] * G[j][x] * (double)g[(y * 3 + x) * step];
        }
    }
    return (float)sum;
}

void sc_winograd_pack(const float *wei, int64_t oc, int64_t ic, float *dst)
{
    const int64_t point_size = sc_conv_packed_f32(oc, 1, ic);
    for (int64_t i = 0; i < SC_WINOGRAD_POINTS * point_size; i++) dst[i] = 0.0f;
    for (int64_t c = 0; c < oc; c++) {
        const int64_t at = c / SC_LANES * ic * SC_LANES + c % SC_LANES;
        for (int64_t k = 0; k < ic; k++) {
            const float *g = wei + c * 9 * ic + k;
            for (int p = 0; p < SC_WINOGRAD_POINTS; p++) {
                dst[p * point_size + at + k * SC_LANES] =
                    transformed(g, ic, p / SC_WINOGRAD_IN, p % SC_WINOGRAD_IN);
            }
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
