/* oneDNN's convolutions and what follows them: exact on small integers, never its reference
 * code, weights reordered once, single-threaded. */
#include "kernels/conv_onednn.h"

#include "kernels/bf16.h"

#include "base/memory.h"
#include "base/threads.h"
#include "nn/weights.h"

#include "check.h"
#include "random.h"

#include <malloc.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

static const sc_engine ENGINE = {.item_nbytes = 4}; /* without a kernel: oneDNN's */

static const sc_onednn_finish SUMS = {.dst = SC_ONEDNN_F32};

static float *integers(generator *g, int64_t n)
{
    float *out = sc_alloc((size_t)n * sizeof *out);
    for (int64_t i = 0; i < n; i++) out[i] = (float)next_int(g, -3, 3);
    return out;
}

/* 'src' (.., width, ic), 'wei' PyTorch's (oc, ic, kh, kw): output pixel (y, x). */
static float plain(const sc_conv_shape *s, const float *src, int64_t width,
                   const float *wei, int64_t c, int64_t y, int64_t x)
{
    float sum = 0.0f;
    for (int64_t k = 0; k < s->ic; k++) {
        for (int64_t t = 0; t < s->kh * s->kw; t++) {
            const int64_t at = (y * s->stride + t / s->kw) * width + x * s->stride +
                               t % s->kw;
            sum += src[at * s->ic + k] * wei[(c * s->ic + k) * s->kh * s->kw + t];
        }
    }
    return sum;
}

static void check_conv(sc_conv_shape shape, int64_t rows, int64_t columns)
{
    generator g = {(uint64_t)(shape.oc * 100 + shape.ic)};
    const int64_t height = (rows - 1) * shape.stride + shape.kh;
    const int64_t width = (columns - 1) * shape.stride + shape.kw;
    float *src = integers(&g, height * width * shape.ic);
    float *wei = integers(&g, shape.oc * shape.ic * shape.kh * shape.kw);
    float *dst = integers(&g, rows * columns * shape.oc);
    sc_conv_weights *weights = NULL;
    sc_onednn_conv *conv = NULL;
    sc_error err = {0};
    CHECK_EQ(sc_conv_weights_create(&ENGINE, shape, wei, NULL, NULL, &weights, &err),
             SC_OK);
    CHECK(weights->packed == NULL && weights->onednn != NULL);
    CHECK_EQ(sc_onednn_conv_create(weights->onednn, &SUMS, rows, columns, &conv, &err),
             SC_OK);
    CHECK(strncmp(sc_onednn_conv_name(conv), "ref", 3) != 0);
    int64_t n_wrong = 0, n_nonzero = 0;
    for (int again = 0; again < 2; again++) {
        CHECK_EQ(sc_onednn_conv_run(conv, src, NULL, dst, &err), SC_OK);
        for (int64_t i = 0; i < rows * columns * shape.oc; i++) {
            const int64_t p = i / shape.oc;
            const float want =
                plain(&shape, src, width, wei, i % shape.oc, p / columns, p % columns);
            n_wrong += !(dst[i] == want);
            n_nonzero += want != 0.0f;
        }
    }
    CHECK_EQ(n_wrong, 0);
    CHECK(n_nonzero > rows * columns * shape.oc);
    sc_onednn_conv_destroy(conv);
    sc_conv_weights_destroy(weights);
    sc_free(src);
    sc_free(wei);
    sc_free(dst);
}

static void check_convs(void)
{
    check_conv((sc_conv_shape){8, 1, 3, 3, 1, true}, 6, 9);
    check_conv((sc_conv_shape){64, 3, 7, 7, 2, true}, 5, 6);
    check_conv((sc_conv_shape){17, 8, 3, 3, 1, false}, 7, 5);
    check_conv((sc_conv_shape){51, 33, 1, 1, 1, false}, 3, 4);
    check_conv((sc_conv_shape){1, 51, 1, 1, 1, false}, 6, 6);
    check_conv((sc_conv_shape){35, 21, 3, 3, 1, false}, 4, 40);
    check_conv((sc_conv_shape){32, 128, 3, 3, 1, false}, 2, 2);
}

/* ---- What follows the sums, of bytes too ---------------------------------------------- */

enum { OC = 35, IC = 21, SIDE = 5, N_SRC = (SIDE + 2) * (SIDE + 2) * IC };

static void numbers(float *out, generator *g, int n, int64_t low, int64_t high)
{
    for (int i = 0; i < n; i++) out[i] = (float)next_int(g, low, high);
}

typedef struct {
    int8_t wei[OC * 9 * IC]; /* (oc, kh, kw, ic) */
    float wei_f32[OC * 9 * IC], src[N_SRC], more[SIDE * SIDE * OC];
    float scale[OC], bias[OC], post_scale[OC], post_shift[OC];
    uint8_t src_u8[N_SRC];
    uint16_t src_bf16[N_SRC];
} layer;

static void make_layer(generator *g, layer *l)
{
    numbers(l->wei_f32, g, OC * 9 * IC, -3, 3);
    numbers(l->src, g, N_SRC, 0, 6);
    numbers(l->more, g, SIDE * SIDE * OC, -9, 9);
    numbers(l->bias, g, OC, -9, 9);
    numbers(l->post_scale, g, OC, -2, 2);
    numbers(l->post_shift, g, OC, 0, 60);
    for (int i = 0; i < OC * 9 * IC; i++) l->wei[i] = (int8_t)l->wei_f32[i];
    for (int i = 0; i < N_SRC; i++) {
        l->src_u8[i] = (uint8_t)l->src[i];
        l->src_bf16[i] = sc_to_bf16(l->src[i]);
    }
    for (int c = 0; c < OC; c++) l->scale[c] = c % 2 ? 0.5f : 0.25f; /* exact */
}

static float expected(const layer *l, const sc_onednn_finish *f, int i)
{
    const int c = i % OC, y = i / OC / SIDE, x = i / OC % SIDE;
    float v = 0.0f;
    for (int t = 0; t < 9; t++) {
        const float *src = l->src + ((y + t / 3) * (SIDE + 2) + x + t % 3) * IC;
        for (int k = 0; k < IC; k++) v += src[k] * l->wei_f32[(c * 9 + t) * IC + k];
    }
    if (f->sum_scale != NULL) v *= f->sum_scale[c];
    if (f->bias != NULL) v += f->bias[c];
    if (f->add) v += l->more[i];
    if (f->relu) v = fmaxf(v, 0.0f);
    if (f->post_scale != NULL) v = v * f->post_scale[c] + f->post_shift[c];
    if (f->dst == SC_ONEDNN_U8) v = rintf(fminf(fmaxf(v, 0.0f), 255.0f));
    return f->dst == SC_ONEDNN_BF16 ? sc_from_bf16(sc_to_bf16(v)) : v;
}

/* 'parts': 1 a bias, 2 an added map, 4 a ReLU, 8 a Norm behind. */
static void check_finish(const layer *l, sc_onednn_type type, sc_onednn_type to,
                         int parts)
{
    static union {
        float f32[SIDE * SIDE * OC];
        uint16_t bf16[SIDE * SIDE * OC];
        uint8_t u8[SIDE * SIDE * OC];
    } dst;
    const sc_conv_shape shape = {OC, IC, 3, 3, 1, false};
    const bool post = parts & 8, bytes = type == SC_ONEDNN_U8;
    const sc_onednn_finish finish = {.sum_scale = bytes ? l->scale : NULL,
                                     .bias = parts & 1 ? l->bias : NULL,
                                     .add = parts & 2,
                                     .relu = parts & 4,
                                     .post_scale = post ? l->post_scale : NULL,
                                     .post_shift = post ? l->post_shift : NULL,
                                     .dst = to};
    const void *const sources[] = {l->src, l->src_bf16, l->src_u8};
    const void *plain = bytes ? (const void *)l->wei : l->wei_f32;
    sc_onednn_weights *weights = NULL;
    sc_onednn_conv *conv = NULL;
    sc_error err = {0};
    CHECK_EQ(sc_onednn_weights_create(&shape, plain, type, &weights, &err), SC_OK);
    CHECK_EQ(sc_onednn_conv_create(weights, &finish, SIDE, SIDE, &conv, &err), SC_OK);
    for (int again = 0; again < 2; again++) {
        if (finish.add) memcpy(&dst, l->more, sizeof l->more);
        const float *more = to == SC_ONEDNN_F32 ? dst.f32 : l->more;
        CHECK_EQ(sc_onednn_conv_run(conv, sources[type], more, &dst, &err), SC_OK);
        int n_wrong = 0;
        for (int i = 0; i < SIDE * SIDE * OC; i++) {
            const float got = to == SC_ONEDNN_U8     ? dst.u8[i]
                              : to == SC_ONEDNN_BF16 ? sc_from_bf16(dst.bf16[i])
                                                     : dst.f32[i];
            n_wrong += !(got == expected(l, &finish, i));
        }
        CHECK_EQ(n_wrong, 0);
    }
    sc_onednn_conv_destroy(conv);
    sc_onednn_weights_destroy(weights);
}

static void check_finishes(void)
{
    static layer l;
    generator g = {3};
    make_layer(&g, &l);
    const sc_isa isa = sc_cpu_isa();
    const bool bf16 = sc_cpu_has_bf16(), int8 = sc_isa_has_int8(isa);
    for (int parts = 0; parts < 16; parts++) {
        check_finish(&l, SC_ONEDNN_F32, SC_ONEDNN_F32, parts);
        if (bf16) check_finish(&l, SC_ONEDNN_BF16, SC_ONEDNN_F32, parts);
        if (bf16) check_finish(&l, SC_ONEDNN_BF16, SC_ONEDNN_BF16, parts);
        if (int8) check_finish(&l, SC_ONEDNN_U8, SC_ONEDNN_F32, parts);
        if (int8) check_finish(&l, SC_ONEDNN_U8, SC_ONEDNN_U8, parts);
        if (bf16 && int8) check_finish(&l, SC_ONEDNN_U8, SC_ONEDNN_BF16, parts);
    }
}

/* ---- Weights are reordered once ----------------------------------------------------- */

size_t __sanitizer_get_current_allocated_bytes(void) __attribute__((weak));

static size_t allocated_nbytes(void)
{
    if (__sanitizer_get_current_allocated_bytes != NULL) {
        return __sanitizer_get_current_allocated_bytes();
    }
    const struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void check_copies(void)
{
    const sc_conv_shape shape = {512, 512, 3, 3, 1, false};
    const size_t weights_nbytes = (size_t)512 * 512 * 9 * sizeof(float);
    float *wei = sc_calloc(weights_nbytes);
    sc_conv_weights *weights = NULL;
    sc_onednn_conv *first = NULL, *second = NULL;
    CHECK_EQ(sc_conv_weights_create(&ENGINE, shape, wei, NULL, NULL, &weights, NULL),
             SC_OK);
    sc_free(wei);
    const size_t before = allocated_nbytes();
    CHECK_EQ(sc_onednn_conv_create(weights->onednn, &SUMS, 2, 3, &first, NULL), SC_OK);
    const size_t once = allocated_nbytes();
    CHECK_EQ(sc_onednn_conv_create(weights->onednn, &SUMS, 2, 3, &second, NULL), SC_OK);
    const size_t twice = allocated_nbytes();
    if (before > 0) {
        CHECK(once >= before + weights_nbytes);
        CHECK(twice < once + weights_nbytes / 4);
    } else {
        puts("nobody counts the memory here (valgrind): not looked at");
    }
    /* The copy is the weights': it outlives who asked for it first. */
    sc_onednn_conv_destroy(first);
    const int64_t n_src = (int64_t)4 * 5 * 512, n_dst = (int64_t)2 * 3 * 512;
    float *src = sc_calloc((size_t)n_src * 4), *dst = sc_alloc((size_t)n_dst * 4);
    CHECK_EQ(sc_onednn_conv_run(second, src, NULL, dst, NULL), SC_OK);
    CHECK_EQ(dst[n_dst - 1], 0.0f);
    sc_free(src);
    sc_free(dst);
    sc_onednn_conv_destroy(second);
    sc_conv_weights_destroy(weights);
    sc_onednn_conv_destroy(NULL);
    sc_onednn_weights_destroy(NULL);
}

static void run_checks(void *arg, int thread, int n_threads)
{
    (void)arg;
    (void)thread;
    (void)n_threads;
    sc_onednn_own_thread();
    CHECK_EQ(omp_get_max_threads(), 1);
    check_convs();
    check_finishes();
    check_copies();
}

int main(void)
{
    int version[3];
    sc_onednn_version(version);
    CHECK_EQ(version[0], 3);
    omp_set_num_threads(3);
    sc_pool *pool = NULL;
    atomic_bool cancel = false;
    CHECK_EQ(sc_pool_create(1, &pool, NULL), SC_OK);
    sc_pool_run(pool, run_checks, NULL, NULL, NULL, &cancel);
    sc_pool_destroy(pool);
    CHECK_EQ(omp_get_max_threads(), 3); /* the caller's own setting is as it was */
    return check_end();
}
