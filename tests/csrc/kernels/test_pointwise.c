/* Normalisation, pooling and layouts of every instruction set against loops in double: exactly
 * on small integers; on reals as near as the order of rounding (FMA) allows. */
#include "spinalcord.h"

#include "kernels/pointwise.h"

#include "kernels/bf16.h"

#include "base/memory.h"

#include "check.h"
#include "random.h"

#include <string.h>

typedef struct {
    const sc_pointwise *table;
    sc_isa isa;
    bool bf16;
} variant;

static const variant VARIANTS[] = {
    {&sc_pointwise_f32_base, SC_ISA_BASE, false},
    {&sc_pointwise_f32_avx2, SC_ISA_AVX2, false},
    {&sc_pointwise_f32_avx512, SC_ISA_AVX512, false},
    {&sc_pointwise_bf16_avx512, SC_ISA_AVX512_BF16, true},
};

/* Two rows of pixels in, one out; per-channel numbers; sums. */
enum { MAX_N = 9, MAX_C = 70, ROW = 3 * MAX_N * (MAX_C + 5), UNTOUCHED = 99 };

typedef struct {
    const variant *v;
    generator g;
    bool reals;
    int64_t n, c, src_step, dst_step;
    float src[3 * ROW], dst[ROW], channels[6][MAX_C], sums[2][MAX_N * MAX_C];
    uint16_t src_bf16[3 * ROW], dst_bf16[ROW];
} bench;

static float any(bench *b, int64_t limit)
{
    const float l = (float)limit;
    return b->reals ? next_real(&b->g, -l, l) : (float)next_int(&b->g, -limit, limit);
}

static void fill(bench *b, int64_t n, int64_t c)
{
    b->n = n;
    b->c = c;
    b->src_step = c + next_int(&b->g, 0, 5);
    b->dst_step = c + next_int(&b->g, 0, 5);
    for (int i = 0; i < 3 * ROW; i++) {
        b->src_bf16[i] = sc_to_bf16(any(b, 3));
        b->src[i] = b->v->bf16 ? sc_from_bf16(b->src_bf16[i]) : any(b, 3);
    }
    for (int i = 0; i < ROW; i++) {
        b->dst[i] = UNTOUCHED;
        b->dst_bf16[i] = sc_to_bf16(UNTOUCHED);
    }
    for (int k = 0; k < 6; k++) {
        for (int64_t i = 0; i < c; i++) b->channels[k][i] = any(b, 4);
    }
    for (int k = 0; k < 2; k++) {
        for (int64_t i = 0; i < n * c; i++) b->sums[k][i] = any(b, 10);
    }
}

static const void *src(const bench *b)
{
    return b->v->bf16 ? (const void *)b->src_bf16 : b->src;
}

static void *dst(bench *b) { return b->v->bf16 ? (void *)b->dst_bf16 : b->dst; }

/* 'size' bounds the terms that were added up: what a rounding may cost. */
static void near(const bench *b, double got, double want, double size)
{
    if (!b->reals)
        CHECK_EQ(got, want);
    else
        CHECK_NEAR(got, want, (b->v->bf16 ? 0x1p-8 * fabs(want) : 0.0) + 3e-7 * size);
}

/* dst[p, c] is 'want'; what is not a channel is as it was. */
static double written(const bench *b, int64_t i)
{
    return (double)(b->v->bf16 ? sc_from_bf16(b->dst_bf16[i]) : b->dst[i]);
}

static void check_between(const bench *b)
{
    int64_t n_wrong = 0;
    for (int64_t i = 0; i < ROW; i++) {
        const bool inside = i / b->dst_step < b->n && i % b->dst_step < b->c;
        n_wrong += !inside && written(b, i) != UNTOUCHED;
    }
    CHECK_EQ(n_wrong, 0);
}

static double normed_at(const bench *b, int64_t at, int64_t i)
{
    return (double)b->src[at + i] * (double)b->channels[0][i] +
           (double)b->channels[1][i];
}

static void check_norms(bench *b)
{
    const float *scale = b->channels[0], *shift = b->channels[1];
    b->v->table->norm_relu(src(b), b->src_step, dst(b), b->dst_step, b->n, b->c, scale,
                           shift);
    for (int64_t p = 0; p < b->n; p++) {
        for (int64_t i = 0; i < b->c; i++) {
            near(b, written(b, p * b->dst_step + i),
                 fmax(normed_at(b, p * b->src_step, i), 0), 16);
        }
    }
    check_between(b);
    for (int relu = 0; relu < 2; relu++) {
        float values[MAX_C + 1];
        values[b->c] = UNTOUCHED;
        b->v->table->norm(src(b), scale, shift, relu, values, b->c);
        for (int64_t i = 0; i < b->c; i++) {
            const double want = normed_at(b, 0, i);
            CHECK_NEAR(values[i], relu ? fmax(want, 0) : want, b->reals ? 5e-6 : 0);
        }
        CHECK_EQ(values[b->c], (float)UNTOUCHED);
    }
}

static void check_mean2(bench *b)
{
    const int64_t row = 2 * b->n * b->src_step + 1;
    float sums[MAX_C];
    b->v->table->norm_relu_mean2(src(b), row, b->src_step, dst(b), b->dst_step, b->n,
                                 b->c, b->channels[0], b->channels[1], sums);
    for (int64_t p = 0; p < b->n; p++) {
        for (int64_t i = 0; i < b->c; i++) {
            double sum = 0;
            for (int64_t t = 0; t < 4; t++) {
                const int64_t at = t / 2 * row + (2 * p + t % 2) * b->src_step;
                sum += fmax(normed_at(b, at, i), 0);
            }
            near(b, written(b, p * b->dst_step + i), sum / 4, 64);
        }
    }
    check_between(b);
}

/* A byte: exactly on integers; on reals the sum may be rounded to either side. */
static void check_byte(const bench *b, uint8_t got, double want)
{
    const double bound = fmin(fmax(want, 0), 255);
    CHECK(b->reals ? fabs(got - bound) < 0.501 : got == (uint8_t)nearbyint(bound));
}

static void check_bytes(bench *b)
{
    static uint8_t dst_u8[ROW];
    const int64_t row = 2 * b->n * b->src_step + 1;
    float sums[MAX_C];
    for (int64_t i = 0; i < b->c; i++) b->channels[0][i] *= 20; /* 0 to beyond 255 */
    for (int means = 0; means < 2; means++) {
        memset(dst_u8, UNTOUCHED, sizeof dst_u8);
        if (means) {
            b->v->table->norm_relu_mean2_u8(src(b), row, b->src_step, dst_u8,
                                            b->dst_step, b->n, b->c, b->channels[0],
                                            b->channels[1], sums);
        } else {
            b->v->table->norm_relu_u8(src(b), b->src_step, dst_u8, b->dst_step, b->n,
                                      b->c, b->channels[0], b->channels[1]);
        }
        for (int64_t j = 0; j < b->n * b->dst_step; j++) {
            const int64_t p = j / b->dst_step, i = j % b->dst_step;
            double sum = 0;
            for (int64_t t = 0; t < 4 && i < b->c; t++) {
                const int64_t at = means ? t / 2 * row + (2 * p + t % 2) * b->src_step
                                         : p * b->src_step;
                sum += fmax(normed_at(b, at, i), 0);
            }
            check_byte(b, dst_u8[j], i < b->c ? sum / 4 : UNTOUCHED);
        }
    }
}

/* The tables of bytes are for their max_pool. */
static void test_max_pool_of_bytes(const sc_pointwise *table)
{
    enum { C = 70, W = 9 };
    uint8_t map[3 * W * C], got[4 * C];
    generator g = {5};
    for (int i = 0; i < 3 * W * C; i++) map[i] = (uint8_t)next_int(&g, 0, 255);
    for (int k = 2; k <= 3; k++) {
        table->max_pool(map, W * C, C, k, k, 2, got, C, 4, C);
        for (int i = 0; i < 4 * C; i++) {
            uint8_t want = 0;
            for (int t = 0; t < k * k; t++) {
                const uint8_t v =
                    map[t / k * W * C + (2 * (i / C) + t % k) * C + i % C];
                if (v > want) want = v;
            }
            CHECK_EQ(got[i], want);
        }
    }
}

static void check_max_pool(bench *b, int64_t k, int64_t stride)
{
    const int64_t row = ((b->n - 1) * stride + k) * b->src_step + 2;
    b->v->table->max_pool(src(b), row, b->src_step, k, k, stride, dst(b), b->dst_step,
                          b->n, b->c);
    for (int64_t p = 0; p < b->n; p++) {
        for (int64_t i = 0; i < b->c; i++) {
            float want = -INFINITY;
            for (int64_t t = 0; t < k * k; t++) {
                const int64_t at = t / k * row + (p * stride + t % k) * b->src_step + i;
                want = fmaxf(want, b->src[at]);
            }
            CHECK_EQ(written(b, p * b->dst_step + i), (double)want);
        }
    }
    check_between(b);
}

static void check_layouts(bench *b)
{
    static float planes[ROW];
    const int64_t plane = b->n + 3;
    for (int i = 0; i < ROW; i++) planes[i] = any(b, 100);
    b->dst_step = b->c; /* rows come densely */
    b->v->table->interleave(planes, plane, dst(b), b->n, b->c);
    for (int64_t p = 0; p < b->n; p++) {
        for (int64_t i = 0; i < b->c; i++) {
            const float v = planes[i * plane + p];
            const float want = b->v->bf16 ? sc_from_bf16(sc_to_bf16(v)) : v;
            CHECK_EQ(written(b, p * b->dst_step + i), (double)want);
        }
    }
    check_between(b);
    for (int i = 0; i < ROW; i++) planes[i] = UNTOUCHED;
    b->v->table->deinterleave(src(b), b->src_step, planes, plane, b->n, b->c);
    for (int64_t i = 0; i < b->c; i++) {
        for (int64_t p = 0; p < plane; p++) {
            const float want = p < b->n ? b->src[p * b->src_step + i]
                                        : (float)UNTOUCHED;
            CHECK_EQ(planes[i * plane + p], want);
        }
    }
}

/* 'parts': 1 a Norm before the ReLU, 2 added to what is there. */
static void check_norm_relu_back(bench *b, int parts)
{
    const bool normed = parts & 1, add = parts & 2;
    for (int64_t i = 0; i < ROW; i++) {
        const bool inside = i / b->dst_step < b->n && i % b->dst_step < b->c;
        if (inside) b->dst[i] = 2;
        if (inside) b->dst_bf16[i] = sc_to_bf16(2);
    }
    b->v->table->norm_relu_back(
        b->sums[0], b->c, src(b), b->src_step, normed ? b->channels[0] : NULL,
        normed ? b->channels[1] : NULL, add, dst(b), b->dst_step, b->n, b->c);
    int64_t n_passed = 0;
    for (int64_t p = 0; p < b->n; p++) {
        for (int64_t i = 0; i < b->c; i++) {
            const double x = (double)b->src[p * b->src_step + i];
            const double v = normed ? normed_at(b, p * b->src_step, i) : x;
            const bool passed = v > 0;
            if (b->reals && fabs(v) < 1e-5) continue;
            n_passed += passed;
            near(b, written(b, p * b->dst_step + i),
                 (add ? 2 : 0) + (passed ? (double)b->sums[0][p * b->c + i] : 0), 16);
        }
    }
    CHECK(b->n * b->c < 40 || (n_passed > 0 && n_passed < b->n * b->c));
    check_between(b);
}

/* Each pixel's gradient to the first of its largest, of the rows that are asked for. */
static void check_max_pool_back(bench *b, int64_t ky0, int64_t ky1)
{
    enum { K = 3, STRIDE = 2 };
    static float grad[MAX_N * MAX_C], back[3 * ROW];
    static uint16_t grad_bf16[MAX_N * MAX_C], back_bf16[3 * ROW];
    static double want[3 * ROW];
    const int64_t row = ((b->n - 1) * STRIDE + K) * b->src_step + 2;
    for (int i = 0; i < MAX_N * MAX_C; i++) {
        grad_bf16[i] = sc_to_bf16(any(b, 9));
        grad[i] = b->v->bf16 ? sc_from_bf16(grad_bf16[i]) : any(b, 9);
    }
    for (int i = 0; i < 3 * ROW; i++) {
        back[i] = 1;
        back_bf16[i] = sc_to_bf16(1);
        want[i] = 1;
    }
    for (int64_t i = 0; i < b->n * b->c; i++) {
        const int64_t p = i / b->c, c = i % b->c;
        int64_t first = -1;
        float best = 0;
        for (int64_t t = 0; t < K * K; t++) {
            const int64_t at = t / K * row + (p * STRIDE + t % K) * b->src_step + c;
            if (!(b->src[at] > best)) continue;
            best = b->src[at];
            first = t;
        }
        if (first < 0 || first / K < ky0 || first / K >= ky1) continue;
        want[first / K * row + (p * STRIDE + first % K) * b->src_step + c] +=
            (double)grad[i];
    }
    b->v->table->max_pool_back(src(b), row, b->src_step, K, K, STRIDE, ky0, ky1,
                               b->v->bf16 ? (void *)grad_bf16 : grad, b->c,
                               b->v->bf16 ? (void *)back_bf16 : back, row, b->src_step,
                               b->n, b->c);
    for (int i = 0; i < 3 * ROW; i++) {
        /* Up to four are added up, in bf16 each time rounded. */
        const double got = (double)(b->v->bf16 ? sc_from_bf16(back_bf16[i]) : back[i]);
        CHECK_NEAR(got, want[i], !b->reals ? 0 : b->v->bf16 ? 0.25 : 1e-5);
    }
}

/* Channels do not matter to each other: all at once are as some after others. */
static void check_many_channels(const variant *v)
{
    enum { C = 1103, SOME = 90, N = 3, STEP = 2 * C };
    static float src_f32[2 * N * STEP], got[4][N * STEP], want[4][N * STEP];
    static uint16_t src_bf16[2 * N * STEP];
    static float scale[C], shift[C], sums[C];
    generator g = {9};
    for (int i = 0; i < 2 * N * STEP; i++) {
        src_f32[i] = next_real(&g, -9.0f, 9.0f);
        src_bf16[i] = sc_to_bf16(src_f32[i]);
    }
    for (int i = 0; i < C; i++) {
        scale[i] = next_real(&g, -9.0f, 9.0f);
        shift[i] = next_real(&g, -9.0f, 9.0f);
    }
    const size_t item = v->bf16 ? sizeof(uint16_t) : sizeof(float);
    const char *const src = v->bf16 ? (const char *)src_bf16 : (const char *)src_f32;
    memset(got, UNTOUCHED, sizeof got);
    memset(want, UNTOUCHED, sizeof want);
    for (int c0 = 0, n = C; c0 < C; c0 += n) {
        for (int some = 0; some < 2; some++) {
            float (*to)[N * STEP] = some ? want : got;
            n = some ? (int)sc_min(SOME, C - c0) : C;
            if (!some && c0 > 0) continue;
            const char *from = src + (size_t)c0 * item;
            char *items[] = {(char *)to[0] + (size_t)c0 * item,
                             (char *)to[1] + (size_t)c0 * item};
            uint8_t *bytes[] = {(uint8_t *)to[2] + c0, (uint8_t *)to[3] + c0};
            v->table->norm_relu(from, STEP, items[0], STEP, N, n, scale + c0,
                                shift + c0);
            v->table->norm_relu_mean2(from, N * STEP, C, items[1], STEP, N, n,
                                      scale + c0, shift + c0, sums);
            v->table->norm_relu_u8(from, STEP, bytes[0], STEP, N, n, scale + c0,
                                   shift + c0);
            v->table->norm_relu_mean2_u8(from, N * STEP, C, bytes[1], STEP, N, n,
                                         scale + c0, shift + c0, sums);
        }
    }
    CHECK(memcmp(got, want, sizeof got) == 0);
}

/* Far beyond a byte, and no number: 255 or 0. */
static void check_extreme_bytes(const variant *v)
{
    enum { C = 64 };
    static const float VALUES[] = {3e38f, -3e38f, 1e10f, -1e10f, 256.0f, NAN};
    static const uint8_t WANT[] = {255, 0, 255, 0, 255, 0};
    float src[C], scale[C], shift[C] = {0};
    uint16_t src_bf16[C];
    uint8_t dst[C];
    for (int i = 0; i < C; i++) {
        src[i] = VALUES[i % 6];
        src_bf16[i] = isnan(src[i]) ? 0x7fc0 : sc_to_bf16(src[i]);
        scale[i] = 1.0f;
    }
    const void *from = v->bf16 ? (const void *)src_bf16 : src;
    for (int c = 1; c <= C; c += c < 6 ? 1 : 29) {
        v->table->norm_relu_u8(from, C, dst, C, 1, c, scale, shift);
        for (int i = 0; i < c; i++) CHECK_EQ(dst[i], WANT[i % 6]);
    }
}

static void check_variant(const variant *v, bool reals)
{
    static const int64_t CHANNELS[] = {1, 3, 15, 16, 17, 32, 33, 51, MAX_C};
    static bench b;
    b.v = v;
    b.reals = reals;
    b.g.state = 1;
    for (size_t i = 0; i < sizeof CHANNELS / sizeof *CHANNELS; i++) {
        for (int64_t n = 1; n <= MAX_N; n += 1 + n % 3) {
            fill(&b, n, CHANNELS[i]);
            check_norms(&b);
            fill(&b, n, CHANNELS[i]);
            check_mean2(&b);
            fill(&b, n, CHANNELS[i]);
            check_bytes(&b);
            fill(&b, n, CHANNELS[i]);
            check_max_pool(&b, 2, 2);
            fill(&b, n, CHANNELS[i]);
            check_max_pool(&b, 3, 2);
            fill(&b, n, CHANNELS[i]);
            check_layouts(&b);
            for (int parts = 0; parts < 4; parts++) {
                fill(&b, n, CHANNELS[i]);
                check_norm_relu_back(&b, parts);
            }
            fill(&b, n, CHANNELS[i]);
            check_max_pool_back(&b, 0, 3);
            check_max_pool_back(&b, n % 3, 2);
        }
    }
}

int main(void)
{
    if (sc_cpu_isa() >= SC_ISA_AVX2) test_max_pool_of_bytes(&sc_pointwise_u8_avx2);
    if (sc_cpu_isa() >= SC_ISA_AVX512) test_max_pool_of_bytes(&sc_pointwise_u8_avx512);
    for (size_t i = 0; i < sizeof VARIANTS / sizeof *VARIANTS; i++) {
        if (sc_cpu_isa() < VARIANTS[i].isa) {
            fprintf(stderr, "skipped: %s, which this CPU lacks\n",
                    VARIANTS[i].table->name);
            continue;
        }
        check_many_channels(&VARIANTS[i]);
        check_extreme_bytes(&VARIANTS[i]);
        check_variant(&VARIANTS[i], false);
        check_variant(&VARIANTS[i], true);
    }
    return check_end();
}
