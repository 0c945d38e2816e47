/* Convolutions in integers stand for those of the real numbers, as near as their steps
 * allow: through zero points, two kinds of levels, rows as taps, and bytes as results. */
#include "nn/weights.h"

#include "kernels/conv_ref.h"

#include "base/memory.h"

#include "check.h"
#include "random.h"

#include <math.h>
#include <string.h>

enum {
    MAX_C = 70,
    SIDE = 5,
    MAX_PITCH = 128,
    MAX_BYTES = SIDE * SIDE * MAX_PITCH + 64
};

typedef struct {
    sc_conv_shape shape;
    sc_conv_levels levels;
    int64_t pitch;
    float wei[MAX_C * MAX_C * 9], scale[MAX_C], bias[MAX_C];
    uint8_t map[MAX_BYTES]; /* SIDE x SIDE pixels, the outer ones 0 where k is 3 */
} problem;

static sc_levels any_levels(generator *g)
{
    return (sc_levels){next_real(g, 0.01f, 0.2f), (int)next_int(g, 0, 200)};
}

static const sc_levels *levels_of(const problem *p, int64_t k)
{
    const bool other = p->levels.split > 0 && k >= p->levels.split;
    return other ? &p->levels.other : &p->levels.src;
}

static void make(generator *g, problem *p)
{
    memset(p, 0, sizeof *p);
    const int64_t k = next_bool(g) ? 3 : 1, ic = next_int(g, 1, MAX_C);
    p->shape = (sc_conv_shape){next_int(g, 1, 40), ic, k, k, 1, false};
    p->levels.src = any_levels(g);
    p->levels.other = any_levels(g);
    p->levels.split = next_bool(g) ? next_int(g, 0, ic - 1) : 0;
    if (next_bool(g)) p->levels.dst = (sc_levels){1.0f, 100};
    p->pitch = next_bool(g) ? sc_pitch_u8(ic) : 128;
    if (p->pitch < 128) p->levels.pitch = p->pitch;
    for (int64_t i = 0; i < p->shape.oc * ic * k * k; i++)
        p->wei[i] = next_real(g, -1.0f, 1.0f);
    for (int64_t c = 0; c < p->shape.oc; c++) {
        p->scale[c] = next_real(g, 0.5f, 2.0f);
        p->bias[c] = next_real(g, -1.0f, 1.0f);
    }
    for (int i = 0; i < MAX_BYTES; i++) p->map[i] = (uint8_t)next_int(g, 0, 255);
    for (int64_t y = 0; k == 3 && y < SIDE; y++) {
        for (int64_t x = 0; x < SIDE; x++) {
            if (y % (SIDE - 1) != 0 && x % (SIDE - 1) != 0) continue;
            for (int64_t c = 0; c < ic; c++)
                p->map[(y * SIDE + x) * p->pitch + c] = (uint8_t)levels_of(p, c)->zero;
        }
    }
}

/* The real sum of output (y, x, c); 'slack' receives what rounding the weights may cost. */
static double real_sum(const problem *p, int64_t y, int64_t x, int64_t c, double *slack)
{
    const sc_conv_shape *s = &p->shape;
    double sum = 0, largest = 0, bytes = 0;
    for (int64_t k = 0; k < s->ic; k++) {
        const sc_levels *levels = levels_of(p, k);
        for (int64_t t = 0; t < s->kh * s->kw; t++) {
            const int64_t at = (y + t / s->kw) * SIDE + x + t % s->kw;
            const double step = (double)levels->scale * (double)p->scale[c] *
                                (double)p->wei[(c * s->ic + k) * s->kh * s->kw + t];
            const double byte = p->map[at * p->pitch + k] - levels->zero;
            sum += step * byte;
            bytes += fabs(byte);
            largest = fmax(largest, fabs(step));
        }
    }
    *slack = largest / 127 * 0.5 * bytes + 1e-3;
    return sum + (double)p->bias[c];
}

static void run(const problem *p, const sc_conv_weights *w, void *dst, int64_t side)
{
    sc_conv conv = {.n_phases = 1,
                    .sum_scale = {w->sum_scale},
                    .bias = w->bias,
                    .dst = dst,
                    .dst_row = side * p->shape.oc,
                    .dst_step = p->shape.oc,
                    .dst_f32 = p->levels.dst.scale <= 0.0f,
                    .dst_u8 = p->levels.dst.scale > 0.0f,
                    .channels = p->shape.oc,
                    .n_blocks = sc_conv_blocks(p->shape.oc),
                    .rows = side,
                    .columns = side};
    conv.phase[0] = (sc_phase){.src = p->map,
                               .src_row = SIDE * p->pitch,
                               .src_step = p->pitch,
                               .n_taps = w->n_taps,
                               .kc = w->kc,
                               .wei = w->packed,
                               .wei_block = w->wei_block};
    for (int64_t t = 0; t < w->n_taps; t++) {
        const int64_t ky = w->shape.merged ? t : t / p->shape.kw;
        const int64_t kx = w->shape.merged ? 0 : t % p->shape.kw;
        conv.phase[0].taps[t] = (ky * SIDE + kx) * p->pitch;
    }
    sc_conv_ref_u8(&conv, 0, side, 0, conv.n_blocks);
}

/* 'values': that an instruction of the kernel sums. */
static void check_problem(generator *g, int64_t values, int *n_merged)
{
    static problem p;
    static float reals[SIDE * SIDE * MAX_C];
    static uint8_t bytes[SIDE * SIDE * MAX_C];
    make(g, &p);
    sc_conv_weights *w = NULL;
    const sc_engine engine = {.conv = sc_conv_ref_u8, .u8_values = values};
    CHECK_EQ(sc_conv_weights_create_u8(&engine, p.shape, p.wei, p.scale, p.bias,
                                       &p.levels, &w, NULL),
             SC_OK);
    CHECK(values == 64 || !w->shape.merged); /* it would save nothing */
    *n_merged += w->shape.merged;
    const int64_t side = SIDE - p.shape.kh + 1;
    const bool to_bytes = p.levels.dst.scale > 0.0f;
    run(&p, w, to_bytes ? (void *)bytes : reals, side);
    bool good = true;
    for (int64_t i = 0; i < side * side * p.shape.oc; i++) {
        const int64_t at = i / p.shape.oc, c = i % p.shape.oc;
        double slack, want = real_sum(&p, at / side, at % side, c, &slack);
        double got = (double)reals[i];
        if (to_bytes) {
            got = bytes[i];
            want = fmin(fmax(want / (double)p.levels.dst.scale + 100.0, 0.0), 255.0);
            slack = slack / (double)p.levels.dst.scale + 0.5;
        }
        good = good && fabs(got - want) <= slack;
    }
    CHECK(good);
    sc_conv_weights_destroy(w);
}

static void test_levels(void)
{
    const sc_levels positive = sc_levels_of(1.0f, 5.1f),
                    both = sc_levels_of(-1.0f, 1.55f);
    CHECK_EQ(positive.zero, 0);
    CHECK(fabsf(positive.scale - 0.02f) < 1e-6f);
    CHECK_EQ(both.zero, 100);
    CHECK(fabsf(both.scale - 0.01f) < 1e-6f);
    CHECK_EQ(sc_levels_of(-2.0f, -1.0f).zero, 255);
    CHECK(sc_levels_of(0.0f, 0.0f).scale > 0.0f);
    float scale[] = {2.0f}, shift[] = {1.0f};
    sc_levels_apply((sc_levels){0.5f, 3}, 1, scale, shift);
    CHECK_EQ(scale[0], 4.0f);
    CHECK_EQ(shift[0], 5.0f);
}

int main(void)
{
    generator g = {11};
    int n_merged = 0;
    test_levels();
    for (int i = 0; i < 130; i++) check_problem(&g, i % 4 == 3 ? 4 : 64, &n_merged);
    CHECK(n_merged > 5);
    return check_end();
}
