/* The body of the two kernels of conv.h with AMX tiles: 2 x 16 pixels by 2 blocks of 16
 * channels, in bfloat16 or in integers of eight bits.
 *
 * Channel-last images need no im2col: 16 neighbouring pixels, 64 bytes of channels each,
 * are a tile with the pixel pitch as its stride, for every tap.  Four accumulator tiles
 * use each loaded tile twice, which keeps the tile unit busy from L1.
 *
 * Sums leave the tiles through scratch.  What remains to be done with them there, 16
 * channels at a time, is done a few rows after each step of the next tiles' products:
 * these are one instruction in 16 cycles, and between them the vector units are idle.
 *
 * The including file defines ITEM (the activations' type), TILE_K (of them in a tile),
 * INTEGERS (whether sums are int32, to be scaled by sum_scale) and DOT (the product of
 * tiles) before it includes this, and load_items after it.
 */
#include "bf16_avx512bf16.h"
#include "conv.h"
#include "u8_avx512.h"
#include "unroll.h"
#include "vec_avx512.h"

#include "../base/memory.h"

#include <immintrin.h>

/* 16 items as float32. */
INLINE __m512 load_items(const ITEM *src);

/* One block's lanes of 'mask' to element 'at' of the destination. */
INLINE void store_items(const sc_conv *conv, int64_t at, __mmask16 mask, __m512 v)
{
    if (conv->dst_u8) {
        u8_store_lanes((uint8_t *)conv->dst + at, mask, v);
    } else {
        bf16_store_result(conv->dst, conv->dst_f32, at, mask, v);
    }
}

/* Two neighbouring blocks'. */
INLINE void store_pair(const sc_conv *conv, int64_t at, __mmask16 mask0, __m512 v0,
                       __mmask16 mask1, __m512 v1)
{
    if (conv->dst_u8) {
        u8_store_pair((uint8_t *)conv->dst + at, mask0, v0, mask1, v1);
    } else {
        bf16_store_results(conv->dst, conv->dst_f32, at, mask0, v0, mask1, v1);
    }
}

enum {
    PIXELS = 16,
    L1_NBYTES = 32 << 10, /* of weights, beside the pixels */
    L2_NBYTES = 512 << 10,
};

/* GCC's tile intrinsics do not say that they read memory: without this, stores just
 * before them may be dropped or moved behind them. */
#define STORES_DONE() __asm__ volatile("" ::: "memory")

/* Sixteen pixels of one row; 'valid' of them exist. */
typedef struct {
    int64_t y, x, valid;
} span;

/* Up to 2 x 2 tiles, of which the sums wait for the epilogue. */
typedef struct {
    span spans[2];
    int n_spans, n_blocks;
    int64_t block; /* the first of them */
    int64_t done,
        n_rows; /* of the sums: pixels of a span and block, one after another */
    _Alignas(64) float acc[2][2][2][PIXELS][SC_LANES]; /* phase, span, block, pixel */
} tiles;

/* ---- The epilogue -------------------------------------------------------------------- */

/* What a block's sums still need.  The biases of float32 sums are in them (start). */
typedef struct {
    __m512 factor, scale, shift, unit[2], bias[2];
} constants;

INLINE constants load_constants(const bool two, const bool add, const bool post,
                                const sc_conv *conv, int64_t c)
{
    const __m512 one = _mm512_set1_ps(1.0f);
    const bool second = INTEGERS && two;
    return (constants){
        .unit = {INTEGERS ? _mm512_loadu_ps(conv->sum_scale[0] + c) : one,
                 second ? _mm512_loadu_ps(conv->sum_scale[1] + c) : one},
        .bias = {INTEGERS ? _mm512_loadu_ps((two ? conv->mid_bias : conv->bias) + c)
                          : one,
                 second ? _mm512_loadu_ps(conv->bias + c) : one},
        .factor = add && conv->add_scale != NULL ? _mm512_loadu_ps(conv->add_scale + c)
                                                 : one,
        .scale = post ? _mm512_loadu_ps(conv->post_scale + c) : one,
        .shift = post ? _mm512_loadu_ps(conv->post_shift + c) : one,
    };
}

/* A vector of the sums of phase i. */
INLINE __m512 load_sum(const int i, const constants *k, const float *sum)
{
    const __m512 v = _mm512_load_ps(sum);
    if (!INTEGERS) return v;
    return _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_castps_si512(v)), k->unit[i],
                           k->bias[i]);
}

/* One vector.  'add' belongs to the first of two phases. */
INLINE __m512 finish_sum(const bool bytes, const bool two, const bool add,
                         const bool post, const constants *k, const float *sum0,
                         const float *sum1, const ITEM *more, __m512 floor)
{
    __m512 v = load_sum(0, k, sum0);
    if (add) v = _mm512_fmadd_ps(k->factor, load_items(more), v);
    if (two)
        v = _mm512_add_ps(_mm512_max_ps(v, _mm512_setzero_ps()), load_sum(1, k, sum1));
    if (post || !bytes) v = _mm512_max_ps(v, floor); /* else stored from 0 on */
    return post ? _mm512_fmadd_ps(v, k->scale, k->shift) : v;
}

/* Pixels [done, to) of the sums to the destination, with both blocks at once: then they
 * are rounded by one instruction and stored as one cache line. */
INLINE void finish_rows(const bool pair, const bool bytes, const bool two,
                        const bool add, const bool post, const sc_conv *conv, tiles *s,
                        int64_t to)
{
    const int64_t c = s->block * SC_LANES;
    const __m512 floor = _mm512_set1_ps(conv->relu ? 0.0f : -__builtin_inff());
    const constants k0 = load_constants(two, add, post, conv, c);
    const constants k1 = pair ? load_constants(two, add, post, conv, c + SC_LANES) : k0;
    const __mmask16 mask0 = vec_lanes(conv->channels - c);
    const __mmask16 mask1 = pair ? vec_lanes(conv->channels - c - SC_LANES) : 0;
    while (s->done < to) {
        const int64_t i = s->done / PIXELS, m0 = s->done % PIXELS;
        const span *at = &s->spans[i];
        const int64_t m1 = sc_min(at->valid, m0 + to - s->done);
        const ITEM *more = (const ITEM *)conv->add + at->y * conv->add_row +
                           (at->x + m0) * conv->add_step + c;
        int64_t dst = at->y * conv->dst_row + (at->x + m0) * conv->dst_step + c;
        int64_t m = m0;
        for (; bytes && m + 2 <= m1; m += 2, dst += 2 * conv->dst_step) {
            __m512 v[2][2];
            for (int j = 0; j < 2; j++) {
                v[j][0] = finish_sum(bytes, two, add, post, &k0, s->acc[0][i][0][m + j],
                                     s->acc[1][i][0][m + j], more, floor);
                v[j][1] = finish_sum(bytes, two, add, post, &k1, s->acc[0][i][1][m + j],
                                     s->acc[1][i][1][m + j], more + SC_LANES, floor);
                if (add) more += conv->add_step;
            }
            u8_store_pairs((uint8_t *)conv->dst + dst, conv->dst_step,
                           (__mmask32)mask0 | (__mmask32)mask1 << 16, v[0][0], v[0][1],
                           v[1][0], v[1][1]);
        }
        for (; m < m1; m++, dst += conv->dst_step) {
            const __m512 v0 = finish_sum(bytes, two, add, post, &k0, s->acc[0][i][0][m],
                                         s->acc[1][i][0][m], more, floor);
            if (pair) {
                const __m512 v1 = finish_sum(bytes, two, add, post, &k1,
                                             s->acc[0][i][1][m], s->acc[1][i][1][m],
                                             more + SC_LANES, floor);
                store_pair(conv, dst, mask0, v0, mask1, v1);
            } else {
                store_items(conv, dst, mask0, v0);
            }
            if (add) more += conv->add_step;
        }
        s->done = sc_min(to, (i + 1) * PIXELS);
    }
}

typedef void (*finish_fn)(const sc_conv *conv, tiles *s, int64_t to);

#define FINISH(name, two, add, post)                                                   \
    static void name(const sc_conv *conv, tiles *s, int64_t to)                        \
    {                                                                                  \
        if (s->n_blocks == 2 && INTEGERS && conv->dst_u8)                              \
            finish_rows(true, true, two, add, post, conv, s, to);                      \
        else if (s->n_blocks == 2)                                                     \
            finish_rows(true, false, two, add, post, conv, s, to);                     \
        else                                                                           \
            finish_rows(false, false, two, add, post, conv, s, to);                    \
    }
FINISH(finish_plain, false, false, false)
FINISH(finish_post, false, false, true)
FINISH(finish_add, false, true, false)
FINISH(finish_add_post, false, true, true)
FINISH(finish_two, true, false, false)
FINISH(finish_two_post, true, false, true)
FINISH(finish_two_add, true, true, false)
FINISH(finish_two_add_post, true, true, true)

static finish_fn choose_finish(const sc_conv *conv)
{
    static const finish_fn TABLE[2][2][2] = {
        {{finish_plain, finish_post}, {finish_add, finish_add_post}},
        {{finish_two, finish_two_post}, {finish_two_add, finish_two_add_post}},
    };
    return TABLE[conv->n_phases == 2][conv->add != NULL][conv->post_scale != NULL];
}

/* ---- The products -------------------------------------------------------------------- */

/* Begin with the bias of each block, the same in all rows: a stride of 0; integers, with
 * zeros. */
INLINE void start(const int n_spans, const int n_blocks, const float *bias)
{
    if (INTEGERS) {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
        return;
    }
    _tile_loadd(0, bias, 0);
    if (n_spans == 2) _tile_loadd(2, bias, 0);
    if (n_blocks == 2) _tile_loadd(1, bias + SC_LANES, 0);
    if (n_spans == 2 && n_blocks == 2) _tile_loadd(3, bias + SC_LANES, 0);
}

/* The tile intrinsics take literal register numbers: 0-3 sum (span * 2 + block),
 * 4 and 5 hold the spans' pixels, 6 and 7 the blocks' weights.  After each step 'some'
 * rows of the sums before are finished. */
INLINE void accumulate(const int n_spans, const int n_blocks, const sc_conv *conv,
                       const sc_phase *phase, const span *spans, int64_t block,
                       finish_fn finish, tiles *before, int64_t some)
{
    const ITEM *src = phase->src;
    const ITEM *a0 = src + spans[0].y * phase->src_row + spans[0].x * phase->src_step;
    const ITEM *a1 = src + spans[n_spans - 1].y * phase->src_row +
                     spans[n_spans - 1].x * phase->src_step;
    const ITEM *b0 = (const ITEM *)phase->wei + block * phase->wei_block;
    const ITEM *b1 = b0 + phase->wei_block;
    const size_t stride = (size_t)phase->src_step * sizeof *src;
    for (int64_t t = 0; t < phase->n_taps; t++) {
        const int64_t tap = phase->taps[t];
        for (int64_t k = 0; k < phase->kc; k += TILE_K) {
            _tile_loadd(6, b0, 64);
            _tile_loadd(4, a0 + tap + k, stride);
            DOT(0, 4, 6);
            if (n_spans == 2) {
                _tile_loadd(5, a1 + tap + k, stride);
                DOT(2, 5, 6);
            }
            if (n_blocks == 2) {
                _tile_loadd(7, b1, 64);
                DOT(1, 4, 7);
                if (n_spans == 2) DOT(3, 5, 7);
            }
            b0 += TILE_K * SC_LANES;
            b1 += TILE_K * SC_LANES;
            if (before->done < before->n_rows) {
                finish(conv, before, sc_min(before->done + some, before->n_rows));
                STORES_DONE();
            }
        }
    }
}

INLINE void store(const int n_spans, const int n_blocks,
                  float (*acc)[2][PIXELS][SC_LANES])
{
    _tile_stored(0, acc[0][0], 64);
    if (n_blocks == 2) _tile_stored(1, acc[0][1], 64);
    if (n_spans == 2) _tile_stored(2, acc[1][0], 64);
    if (n_spans == 2 && n_blocks == 2) _tile_stored(3, acc[1][1], 64);
    STORES_DONE();
}

/* The sums of some tiles into 's', which until then holds those before. */
INLINE void tile(const int n_spans, const int n_blocks, const sc_conv *conv,
                 const span *spans, int64_t block, finish_fn finish, tiles *s)
{
    const sc_phase *phase = conv->phase;
    const int64_t steps = phase->n_taps * ((phase->kc + TILE_K - 1) / TILE_K);
    const float *mid = conv->n_phases == 2 ? conv->mid_bias : conv->bias;
    start(n_spans, n_blocks, mid + block * SC_LANES);
    /* Of integers, in calls for two pairs of pixels. */
    const int64_t some = sc_round_up((s->n_rows + steps - 1) / steps, INTEGERS ? 4 : 1);
    accumulate(n_spans, n_blocks, conv, &phase[0], spans, block, finish, s, some);
    store(n_spans, n_blocks, s->acc[0]);
    if (conv->n_phases == 2) {
        start(n_spans, n_blocks, conv->bias + block * SC_LANES);
        accumulate(n_spans, n_blocks, conv, &phase[1], spans, block, finish, s, 0);
        store(n_spans, n_blocks, s->acc[1]);
    }
    s->spans[0] = spans[0];
    s->spans[1] = spans[n_spans - 1];
    s->n_spans = n_spans;
    s->n_blocks = n_blocks;
    s->block = block;
    s->done = 0;
    s->n_rows = (int64_t)n_spans * PIXELS;
}

static bool next_span(const sc_conv *conv, int64_t row1, span *at)
{
    at->x += PIXELS;
    if (at->x >= conv->columns) {
        at->x = 0;
        at->y++;
    }
    at->valid = sc_min(conv->columns - at->x, PIXELS);
    return at->y < row1;
}

/* All tiles of blocks [block0, block1): each pair of spans meets one pair of blocks after the
 * other. */
INLINE void run_blocks(const sc_conv *conv, int64_t row0, int64_t row1, int64_t block0,
                       int64_t block1, finish_fn finish, tiles *s)
{
    span next = {row0, 0, sc_min(conv->columns, PIXELS)};
    bool more = row0 < row1;
    while (more) {
        span spans[2] = {next, next};
        const bool two_spans = next_span(conv, row1, &spans[1]);
        for (int64_t block = block0; block < block1; block += 2) {
            const bool two_blocks = block + 1 < block1;
            if (two_spans && two_blocks) tile(2, 2, conv, spans, block, finish, s);
            if (two_spans && !two_blocks) tile(2, 1, conv, spans, block, finish, s);
            if (!two_spans && two_blocks) tile(1, 2, conv, spans, block, finish, s);
            if (!two_spans && !two_blocks) tile(1, 1, conv, spans, block, finish, s);
        }
        if (!two_spans) break;
        next = spans[1];
        more = next_span(conv, row1, &next);
    }
}

/* How many blocks each pair of spans meets before the next one comes: all, whose weights
 * stream from L2 past pixels in L1; or two, whose weights stay in L1 while pixels stream, which
 * costs less where a pixel serves several taps or L2 does not hold all weights. */
static int64_t blocks_together(const sc_conv *conv, int64_t n_blocks)
{
    int64_t nbytes = conv->phase[0].wei_block; /* of a block's weights */
    if (conv->n_phases == 2) nbytes += conv->phase[1].wei_block;
    nbytes *= (int64_t)sizeof(ITEM);
    const bool in_l1 = conv->phase[0].n_taps > 1 && 2 * nbytes <= L1_NBYTES;
    return in_l1 || n_blocks * nbytes > L2_NBYTES ? 2 : n_blocks;
}

static void run_tiles(const sc_conv *conv, int64_t row0, int64_t row1, int64_t block0,
                      int64_t block1)
{
    const finish_fn finish = choose_finish(conv);
    const int64_t together = blocks_together(conv, block1 - block0);
    tiles s;
    s.n_blocks = 1;
    s.block = s.done = s.n_rows = 0;
    for (int64_t block = block0; block < block1; block += together) {
        run_blocks(conv, row0, row1, block, sc_min(block + together, block1), finish,
                   &s);
    }
    finish(conv, &s, s.n_rows);
}
