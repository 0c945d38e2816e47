/* The loops that the kernels of winograd.h share.
 *
 * Inputs of some tiles are transformed into L2.  Then, batch after batch of the tiles that
 * fill the registers, all points' products of a group of blocks go to L1, and from there
 * through the transform and what follows it to the destination.  Products are the largest
 * thing in a Winograd convolution: stored for all the tiles at once they drove the rest out
 * of L2.  Where the weights are larger still, they come from beyond L2 for each group of
 * tiles: then these are more, and a point's weights serve all of them before the next.
 *
 * The including file has included one of the vec_*.h, and defines ITEM (the activations'
 * type), TABLE (the name of the result), TABLE_NAME (that of its layers), PACKED_NBYTES,
 * PACK and PAYS (winograd.h's functions), and as an enum
 *
 *     OUT                outputs of a tile each way
 *     BATCH, GROUP       tiles and blocks whose sums fill the registers
 *     TOGETHER           points whose inputs lie beside each other
 *     K_MULTIPLE         packed weights are padded to so many input channels
 *     INPUT_NBYTES       of inputs that are transformed at once
 *
 * and after it the functions that are declared below.
 */
#include "unroll.h"
#include "winograd_internal.h"

#include "../base/memory.h"

enum {
    MARGINS = SC_WINOGRAD_MARGINS,
    IN = OUT + MARGINS, /* inputs of a tile each way */
    POINTS = IN * IN,
    VECS = SC_LANES / VEC_LANES, /* of a block */
    PRODUCTS = POINTS * BATCH * GROUP * SC_LANES,
    HEAVY_INPUT_NBYTES = 512 << 10, /* where weights are heavy */
};

typedef struct {
    const sc_conv *conv;
    const sc_phase *phase; /* its only one */
    const ITEM *wei;       /* [point][block][channel][lane] */
    int64_t wei_point, wei_block;
    ITEM *inputs; /* transformed */
    int64_t in_point, in_step;
    float *products; /* of each batch: [point][tile][block][lane] */
    int64_t grid;    /* tiles in a row of them */
} task;

/* The epilogue of conv.h for some channels. */
typedef struct {
    VEC bias, floor, scale, shift;
    bool post;
    int64_t left; /* channels to store */
} epilogue;

/* Tiles [first, first + n) of the row-major grid of tiles.  The inputs of a point and tile
 * lie 'in_point' and 'in_step' behind those of the one before; with TOGETHER points beside
 * each other, in_step has room for all of them. */
static void transform_inputs(const task *t, int64_t first, int64_t n);

/* acc += one point's products: of a batch of tiles, the first of them the i-th that has
 * been transformed, with n blocks from 'block' on. */
typedef VEC accumulators[BATCH][GROUP * VECS];
INLINE void accumulate(accumulators acc, const int n, const task *t, int64_t point,
                       int64_t i, int64_t block);

/* A' of the transform, applied to one row or column. */
INLINE void transform_out(const VEC m[IN], VEC y[OUT]);

/* Where a tile's outputs go: the first one's element of the destination, and how many of
 * them there are each way: fewer than OUT at the end of a row or column. */
typedef struct {
    int64_t at, rows, columns;
} place;

/* The first 'left' lanes to element 'at' of the destination. */
INLINE void store_lanes(const sc_conv *conv, int64_t at, int64_t left, VEC v);

/* The sum of output (y, x) to its place.  'whole': no output is missing. */
INLINE void put(const bool whole, const sc_conv *conv, place to, int64_t y, int64_t x,
                const epilogue *e, VEC v)
{
    if (!whole && (y >= to.rows || x >= to.columns)) return;
    v = VEC_MAX(VEC_ADD(v, e->bias), e->floor);
    if (e->post) v = VEC_FMADD(v, e->scale, e->shift);
    store_lanes(conv, to.at + y * conv->dst_row + x * conv->dst_step, e->left, v);
}

/* VEC_LANES channels of one tile: 'src' is the product at the first point, 'point' the
 * distance to the next. */
INLINE void output_tile(const bool whole, const float *src, int64_t point,
                        const sc_conv *conv, const epilogue *e, place to)
{
    VEC half[OUT][IN];
    UNROLL for (int x = 0; x < IN; x++)
    {
        VEC m[IN], y[OUT];
        UNROLL for (int i = 0; i < IN; i++) m[i] = VEC_LOAD(src + (i * IN + x) * point);
        transform_out(m, y);
        UNROLL for (int i = 0; i < OUT; i++) half[i][x] = y[i];
    }
    UNROLL for (int i = 0; i < OUT; i++)
    {
        VEC y[OUT];
        transform_out(half[i], y);
        UNROLL for (int x = 0; x < OUT; x++) put(whole, conv, to, i, x, e, y[x]);
    }
}

/* One point's products to 'dst' [tile][block][lane]: see 'accumulate'. */
INLINE void multiply(const int n, const task *t, int64_t point, int64_t i,
                     int64_t block, float *dst)
{
    accumulators acc;
    UNROLL for (int m = 0; m < BATCH; m++)
    {
        UNROLL for (int j = 0; j < n * VECS; j++) acc[m][j] = VEC_SET1(0.0f);
    }
    accumulate(acc, n, t, point, i, block);
    UNROLL for (int m = 0; m < BATCH; m++)
    {
        UNROLL for (int j = 0; j < n * VECS; j++)
        {
            VEC_STORE(dst + m * n * SC_LANES + j * VEC_LANES, acc[m][j]);
        }
    }
}

INLINE epilogue epilogue_of(const sc_conv *conv, int64_t c)
{
    const bool post = conv->post_scale != NULL;
    const VEC bias = VEC_LOAD(conv->bias + c);
    return (epilogue){
        .bias = bias,
        .floor = VEC_SET1(conv->relu ? 0.0f : -__builtin_inff()),
        .scale = post ? VEC_LOAD(conv->post_scale + c) : bias,
        .shift = post ? VEC_LOAD(conv->post_shift + c) : bias,
        .post = post,
        .left = sc_max(0, sc_min(conv->channels - c, VEC_LANES)),
    };
}

/* A batch's products to the destination: tiles from 'first' of the grid on, of which 'valid'
 * are there; n blocks from 'block' on. */
INLINE void put_batch(const int n, const task *t, const float *products, int64_t first,
                      int64_t valid, int64_t block)
{
    const sc_conv *conv = t->conv;
    const int64_t point = BATCH * n * SC_LANES;
    place to[BATCH];
    for (int64_t m = 0; m < valid; m++) {
        const int64_t y = (first + m) / t->grid * OUT, x = (first + m) % t->grid * OUT;
        to[m].at = y * conv->dst_row + x * conv->dst_step + block * SC_LANES;
        to[m].rows = sc_min(conv->rows - y, OUT);
        to[m].columns = sc_min(conv->columns - x, OUT);
    }
    for (int64_t c = 0; c < n * SC_LANES; c += VEC_LANES) {
        const epilogue e = epilogue_of(conv, block * SC_LANES + c);
        for (int64_t m = 0; m < valid; m++) {
            const float *src = products + m * n * SC_LANES + c;
            if (to[m].rows == OUT && to[m].columns == OUT) {
                output_tile(true, src, point, conv, &e, to[m]);
            } else {
                output_tile(false, src, point, conv, &e, to[m]);
            }
            to[m].at += VEC_LANES;
        }
    }
}

/* Tiles from the i-th that has been transformed on, 'first' in the grid; 'valid' of a
 * batch are there.  n blocks from 'block' on. */
INLINE void batch(const int n, const task *t, int64_t first, int64_t i, int64_t valid,
                  int64_t block)
{
    const int64_t point = BATCH * n * SC_LANES;
    for (int64_t p = 0; p < POINTS; p++) {
        multiply(n, t, p, i, block, t->products + p * point);
    }
    put_batch(n, t, t->products, first, valid, block);
}

static void batches(const task *t, int64_t first, int64_t n_tiles, int64_t block,
                    int64_t n)
{
    for (int64_t i = 0; i < n_tiles; i += BATCH) {
        const int64_t valid = sc_min(n_tiles - i, BATCH);
        if (GROUP >= 3 && n == 3) batch(3, t, first + i, i, valid, block);
        if (GROUP >= 2 && n == 2) batch(2, t, first + i, i, valid, block);
        if (n == 1) batch(1, t, first + i, i, valid, block);
    }
}

/* All batches of a point, then of the next. */
INLINE void joined(const int n, const task *t, int64_t first, int64_t n_tiles,
                   int64_t block)
{
    const int64_t point = BATCH * n * SC_LANES;
    for (int64_t p = 0; p < POINTS; p++) {
        float *dst = t->products + p * point;
        for (int64_t i = 0; i < n_tiles; i += BATCH, dst += POINTS * point) {
            multiply(n, t, p, i, block, dst);
        }
    }
    const float *src = t->products;
    for (int64_t i = 0; i < n_tiles; i += BATCH, src += POINTS * point) {
        put_batch(n, t, src, first + i, sc_min(n_tiles - i, BATCH), block);
    }
}

/* Apart, so that the compiler does as well for 'batches' as without it. */
static __attribute__((noinline)) void
batches_joined(const task *t, int64_t first, int64_t n_tiles, int64_t block, int64_t n)
{
    if (GROUP >= 3 && n == 3) joined(3, t, first, n_tiles, block);
    if (GROUP >= 2 && n == 2) joined(2, t, first, n_tiles, block);
    if (n == 1) joined(1, t, first, n_tiles, block);
}

/* Tiles that are transformed together, in whole batches. */
static int64_t tiles_of(int64_t ic, bool heavy)
{
    const int64_t one = POINTS * sc_round_up(ic, SC_LANES) * (int64_t)sizeof(ITEM);
    const int64_t nbytes = heavy ? HEAVY_INPUT_NBYTES : INPUT_NBYTES;
    return sc_max(heavy ? 2 : 1, nbytes / one / BATCH) * BATCH;
}

/* Floats of their products that are stored at once. */
static int64_t products_of(int64_t ic, bool heavy)
{
    return heavy ? tiles_of(ic, heavy) / BATCH * PRODUCTS : PRODUCTS;
}

/* Values from one point to the next: off multiples of 4 KiB, which would put all points
 * into the same L1 sets. */
static int64_t in_point_of(int64_t ic, bool heavy)
{
    return tiles_of(ic, heavy) * sc_round_up(ic, SC_LANES) + SC_LANES;
}

static int64_t scratch(int64_t oc, int64_t ic)
{
    const bool heavy = sc_winograd_heavy(PACKED_NBYTES(oc, ic));
    return products_of(ic, heavy) +
           POINTS * in_point_of(ic, heavy) * (int64_t)sizeof(ITEM) / 4 + SC_LANES;
}

static void run(const sc_conv *conv, const void *wei, int64_t row0, int64_t row1,
                float *memory)
{
    const sc_phase *phase = &conv->phase[0];
    const int64_t ic = phase->kc, wei_block = sc_round_up(ic, K_MULTIPLE) * SC_LANES;
    const bool heavy = sc_winograd_heavy(PACKED_NBYTES(conv->n_blocks * SC_LANES, ic));
    const task t = {
        .conv = conv,
        .phase = phase,
        .wei = wei,
        .wei_point = conv->n_blocks * wei_block,
        .wei_block = wei_block,
        .inputs = (ITEM *)(memory + products_of(ic, heavy)),
        .in_point = in_point_of(ic, heavy),
        .in_step = TOGETHER * sc_round_up(ic, SC_LANES),
        .products = memory,
        .grid = (conv->columns + OUT - 1) / OUT,
    };
    const int64_t tiles = tiles_of(ic, heavy), end = (row1 + OUT - 1) / OUT * t.grid;
    for (int64_t first = row0 / OUT * t.grid; first < end; first += tiles) {
        const int64_t n_tiles = sc_min(tiles, end - first);
        transform_inputs(&t, first, n_tiles);
        for (int64_t block = 0, n; block < conv->n_blocks; block += n) {
            /* 4 blocks are better done as 2 + 2 than as 3 + 1. */
            const int64_t left = conv->n_blocks - block;
            n = GROUP == 3 && left == 4 ? 2 : sc_min(left, GROUP);
            (heavy ? batches_joined : batches)(&t, first, n_tiles, block, n);
        }
    }
}

const sc_winograd TABLE = {TABLE_NAME, OUT, PACKED_NBYTES, PACK, PAYS, scratch, run};
