/* The part of Winograd that is independent of the instruction set: weight packing, sizes,
 * cost model. */
#include "winograd_internal.h"

#include "bf16.h"
#include "conv_pack.h"

#include "../base/memory.h"

#include <string.h>

enum {
    IN4 = SC_WINOGRAD4_OUT + SC_WINOGRAD_MARGINS,
    POINTS4 = IN4 * IN4,
    IN2 = SC_WINOGRAD2_OUT + SC_WINOGRAD_MARGINS,
    POINTS2 = IN2 * IN2,
    BATCH = 8, /* tiles, or pixels of a row, that a kernel computes together, about */
};

typedef double lanes[SC_LANES];

/* G of F(4, 3): interpolation at 0, 1, -1, 2, -2 and infinity. */
static const double G4[IN4][3] = {
    {1.0 / 4, 0, 0},
    {-1.0 / 6, -1.0 / 6, -1.0 / 6},
    {-1.0 / 6, 1.0 / 6, -1.0 / 6},
    {1.0 / 24, 1.0 / 12, 1.0 / 6},
    {1.0 / 24, -1.0 / 12, 1.0 / 6},
    {0, 0, 1},
};

/* G of F(2, 3): at 0, 1, -1 and infinity. */
static const double G2[IN2][3] = {
    {1, 0, 0},
    {0.5, 0.5, 0.5},
    {0.5, -0.5, 0.5},
    {0, 0, 1},
};

/* dst[0 .. in - 1] = G times src[0 .. 2], which lie a step apart. */
static void interpolate(const double (*G)[3], int in, const lanes *src, int src_step,
                        lanes *dst, int dst_step)
{
    for (int i = 0; i < in; i++) {
        for (int c = 0; c < SC_LANES; c++) {
            dst[i * dst_step][c] = G[i][0] * src[0][c] + G[i][1] * src[src_step][c] +
                                   G[i][2] * src[2 * src_step][c];
        }
    }
}

/* G g G' of one input channel and a block of 'n' output channels, whose taps lie at
 * wei[(c * 9 + tap) * ic]: in x in points of 16 lanes, zero beyond n. */
static void transform(const double (*G)[3], int in, const float *wei, int64_t n,
                      int64_t ic, lanes *points)
{
    lanes g[9] = {{0.0}}, half[IN4 * 3];
    for (int64_t c = 0; c < n; c++) {
        for (int t = 0; t < 9; t++) g[t][c] = (double)wei[(c * 9 + t) * ic];
    }
    for (int x = 0; x < 3; x++) interpolate(G, in, g + x, 3, half + x, 3);
    for (int y = 0; y < in; y++) {
        interpolate(G, in, half + y * 3, 1, points + y * in, 1);
    }
}

/* ---- 4 x 4 in float32 -------------------------------------------------------------- */

size_t sc_winograd4_packed_nbytes(int64_t oc, int64_t ic)
{
    return (size_t)(POINTS4 * sc_conv_packed_f32(oc, 1, ic)) * sizeof(float);
}

void sc_winograd4_pack(const float *wei, int64_t oc, int64_t ic, void *dst)
{
    const int64_t point_size = sc_conv_packed_f32(oc, 1, ic);
    for (int64_t c = 0; c < oc; c += SC_LANES) {
        for (int64_t k = 0; k < ic; k++) {
            lanes points[POINTS4];
            transform(G4, IN4, wei + c * 9 * ic + k, sc_min(oc - c, SC_LANES), ic,
                      points);
            float *to = (float *)dst + c * ic + k * SC_LANES;
            for (int p = 0; p < POINTS4; p++, to += point_size) {
                for (int i = 0; i < SC_LANES; i++) to[i] = (float)points[p][i];
            }
        }
    }
}

/* ---- 2 x 2 in bfloat16 ------------------------------------------------------------- */

size_t sc_winograd2_packed_nbytes(int64_t oc, int64_t ic)
{
    return (size_t)(POINTS2 * sc_conv_packed_bf16(oc, 1, ic)) * sizeof(uint16_t);
}

void sc_winograd2_pack(const float *wei, int64_t oc, int64_t ic, void *dst)
{
    const int64_t point_size = sc_conv_packed_bf16(oc, 1, ic);
    const int64_t block = sc_round_up(ic, 32) * SC_LANES;
    memset(dst, 0, sc_winograd2_packed_nbytes(oc, ic));
    for (int64_t c = 0; c < oc; c += SC_LANES) {
        for (int64_t k = 0; k < ic; k++) {
            lanes points[POINTS2];
            transform(G2, IN2, wei + c * 9 * ic + k, sc_min(oc - c, SC_LANES), ic,
                      points);
            uint16_t *to = (uint16_t *)dst + c / SC_LANES * block +
                           k / 2 * 2 * SC_LANES + k % 2;
            for (int p = 0; p < POINTS2; p++, to += point_size) {
                for (int i = 0; i < SC_LANES; i++) {
                    to[2 * i] = sc_to_bf16((float)points[p][i]);
                }
            }
        }
    }
}

/* ---- Whether it pays --------------------------------------------------------------- */

/* Measurements of one kernel, in the time of one vector operation. */
typedef struct {
    int64_t out;            /* of a tile each way */
    double way_in, way_out; /* of a block of channels, for each output */
    double nbytes;          /* of weights that come from beyond L2 */
    double gain;            /* how much less it must take */
} costs;

/* The useful share of n items that are computed in whole units. */
static double use(int64_t n, int64_t unit)
{
    return (double)n / (double)sc_round_up(n, unit);
}

/* For each output and block the direct kernel does 9 operations a step, which is an input
 * channel or a pair of them, and Winograd's its points over its outputs; each reads as many
 * vectors of weights as it has taps or points.  Tiles at the ends of rows and columns, and
 * batches at the end of all, are computed whole. */
static bool pays(const costs *cost, int64_t steps, int64_t ic, int64_t oc, int64_t rows,
                 int64_t columns)
{
    const int64_t out = cost->out, in = out + SC_WINOGRAD_MARGINS;
    const int64_t tiles = (rows + out - 1) / out * ((columns + out - 1) / out);
    const double work = (double)(steps * sc_conv_blocks(oc)),
                 points = (double)(in * in);
    const double products = points / (double)(out * out) * work / use(tiles, BATCH);
    const double transforms = cost->way_in * (double)sc_conv_blocks(ic) +
                              cost->way_out * (double)sc_conv_blocks(oc);
    const double more_nbytes = (points - 9.0) * work * SC_ALIGN;
    const double transformed = (products + transforms) /
                                   (use(rows, out) * use(columns, out)) +
                               more_nbytes / cost->nbytes / (double)(rows * columns);
    return transformed < cost->gain * 9.0 * work / use(columns, BATCH);
}

bool sc_winograd4_pays(int64_t ic, int64_t oc, int64_t rows, int64_t columns)
{
    /* Two operations a cycle, about 10 bytes a cycle.  Heavy weights come once for each
     * group of tiles and leave nothing of L2: the direct kernel is as fast up to 24 x 14
     * pixels, and needs a quarter of the memory. */
    static const costs LIGHT = {SC_WINOGRAD4_OUT, 14.0, 14.0, 5.0, 0.85};
    static const costs HEAVY = {SC_WINOGRAD4_OUT, 14.0, 14.0, 0.75, 0.85};
    const bool heavy = sc_winograd_heavy(sc_winograd4_packed_nbytes(oc, ic));
    return pays(heavy ? &HEAVY : &LIGHT, ic, ic, oc, rows, columns);
}

bool sc_winograd2_pays(int64_t ic, int64_t oc, int64_t rows, int64_t columns)
{
    /* One operation a cycle. */
    static const costs COSTS = {SC_WINOGRAD2_OUT, 14.0, 22.0, 10.0, 0.9};
    return pays(&COSTS, (ic + 1) / 2, ic, oc, rows, columns);
}
