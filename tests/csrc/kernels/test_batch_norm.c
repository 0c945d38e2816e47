/* Batch normalisation for training against its definition in double; threads; NaN. */
#include "base/memory.h"
#include "kernels/batch_norm.h"
#include "kernels/bf16.h"

#include "check.h"
#include "random.h"

#include <string.h>

enum { N_MAX = 10000, C_MAX = 105 };

typedef struct {
    uint16_t *x, *other, *sum, *y, *dy, *dx;
    float weight[C_MAX], bias[C_MAX], mean[C_MAX], variance[C_MAX];
    float dweight[C_MAX], dbias[C_MAX];
} batch;

static uint16_t *values(generator *g, int64_t n)
{
    uint16_t *out = sc_alloc((size_t)n * sizeof *out);
    for (int64_t i = 0; i < n; i++) {
        out[i] = sc_to_bf16(next_real(g, -0.7f, 1.3f));
    }
    return out;
}

static batch make(uint64_t seed, int64_t n, int64_t c)
{
    generator g = {seed};
    batch b = {0};
    b.x = values(&g, n * c);
    b.other = values(&g, n * c);
    b.dy = values(&g, n * c);
    b.sum = sc_alloc((size_t)(n * c) * 2);
    b.y = sc_alloc((size_t)(n * c) * 2);
    b.dx = sc_alloc((size_t)(n * c) * 2);
    for (int64_t i = 0; i < c; i++) {
        b.weight[i] = next_real(&g, -0.5f, 0.5f);
        b.bias[i] = next_real(&g, -0.5f, 0.5f);
    }
    return b;
}

static void drop(batch *b)
{
    sc_free(b->x);
    sc_free(b->other);
    sc_free(b->sum);
    sc_free(b->y);
    sc_free(b->dy);
    sc_free(b->dx);
}

static sc_batch_norm norm_of(const batch *b, int64_t n, int64_t c, bool weighted,
                             bool relu)
{
    return (sc_batch_norm){n, c, weighted ? b->weight : NULL, b->bias, 1e-3f, relu};
}

static void run(batch *b, const sc_batch_norm *norm, bool summed, int threads)
{
    CHECK_EQ(sc_batch_norm_forward(norm, b->x, summed ? b->other : NULL,
                                   summed ? b->sum : NULL, b->y, b->mean, b->variance,
                                   threads, NULL),
             SC_OK);
    CHECK_EQ(sc_batch_norm_backward(norm, summed ? b->sum : b->x, summed, b->dy,
                                    b->mean, b->variance, b->dx, b->dweight, b->dbias,
                                    threads, NULL),
             SC_OK);
}

/* One channel by the formulas, in double. */
static void check_channel(const batch *b, const sc_batch_norm *norm, bool summed,
                          int64_t i)
{
    const int64_t n = norm->n, c = norm->c;
    const uint16_t *x = summed ? b->sum : b->x;
    double mean = 0.0, variance = 0.0, total = 0.0, moment = 0.0;
    for (int64_t p = 0; p < n; p++) {
        const float v = sc_from_bf16(x[p * c + i]);
        if (summed) {
            const float s = sc_from_bf16(b->x[p * c + i]) +
                            sc_from_bf16(b->other[p * c + i]);
            CHECK_EQ(v, sc_from_bf16(sc_to_bf16(s > 0.0f ? s : 0.0f)));
        }
        mean += (double)v / (double)n;
    }
    for (int64_t p = 0; p < n; p++) {
        const double d = (double)sc_from_bf16(x[p * c + i]) - mean;
        variance += d * d / (double)n;
    }
    CHECK_NEAR(b->mean[i], mean, 1e-6);
    CHECK_NEAR(b->variance[i], variance, 1e-5);
    const double inverse = 1.0 / sqrt(variance + 1e-3);
    const double gain = norm->weight == NULL ? 1.0 : (double)norm->weight[i];
    for (int turn = 0; turn < 2; turn++) {
        for (int64_t p = 0; p < n; p++) {
            const double v = (double)sc_from_bf16(x[p * c + i]);
            const double xhat = (v - mean) * inverse;
            const double y = gain * xhat + (double)b->bias[i];
            const bool through = !norm->relu || y > 0.0;
            const double g = through ? (double)sc_from_bf16(b->dy[p * c + i]) : 0.0;
            if (turn == 0) {
                total += g;
                moment += g * xhat;
                CHECK_NEAR(sc_from_bf16(b->y[p * c + i]), through ? y : 0.0,
                           0.004 * fabs(y) + 1e-5);
                continue;
            }
            double dx = gain * inverse *
                        (g - total / (double)n - xhat * moment / (double)n);
            if (summed && v <= 0.0) dx = 0.0;
            /* Where y is 0 to rounding, the ReLU may go either way. */
            if (norm->relu && fabs(y) < 1e-5) continue;
            CHECK_NEAR(sc_from_bf16(b->dx[p * c + i]), dx, 0.004 * fabs(dx) + 1e-4);
        }
    }
    CHECK_NEAR(b->dweight[i], moment, 2.0 + 1e-4 * fabs(moment));
    CHECK_NEAR(b->dbias[i], total, 2.0 + 1e-4 * fabs(total));
}

static void test_definition(void)
{
    static const int64_t shapes[][2] = {{1, 1},    {5, 16},   {37, 17}, {N_MAX, 17},
                                        {300, 51}, {33, 105}, {64, 64}};
    for (size_t k = 0; k < sizeof shapes / sizeof *shapes; k++) {
        const int64_t n = shapes[k][0], c = shapes[k][1];
        for (int kind = 0; kind < 8; kind++) {
            batch b = make(k * 8 + (size_t)kind, n, c);
            const bool summed = kind & 4;
            const sc_batch_norm norm = norm_of(&b, n, c, kind & 1, kind & 2);
            run(&b, &norm, summed, 1);
            for (int64_t i = 0; i < c; i++) check_channel(&b, &norm, summed, i);
            drop(&b);
        }
    }
}

static void test_threads(void)
{
    const int64_t n = N_MAX, c = 17;
    batch one = make(3, n, c), three = make(3, n, c);
    const sc_batch_norm norm = norm_of(&one, n, c, true, true);
    run(&one, &norm, true, 1);
    run(&three, &norm, true, 3);
    CHECK_EQ(memcmp(one.y, three.y, (size_t)(n * c) * 2), 0);
    CHECK_EQ(memcmp(one.dx, three.dx, (size_t)(n * c) * 2), 0);
    CHECK_EQ(memcmp(one.dweight, three.dweight, sizeof one.dweight), 0);
    CHECK(one.dbias[0] != 0.0f);
    drop(&one);
    drop(&three);
}

/* A NaN must not become 0 on its way through a ReLU. */
static void test_nan(void)
{
    const int64_t n = 40, c = 17;
    batch b = make(4, n, c);
    b.x[5 * c + 3] = 0x7fc0;
    const sc_batch_norm norm = norm_of(&b, n, c, true, true);
    run(&b, &norm, true, 1);
    CHECK(isnan(b.mean[3]) && isnan(sc_from_bf16(b.y[7 * c + 3])));
    CHECK(!isnan(b.mean[4]) && !isnan(sc_from_bf16(b.y[7 * c + 4])));
    drop(&b);
}

static void test_refusals(void)
{
    sc_error err = {0};
    batch b = make(5, 4, 4);
    sc_batch_norm norm = norm_of(&b, 0, 4, true, false);
    CHECK_EQ(
        sc_batch_norm_forward(&norm, b.x, NULL, NULL, b.y, b.mean, b.variance, 1, &err),
        SC_BAD_SHAPE);
    norm = norm_of(&b, 4, SC_SIDE_MAX + 1, false, false);
    CHECK_EQ(
        sc_batch_norm_forward(&norm, b.x, NULL, NULL, b.y, b.mean, b.variance, 1, &err),
        SC_BAD_SHAPE);
    norm = norm_of(&b, 4, 4, true, false);
    CHECK_EQ(sc_batch_norm_backward(&norm, b.x, false, b.dy, b.mean, b.variance, b.dx,
                                    b.dweight, b.dbias, 0, &err),
             SC_BAD_VALUE);
    CHECK_EQ(err.code, SC_BAD_VALUE);
    drop(&b);
}

int main(void)
{
    test_refusals();
    if (!sc_batch_norm_supported()) {
        printf("this CPU has no AVX512_BF16: refusals alone\n");
        return check_end();
    }
    test_definition();
    test_threads();
    test_nan();
    return check_end();
}
