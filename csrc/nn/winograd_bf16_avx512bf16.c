/* winograd.h in bfloat16 with AVX512_BF16: 2 x 2 outputs a tile.
 *
 * Transforms are computed in float32, 16 channels at a time, and rounded when they are
 * stored.  Going from tile to tile along a row, the two columns that neighbours share are
 * transformed once.
 */
#include "bf16_avx512bf16.h"
#include "winograd_internal.h"

#include "../base/memory.h"

enum {
    OUT = SC_WINOGRAD2_OUT,
    IN = SC_WINOGRAD2_IN,
    POINTS = SC_WINOGRAD2_POINTS,
    BATCH = SC_WINOGRAD2_BATCH
};

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 8")

/* B' of F(2, 3) applied to a column of four pixels. */
INLINE void column_in(const uint16_t *src, int64_t row, __mmask16 lanes, __m512 v[IN])
{
    __m512 d[IN];
    UNROLL for (int y = 0; y < IN; y++) d[y] = bf16_load_lanes(src + y * row, lanes);
    v[0] = _mm512_sub_ps(d[0], d[2]);
    v[1] = _mm512_add_ps(d[1], d[2]);
    v[2] = _mm512_sub_ps(d[2], d[1]);
    v[3] = _mm512_sub_ps(d[1], d[3]);
}

/* Two points' values beside each other: rounded by one instruction and a cache line. */
INLINE void put(uint16_t *dst, __m512 even, __m512 odd)
{
    _mm512_store_si512(dst, (__m512i)_mm512_cvtne2ps_pbh(odd, even));
}

/* 16 channels of n tiles of one row of tiles: 'src' is the first one's upper left input,
 * 'dst' its place in the first pair of points. */
static void inputs_of_row(const sc_phase *phase, const uint16_t *src, int64_t n,
                          __mmask16 lanes, uint16_t *dst, int64_t dst_step,
                          int64_t pair)
{
    const int64_t row = phase->src_row, step = phase->src_step;
    __m512 v[IN][IN]; /* [column][row point] */
    column_in(src, row, lanes, v[0]);
    column_in(src + step, row, lanes, v[1]);
    for (int64_t i = 0; i < n; i++, dst += dst_step) {
        src += OUT * step;
        column_in(src, row, lanes, v[2]);
        column_in(src + step, row, lanes, v[3]);
        UNROLL for (int y = 0; y < IN; y++)
        {
            uint16_t *dst_y = dst + y * 2 * pair;
            put(dst_y, _mm512_sub_ps(v[0][y], v[2][y]),
                _mm512_add_ps(v[1][y], v[2][y]));
            put(dst_y + pair, _mm512_sub_ps(v[2][y], v[1][y]),
                _mm512_sub_ps(v[1][y], v[3][y]));
            v[0][y] = v[2][y];
            v[1][y] = v[3][y];
        }
    }
}

/* Tiles [first, first + n) of the row-major grid of tiles into
 * dst[pair of points][tile][block of channels][which of the pair][channel]. */
static void transform_inputs(const sc_phase *phase, int64_t grid, int64_t first,
                             int64_t n, uint16_t *dst, int64_t pair)
{
    const int64_t channels = sc_round_up(phase->kc, SC_LANES);
    for (int64_t i = 0, run; i < n; i += run) {
        const int64_t y = (first + i) / grid, x = (first + i) % grid;
        const uint16_t *src = (const uint16_t *)phase->src + phase->taps[0] +
                              y * OUT * phase->src_row + x * OUT * phase->src_step;
        run = sc_min(n - i, grid - x);
        for (int64_t c = 0; c < channels; c += SC_LANES) {
            /* Beyond the last channel lies anything, with which sums could overflow. */
            const int64_t left = sc_min(phase->kc - c, SC_LANES);
            inputs_of_row(phase, src + c, run, (__mmask16)((1u << left) - 1u),
                          dst + (i * channels + c) * 2, channels * 2, pair);
        }
    }
}

typedef struct {
    __m512 bias, floor, scale, shift;
    __mmask16 lanes; /* of the block's channels */
    bool post, dst_f32;
} epilogue;

INLINE void store_output(void *dst, int64_t at, const epilogue *e, __m512 v)
{
    v = _mm512_max_ps(_mm512_add_ps(v, e->bias), e->floor);
    if (e->post) v = _mm512_fmadd_ps(v, e->scale, e->shift);
    if (e->dst_f32) {
        _mm512_mask_storeu_ps((float *)dst + at, e->lanes, v);
    } else {
        bf16_store_finite((uint16_t *)dst + at, e->lanes, v);
    }
}

static epilogue epilogue_of(const sc_conv *conv, int64_t c)
{
    const int64_t left = sc_max(conv->channels - c, 0);
    const bool post = conv->post_scale != NULL;
    const __m512 bias = _mm512_loadu_ps(conv->bias + c);
    return (epilogue){
        .bias = bias,
        .floor = _mm512_set1_ps(conv->relu ? 0.0f : -__builtin_inff()),
        .scale = post ? _mm512_loadu_ps(conv->post_scale + c) : bias,
        .shift = post ? _mm512_loadu_ps(conv->post_shift + c) : bias,
        .lanes = left >= SC_LANES ? 0xffff : (__mmask16)((1u << left) - 1u),
        .post = post,
        .dst_f32 = conv->dst_f32,
    };
}

/* A'MA of one block of one tile, to element 'at' of the destination and its neighbours. */
INLINE void output_tile(const float *src, int64_t point, const sc_conv *conv,
                        const epilogue *e, int64_t at)
{
    __m512 half[OUT][IN];
    UNROLL for (int x = 0; x < IN; x++)
    {
        __m512 m[IN];
        UNROLL for (int y = 0; y < IN; y++)
        {
            m[y] = _mm512_loadu_ps(src + (y * IN + x) * point);
        }
        half[0][x] = _mm512_add_ps(m[0], _mm512_add_ps(m[1], m[2]));
        half[1][x] = _mm512_sub_ps(_mm512_sub_ps(m[1], m[2]), m[3]);
    }
    UNROLL for (int y = 0; y < OUT; y++, at += conv->dst_row)
    {
        const __m512 *h = half[y];
        store_output(conv->dst, at, e, _mm512_add_ps(h[0], _mm512_add_ps(h[1], h[2])));
        store_output(conv->dst, at + conv->dst_step, e,
                     _mm512_sub_ps(_mm512_sub_ps(h[1], h[2]), h[3]));
    }
}

/* One point's products of eight tiles with n blocks; the sums fill 8 * n registers. */
INLINE void multiply(const int n, const uint16_t *src, int64_t src_step,
                     const uint16_t *wei, int64_t wei_block, int64_t kc, float *dst)
{
    __m512 acc[BATCH][SC_WINOGRAD_GROUP];
    UNROLL for (int m = 0; m < BATCH; m++)
    {
        UNROLL for (int j = 0; j < n; j++) acc[m][j] = _mm512_setzero_ps();
    }
    for (; kc > 0; kc -= SC_LANES, src += 2 * SC_LANES) {
        const uint16_t *low = src, *high = src + 4 * src_step;
        for (int64_t k = sc_min(kc, SC_LANES); k > 0; k -= 2) {
            __m512bh w[SC_WINOGRAD_GROUP];
            UNROLL for (int j = 0; j < n; j++)
            {
                w[j] = (__m512bh)_mm512_load_si512(wei + j * wei_block);
            }
            UNROLL for (int m = 0; m < BATCH; m++)
            {
                const uint16_t *tile = m < 4 ? low + m * src_step
                                             : high + (m - 4) * src_step;
                const __m512bh a = bf16_pair(tile);
                UNROLL for (int j = 0; j < n; j++)
                {
                    acc[m][j] = _mm512_dpbf16_ps(acc[m][j], a, w[j]);
                }
            }
            low += 2;
            high += 2;
            wei += 2 * SC_LANES;
        }
    }
    UNROLL for (int m = 0; m < BATCH; m++)
    {
        UNROLL for (int j = 0; j < n; j++)
        {
            _mm512_store_ps(dst + (m * n + j) * SC_LANES, acc[m][j]);
        }
    }
}

/* Where one call's transformed inputs lie, and the products of a batch in L1. */
typedef struct {
    const sc_conv *conv;
    const uint16_t *wei; /* of the first point and block */
    int64_t wei_point, wei_block;
    uint16_t *inputs;
    int64_t in_step, in_pair;
    float *products;
    int64_t grid; /* tiles in a row of them */
} task;

/* Tiles [tile, tile + n), at most eight, of blocks [block, block + n_blocks): all points'
 * products, and while they are in L1 the outputs. 'inputs' are the first tile's. */
INLINE void batch(const int n_blocks, const task *t, const uint16_t *inputs,
                  int64_t tile, int64_t n, int64_t block)
{
    const int64_t point = BATCH * n_blocks * SC_LANES;
    const uint16_t *wei = t->wei + block * t->wei_block;
    for (int64_t p = 0; p < POINTS; p++) {
        multiply(n_blocks, inputs + p / 2 * t->in_pair + p % 2 * SC_LANES, t->in_step,
                 wei + p * t->wei_point, t->wei_block, t->conv->phase[0].kc,
                 t->products + p * point);
    }
    const sc_conv *conv = t->conv;
    for (int64_t j = 0; j < n_blocks; j++) {
        const int64_t c = (block + j) * SC_LANES;
        const epilogue e = epilogue_of(conv, c);
        for (int64_t i = 0; i < n; i++) {
            const int64_t y = (tile + i) / t->grid, x = (tile + i) % t->grid;
            output_tile(t->products + (i * n_blocks + j) * SC_LANES, point, conv, &e,
                        y * OUT * conv->dst_row + x * OUT * conv->dst_step + c);
        }
    }
}

static void batches(const task *t, int64_t first, int64_t n, int64_t block,
                    int64_t n_blocks)
{
    for (int64_t i = 0; i < n; i += BATCH) {
        const uint16_t *inputs = t->inputs + i * t->in_step;
        const int64_t left = sc_min(n - i, BATCH);
        if (n_blocks == 3) batch(3, t, inputs, first + i, left, block);
        if (n_blocks == 2) batch(2, t, inputs, first + i, left, block);
        if (n_blocks == 1) batch(1, t, inputs, first + i, left, block);
    }
}

static void run(const sc_conv *conv, const void *wei, int64_t row0, int64_t row1,
                float *scratch)
{
    const sc_phase *phase = &conv->phase[0];
    const int64_t channels = sc_round_up(phase->kc, SC_LANES);
    const int64_t block_size = sc_round_up(phase->kc, 32) * SC_LANES;
    const int64_t tiles = sc_winograd2_tiles(phase->kc);
    const task t = {
        .conv = conv,
        .wei = wei,
        .wei_point = conv->n_blocks * block_size,
        .wei_block = block_size,
        .inputs = (uint16_t *)(scratch + SC_WINOGRAD2_PRODUCTS),
        .in_step = 2 * channels,
        .in_pair = 2 * sc_winograd_point(tiles, channels),
        .products = scratch,
        .grid = conv->columns / OUT,
    };
    const int64_t end = row1 / OUT * t.grid;
    for (int64_t first = row0 / OUT * t.grid; first < end; first += tiles) {
        const int64_t n = sc_min(tiles, end - first);
        transform_inputs(phase, t.grid, first, n, t.inputs, t.in_pair);
        for (int64_t block = 0, n_blocks; block < conv->n_blocks; block += n_blocks) {
            n_blocks = sc_winograd_group(conv->n_blocks - block);
            batches(&t, first, n, block, n_blocks);
        }
    }
}

const sc_winograd sc_winograd_bf16_avx512 = {
    "own:bf16_avx512_winograd",
    OUT,
    sc_winograd2_packed_nbytes,
    sc_winograd2_pack,
    sc_winograd2_pays,
    sc_winograd2_scratch,
    run,
};
