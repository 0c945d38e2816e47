/* A model's tensors: found by name, checked, converted; and weights ready to run. */
#include "nn/weights.h"

#include "kernels/bf16.h"
#include "kernels/conv_ref.h"

#include "base/memory.h"

#include "check.h"

#include <string.h>

static const int64_t TWO_BY_THREE[] = {2, 3};

static sc_tensor tensor(const char *name, sc_tensor_type type, int64_t n,
                        const void *data)
{
    return (sc_tensor){
        .name = name, .type = type, .ndim = 1, .shape = {n}, .data = data};
}

/* Creates an index of one tensor and takes it. */
static sc_status take_one(const sc_tensor *one, int ndim, const int64_t *shape,
                          float **out, sc_error *err)
{
    sc_source *source = NULL;
    CHECK_EQ(sc_source_create(one, 1, &source, err), SC_OK);
    const sc_status status = sc_source_take(source, one->name, ndim, shape, out, err);
    int64_t n_values = -1;
    const sc_status left = sc_source_finish(source, &n_values, NULL);
    CHECK_EQ(left == SC_OK, status == SC_OK);
    sc_source_destroy(source);
    return status;
}

static bool names(const sc_error *err, const char *text)
{
    if (strstr(err->text, text) != NULL) return true;
    fprintf(stderr, "not in \"%s\": %s\n", err->text, text);
    return false;
}

static void test_each_is_taken_by_name(void)
{
    const float a[] = {1, 2, 3, 4, 5, 6}, b[] = {7};
    const int64_t counter = 9;
    sc_tensor tensors[] = {
        {.name = "b.weight", .ndim = 2, .shape = {2, 3}, .data = a},
        tensor("a.bias", SC_TENSOR_F32, 1, b),
        tensor("a.num_batches_tracked", SC_TENSOR_F32, 1, &counter),
    };
    sc_source *source = NULL;
    sc_error err;
    float *out = NULL;
    int64_t n_values = -1;
    CHECK_EQ(sc_source_create(tensors, 3, &source, &err), SC_OK);
    CHECK_EQ(sc_source_take(source, "b.weight", 2, TWO_BY_THREE, &out, &err), SC_OK);
    CHECK(memcmp(out, a, sizeof a) == 0);
    sc_free(out);
    CHECK_EQ(sc_source_finish(source, &n_values, &err), SC_BAD_MODEL);
    CHECK(names(&err, "a.bias"));
    CHECK_EQ(sc_source_take(source, "a.bias", 1, (const int64_t[]){1}, &out, &err),
             SC_OK);
    CHECK_EQ(out[0], 7.0f);
    sc_free(out);
    CHECK_EQ(sc_source_finish(source, &n_values, &err), SC_OK);
    CHECK_EQ(n_values, 7);
    CHECK_EQ(sc_source_take(source, "c.bias", 1, TWO_BY_THREE, &out, &err),
             SC_BAD_MODEL);
    CHECK(names(&err, "c.bias") && names(&err, "missing"));
    CHECK(out == NULL);
    sc_source_destroy(source);
    sc_source_destroy(NULL);
}

static void test_empty_and_twice(void)
{
    sc_source *source = NULL;
    sc_error err;
    float *out = NULL;
    CHECK_EQ(sc_source_create(NULL, 0, &source, &err), SC_OK);
    CHECK_EQ(sc_source_take(source, "a", 1, TWO_BY_THREE, &out, &err), SC_BAD_MODEL);
    sc_source_destroy(source);
    const float value = 1;
    const sc_tensor twice[] = {tensor("stem", SC_TENSOR_F32, 1, &value),
                               tensor("a", SC_TENSOR_F32, 1, &value),
                               tensor("stem", SC_TENSOR_F32, 1, &value)};
    CHECK_EQ(sc_source_create(twice, 3, &source, &err), SC_BAD_MODEL);
    CHECK(source == NULL);
    CHECK(names(&err, "stem") && names(&err, "twice"));
}

static void test_wrong_shapes(void)
{
    const float a[6] = {0};
    const sc_tensor flat = tensor("flat", SC_TENSOR_F32, 6, a);
    const sc_tensor turned = {.name = "turned", .ndim = 2, .shape = {3, 2}, .data = a};
    sc_error err;
    float *out = NULL;
    CHECK_EQ(take_one(&flat, 2, TWO_BY_THREE, &out, &err), SC_BAD_MODEL);
    CHECK(names(&err, "flat") && names(&err, "(6)") && names(&err, "(2, 3)"));
    CHECK_EQ(take_one(&turned, 2, TWO_BY_THREE, &out, &err), SC_BAD_MODEL);
    CHECK(names(&err, "(3, 2)"));
    CHECK_EQ(take_one(&turned, 1, TWO_BY_THREE, &out, &err), SC_BAD_MODEL);
    const sc_tensor scalar = {.name = "scalar", .data = a};
    CHECK_EQ(take_one(&scalar, 2, TWO_BY_THREE, &out, &err), SC_BAD_MODEL);
    CHECK(names(&err, "the shape (); expected (2, 3)"));
    CHECK(out == NULL);
}

static void test_not_finite(void)
{
    const int64_t n[] = {4};
    const float nan[] = {1, NAN, 2, -INFINITY};
    const uint16_t half[] = {0x3c00, 0x7c00, 0x7e00, 0xfc00}; /* 1, inf, NaN, -inf */
    const uint16_t brain[] = {0x3f80, 0x3f80, 0x7fc0, 0x3f80};
    const sc_tensor tensors[] = {tensor("f32", SC_TENSOR_F32, 4, nan),
                                 tensor("f16", SC_TENSOR_F16, 4, half),
                                 tensor("bf16", SC_TENSOR_BF16, 4, brain)};
    const char *counts[] = {"2 values", "3 values", "1 values"};
    for (int i = 0; i < 3; i++) {
        sc_error err;
        float *out = NULL;
        CHECK_EQ(take_one(&tensors[i], 1, n, &out, &err), SC_BAD_MODEL);
        CHECK(names(&err, tensors[i].name) && names(&err, counts[i]));
        CHECK(out == NULL);
    }
}

/* binary16 by its definition. */
static double half_value(uint16_t h)
{
    const int exponent = h >> 10 & 31, mantissa = h & 1023;
    const double v = exponent == 0 ? mantissa * 0x1p-24
                                   : (1 + mantissa / 1024.0) * pow(2.0, exponent - 15);
    return h >> 15 ? -v : v;
}

/* All finite values of 16 bits, at an odd address. */
static void check_all_values(sc_tensor_type type)
{
    enum { N = 0x10000 };
    uint8_t *data = sc_alloc(2 * N + 1);
    uint16_t *bits = sc_alloc(2 * N);
    int64_t n = 0;
    for (int i = 0; i < N; i++) {
        const int exponent = type == SC_TENSOR_F16 ? 0x7c00 : 0x7f80;
        if ((i & exponent) != exponent) bits[n++] = (uint16_t)i;
    }
    memcpy(data + 1, bits, (size_t)n * 2);
    const sc_tensor one = tensor("all", type, n, data + 1);
    float *out = NULL;
    CHECK_EQ(take_one(&one, 1, &n, &out, NULL), SC_OK);
    for (int64_t i = 0; i < n && out != NULL; i++) {
        const double want = type == SC_TENSOR_F16 ? half_value(bits[i])
                                                  : (double)sc_from_bf16(bits[i]);
        CHECK_EQ((double)out[i], want);
        CHECK_EQ(!signbit(out[i]), bits[i] < 0x8000);
    }
    sc_free(out);
    sc_free(bits);
    sc_free(data);
}

static void test_unaligned_f32(void)
{
    const float values[] = {1.5f, -0.0f, 1e-45f, 3.4028235e38f};
    const int64_t n = 4;
    for (size_t shift = 0; shift < 8; shift++) {
        char data[sizeof values + 8];
        memcpy(data + shift, values, sizeof values);
        const sc_tensor one = tensor("odd", SC_TENSOR_F32, n, data + shift);
        float *out = NULL;
        CHECK_EQ(take_one(&one, 1, &n, &out, NULL), SC_OK);
        CHECK(memcmp(out, values, sizeof values) == 0);
        sc_free(out);
    }
}

static void test_channels(void)
{
    const float values[] = {1, 2, 3};
    float *out = sc_channels(values, 3, 9);
    for (int i = 0; i < 32; i++) CHECK_EQ(out[i], i < 3 ? values[i] : 0.0f);
    sc_free(out);
    out = sc_channels(NULL, 17, 2);
    for (int i = 0; i < 48; i++) CHECK_EQ(out[i], i < 17 ? 2.0f : 0.0f);
    sc_free(out);
}

enum { OC = 18, IC = 5, KH = 3, KW = 2 };

static float folded(int64_t c, int64_t k, int64_t t, const float *scale)
{
    return (float)((c * IC + k) * KH * KW + t - 200) * (scale ? scale[c] : 1.0f);
}

static void check_conv_weights(const sc_engine *engine, bool merged, const float *scale)
{
    float wei[OC * IC * KH * KW], bias[OC];
    for (int i = 0; i < OC * IC * KH * KW; i++) wei[i] = (float)(i - 200);
    for (int i = 0; i < OC; i++) bias[i] = (float)i;
    sc_conv_weights *w = NULL;
    const sc_conv_shape shape = {OC, IC, KH, KW, 1, merged};
    CHECK_EQ(sc_conv_weights_create(engine, shape, wei, scale, scale ? NULL : bias, &w,
                                    NULL),
             SC_OK);
    CHECK_EQ(w->n_taps, merged ? KH : KH * KW);
    CHECK_EQ(w->kc, merged ? KW * IC : IC);
    for (int c = 0; c < 32; c++)
        CHECK_EQ(w->bias[c], c < OC && !scale ? bias[c] : 0.0f);
    const int64_t depth = engine->bf16 ? sc_round_up(w->kc, 32) : w->kc;
    CHECK_EQ(w->wei_block, w->n_taps * depth * 16);
    for (int64_t c = 0; c < OC; c++) {
        for (int64_t i = 0; i < KH * KW * IC; i++) {
            const int64_t block = c / 16 * w->wei_block, t = i / w->kc, k = i % w->kc;
            const float want = folded(c, i % IC, i / IC, scale);
            if (engine->bf16) {
                const int64_t at = block + (t * depth + k / 2 * 2) * 16 + c % 16 * 2 +
                                   k % 2;
                CHECK_EQ(((const uint16_t *)w->packed)[at], sc_to_bf16(want));
            } else {
                const int64_t at = block + (t * depth + k) * 16 + c % 16;
                CHECK_EQ(((const float *)w->packed)[at], want);
            }
        }
    }
    sc_conv_weights_destroy(w);
}

static void test_conv_weights(void)
{
    float scale[OC];
    for (int i = 0; i < OC; i++) scale[i] = (float)(i % 5 - 2);
    /* Only packing is asked of them, which every CPU can do. */
    const sc_engine f32 = {.item_nbytes = 4, .conv = sc_conv_ref_f32};
    const sc_engine bf16 = {.item_nbytes = 2, .conv = sc_conv_ref_bf16, .bf16 = true};
    for (int merged = 0; merged < 2; merged++) {
        check_conv_weights(&f32, merged, NULL);
        check_conv_weights(&f32, merged, scale);
        check_conv_weights(&bf16, merged, scale);
    }
    sc_conv_weights_destroy(NULL);
}

int main(void)
{
    test_each_is_taken_by_name();
    test_empty_and_twice();
    test_wrong_shapes();
    test_not_finite();
    check_all_values(SC_TENSOR_F16);
    check_all_values(SC_TENSOR_BF16);
    test_unaligned_f32();
    test_channels();
    test_conv_weights();
    return check_end();
}
