/* The transforms of winograd.h with AVX-512: 16 channels of a tile at a time. */
#include "winograd.h"

#include "../base/memory.h"

#include <immintrin.h>

enum {
    OUT = SC_WINOGRAD_OUT,
    IN = SC_WINOGRAD_IN,
    POINTS = SC_WINOGRAD_POINTS,
    GROUP = 3, /* blocks whose products are kept before they are transformed */
    INPUT_NBYTES = 448 << 10, /* of transformed input: with the products, half of L2 */
    DEEP_NBYTES = 1100
        << 10,        /* where the weights are so many that they stream anyway */
    DEEP = 192,       /* input channels from which that is so */
    SLACK = 8 * 1024, /* floats: the matrix kernel reads whole tiles of 8 rows */
    MIN_TILES = 8,
    MAX_TILES = 64,
};

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8")

/* Tiles that are transformed together: as many as keep the input in L2, whole tiles
 * of 8 for the matrix kernel. */
static int64_t tiles_at_once(int64_t ic)
{
    const int64_t one = POINTS * sc_round_up(ic, SC_LANES) * (int64_t)sizeof(float);
    const int64_t nbytes = ic < DEEP ? INPUT_NBYTES : DEEP_NBYTES;
    const int64_t n = nbytes / one / MIN_TILES * MIN_TILES;
    return sc_max(MIN_TILES, sc_min(n, MAX_TILES));
}

/* Floats from one point's matrix to the next: off multiples of 4 KiB, which would put
 * all 36 into the same L1 sets.  One more tile row of slack is read, never used. */
static int64_t point_step(int64_t tiles, int64_t channels)
{
    return tiles * channels + SC_LANES;
}

int64_t sc_winograd_scratch(int64_t ic)
{
    const int64_t tiles = tiles_at_once(ic);
    return POINTS * point_step(tiles, sc_round_up(ic, SC_LANES)) +
           POINTS * point_step(tiles, GROUP * SC_LANES) + SLACK;
}

/* B' of F(4, 3) applied to six values. */
INLINE void transform_in(const __m512 d[IN], __m512 v[IN])
{
    const __m512 two = _mm512_set1_ps(2.0f), four = _mm512_set1_ps(4.0f);
    const __m512 five = _mm512_set1_ps(5.0f);
    const __m512 even = _mm512_fnmadd_ps(four, d[2], d[4]); /* d4 - 4 d2 */
    const __m512 odd = _mm512_fnmadd_ps(four, d[1], d[3]);  /* d3 - 4 d1 */
    const __m512 even2 = _mm512_sub_ps(d[4], d[2]);         /* d4 - d2 */
    const __m512 odd2 = _mm512_sub_ps(d[3], d[1]);          /* d3 - d1 */
    v[0] = _mm512_fmadd_ps(four, d[0], _mm512_fnmadd_ps(five, d[2], d[4]));
    v[1] = _mm512_add_ps(even, odd);
    v[2] = _mm512_sub_ps(even, odd);
    v[3] = _mm512_fmadd_ps(two, odd2, even2);
    v[4] = _mm512_fnmadd_ps(two, odd2, even2);
    v[5] = _mm512_fmadd_ps(four, d[1], _mm512_fnmadd_ps(five, d[3], d[5]));
}

/* A' of F(4, 3) applied to six values. */
INLINE void transform_out(const __m512 m[IN], __m512 y[OUT])
{
    const __m512 two = _mm512_set1_ps(2.0f), four = _mm512_set1_ps(4.0f);
    const __m512 eight = _mm512_set1_ps(8.0f);
    const __m512 sum1 = _mm512_add_ps(m[1], m[2]), dif1 = _mm512_sub_ps(m[1], m[2]);
    const __m512 sum2 = _mm512_add_ps(m[3], m[4]), dif2 = _mm512_sub_ps(m[3], m[4]);
    y[0] = _mm512_add_ps(m[0], _mm512_add_ps(sum1, sum2));
    y[1] = _mm512_fmadd_ps(two, dif2, dif1);
    y[2] = _mm512_fmadd_ps(four, sum2, sum1);
    y[3] = _mm512_add_ps(_mm512_fmadd_ps(eight, dif2, dif1), m[5]);
}

/* 16 channels of one tile: 'src' is its upper left input, 'dst' its place in the first
 * point's matrix. */
INLINE void input_tile(const float *src, int64_t row, int64_t step, float *dst,
                       int64_t point)
{
    __m512 half[IN][IN]; /* [row point][column] */
    UNROLL for (int x = 0; x < IN; x++)
    {
        __m512 d[IN], v[IN];
        UNROLL for (int y = 0; y < IN; y++)
            d[y] = _mm512_loadu_ps(src + y * row + x * step);
        transform_in(d, v);
        UNROLL for (int y = 0; y < IN; y++) half[y][x] = v[y];
    }
    UNROLL for (int y = 0; y < IN; y++)
    {
        __m512 v[IN];
        transform_in(half[y], v);
        UNROLL for (int x = 0; x < IN; x++)
        {
            _mm512_storeu_ps(dst + (y * IN + x) * point, v[x]);
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
        for (int64_t c = 0; c < channels; c += SC_LANES) {
            input_tile(src + c, phase->src_row, phase->src_step, dst + i * channels + c,
                       point);
        }
    }
}

/* 16 channels of one tile's products to 4 x 4 pixels at 'dst'. */
INLINE void output_tile(const float *src, int64_t point, const sc_conv *conv, int64_t c,
                        float *dst)
{
    __m512 half[OUT][IN];
    UNROLL for (int x = 0; x < IN; x++)
    {
        __m512 m[IN], y[OUT];
        UNROLL for (int i = 0; i < IN; i++)
            m[i] = _mm512_loadu_ps(src + (i * IN + x) * point);
        transform_out(m, y);
        UNROLL for (int i = 0; i < OUT; i++) half[i][x] = y[i];
    }
    const int64_t left = conv->channels - c;
    const __mmask16 mask =
        left >= SC_LANES ? 0xffff : (__mmask16)((1u << (left > 0 ? left : 0)) - 1u);
    const __m512 bias = _mm512_loadu_ps(conv->bias + c);
    const __m512 floor = _mm512_set1_ps(conv->relu ? 0.0f : -__builtin_inff());
    const bool post = conv->post_scale != NULL;
    const __m512 scale = post ? _mm512_loadu_ps(conv->post_scale + c) : bias;
    const __m512 shift = post ? _mm512_loadu_ps(conv->post_shift + c) : bias;
    UNROLL for (int i = 0; i < OUT; i++)
    {
        __m512 y[OUT];
        transform_out(half[i], y);
        UNROLL for (int x = 0; x < OUT; x++)
        {
            __m512 v = _mm512_max_ps(_mm512_add_ps(y[x], bias), floor);
            if (post) v = _mm512_fmadd_ps(v, scale, shift);
            _mm512_mask_storeu_ps(dst + i * conv->dst_row + x * conv->dst_step, mask,
                                  v);
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
        for (int64_t b = 0; b < n_blocks; b++) {
            const int64_t c = (block + b) * SC_LANES;
            output_tile(src + (i * GROUP + b) * SC_LANES, point, conv, c, dst + c);
        }
    }
}

/* The 36 matrix products of one group of blocks. */
static void multiply(const sc_conv *conv, const float *wei, int64_t n, int64_t block,
                     int64_t n_blocks, const float *inputs, int64_t in_point,
                     float *products, int64_t out_point)
{
    static const float zeros[(GROUP + 1) * SC_LANES];
    const int64_t ic = conv->phase[0].kc;
    sc_conv gemm = {.n_phases = 1, .bias = zeros, .rows = 1, .columns = n};
    gemm.phase[0].src_step = sc_round_up(ic, SC_LANES);
    gemm.phase[0].n_taps = 1;
    gemm.phase[0].kc = ic;
    gemm.phase[0].wei_block = ic * SC_LANES;
    gemm.dst_step = GROUP * SC_LANES;
    gemm.channels = n_blocks * SC_LANES;
    gemm.n_blocks = n_blocks;
    for (int p = 0; p < POINTS; p++) {
        gemm.phase[0].src = inputs + p * in_point;
        gemm.phase[0].wei = wei + (p * conv->n_blocks + block) * ic * SC_LANES;
        gemm.dst = products + p * out_point;
        sc_conv_f32_avx512(&gemm, 0, 1, 0, n_blocks);
    }
}

void sc_winograd_f32_avx512(const sc_conv *conv, const float *wei, int64_t row0,
                            int64_t row1, float *scratch)
{
    const sc_phase *phase = &conv->phase[0];
    const int64_t grid = conv->columns / OUT, end = row1 / OUT * grid;
    const int64_t tiles = tiles_at_once(phase->kc);
    const int64_t in_point = point_step(tiles, sc_round_up(phase->kc, SC_LANES));
    const int64_t out_point = point_step(tiles, GROUP * SC_LANES);
    float *inputs = scratch, *products = scratch + POINTS * in_point;
    for (int64_t first = row0 / OUT * grid; first < end; first += tiles) {
        const int64_t n = sc_min(tiles, end - first);
        transform_inputs(phase, grid, first, n, inputs, in_point);
        for (int64_t block = 0; block < conv->n_blocks;) {
            const int64_t left = conv->n_blocks - block;
            const int64_t n_blocks = left == 4 ? 2 : sc_min(left, GROUP);
            multiply(conv, wei, n, block, n_blocks, inputs, in_point, products,
                     out_point);
            transform_outputs(conv, grid, first, n, block, n_blocks, products,
                              out_point);
            block += n_blocks;
        }
    }
}
