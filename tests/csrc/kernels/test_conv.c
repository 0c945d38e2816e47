/* Convolution kernels against the naive twin, exactly, on small integers. */
#include "kernels/bf16.h"
#include "kernels/conv.h"
#include "kernels/conv_pack.h"
#include "kernels/conv_ref.h"

#include "base/memory.h"

#include "check.h"
#include "random.h"

#include <stdlib.h>
#include <string.h>

typedef enum { F32, BF16, U8 } item_type;

static const size_t ITEM_NBYTES[] = {4, 2, 1};

/* One line of numbers names a problem. */
typedef struct {
    uint64_t seed;
    int64_t oc, kc[2], n_taps[2], stride, rows, columns, dst_stride;
    int n_phases;
    bool relu, post, add, in_place, slice, dst_f32, dst_u8, reals;
} problem;

typedef struct {
    sc_conv conv;
    void *src[2], *wei[2], *add;
    float *channels[7];
    void *before, *want, *got; /* destinations */
    size_t dst_nbytes;
    item_type dst_type;
    int64_t n_dst;
} setup;

typedef struct {
    const char *name;
    sc_isa isa;
    sc_conv_fn run, ref;
    item_type type;
    bool tiles;
} kernel;

static const kernel KERNELS[] = {
    {"f32_avx2", SC_ISA_AVX2, sc_conv_f32_avx2, sc_conv_ref_f32, F32, false},
    {"f32_avx512", SC_ISA_AVX512, sc_conv_f32_avx512, sc_conv_ref_f32, F32, false},
    {"bf16_avx512", SC_ISA_AVX512_BF16, sc_conv_bf16_avx512, sc_conv_ref_bf16, BF16,
     false},
    {"bf16_amx", SC_ISA_AMX, sc_conv_bf16_amx, sc_conv_ref_bf16, BF16, true},
    {"u8_avx2", SC_ISA_AVX2, sc_conv_u8_avx2, sc_conv_ref_u8, U8, false},
    {"u8_avx512", SC_ISA_AVX512, sc_conv_u8_avx512, sc_conv_ref_u8, U8, false},
    {"u8_amx", SC_ISA_AMX, sc_conv_u8_amx, sc_conv_ref_u8, U8, true},
};

static bool missing(const kernel *k)
{
    return sc_cpu_isa() < k->isa || (k->type == U8 && !sc_isa_has_int8(k->isa));
}

/* Without bfloat16: what is not stored as bytes is float32. */
static bool stores_no_bf16(const kernel *k) { return k->run == sc_conv_u8_avx2; }

static float value(generator *g, const problem *p, int64_t limit)
{
    return p->reals ? next_real(g, -1.0f, 1.0f) : (float)next_int(g, -limit, limit);
}

/* 'n' values, of which 'tail' more behind are mapped but must not matter. */
static void *values(generator *g, const problem *p, int64_t n, int64_t tail,
                    item_type type)
{
    char *out = sc_alloc((size_t)(n + tail) * ITEM_NBYTES[type]);
    for (int64_t i = 0; i < n + tail; i++) {
        if (type == U8) {
            ((uint8_t *)out)[i] = (uint8_t)next_int(g, 0, i < n && !p->reals ? 6 : 255);
            continue;
        }
        const float v = i < n ? value(g, p, 3) : NAN;
        if (type == BF16)
            ((uint16_t *)out)[i] = sc_to_bf16(v);
        else
            ((float *)out)[i] = v;
    }
    return out;
}

static float *channel_values(generator *g, const problem *p)
{
    float *out = sc_calloc((size_t)(sc_conv_blocks(p->oc) * SC_LANES) * sizeof *out);
    for (int64_t c = 0; c < p->oc; c++) out[c] = value(g, p, 4);
    return out;
}

enum { MOST_CHANNELS = 400 }; /* in and out */

static void *packed_weights(generator *g, const problem *p, int i, item_type type)
{
    const int64_t n = p->oc * p->n_taps[i] * p->kc[i];
    float *plain = sc_alloc((size_t)n * sizeof *plain);
    for (int64_t j = 0; j < n; j++) plain[j] = value(g, p, 2);
    void *out;
    if (type == U8) {
        int32_t total[MOST_CHANNELS];
        const int32_t zero[MOST_CHANNELS] = {0};
        float scale[MOST_CHANNELS]; /* of the test's own instead */
        int8_t *integers = sc_alloc((size_t)n);
        out = sc_alloc((size_t)sc_conv_packed_s8(p->oc, p->n_taps[i], p->kc[i]));
        sc_conv_quantize_s8(plain, p->oc, p->n_taps[i], p->kc[i], zero, integers, scale,
                            total);
        sc_conv_pack_s8(integers, p->oc, p->n_taps[i], p->kc[i], out);
        sc_free(integers);
    } else if (type == BF16) {
        out = sc_alloc((size_t)sc_conv_packed_bf16(p->oc, p->n_taps[i], p->kc[i]) * 2);
        sc_conv_pack_bf16(plain, p->oc, p->n_taps[i], p->kc[i], out);
    } else {
        out = sc_alloc((size_t)sc_conv_packed_f32(p->oc, p->n_taps[i], p->kc[i]) * 4);
        sc_conv_pack_f32(plain, p->oc, p->n_taps[i], p->kc[i], out);
    }
    sc_free(plain);
    return out;
}

static void setup_phase(generator *g, const problem *p, setup *s, int i, item_type type)
{
    sc_phase *phase = &s->conv.phase[i];
    const int64_t side = p->n_taps[i] == 1 ? 1 : 3, kc = p->kc[i];
    /* Three taps are whole kernel rows over dense pixels. */
    const int64_t pitch = p->n_taps[i] == 3 ? sc_max(1, kc / 3)
                                            : kc + next_int(g, 0, 5);
    const int64_t width = (p->columns - 1) * p->stride + side;
    const int64_t height = (p->rows - 1) * p->stride + side;
    /* A tap may be read up to the next 32 or 64 values: finite ones.  Behind them lie the
     * pixels that only fill a tile. */
    s->src[i] =
        values(g, p, height * width * pitch + kc + 64, 40 * p->stride * pitch, type);
    s->wei[i] = packed_weights(g, p, i, type);
    phase->src = s->src[i];
    phase->src_step = pitch * p->stride;
    phase->src_row = width * pitch * p->stride;
    phase->n_taps = p->n_taps[i];
    phase->kc = kc;
    phase->wei = s->wei[i];
    static const int64_t STEP[] = {1, 32, 64};
    phase->wei_block = p->n_taps[i] * sc_round_up(kc, STEP[type]) * SC_LANES;
    for (int64_t t = 0; t < p->n_taps[i]; t++) {
        const int64_t ky = p->n_taps[i] == 9 ? t / 3 : t;
        const int64_t kx = p->n_taps[i] == 9 ? t % 3 : 0;
        phase->taps[t] = (ky * width + kx) * pitch;
    }
}

static void setup_dst(generator *g, const problem *p, setup *s, item_type type)
{
    sc_conv *conv = &s->conv;
    const int64_t padded = sc_conv_blocks(p->oc) * SC_LANES;
    const bool whole = !p->slice && next_bool(g);
    conv->channels = whole ? padded : p->oc;
    const int64_t offset = p->slice ? next_int(g, 1, 37) : 0;
    const int64_t pitch = offset + conv->channels + (p->slice ? next_int(g, 0, 20) : 0);
    s->dst_type = p->dst_u8 ? U8 : type == F32 || p->dst_f32 ? F32 : BF16;
    conv->dst_f32 = p->dst_f32;
    conv->dst_u8 = p->dst_u8;
    conv->dst_step = pitch * p->dst_stride;
    conv->dst_row = p->columns * conv->dst_step * p->dst_stride;
    s->n_dst = p->rows * conv->dst_row + offset + padded;
    s->dst_nbytes = (size_t)s->n_dst * ITEM_NBYTES[s->dst_type];
    s->before = values(g, p, s->n_dst, 0, s->dst_type);
    s->want = sc_alloc(s->dst_nbytes);
    s->got = sc_alloc(s->dst_nbytes);
    conv->dst = (char *)s->got + (size_t)offset * ITEM_NBYTES[s->dst_type];
    if (!p->add) return;
    conv->add_scale = next_bool(g) ? s->channels[4] : NULL;
    conv->add = conv->dst;
    conv->add_row = conv->dst_row;
    conv->add_step = conv->dst_step;
    if (p->in_place && s->dst_type == type) return;
    conv->add_step = conv->channels + next_int(g, 0, 3);
    conv->add_row = p->columns * conv->add_step;
    s->add = values(g, p, p->rows * conv->add_row, 2 * SC_LANES, type);
    conv->add = s->add;
}

static void setup_create(const problem *p, item_type type, setup *s)
{
    generator g = {p->seed};
    memset(s, 0, sizeof *s);
    s->conv.n_phases = p->n_phases;
    s->conv.rows = p->rows;
    s->conv.columns = p->columns;
    s->conv.n_blocks = sc_conv_blocks(p->oc);
    s->conv.relu = p->relu;
    for (int i = 0; i < p->n_phases; i++) setup_phase(&g, p, s, i, type);
    for (int i = 0; i < 7; i++) s->channels[i] = channel_values(&g, p);
    for (int i = 0; i < 2 && type == U8; i++) {
        /* A power of two keeps the sums exact. */
        for (int64_t c = 0; c < p->oc; c++) s->channels[5 + i][c] *= 0x1p-6f;
        s->conv.sum_scale[i] = s->channels[5 + i];
    }
    s->conv.bias = s->channels[0];
    if (p->n_phases == 2) s->conv.mid_bias = s->channels[1];
    if (p->post) s->conv.post_scale = s->channels[2];
    if (p->post) s->conv.post_shift = s->channels[3];
    setup_dst(&g, p, s, type);
}

static void setup_destroy(setup *s)
{
    for (int i = 0; i < 2; i++) {
        sc_free(s->src[i]);
        sc_free(s->wei[i]);
    }
    for (int i = 0; i < 7; i++) sc_free(s->channels[i]);
    sc_free(s->add);
    sc_free(s->before);
    sc_free(s->want);
    sc_free(s->got);
}

/* Runs in pieces of rows and blocks, which together are everything. */
static void run_pieces(const kernel *k, setup *s, generator *g)
{
    const sc_conv *conv = &s->conv;
    memcpy(s->got, s->before, s->dst_nbytes);
    for (int64_t y = 0, end; y < conv->rows; y = end) {
        end = y + next_int(g, 1, conv->rows - y);
        for (int64_t b = 0, last; b < conv->n_blocks; b = last) {
            last = b + next_int(g, 1, conv->n_blocks - b);
            k->run(conv, y, end, b, last);
        }
    }
}

static float item(const void *array, int64_t i, item_type type)
{
    if (type == U8) return ((const uint8_t *)array)[i];
    return type == BF16 ? sc_from_bf16(((const uint16_t *)array)[i])
                        : ((const float *)array)[i];
}

static bool same(const setup *s, int64_t *n_changed)
{
    bool good = true;
    *n_changed = 0;
    for (int64_t i = 0; i < s->n_dst; i++) {
        const float want = item(s->want, i, s->dst_type);
        good = good && item(s->got, i, s->dst_type) == want;
        *n_changed += want != item(s->before, i, s->dst_type);
    }
    return good;
}

static void tell(const problem *p, const kernel *k, const char *what)
{
    fprintf(stderr,
            "%s: %s: seed %llu oc %d kc %d %d taps %d %d stride %d rows %d columns %d "
            "dst_stride %d phases %d relu %d post %d add %d in_place %d slice %d "
            "dst_f32 %d dst_u8 %d\n",
            k->name, what, (unsigned long long)p->seed, (int)p->oc, (int)p->kc[0],
            (int)p->kc[1], (int)p->n_taps[0], (int)p->n_taps[1], (int)p->stride,
            (int)p->rows, (int)p->columns, (int)p->dst_stride, p->n_phases, p->relu,
            p->post, p->add, p->in_place, p->slice, p->dst_f32, p->dst_u8);
}

/* Integers: equal to the naive twin, neighbours of the slice included.  Reals: the
 * same bits whole, in pieces, and again. */
static void check_problem(const problem *p, const kernel *k)
{
    setup s;
    setup_create(p, k->type, &s);
    generator g = {p->seed + 1};
    const sc_conv_fn first = p->reals ? k->run : k->ref;
    if (k->tiles) sc_amx_begin();
    memcpy(s.got, s.before, s.dst_nbytes);
    first(&s.conv, 0, p->rows, 0, s.conv.n_blocks);
    memcpy(s.want, s.got, s.dst_nbytes);
    run_pieces(k, &s, &g);
    if (k->tiles) sc_amx_end();
    int64_t n_changed;
    const bool good = same(&s, &n_changed) &&
                      (!p->reals || memcmp(s.want, s.got, s.dst_nbytes) == 0);
    if (!good) tell(p, k, p->reals ? "pieces differ" : "differs from the naive twin");
    CHECK(good);
    /* With a ReLU a single value may well stay as it was. */
    const int64_t n = p->rows * p->columns * p->oc;
    const bool proves = n < 64 || n_changed > n / (p->dst_u8 ? 32 : 8);
    if (!proves) tell(p, k, "hardly anything was written");
    CHECK(proves);
    setup_destroy(&s);
}

static problem random_problem(generator *g, bool reals)
{
    static const int64_t TAPS[] = {1, 3, 9};
    problem p = {.seed = next_bits(g), .reals = reals};
    p.oc = next_int(g, 1, 70);
    p.stride = next_int(g, 1, 2);
    p.dst_stride = next_int(g, 0, 3) == 0 ? 2 : 1;
    p.n_phases = (int)next_int(g, 1, 2);
    p.relu = next_bool(g);
    p.post = next_bool(g);
    p.add = next_bool(g);
    p.slice = next_bool(g);
    p.dst_f32 = next_int(g, 0, 3) == 0;
    p.dst_u8 = next_int(g, 0, 2) == 0;
    p.in_place = next_bool(g) && !p.dst_f32;
    for (int i = 0; i < 2; i++) {
        p.n_taps[i] = TAPS[next_int(g, 0, 2)];
        p.kc[i] = next_int(g, 1, p.n_taps[i] == 9 ? 20 : 70);
    }
    p.columns = next_int(g, 1, 40);
    p.rows = next_int(g, 1, sc_max(1, 60 / p.columns));
    return p;
}

/* Each extent through its range, beside small others. */
static void check_sweeps(const kernel *k)
{
    problem p = {.kc = {5, 3}, .n_taps = {9, 1}, .stride = 1, .dst_stride = 1};
    p.dst_f32 = stores_no_bf16(k);
    p.n_phases = 1;
    p.rows = 2;
    for (p.oc = 1, p.columns = 3; p.oc <= 70; p.oc++, p.seed++) check_problem(&p, k);
    p.slice = p.add = p.in_place = p.relu = true;
    for (p.oc = 17, p.columns = 1; p.columns <= 40; p.columns++, p.seed++) {
        check_problem(&p, k);
    }
    p.n_phases = 2;
    p.post = true;
    p.columns = 4;
    for (p.kc[0] = 1; p.kc[0] <= 70; p.kc[0]++, p.seed++) {
        p.kc[1] = 71 - p.kc[0];
        p.n_taps[0] = p.kc[0] == 21 || p.kc[0] == 33 ? 3 : 1;
        check_problem(&p, k);
    }
}

/* Weights that L1 holds, that L2 holds and that neither does: another order of blocks. */
static void check_orders(const kernel *k)
{
    static const int64_t CHANNELS[] = {20, 100, MOST_CHANNELS};
    problem p = {.oc = 70, .n_taps = {9, 1}, .stride = 1, .dst_stride = 1};
    p.dst_f32 = stores_no_bf16(k);
    p.n_phases = 2;
    p.rows = 2;
    p.columns = 37;
    for (int i = 0; i < 3; i++, p.seed++) {
        p.kc[0] = p.kc[1] = CHANNELS[i];
        check_problem(&p, k);
    }
}

static void test_kernels(int n_random)
{
    for (size_t i = 0; i < sizeof KERNELS / sizeof *KERNELS; i++) {
        const kernel *k = &KERNELS[i];
        if (missing(k)) {
            fprintf(stderr, "skipped: %s, which this CPU lacks\n", k->name);
            continue;
        }
        generator g = {i};
        check_sweeps(k);
        check_orders(k);
        for (int j = 0; j < n_random; j++) {
            problem p = random_problem(&g, j % 4 == 3);
            p.dst_f32 = p.dst_f32 || stores_no_bf16(k);
            check_problem(&p, k);
        }
    }
}

/* Vectors of either length do the same with each sum, in one order. */
static void test_lengths_agree(int n_random)
{
    if (!sc_isa_has_int8(SC_ISA_AVX2) || !sc_isa_has_int8(SC_ISA_AVX512)) {
        fprintf(stderr,
                "skipped: bytes by AVX2 and AVX-512, of which this CPU lacks one\n");
        return;
    }
    generator g = {77};
    for (int i = 0; i < n_random; i++) {
        setup s;
        problem p = random_problem(&g, true);
        p.dst_f32 = !p.dst_u8;
        setup_create(&p, U8, &s);
        memcpy(s.got, s.before, s.dst_nbytes);
        sc_conv_u8_avx2(&s.conv, 0, p.rows, 0, s.conv.n_blocks);
        memcpy(s.want, s.got, s.dst_nbytes);
        memcpy(s.got, s.before, s.dst_nbytes);
        sc_conv_u8_avx512(&s.conv, 0, p.rows, 0, s.conv.n_blocks);
        CHECK(memcmp(s.want, s.got, s.dst_nbytes) == 0);
        setup_destroy(&s);
    }
}

/* What is stored as bf16 is finite: the next image's padding may lie there. */
static void test_overflow(void)
{
    enum { KC = 32, WIDE = 0x7f7f };
    const float huge = 3e38f;
    for (size_t i = 0; i < sizeof KERNELS / sizeof *KERNELS; i++) {
        const kernel *k = &KERNELS[i];
        if (k->type != BF16 || missing(k)) continue;
        float wei[4 * KC], bias[SC_LANES] = {0};
        uint16_t src[17 * KC], packed[KC * SC_LANES], dst[4], want[4];
        /* Channels: infinity, minus infinity, their difference (NaN), a small sum. */
        for (int j = 0; j < 4 * KC; j++) {
            const float weights[] = {huge, -huge, j % 2 ? huge : -huge, 0x1p-126f};
            wei[j] = weights[j / KC];
        }
        for (int j = 0; j < 17 * KC; j++) src[j] = sc_to_bf16(huge);
        bias[2] = NAN;
        sc_conv_pack_bf16(wei, 4, 1, KC, packed);
        sc_conv conv = {.n_phases = 1, .bias = bias, .channels = 4, .n_blocks = 1};
        conv.phase[0] = (sc_phase){.src = src,
                                   .src_step = KC,
                                   .n_taps = 1,
                                   .kc = KC,
                                   .wei = packed,
                                   .wei_block = KC * SC_LANES};
        conv.rows = conv.columns = 1;
        conv.dst = want;
        k->ref(&conv, 0, 1, 0, 1);
        conv.dst = dst;
        if (k->tiles) sc_amx_begin();
        k->run(&conv, 0, 1, 0, 1);
        if (k->tiles) sc_amx_end();
        CHECK_EQ(dst[0], WIDE);
        CHECK_EQ(dst[1], WIDE | 0x8000);
        CHECK_EQ(dst[2] & WIDE, WIDE);
        CHECK_EQ(dst[3], want[3]);
        CHECK_EQ(want[0] + want[1], 2 * WIDE + 0x8000);
        CHECK_EQ(want[2] & WIDE, WIDE);
        CHECK(sc_from_bf16(dst[3]) > 1.0f);
    }
}

/* test_conv [RANDOM_PROBLEMS] */
int main(int argc, char **argv)
{
    test_overflow();
    const int n_random = argc > 1 ? atoi(argv[1]) : 100;
    test_kernels(n_random);
    test_lengths_agree(n_random);
    return check_end();
}
