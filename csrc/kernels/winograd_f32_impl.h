/* winograd.h in float32, 4 x 4 outputs a tile, for the vectors of one instruction set.
 *
 * The including file has included vec_*.h, and defines TABLE, TABLE_NAME, BATCH, GROUP and
 * INPUT_NBYTES: see winograd_impl.h.
 */
#include "winograd_internal.h"

#define ITEM float
#define PACKED_NBYTES sc_winograd4_packed_nbytes
#define PACK sc_winograd4_pack
#define PAYS sc_winograd4_pays

enum { OUT = SC_WINOGRAD4_OUT, TOGETHER = 1, K_MULTIPLE = 1 };

#include "winograd_impl.h"

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

/* 'left' of a vector's channels, or all of them.  Those beyond may be the layer's own outputs
 * in a buffer that concatenates them: another thread is storing them. */
INLINE VEC load(const bool all, const float *src, int64_t left)
{
    return all ? VEC_LOAD(src) : vec_load_lanes(src, left);
}

/* One vector of channels of one tile: 'src' is its upper left input, 'dst' its place among
 * the first point's. */
INLINE void input_tile(const bool all, const float *src, int64_t row, int64_t step,
                       int64_t left, float *dst, int64_t point)
{
    VEC half[IN][IN]; /* [row point][column] */
    UNROLL for (int x = 0; x < IN; x++)
    {
        VEC d[IN], v[IN];
        UNROLL for (int y = 0; y < IN; y++)
        {
            d[y] = load(all, src + y * row + x * step, left);
        }
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

/* The same of 'left' channels; apart, so that the compiler does as well for whole vectors as
 * without it. */
static __attribute__((noinline)) void input_part(const float *src, int64_t row,
                                                 int64_t step, int64_t left, float *dst,
                                                 int64_t point)
{
    input_tile(false, src, row, step, left, dst, point);
}

/* The same where only 'rows' x 'columns' of the inputs are there: zero for the others. */
INLINE void input_patch(const bool all, const float *src, int64_t row, int64_t step,
                        int64_t rows, int64_t columns, int64_t left, float *dst,
                        int64_t point)
{
    float patch[POINTS * VEC_LANES] = {0.0f};
    for (int64_t y = 0; y < rows; y++) {
        for (int64_t x = 0; x < columns; x++) {
            VEC_STORE(patch + (y * IN + x) * VEC_LANES,
                      load(all, src + y * row + x * step, left));
        }
    }
    input_tile(true, patch, IN * VEC_LANES, VEC_LANES, left, dst, point);
}

static __attribute__((noinline)) void input_edge(const float *src, int64_t row,
                                                 int64_t step, int64_t rows,
                                                 int64_t columns, int64_t left,
                                                 float *dst, int64_t point)
{
    if (left >= VEC_LANES) {
        input_patch(true, src, row, step, rows, columns, left, dst, point);
    } else {
        input_patch(false, src, row, step, rows, columns, left, dst, point);
    }
}

static void transform_inputs(const task *t, int64_t first, int64_t n)
{
    const sc_phase *phase = t->phase;
    const int64_t row = phase->src_row, step = phase->src_step;
    for (int64_t i = 0; i < n; i++) {
        const int64_t y = (first + i) / t->grid * OUT, x = (first + i) % t->grid * OUT;
        const int64_t rows = sc_min(t->conv->rows + MARGINS - y, IN);
        const int64_t columns = sc_min(t->conv->columns + MARGINS - x, IN);
        const float *src = (const float *)phase->src + phase->taps[0] + y * row +
                           x * step;
        float *dst = t->inputs + i * t->in_step;
        for (int64_t c = 0; c < phase->kc; c += VEC_LANES) {
            const int64_t left = phase->kc - c;
            if (rows < IN || columns < IN) {
                input_edge(src + c, row, step, rows, columns, left, dst + c,
                           t->in_point);
            } else if (left < VEC_LANES) {
                input_part(src + c, row, step, left, dst + c, t->in_point);
            } else {
                input_tile(true, src + c, row, step, left, dst + c, t->in_point);
            }
        }
    }
}

INLINE void accumulate(accumulators acc, const int n, const task *t, int64_t point,
                       int64_t i, int64_t block)
{
    const float *wei = t->wei + point * t->wei_point + block * t->wei_block;
    const float *low = t->inputs + point * t->in_point + i * t->in_step;
    const float *high = low + BATCH / 2 * t->in_step;
    _Pragma("GCC unroll 2") for (int64_t k = t->phase->kc; k > 0; k--)
    {
        VEC w[GROUP * VECS];
        UNROLL for (int j = 0; j < n * VECS; j++)
        {
            w[j] = VEC_LOAD(wei + j / VECS * t->wei_block + j % VECS * VEC_LANES);
        }
        UNROLL for (int m = 0; m < BATCH; m++)
        {
            const float *tile = m < BATCH / 2 ? low + m * t->in_step
                                              : high + (m - BATCH / 2) * t->in_step;
            const VEC a = VEC_SET1(*tile);
            UNROLL for (int j = 0; j < n * VECS; j++)
            {
                acc[m][j] = VEC_FMADD(a, w[j], acc[m][j]);
            }
        }
        low++;
        high++;
        wei += SC_LANES;
    }
}

INLINE void store_lanes(const sc_conv *conv, int64_t at, int64_t left, VEC v)
{
    vec_store_lanes((float *)conv->dst + at, left, v);
}
