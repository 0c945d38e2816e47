/* Winograd against the naive twin: exactly where every intermediate is a small
 * integer, within its stated error on reals, the same bits however rows are cut. */
#include "nn/winograd.h"

#include "base/cpu.h"
#include "base/memory.h"

#include "check.h"
#include "random.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    uint64_t seed;
    int64_t ic, oc, rows, columns;
    bool relu, post, slice, reals;
} problem;

typedef struct {
    sc_conv conv;
    float *src, *packed, *transformed, *scratch, *before, *want, *got, *channels[3];
    size_t scratch_nbytes, dst_nbytes;
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

/* The weights' transform divides by 24 twice: multiples of 576 stay integers. */
static void setup_weights(generator *g, const problem *p, setup *s)
{
    const int64_t n = p->oc * 9 * p->ic;
    float *wei = p->reals ? reals(g, n, 1.0f) : integers(g, n, 1, 576.0f);
    s->packed = sc_alloc((size_t)sc_conv_packed_f32(p->oc, 9, p->ic) * sizeof(float));
    s->transformed = sc_alloc((size_t)sc_winograd_packed(p->oc, p->ic) * sizeof(float));
    sc_conv_pack_f32(wei, p->oc, 9, p->ic, s->packed);
    sc_winograd_pack(wei, p->oc, p->ic, s->transformed);
    sc_free(wei);
}

static void setup_create(const problem *p, setup *s)
{
    generator g = {p->seed};
    memset(s, 0, sizeof *s);
    const int64_t blocks = sc_conv_blocks(p->oc), width = p->columns + 2;
    const int64_t pitch = p->ic + next_int(&g, 0, 9);
    const int64_t n_src = (p->rows + 2) * width * pitch + 40 * pitch + SC_LANES;
    s->src = p->reals ? reals(&g, n_src, 1.0f) : integers(&g, n_src, 2, 1.0f);
    setup_weights(&g, p, s);
    for (int i = 0; i < 3; i++) {
        s->channels[i] = sc_calloc((size_t)(blocks * SC_LANES) * sizeof(float));
        for (int64_t c = 0; c < p->oc; c++)
            s->channels[i][c] = (float)next_int(&g, -2, 2);
    }
    const int64_t offset = p->slice ? 5 : 0;
    const int64_t channels = p->slice ? p->oc : blocks * SC_LANES;
    s->conv = (sc_conv){.n_phases = 1,
                        .bias = s->channels[0],
                        .relu = p->relu,
                        .post_scale = p->post ? s->channels[1] : NULL,
                        .post_shift = p->post ? s->channels[2] : NULL,
                        .dst_step = offset + channels + 3,
                        .channels = channels,
                        .n_blocks = blocks,
                        .rows = p->rows,
                        .columns = p->columns};
    s->conv.dst_row = p->columns * s->conv.dst_step;
    s->conv.phase[0] = (sc_phase){.src = s->src,
                                  .src_row = width * pitch,
                                  .src_step = pitch,
                                  .n_taps = 9,
                                  .kc = p->ic,
                                  .wei = s->packed,
                                  .wei_block = 9 * p->ic * SC_LANES};
    for (int t = 0; t < 9; t++)
        s->conv.phase[0].taps[t] = (t / 3 * width + t % 3) * pitch;
    s->n_dst = p->rows * s->conv.dst_row + offset + SC_LANES;
    s->dst_nbytes = (size_t)s->n_dst * sizeof(float);
    s->before = integers(&g, s->n_dst, 3, 0.5f);
    s->want = sc_alloc(s->dst_nbytes);
    s->got = sc_alloc(s->dst_nbytes);
    s->conv.dst = s->got + offset;
    s->scratch_nbytes = (size_t)sc_winograd_scratch(p->ic) * sizeof(float);
    s->scratch = sc_alloc(s->scratch_nbytes);
    memset(s->scratch, 0xff, s->scratch_nbytes); /* NaN: it must not matter */
}

static void setup_destroy(setup *s)
{
    float *owned[] = {s->src,    s->packed, s->transformed, s->scratch,
                      s->before, s->want,   s->got};
    for (int i = 0; i < 7; i++) sc_free(owned[i]);
    for (int i = 0; i < 3; i++) sc_free(s->channels[i]);
}

/* Moves the result to 'want' and starts anew. */
static void keep(setup *s)
{
    memcpy(s->want, s->got, s->dst_nbytes);
    memcpy(s->got, s->before, s->dst_nbytes);
}

static void check_against_twin(const problem *p, const setup *s)
{
    int64_t n_wrong = 0, n_changed = 0;
    const double tolerance = p->reals ? 2e-5 * sqrt((double)(9 * p->ic)) : 0.0;
    for (int64_t i = 0; i < s->n_dst; i++) {
        n_wrong += !(fabs((double)s->got[i] - (double)s->want[i]) <= tolerance);
        n_changed += s->want[i] != s->before[i];
    }
    if (n_wrong > 0) {
        fprintf(stderr,
                "seed %d ic %d oc %d rows %d columns %d relu %d post %d slice %d\n",
                (int)p->seed, (int)p->ic, (int)p->oc, (int)p->rows, (int)p->columns,
                p->relu, p->post, p->slice);
    }
    CHECK_EQ(n_wrong, 0);
    CHECK(n_changed > p->rows * p->columns * p->oc / 8);
}

static void check_problem(const problem *p, sc_winograd_fn run)
{
    setup s;
    setup_create(p, &s);
    memcpy(s.got, s.before, s.dst_nbytes);
    sc_conv_ref_f32(&s.conv, 0, p->rows, 0, s.conv.n_blocks);
    keep(&s);
    run(&s.conv, s.transformed, 0, p->rows, s.scratch);
    check_against_twin(p, &s);
    keep(&s);
    generator g = {p->seed};
    for (int64_t y = 0, end; y < p->rows; y = end) {
        end = y + 4 * next_int(&g, 1, (p->rows - y) / 4);
        run(&s.conv, s.transformed, y, end, s.scratch);
    }
    CHECK(memcmp(s.want, s.got, s.dst_nbytes) == 0);
    setup_destroy(&s);
}

static void test_against_twin(sc_winograd_fn run, int n)
{
    generator g = {3};
    for (int i = 0; i < n; i++) {
        problem p = {.seed = (uint64_t)i, .reals = i % 3 == 2};
        p.ic = next_int(&g, 1, p.reals ? 70 : 12);
        p.oc = next_int(&g, 1, 70);
        p.rows = 4 * next_int(&g, 1, 4);
        p.columns = 4 * next_int(&g, 1, 5);
        p.relu = next_bool(&g);
        p.post = next_bool(&g);
        p.slice = next_bool(&g);
        if (p.ic * p.oc * p.rows * p.columns > 100000) p.rows = p.columns = 4;
        check_problem(&p, run);
    }
}

static void test_when_it_pays(void)
{
    CHECK(sc_winograd_pays(64, 64, 64, 64));
    CHECK(!sc_winograd_pays(64, 64, 64, 62)); /* not whole tiles */
    CHECK(!sc_winograd_pays(64, 64, 2, 64));
    CHECK(!sc_winograd_pays(1, 16, 64, 64));  /* all transforms */
    CHECK(!sc_winograd_pays(512, 512, 4, 4)); /* all weights */
    CHECK_EQ(sc_winograd_packed(17, 3), 36 * 2 * 3 * 16);
}

/* test_winograd [PROBLEMS] */
int main(int argc, char **argv)
{
    test_when_it_pays();
    static const struct {
        const char *name;
        sc_isa isa;
        sc_winograd_fn run;
    } ALL[] = {{"avx2", SC_ISA_AVX2, sc_winograd_f32_avx2},
               {"avx512", SC_ISA_AVX512, sc_winograd_f32_avx512}};
    for (int i = 0; i < 2; i++) {
        if (ALL[i].isa <= sc_cpu_isa()) {
            test_against_twin(ALL[i].run, argc > 1 ? atoi(argv[1]) : 60);
        } else {
            fprintf(stderr, "skipped: winograd_f32_%s, which this CPU lacks\n",
                    ALL[i].name);
        }
    }
    return check_end();
}
