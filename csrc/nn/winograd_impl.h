/* The transforms of winograd.h for one instruction set: a vector of channels of a tile
 * at a time.
 *
 * The including file defines VEC and VEC_LANES (the vector of floats), VEC_SET1, _LOAD,
 * _STORE, _ADD, _SUB, _MAX, _FMADD (a * b + c) and _FNMADD (c - a * b), the function
 * store_lanes(dst, n, v) that stores the first n lanes, MULTIPLY (the sc_conv_fn for
 * the matrix products), TABLE (the name of the result) and TABLE_NAME (that of its layers).
 */
#include "winograd_internal.h"

#include "../base/memory.h"

enum { OUT = SC_WINOGRAD4_OUT, IN = SC_WINOGRAD4_IN, POINTS = SC_WINOGRAD4_POINTS };

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8")

INLINE void store_lanes(float *dst, int64_t n, VEC v);

/* B' of F(4, 3) applied to six values. */
INLINE void transform_in(const VEC d[IN], VEC v[IN])
{
    const VEC two = VEC_SET1(2.0f), four = VEC_SET1(4.0f);
    const VEC five = VEC_SET1(5.0f);
    const VEC even = VEC_FNMADD(four, d[2], d[4]); /* d4 - 4 d2 */
    const VEC odd = VEC_FNMADD(four, d[1], d[3]);  /* d3 - 4 d1 */
    const VEC even2 = VEC_SUB(d[4], d[2]);         /* d4 - d2 */
    const VEC odd2 = VEC_SUB(d[3], d[1]);          /* d3 - d1 */
    v[0] = VEC_FMADD(four, d[0], VEC_FNMADD(five, d[2], d[4]));
    v[1] = VEC_ADD(even, odd);
    v[2] = VEC_SUB(even, odd);
    v[3] = VEC_FMADD(two, odd2, even2);
    v[4] = VEC_FNMADD(two, odd2, even2);
    v[5] = VEC_FMADD(four, d[1], VEC_FNMADD(five, d[3], d[5]));
}

/* A' of F(4, 3) applied to six values. */
INLINE void transform_out(const VEC m[IN], VEC y[OUT])
{
    const VEC two = VEC_SET1(2.0f), four = VEC_SET1(4.0f);
    const VEC eight = VEC_SET1(8.0f);
    const VEC sum1 = VEC_ADD(m[1], m[2]), dif1 = VEC_SUB(m[1], m[2]);
    const VEC sum2 = VEC_ADD(m[3], m[4]), dif2 = VEC_SUB(m[3], m[4]);
    y[0] = VEC_ADD(m[0], VEC_ADD(sum1, sum2));
    y[1] = VEC_FMADD(two, dif2, dif1);
    y[2] = VEC_FMADD(four, sum2, sum1);
    y[3] = VEC_ADD(VEC_FMADD(eight, dif2, dif1), m[5]);
}

/* One vector of channels of one tile: 'src' is its upper left input, 'dst' its place in the first
 * point's matrix. */
INLINE void input_tile(const float *src, int64_t row, int64_t step, float *dst,
                       int64_t point)
{
    VEC half[IN][IN]; /* [row point][column] */
    UNROLL for (int x = 0; x < IN; x++)
    {
        VEC d[IN], v[IN];
        UNROLL for (int y = 0; y < IN; y++) d[y] = VEC_LOAD(src + y * row + x * step);
        transform_in(d, v);
        UNROLL for (int y = 0; y < IN; y++) half[y][x] = v[y];
    }
    UNROLL for (int y = 0; y < IN; y++)
    {
        VEC v[IN];
        transform_in(half[y], v);
        UNROLL for (int x = 0; x < IN; x++)
        {
            VEC_STORE(dst + (y * IN + x) * point, v[x]);
        }
    }
}

/* Tiles [first, first + n) of the row-major grid of tiles into dst[point][tile][ic]. */
static void transform_inputs(const sc_phase *phase, int64_t grid, int64_t first,
                             int64_t n, float *dst, int64_t point)
{
    const int64_t channels = sc_round_up(phase->kc, SC_LANES);
    for (int64_t i = 0; i < n; i++) {
        const int64_t y = (first + i) / grid, x = (first + i) % grid;
        const float *src = (const float *)phase->src + phase->taps[0] +
                           y * OUT * phase->src_row + x * OUT * phase->src_step;
        for (int64_t c = 0; c < channels; c += VEC_LANES) {
            input_tile(src + c, phase->src_row, phase->src_step, dst + i * channels + c,
                       point);
        }
    }
}

/* One vector of channels of one tile's products to 4 x 4 pixels at 'dst'. */
INLINE void output_tile(const float *src, int64_t point, const sc_conv *conv, int64_t c,
                        float *dst)
{
    VEC half[OUT][IN];
    UNROLL for (int x = 0; x < IN; x++)
    {
        VEC m[IN], y[OUT];
        UNROLL for (int i = 0; i < IN; i++) m[i] = VEC_LOAD(src + (i * IN + x) * point);
        transform_out(m, y);
        UNROLL for (int i = 0; i < OUT; i++) half[i][x] = y[i];
    }
    const int64_t left = sc_max(conv->channels - c, 0);
    const VEC bias = VEC_LOAD(conv->bias + c);
    const VEC floor = VEC_SET1(conv->relu ? 0.0f : -__builtin_inff());
    const bool post = conv->post_scale != NULL;
    const VEC scale = post ? VEC_LOAD(conv->post_scale + c) : bias;
    const VEC shift = post ? VEC_LOAD(conv->post_shift + c) : bias;
    UNROLL for (int i = 0; i < OUT; i++)
    {
        VEC y[OUT];
        transform_out(half[i], y);
        UNROLL for (int x = 0; x < OUT; x++)
        {
            VEC v = VEC_MAX(VEC_ADD(y[x], bias), floor);
            if (post) v = VEC_FMADD(v, scale, shift);
            store_lanes(dst + i * conv->dst_row + x * conv->dst_step, left, v);
        }
    }
}

static void transform_outputs(const sc_conv *conv, int64_t grid, int64_t first,
                              int64_t n, int64_t block, int64_t n_blocks,
                              const float *src, int64_t point)
{
    for (int64_t i = 0; i < n; i++) {
        const int64_t y = (first + i) / grid, x = (first + i) % grid;
        float *dst = (float *)conv->dst + y * OUT * conv->dst_row +
                     x * OUT * conv->dst_step;
        const float *src_i = src + i * SC_WINOGRAD_GROUP * SC_LANES;
        for (int64_t c = 0; c < n_blocks * SC_LANES; c += VEC_LANES) {
            const int64_t channel = block * SC_LANES + c;
            output_tile(src_i + c, point, conv, channel, dst + channel);
        }
    }
}

/* The 36 matrix products of one group of blocks. */
static void multiply(const sc_conv *conv, const float *wei, int64_t n, int64_t block,
                     int64_t n_blocks, const float *inputs, int64_t in_point,
                     float *products, int64_t out_point)
{
    static const float zeros[(SC_WINOGRAD_GROUP + 1) * SC_LANES];
    const int64_t ic = conv->phase[0].kc;
    sc_conv gemm = {.n_phases = 1, .bias = zeros, .rows = 1, .columns = n};
    gemm.phase[0].src_step = sc_round_up(ic, SC_LANES);
    gemm.phase[0].n_taps = 1;
    gemm.phase[0].kc = ic;
    gemm.phase[0].wei_block = ic * SC_LANES;
    gemm.dst_step = SC_WINOGRAD_GROUP * SC_LANES;
    gemm.channels = n_blocks * SC_LANES;
    gemm.n_blocks = n_blocks;
    for (int p = 0; p < POINTS; p++) {
        gemm.phase[0].src = inputs + p * in_point;
        gemm.phase[0].wei = wei + (p * conv->n_blocks + block) * ic * SC_LANES;
        gemm.dst = products + p * out_point;
        MULTIPLY(&gemm, 0, 1, 0, n_blocks);
    }
}

static void run(const sc_conv *conv, const void *wei, int64_t row0, int64_t row1,
                float *scratch)
{
    const sc_phase *phase = &conv->phase[0];
    const int64_t grid = conv->columns / OUT, end = row1 / OUT * grid;
    const int64_t tiles = sc_winograd4_tiles(phase->kc);
    const int64_t in_point = sc_winograd_point(tiles, sc_round_up(phase->kc, SC_LANES));
    const int64_t out_point = sc_winograd_point(tiles, SC_WINOGRAD_GROUP * SC_LANES);
    float *inputs = scratch, *products = scratch + POINTS * in_point;
    for (int64_t first = row0 / OUT * grid; first < end; first += tiles) {
        const int64_t n = sc_min(tiles, end - first);
        transform_inputs(phase, grid, first, n, inputs, in_point);
        for (int64_t block = 0, n_blocks; block < conv->n_blocks; block += n_blocks) {
            n_blocks = sc_winograd_group(conv->n_blocks - block);
            multiply(conv, wei, n, block, n_blocks, inputs, in_point, products,
                     out_point);
            transform_outputs(conv, grid, first, n, block, n_blocks, products,
                              out_point);
        }
    }
}

const sc_winograd TABLE = {
    TABLE_NAME,
    OUT,
    sc_winograd4_packed_nbytes,
    sc_winograd4_pack,
    sc_winograd4_pays,
    sc_winograd4_scratch,
    run,
};
