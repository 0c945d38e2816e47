/* conv.h in bfloat16 with AMX tiles: 2 x 16 pixels by 2 blocks of 16 channels.
 *
 * Channel-last images need no im2col: 16 neighbouring pixels, 32 channels each, are a
 * tile with the pixel pitch as its stride, for every tap.  Four accumulator tiles use
 * each loaded tile twice, which keeps the tile unit busy from L1.  Sums leave
 * the tiles through 4 KiB of scratch, where the epilogue runs 16 channels at a time.
 */
#include "bf16_avx512bf16.h"
#include "conv.h"
#include "unroll.h"
#include "vec_avx512.h"

#include "../base/memory.h"

#include <immintrin.h>
#include <string.h>

enum { PIXELS = 16, TILE_K = 32 };

/* GCC's tile intrinsics do not say that they read memory: without this, stores just
 * before them may be dropped or moved behind them. */
#define STORES_DONE() __asm__ volatile("" ::: "memory")

/* Sixteen pixels of one row; 'valid' of them exist. */
typedef struct {
    int64_t y, x, valid;
} span;

typedef struct {
    _Alignas(64) float acc[2][2][PIXELS][SC_LANES]; /* span, block, pixel, channel */
} scratch;

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

/* The tile intrinsics take literal register numbers: 0-3 sum (span * 2 + block),
 * 4 and 5 hold the spans' pixels, 6 and 7 the blocks' weights. */
INLINE void accumulate(const int n_spans, const int n_blocks, const sc_phase *phase,
                       const span *spans, int64_t block)
{
    const uint16_t *src = phase->src;
    const uint16_t *a0 = src + spans[0].y * phase->src_row +
                         spans[0].x * phase->src_step;
    const uint16_t *a1 = src + spans[n_spans - 1].y * phase->src_row +
                         spans[n_spans - 1].x * phase->src_step;
    const uint16_t *b0 = (const uint16_t *)phase->wei + block * phase->wei_block;
    const uint16_t *b1 = b0 + phase->wei_block;
    const size_t stride = (size_t)phase->src_step * sizeof *src;
    for (int64_t t = 0; t < phase->n_taps; t++) {
        const int64_t tap = phase->taps[t];
        for (int64_t k = 0; k < phase->kc; k += TILE_K) {
            _tile_loadd(6, b0, 64);
            _tile_loadd(4, a0 + tap + k, stride);
            _tile_dpbf16ps(0, 4, 6);
            if (n_spans == 2) {
                _tile_loadd(5, a1 + tap + k, stride);
                _tile_dpbf16ps(2, 5, 6);
            }
            if (n_blocks == 2) {
                _tile_loadd(7, b1, 64);
                _tile_dpbf16ps(1, 4, 7);
                if (n_spans == 2) _tile_dpbf16ps(3, 5, 7);
            }
            b0 += TILE_K * SC_LANES;
            b1 += TILE_K * SC_LANES;
        }
    }
}

INLINE void tiles_store(const int n_spans, const int n_blocks, scratch *s)
{
    _tile_stored(0, s->acc[0][0], 64);
    if (n_blocks == 2) _tile_stored(1, s->acc[0][1], 64);
    if (n_spans == 2) _tile_stored(2, s->acc[1][0], 64);
    if (n_spans == 2 && n_blocks == 2) _tile_stored(3, s->acc[1][1], 64);
    STORES_DONE();
}

INLINE void tiles_load(const int n_spans, const int n_blocks, const scratch *s)
{
    STORES_DONE();
    _tile_loadd(0, s->acc[0][0], 64);
    if (n_blocks == 2) _tile_loadd(1, s->acc[0][1], 64);
    if (n_spans == 2) _tile_loadd(2, s->acc[1][0], 64);
    if (n_spans == 2 && n_blocks == 2) _tile_loadd(3, s->acc[1][1], 64);
}

INLINE __m512 add_scale_of(const sc_conv *conv, int64_t c)
{
    return conv->add_scale == NULL ? _mm512_set1_ps(1.0f)
                                   : _mm512_loadu_ps(conv->add_scale + c);
}

/* scale * add of one span's pixels into its sums: where the tiles begin with it. */
INLINE void begin_block(const sc_conv *conv, const span *at, int64_t c,
                        float (*acc)[SC_LANES])
{
    const uint16_t *add = (const uint16_t *)conv->add + at->y * conv->add_row +
                          at->x * conv->add_step + c;
    const __m512 scale = add_scale_of(conv, c);
    for (int m = 0; m < PIXELS; m++) {
        __m512 v = _mm512_setzero_ps();
        if (m < at->valid)
            v = _mm512_mul_ps(scale, bf16_load(add + m * conv->add_step));
        _mm512_store_ps(acc[m], v);
    }
}

/* With one phase 'add' can as well come last (finish_block), without a way through the
 * tiles: it was a quarter of the time of MultiResUNet's shortcuts. */
INLINE void begin(const int n_spans, const int n_blocks, const sc_conv *conv,
                  const span *spans, int64_t block, scratch *s)
{
    if (conv->add == NULL || conv->n_phases == 1) {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
        return;
    }
    for (int i = 0; i < n_spans; i++) {
        for (int j = 0; j < n_blocks; j++) {
            begin_block(conv, &spans[i], (block + j) * SC_LANES, s->acc[i][j]);
        }
    }
    tiles_load(n_spans, n_blocks, s);
}

INLINE void add_relu(const int n_spans, const int n_blocks, const float *bias,
                     scratch *s)
{
    tiles_store(n_spans, n_blocks, s);
    for (int j = 0; j < n_blocks; j++) {
        const __m512 b = _mm512_loadu_ps(bias + j * SC_LANES);
        for (int i = 0; i < n_spans; i++) {
            for (int m = 0; m < PIXELS; m++) {
                const __m512 v = _mm512_add_ps(_mm512_load_ps(s->acc[i][j][m]), b);
                _mm512_store_ps(s->acc[i][j][m], _mm512_max_ps(v, _mm512_setzero_ps()));
            }
        }
    }
    tiles_load(n_spans, n_blocks, s);
}

/* One span of one block from the scratch to the destination.  'n' is at->valid, and a
 * constant where that is the whole span. */
INLINE void finish_block(const bool add, const bool post, const int64_t n,
                         const sc_conv *conv, const span *at, int64_t c,
                         const float (*acc)[SC_LANES])
{
    const __mmask16 mask = vec_lanes(conv->channels - c);
    const __m512 bias = _mm512_loadu_ps(conv->bias + c);
    const __m512 floor = _mm512_set1_ps(conv->relu ? 0.0f : -__builtin_inff());
    const __m512 scale = post ? _mm512_loadu_ps(conv->post_scale + c) : bias;
    const __m512 shift = post ? _mm512_loadu_ps(conv->post_shift + c) : bias;
    const __m512 factor = add ? add_scale_of(conv, c) : bias;
    const uint16_t *more = (const uint16_t *)conv->add + at->y * conv->add_row +
                           at->x * conv->add_step + c;
    const int64_t offset = at->y * conv->dst_row + at->x * conv->dst_step + c;
    for (int64_t m = 0; m < n; m++) {
        __m512 v = _mm512_add_ps(_mm512_load_ps(acc[m]), bias);
        if (add) v = _mm512_fmadd_ps(factor, bf16_load(more + m * conv->add_step), v);
        v = _mm512_max_ps(v, floor);
        if (post) v = _mm512_fmadd_ps(v, scale, shift);
        bf16_store_result(conv->dst, conv->dst_f32, offset + m * conv->dst_step, mask,
                          v);
    }
}

INLINE void finish(const bool add, const bool post, const sc_conv *conv, const span *at,
                   int64_t c, const float (*acc)[SC_LANES])
{
    if (at->valid == PIXELS) {
        finish_block(add, post, PIXELS, conv, at, c, acc);
    } else {
        finish_block(add, post, at->valid, conv, at, c, acc);
    }
}

INLINE void tile(const int n_spans, const int n_blocks, const sc_conv *conv,
                 const span *spans, int64_t block)
{
    scratch s;
    begin(n_spans, n_blocks, conv, spans, block, &s);
    accumulate(n_spans, n_blocks, &conv->phase[0], spans, block);
    if (conv->n_phases == 2) {
        add_relu(n_spans, n_blocks, conv->mid_bias + block * SC_LANES, &s);
        accumulate(n_spans, n_blocks, &conv->phase[1], spans, block);
    }
    tiles_store(n_spans, n_blocks, &s);
    const bool add = conv->add != NULL && conv->n_phases == 1;
    for (int i = 0; i < n_spans; i++) {
        for (int j = 0; j < n_blocks; j++) {
            const int64_t c = (block + j) * SC_LANES;
            if (add && conv->post_scale != NULL) {
                finish(true, true, conv, &spans[i], c, s.acc[i][j]);
            } else if (add) {
                finish(true, false, conv, &spans[i], c, s.acc[i][j]);
            } else if (conv->post_scale != NULL) {
                finish(false, true, conv, &spans[i], c, s.acc[i][j]);
            } else {
                finish(false, false, conv, &spans[i], c, s.acc[i][j]);
            }
        }
    }
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

void sc_conv_bf16_amx(const sc_conv *conv, int64_t row0, int64_t row1, int64_t block0,
                      int64_t block1)
{
    for (int64_t block = block0; block < block1; block += 2) {
        const bool two_blocks = block + 1 < block1;
        span spans[2] = {{row0, 0, sc_min(conv->columns, PIXELS)}};
        bool more = row0 < row1;
        while (more) {
            spans[1] = spans[0];
            const bool two_spans = next_span(conv, row1, &spans[1]);
            if (two_spans && two_blocks) tile(2, 2, conv, spans, block);
            if (two_spans && !two_blocks) tile(2, 1, conv, spans, block);
            if (!two_spans && two_blocks) tile(1, 2, conv, spans, block);
            if (!two_spans && !two_blocks) tile(1, 1, conv, spans, block);
            if (!two_spans) break;
            spans[0] = spans[1];
            more = next_span(conv, row1, &spans[0]);
        }
    }
}
