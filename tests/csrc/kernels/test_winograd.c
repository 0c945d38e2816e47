/* Winograd against the naive twin: exactly where every intermediate is a small
 * integer, within its stated error on reals, the same bits however rows are cut. */
#include "kernels/winograd.h"

#include "base/memory.h"
#include "kernels/bf16.h"
#include "kernels/conv_pack.h"
#include "kernels/conv_ref.h"
#include "kernels/winograd_internal.h"

#include "check.h"
#include "random.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    const sc_winograd *table;
    bool bf16;
    float divisor; /* weights that are multiples of it stay integers when transformed */
    double error;  /* of a product's sum, relative to its terms' root of squares */
} variant;

typedef struct {
    uint64_t seed;
    int64_t ic, oc, rows, columns;
    bool relu, post, slice, reals, dst_f32;
} problem;

typedef struct {
    sc_conv conv;
    void *src, *packed, *transformed, *before, *want, *got;
    float *scratch, *channels[3];
    size_t dst_nbytes;
    int64_t n_dst;
} setup;

static float *reals(generator *g, int64_t n, float limit)
{
    float *out = sc_alloc((size_t)n * sizeof *out);
    for (int64_t i = 0; i < n; i++) out[i] = next_real(g, -limit, limit);
    return out;
}

static float *integers(generator *g, int64_t n, int64_t limit, float factor)
{
    float *out = sc_alloc((size_t)n * sizeof *out);
    for (int64_t i = 0; i < n; i++) out[i] = factor * (float)next_int(g, -limit, limit);
    return out;
}

/* Takes 'values'; returns them as the items of a map. */
static void *items(float *values, int64_t n, bool bf16)
{
    if (!bf16) return values;
    uint16_t *out = sc_alloc((size_t)n * sizeof *out);
    for (int64_t i = 0; i < n; i++) out[i] = sc_to_bf16(values[i]);
    sc_free(values);
    return out;
}

static double item(const void *map, int64_t i, bool bf16)
{
    return (double)(bf16 ? sc_from_bf16(((const uint16_t *)map)[i])
                         : ((const float *)map)[i]);
}

static void setup_weights(generator *g, const variant *v, const problem *p, setup *s)
{
    const int64_t n = p->oc * 9 * p->ic;
    float *wei = p->reals ? reals(g, n, 1.0f) : integers(g, n, 1, v->divisor);
    s->transformed = sc_alloc(v->table->packed_nbytes(p->oc, p->ic));
    v->table->pack(wei, p->oc, p->ic, s->transformed);
    if (v->bf16) {
        s->packed = sc_alloc((size_t)sc_conv_packed_bf16(p->oc, 9, p->ic) * 2);
        sc_conv_pack_bf16(wei, p->oc, 9, p->ic, s->packed);
    } else {
        s->packed = sc_alloc((size_t)sc_conv_packed_f32(p->oc, 9, p->ic) * 4);
        sc_conv_pack_f32(wei, p->oc, 9, p->ic, s->packed);
    }
    sc_free(wei);
}

/* Small numbers where the inputs are; huge ones, which would drown them, in the channels
 * behind the last, to the right of the map and below it. */
static float *source(generator *g, const problem *p, int64_t width, int64_t pitch,
                     int64_t n)
{
    float *out = p->reals ? reals(g, n, 1.0f) : integers(g, n, 2, 1.0f);
    for (int64_t i = 0; i < n; i++) {
        const int64_t y = i / pitch / width, x = i / pitch % width;
        if (i % pitch >= p->ic || y >= p->rows + 2 || x >= p->columns + 2) {
            out[i] = i % 2 ? 3e38f : -3e38f;
        }
    }
    return out;
}

static void setup_source(generator *g, const variant *v, const problem *p, setup *s)
{
    const int64_t width = p->columns + 2 + next_int(g, 0, 2);
    const int64_t pitch = p->ic + next_int(g, 0, 9);
    const int64_t n = (p->rows + 2) * width * pitch + 40 * pitch + SC_LANES;
    s->src = items(source(g, p, width, pitch, n), n, v->bf16);
    const int64_t kc = v->bf16 ? sc_round_up(p->ic, 32) : p->ic;
    s->conv.phase[0] = (sc_phase){.src = s->src,
                                  .src_row = width * pitch,
                                  .src_step = pitch,
                                  .n_taps = 9,
                                  .kc = p->ic,
                                  .wei = s->packed,
                                  .wei_block = 9 * kc * SC_LANES};
    for (int t = 0; t < 9; t++)
        s->conv.phase[0].taps[t] = (t / 3 * width + t % 3) * pitch;
}

static void setup_create(const variant *v, const problem *p, setup *s)
{
    generator g = {p->seed};
    memset(s, 0, sizeof *s);
    setup_weights(&g, v, p, s);
    const int64_t blocks = sc_conv_blocks(p->oc), offset = p->slice ? 5 : 0;
    const int64_t channels = p->slice ? p->oc : blocks * SC_LANES;
    for (int i = 0; i < 3; i++) {
        s->channels[i] = sc_calloc((size_t)(blocks * SC_LANES) * sizeof(float));
        for (int64_t c = 0; c < p->oc; c++)
            s->channels[i][c] = (float)next_int(&g, -2, 2);
    }
    s->conv = (sc_conv){.n_phases = 1,
                        .bias = s->channels[0],
                        .relu = p->relu,
                        .post_scale = p->post ? s->channels[1] : NULL,
                        .post_shift = p->post ? s->channels[2] : NULL,
                        .dst_step = offset + channels + 3,
                        .dst_f32 = p->dst_f32,
                        .channels = channels,
                        .n_blocks = blocks,
                        .rows = p->rows,
                        .columns = p->columns};
    setup_source(&g, v, p, s);
    s->conv.dst_row = p->columns * s->conv.dst_step;
    const bool bf16 = !p->dst_f32;
    s->n_dst = p->rows * s->conv.dst_row + offset + SC_LANES;
    s->dst_nbytes = (size_t)s->n_dst * (bf16 ? 2 : 4);
    s->before = items(integers(&g, s->n_dst, 3, 0.5f), s->n_dst, bf16);
    s->want = sc_alloc(s->dst_nbytes);
    s->got = sc_alloc(s->dst_nbytes);
    s->conv.dst = (char *)s->got + offset * (bf16 ? 2 : 4);
    const size_t scratch_nbytes = (size_t)v->table->scratch(p->oc, p->ic) *
                                  sizeof(float);
    s->scratch = sc_alloc(scratch_nbytes);
    memset(s->scratch, 0xff, scratch_nbytes); /* NaN: it must not matter */
}

static void setup_destroy(setup *s)
{
    void *owned[] = {s->src,    s->packed, s->transformed, s->scratch,
                     s->before, s->want,   s->got};
    for (int i = 0; i < 7; i++) sc_free(owned[i]);
    for (int i = 0; i < 3; i++) sc_free(s->channels[i]);
}

/* Moves the result to 'want' and fills the destination as it was before. */
static void keep(setup *s)
{
    memcpy(s->want, s->got, s->dst_nbytes);
    memcpy(s->got, s->before, s->dst_nbytes);
}

static void check_against_twin(const variant *v, const problem *p, const setup *s)
{
    int64_t n_wrong = 0, n_changed = 0;
    /* 'post' doubles it at most, and so does rounding to a bfloat16. */
    const double tolerance = p->reals ? v->error * sqrt((double)(9 * p->ic)) : 0.0;
    for (int64_t i = 0; i < s->n_dst; i++) {
        const double got = item(s->got, i, !p->dst_f32);
        const double want = item(s->want, i, !p->dst_f32);
        n_wrong += !(fabs(got - want) <= tolerance);
        n_changed += want != item(s->before, i, !p->dst_f32);
    }
    if (n_wrong > 0) {
        fprintf(stderr,
                "%s: seed %d ic %d oc %d rows %d columns %d relu %d post %d slice %d "
                "reals %d dst_f32 %d\n",
                v->table->name, (int)p->seed, (int)p->ic, (int)p->oc, (int)p->rows,
                (int)p->columns, p->relu, p->post, p->slice, p->reals, p->dst_f32);
    }
    CHECK_EQ(n_wrong, 0);
    CHECK(n_changed > p->rows * p->columns * p->oc / 8);
}

static void check_problem(const variant *v, const problem *p)
{
    setup s;
    setup_create(v, p, &s);
    memcpy(s.got, s.before, s.dst_nbytes);
    (v->bf16 ? sc_conv_ref_bf16 : sc_conv_ref_f32)(&s.conv, 0, p->rows, 0,
                                                   s.conv.n_blocks);
    keep(&s);
    v->table->run(&s.conv, s.transformed, 0, p->rows, s.scratch);
    check_against_twin(v, p, &s);
    keep(&s);
    generator g = {p->seed};
    const int64_t out = v->table->out;
    for (int64_t y = 0, end; y < p->rows; y = end) {
        const int64_t left = (p->rows - y + out - 1) / out;
        end = sc_min(p->rows, y + out * next_int(&g, 1, left));
        v->table->run(&s.conv, s.transformed, y, end, s.scratch);
    }
    CHECK(memcmp(s.want, s.got, s.dst_nbytes) == 0);
    setup_destroy(&s);
}

static void test_against_twin(const variant *v, int n)
{
    generator g = {3};
    for (int i = 0; i < n; i++) {
        problem p = {.seed = (uint64_t)i, .reals = i % 3 == 2};
        p.ic = next_int(&g, 1, p.reals ? 70 : 12);
        p.oc = next_int(&g, 1, 70);
        p.rows = next_int(&g, 1, 16);
        p.columns = next_int(&g, 1, 20);
        p.relu = next_bool(&g);
        p.post = next_bool(&g);
        p.slice = next_bool(&g);
        p.dst_f32 = !v->bf16 || next_bool(&g);
        if (p.ic * p.oc * p.rows * p.columns > 100000)
            p.rows = p.columns = next_int(&g, 1, 4);
        check_problem(v, &p);
    }
}

/* More tiles than are transformed together, and blocks in groups of every size. */
static void test_many_tiles(const variant *v)
{
    static const int64_t OC[] = {16, 33, 64, 70};
    for (int i = 0; i < 4; i++) {
        const problem p = {.seed = (uint64_t)i,
                           .ic = 9,
                           .oc = OC[i],
                           .rows = 8 * v->table->out,
                           .columns = 11 * v->table->out,
                           .dst_f32 = !v->bf16};
        check_problem(v, &p);
    }
}

/* Weights so heavy that all batches of a point come before the next point: whole groups of
 * tiles, a last one of a part of a batch, and one that ends in the middle of a map. */
static void test_heavy_weights(const variant *v)
{
    static const int64_t COLUMNS[] = {8, 9, 11};
    const int64_t ic = v->bf16 ? 170 : 90, oc = v->bf16 ? 260 : 113;
    CHECK(sc_winograd_heavy(v->table->packed_nbytes(oc, ic)));
    CHECK(!sc_winograd_heavy(v->table->packed_nbytes(oc / 2, ic)));
    for (int i = 0; i < 3; i++) {
        const problem p = {.seed = (uint64_t)i,
                           .ic = ic,
                           .oc = oc,
                           .rows = 7 * v->table->out + i,
                           .columns = COLUMNS[i] * v->table->out - i,
                           .relu = true,
                           .reals = true,
                           .dst_f32 = !v->bf16};
        check_problem(v, &p);
    }
}

static void test_when_it_pays(const sc_winograd *table)
{
    CHECK(table->pays(64, 64, 64, 64));
    CHECK(table->pays(64, 64, 63, 61));
    CHECK(!table->pays(64, 64, 1, 1));                     /* a corner of one tile */
    CHECK(!table->pays(1, 16, 64, 64));                    /* all transforms */
    CHECK(!table->pays(512, 512, table->out, table->out)); /* all weights */
}

/* test_winograd [PROBLEMS] */
int main(int argc, char **argv)
{
    static const struct {
        sc_isa isa;
        variant v;
    } ALL[] = {
        {SC_ISA_AVX2, {&sc_winograd_f32_avx2, false, 576.0f, 2e-5}},
        {SC_ISA_AVX512, {&sc_winograd_f32_avx512, false, 576.0f, 2e-5}},
        {SC_ISA_AVX512_BF16, {&sc_winograd_bf16_avx512, true, 4.0f, 2.5e-2}},
    };
    CHECK_EQ((int64_t)sc_winograd_f32_avx2.packed_nbytes(17, 3), 36 * 2 * 3 * 16 * 4);
    CHECK_EQ((int64_t)sc_winograd_bf16_avx512.packed_nbytes(17, 3),
             16 * 2 * 32 * 16 * 2);
    for (size_t i = 0; i < sizeof ALL / sizeof *ALL; i++) {
        const variant *v = &ALL[i].v;
        test_when_it_pays(v->table);
        if (ALL[i].isa <= sc_cpu_isa()) {
            test_against_twin(v, argc > 1 ? atoi(argv[1]) : 60);
            test_many_tiles(v);
            test_heavy_weights(v);
        } else {
            fprintf(stderr, "skipped: %s, which this CPU lacks\n", v->table->name);
        }
    }
    return check_end();
}
