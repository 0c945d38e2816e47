/* winograd.h in bfloat16 with AVX512_BF16: 2 x 2 outputs a tile.
 *
 * Transforms are computed in float32, 16 channels at a time, and rounded when they are
 * stored.  Going from tile to tile along a row, the two columns that neighbours share are
 * transformed once.
 */
#include "bf16_avx512bf16.h"
#include "vec_avx512.h"
#include "winograd_internal.h"

#define ITEM uint16_t
#define TABLE sc_winograd_bf16_avx512
#define TABLE_NAME "own:bf16_avx512_winograd"
#define PACKED_NBYTES sc_winograd2_packed_nbytes
#define PACK sc_winograd2_pack
#define PAYS sc_winograd2_pays
enum {
    OUT = SC_WINOGRAD2_OUT,
    BATCH = 8,
    GROUP = 3,
    TOGETHER = 2,
    K_MULTIPLE = 32,
    INPUT_NBYTES = 48 << 10,
};
#include "winograd_impl.h"

/* B' of F(2, 3) applied to a column of four pixels, in the given lanes, which for the last
 * pixel are others than for the first three. */
INLINE void column_in(const ITEM *src, int64_t row, __mmask16 lanes, __mmask16 last,
                      __m512 v[IN])
{
    __m512 d[IN];
    UNROLL for (int y = 0; y < IN; y++)
    {
        d[y] = bf16_load_lanes(src + y * row, y == IN - 1 ? last : lanes);
    }
    v[0] = _mm512_sub_ps(d[0], d[2]);
    v[1] = _mm512_add_ps(d[1], d[2]);
    v[2] = _mm512_sub_ps(d[2], d[1]);
    v[3] = _mm512_sub_ps(d[1], d[3]);
}

/* Two points' values beside each other: one instruction rounds them, and they fill a cache
 * line. */
INLINE void put_pair(ITEM *dst, __m512 even, __m512 odd)
{
    _mm512_store_si512(dst, (__m512i)_mm512_cvtne2ps_pbh(odd, even));
}

/* 16 channels of n tiles of one row of tiles: 'src' is the first one's upper left input,
 * 'dst' its place in the first pair of points.  At a map's end the last row or column of
 * inputs may be missing.  Only outputs that are missing too depend on it; but the row may
 * lie where there is no memory, so 'last_row' has the lanes to load: all of them, or none. */
static void inputs_of_row(const task *t, const ITEM *src, int64_t n, __mmask16 lanes,
                          __mmask16 last_row, ITEM *dst)
{
    const int64_t row = t->phase->src_row, step = t->phase->src_step;
    const int64_t pair = TOGETHER * t->in_point;
    __m512 v[IN][IN]; /* [column][row point] */
    column_in(src, row, lanes, last_row, v[0]);
    column_in(src + step, row, lanes, last_row, v[1]);
    for (int64_t i = 0; i < n; i++, dst += t->in_step) {
        src += OUT * step;
        column_in(src, row, lanes, last_row, v[2]);
        column_in(src + step, row, lanes, last_row, v[3]);
        UNROLL for (int y = 0; y < IN; y++)
        {
            ITEM *dst_y = dst + y * IN / TOGETHER * pair;
            put_pair(dst_y, _mm512_sub_ps(v[0][y], v[2][y]),
                     _mm512_add_ps(v[1][y], v[2][y]));
            put_pair(dst_y + pair, _mm512_sub_ps(v[2][y], v[1][y]),
                     _mm512_sub_ps(v[1][y], v[3][y]));
            v[0][y] = v[2][y];
            v[1][y] = v[3][y];
        }
    }
}

/* [pair of points][tile][block of channels][which of the pair][channel] */
static void transform_inputs(const task *t, int64_t first, int64_t n)
{
    const sc_phase *phase = t->phase;
    for (int64_t i = 0, in_row; i < n; i += in_row) {
        const int64_t y = (first + i) / t->grid * OUT, x = (first + i) % t->grid;
        const ITEM *src = (const ITEM *)phase->src + phase->taps[0] +
                          y * phase->src_row + x * OUT * phase->src_step;
        in_row = sc_min(n - i, t->grid - x);
        const bool full_row = y + IN <= t->conv->rows + MARGINS;
        for (int64_t c = 0; c < phase->kc; c += SC_LANES) {
            /* Beyond the last channel lies anything, with which sums could overflow. */
            const __mmask16 lanes = vec_lanes(phase->kc - c);
            inputs_of_row(t, src + c, in_row, lanes, full_row ? lanes : 0,
                          t->inputs + i * t->in_step + c * TOGETHER);
        }
    }
}

INLINE void accumulate(accumulators acc, const int n, const task *t, int64_t point,
                       int64_t i, int64_t block)
{
    const ITEM *wei = t->wei + point * t->wei_point + block * t->wei_block;
    const ITEM *src = t->inputs + point / TOGETHER * TOGETHER * t->in_point +
                      point % TOGETHER * SC_LANES + i * t->in_step;
    for (int64_t kc = t->phase->kc; kc > 0; kc -= SC_LANES) {
        const ITEM *low = src, *high = src + 4 * t->in_step;
        for (int64_t k = sc_min(kc, SC_LANES); k > 0; k -= 2) {
            __m512bh w[GROUP];
            UNROLL for (int j = 0; j < n; j++)
            {
                w[j] = (__m512bh)_mm512_load_si512(wei + j * t->wei_block);
            }
            UNROLL for (int m = 0; m < BATCH; m++)
            {
                const __m512bh a = bf16_pair(m < 4 ? low + m * t->in_step
                                                   : high + (m - 4) * t->in_step);
                UNROLL for (int j = 0; j < n; j++)
                {
                    acc[m][j] = _mm512_dpbf16_ps(acc[m][j], a, w[j]);
                }
            }
            low += 2;
            high += 2;
            wei += 2 * SC_LANES;
        }
        src += TOGETHER * SC_LANES;
    }
}

/* A' of F(2, 3) applied to four values. */
INLINE void transform_out(const __m512 m[IN], __m512 y[OUT])
{
    y[0] = _mm512_add_ps(m[0], _mm512_add_ps(m[1], m[2]));
    y[1] = _mm512_sub_ps(_mm512_sub_ps(m[1], m[2]), m[3]);
}

INLINE void store_lanes(const sc_conv *conv, int64_t at, int64_t left, __m512 v)
{
    bf16_store_result(conv->dst, conv->dst_f32, at, vec_lanes(left), v);
}
