/* Random networks for test_plan.c: maps that share no memory, the steps between them,
 * and what each step means, in plain loops in double.
 *
 * On integers all is exact: the maps that sums start from are kept small.
 */
#ifndef SC_TESTS_RECIPES_H
#define SC_TESTS_RECIPES_H

#include "kernels/bf16.h"
#include "nn/plan.h"

#include "base/memory.h"

#include "check.h"
#include "random.h"

#include <string.h>

enum { MAX_MAPS = 40, MAX_OPS = 90 };

/* A buffer, and what it should hold: (h, w, c). */
typedef struct {
    int64_t h, w, c, halo;
    bool dense, f32;
    float *v;
    double max;
} map;

typedef enum { OP_INPUT, OP_CONV, OP_POOL, OP_CAPTURE } op_kind;

typedef struct {
    op_kind kind;
    int src, dst, add, n_phases; /* maps; add: -1 for none */
    int64_t src_channel, dst_channel;
    sc_conv_shape shape[2];
    float *wei[2], *bias[2];
    sc_conv_weights *packed[2];
    float *add_scale, *post_scale, *post_shift, *norm_scale, *norm_shift;
    bool relu, mean2;
    int back; /* map whose ReLU the sums go back through; -1: none */
    int64_t back_channel;
    float *back_scale, *back_shift;
    bool back_add, spread2;
    int64_t dst_y, dst_x, dst_stride;
    int64_t k, stride, origin; /* pools */
    float *want, *got, *first; /* captures: (c, h, w) */
    int64_t n;
} op;

typedef struct {
    generator g;
    sc_engine engine;
    bool reals;
    map maps[MAX_MAPS];
    op ops[MAX_OPS];
    int n_maps, n_ops;
} recipe;

/* ---- What the steps mean ----------------------------------------------------------- */

static float rounded(const recipe *r, bool f32, double v)
{
    return r->engine.bf16 && !f32 ? sc_from_bf16(sc_to_bf16((float)v)) : (float)v;
}

/* Outside is zero. */
static double at(const map *m, int64_t y, int64_t x, int64_t c)
{
    const bool inside = y >= 0 && y < m->h && x >= 0 && x < m->w;
    return inside ? (double)m->v[(y * m->w + x) * m->c + c] : 0.0;
}

static double normed(const op *o, const map *m, int64_t y, int64_t x, int64_t k)
{
    const double v = at(m, y, x, o->src_channel + k) * (double)o->norm_scale[k];
    return fmax(v + (double)o->norm_shift[k], 0);
}

static double input(const recipe *r, const op *o, int64_t y, int64_t x, int64_t k)
{
    const map *m = &r->maps[o->src];
    if (o->norm_scale == NULL) return at(m, y, x, o->src_channel + k);
    if (!o->mean2) return (double)rounded(r, false, normed(o, m, y, x, k));
    const double sum =
        normed(o, m, 2 * y, 2 * x, k) + normed(o, m, 2 * y, 2 * x + 1, k) +
        normed(o, m, 2 * y + 1, 2 * x, k) + normed(o, m, 2 * y + 1, 2 * x + 1, k);
    return (double)rounded(r, false, 0.25 * sum);
}

static double phase_sum(const recipe *r, const op *o, int i, int64_t y, int64_t x,
                        int64_t c)
{
    const sc_conv_shape *s = &o->shape[i];
    const int64_t pad = (s->kh - 1) / 2;
    double sum = 0;
    for (int64_t k = 0; k < s->ic; k++) {
        const float *wei = o->wei[i] + (c * s->ic + k) * s->kh * s->kw;
        for (int64_t t = 0; t < s->kh * s->kw; t++) {
            if (wei[t] == 0) continue;
            const int64_t sy = y * s->stride + t / s->kw - pad;
            const int64_t sx = x * s->stride + t % s->kw - pad;
            sum += (double)rounded(r, false, (double)wei[t]) * input(r, o, sy, sx, k);
        }
    }
    return sum;
}

static void output_size(const recipe *r, const op *o, int64_t *h, int64_t *w)
{
    const int64_t by = o->mean2 ? 2 : o->shape[0].stride;
    const map *m = &r->maps[o->src];
    *h = o->mean2 ? m->h / 2 : (m->h - 1) / by + 1;
    *w = o->mean2 ? m->w / 2 : (m->w - 1) / by + 1;
}

static void put_back(recipe *r, const op *o, int64_t y, int64_t x, int64_t c, double v)
{
    map *dst = &r->maps[o->dst];
    double side = at(&r->maps[o->back], y, x, o->back_channel + c);
    if (o->back_scale != NULL) {
        side = side * (double)o->back_scale[c] + (double)o->back_shift[c];
    }
    float *out = dst->v + (y * dst->w + x) * dst->c + o->dst_channel + c;
    const double before = o->back_add ? (double)*out : 0.0;
    *out = rounded(r, dst->f32, before + (side > 0 ? v : 0.0));
}

static void evaluate_back(recipe *r, const op *o)
{
    const map *src = &r->maps[o->src], *dst = &r->maps[o->dst];
    const int64_t by = o->spread2 ? 2 : 1;
    for (int64_t i = 0; i < dst->h * dst->w * o->shape[0].oc; i++) {
        const int64_t c = i % o->shape[0].oc, p = i / o->shape[0].oc;
        const int64_t y = p / dst->w, x = p % dst->w;
        const bool inside = y / by < src->h && x / by < src->w;
        put_back(r, o, y, x, c, inside ? phase_sum(r, o, 0, y / by, x / by, c) : 0.0);
    }
}

static void evaluate_conv(recipe *r, const op *o)
{
    int64_t h, w;
    output_size(r, o, &h, &w);
    map *dst = &r->maps[o->dst];
    for (int64_t i = 0; i < h * w; i++) {
        const int64_t y = i / w, x = i % w;
        const int64_t pixel = (o->dst_y + y * o->dst_stride) * dst->w + o->dst_x +
                              x * o->dst_stride;
        for (int64_t c = 0; c < o->shape[0].oc; c++) {
            float *out = dst->v + pixel * dst->c + o->dst_channel + c;
            double v = phase_sum(r, o, 0, y, x, c);
            if (o->add >= 0) {
                v += at(&r->maps[o->add], y, x, c) *
                     (o->add_scale ? (double)o->add_scale[c] : 1.0);
            }
            v += (double)o->bias[0][c];
            if (o->n_phases == 2) {
                v = fmax(v, 0) + phase_sum(r, o, 1, y, x, c) + (double)o->bias[1][c];
            }
            if (o->relu) v = fmax(v, 0);
            if (o->post_scale)
                v = v * (double)o->post_scale[c] + (double)o->post_shift[c];
            *out = rounded(r, dst->f32, v);
        }
    }
}

static void evaluate_pool(recipe *r, const op *o)
{
    const map *src = &r->maps[o->src];
    map *dst = &r->maps[o->dst];
    for (int64_t i = 0; i < dst->h * dst->w * dst->c; i++) {
        const int64_t c = i % dst->c, x = i / dst->c % dst->w, y = i / dst->c / dst->w;
        double v = -INFINITY;
        for (int64_t t = 0; t < o->k * o->k; t++) {
            v = fmax(v, at(src, y * o->stride + o->origin + t / o->k,
                           x * o->stride + o->origin + t % o->k, o->src_channel + c));
        }
        dst->v[i] = (float)v;
    }
}

static void evaluate(recipe *r, const op *o, const float *image)
{
    const map *src = &r->maps[o->src];
    map *dst = &r->maps[o->dst];
    const int64_t plane = src->h * src->w;
    if (o->kind == OP_CONV && o->back < 0) evaluate_conv(r, o);
    if (o->kind == OP_CONV && o->back >= 0) evaluate_back(r, o);
    if (o->kind == OP_POOL) evaluate_pool(r, o);
    for (int64_t i = 0; o->kind == OP_CAPTURE && i < plane * src->c; i++) {
        o->want[i] = src->v[i % plane * src->c + i / plane];
    }
    for (int64_t i = 0; o->kind == OP_INPUT && i < plane * src->c; i++) {
        dst->v[i % plane * src->c + i / plane] = rounded(r, false, (double)image[i]);
    }
    dst->max = 0;
    for (int64_t i = 0; i < dst->h * dst->w * dst->c; i++) {
        dst->max = fmax(dst->max, fabs((double)dst->v[i]));
    }
}

/* ---- Random recipes ------------------------------------------------------------------ */

static float *numbers(recipe *r, int64_t n, int64_t limit)
{
    float *out = sc_channels(NULL, n, 0.0f), l = (float)limit;
    for (int64_t i = 0; i < n; i++) {
        out[i] = r->reals ? next_real(&r->g, -l, l)
                          : (float)next_int(&r->g, -limit, limit);
    }
    return out;
}

static int add_map(recipe *r, int64_t h, int64_t w, int64_t c, int64_t halo, bool f32)
{
    map *m = &r->maps[r->n_maps];
    *m = (map){.h = h, .w = w, .c = c, .halo = f32 ? 0 : halo, .f32 = f32};
    m->v = sc_calloc((size_t)(h * w * c) * sizeof(float));
    return r->n_maps++;
}

static op *add_op(recipe *r, op_kind kind, int src, int dst)
{
    op *o = &r->ops[r->n_ops++];
    *o = (op){.kind = kind,
              .src = src,
              .dst = dst,
              .add = -1,
              .back = -1,
              .n_phases = 1,
              .dst_stride = 1};
    return o;
}

static void capture(recipe *r, int src)
{
    op *o = add_op(r, OP_CAPTURE, src, src);
    o->n = r->maps[src].h * r->maps[src].w * r->maps[src].c;
    o->want = numbers(r, o->n, 1);
    o->got = numbers(r, o->n, 1);
    o->first = numbers(r, o->n, 1);
    evaluate(r, o, NULL);
}

/* A map that sums of integers may start from: small values, a border for 3 x 3. */
static int any_map(recipe *r)
{
    for (int tries = 0; tries < 20; tries++) {
        const int i = (int)next_int(&r->g, 0, r->n_maps - 1);
        const map *m = &r->maps[i];
        if (m->halo >= 1 && m->max <= 60 && !m->f32) return i;
    }
    return 0;
}

/* 'oc' channels from a slice of the source to 'dst'; the caller evaluates. */
static op *add_conv(recipe *r, int src, int dst, int64_t channel, int64_t oc, int64_t k)
{
    op *o = add_op(r, OP_CONV, src, dst);
    const int64_t c = r->maps[src].c;
    const bool merged = r->maps[src].dense && k > 1;
    o->src_channel = merged ? 0 : next_int(&r->g, 0, next_bool(&r->g) ? 0 : c - 1);
    o->dst_channel = channel;
    o->shape[0] = (sc_conv_shape){oc, c - o->src_channel, k, k, 1, merged};
    o->relu = next_bool(&r->g);
    o->wei[0] = numbers(r, oc * c * k * k, 1);
    o->bias[0] = numbers(r, oc, 3);
    if (next_bool(&r->g)) {
        o->post_scale = numbers(r, oc, 2);
        o->post_shift = numbers(r, oc, 3);
    }
    return o;
}

/* Two slices side by side, then (often) a 1 x 1 added onto both in place. */
static int add_block(recipe *r)
{
    const int src = any_map(r);
    const map *m = &r->maps[src];
    const int64_t a = next_int(&r->g, 1, 20), b = next_int(&r->g, 1, 40);
    const int dst = add_map(r, m->h, m->w, a + b, next_int(&r->g, 1, 2), false);
    evaluate(r, add_conv(r, src, dst, 0, a, next_bool(&r->g) ? 3 : 1), NULL);
    evaluate(r, add_conv(r, src, dst, a, b, 3), NULL);
    if (next_bool(&r->g) && r->maps[dst].max <= 60) {
        op *o = add_conv(r, src, dst, 0, a + b, 1);
        o->add = dst;
        o->add_scale = numbers(r, a + b, 2);
        evaluate(r, o, NULL);
    }
    return dst;
}

static int add_unit(recipe *r)
{
    const int src = any_map(r);
    const map *m = &r->maps[src];
    const int64_t oc = next_int(&r->g, 1, 40);
    const bool slice = next_bool(&r->g);
    const int dst = add_map(r, m->h, m->w, slice ? oc + 7 : oc, 1, false);
    if (slice) evaluate(r, add_conv(r, src, dst, oc, 7, 1), NULL);
    op *o = add_conv(r, src, dst, 0, oc, m->dense ? 1 : 3);
    o->n_phases = 2;
    o->shape[1] = o->shape[0];
    o->shape[1].kh = o->shape[1].kw = 1;
    o->wei[1] = numbers(r, oc * m->c, 1);
    o->bias[1] = numbers(r, oc, 3);
    evaluate(r, o, NULL);
    return dst;
}

static int add_norm(recipe *r)
{
    const int src = any_map(r);
    const map *m = &r->maps[src];
    const bool mean2 = next_bool(&r->g) && m->h > 1 && m->w > 1;
    const int64_t oc = next_int(&r->g, 1, 70), by = mean2 ? 2 : 1;
    const int dst = add_map(r, m->h / by, m->w / by, oc, 1, next_int(&r->g, 0, 3) == 0);
    op *o = add_conv(r, src, dst, 0, oc, 1);
    o->mean2 = mean2;
    o->norm_scale = numbers(r, m->c, 2);
    o->norm_shift = numbers(r, m->c, 3);
    evaluate(r, o, NULL);
    return dst;
}

static int add_pool(recipe *r)
{
    const int src = any_map(r);
    const map *m = &r->maps[src];
    const bool small = next_bool(&r->g) && m->h > 1 && m->w > 1;
    const int64_t channel = next_int(&r->g, 0, m->c - 1);
    const int dst = add_map(r, small ? m->h / 2 : (m->h - 1) / 2 + 1,
                            small ? m->w / 2 : (m->w - 1) / 2 + 1, m->c - channel, 1,
                            false);
    op *o = add_op(r, OP_POOL, src, dst);
    o->src_channel = channel;
    o->k = small ? 2 : 3;
    o->stride = 2;
    o->origin = small ? 0 : -1;
    evaluate(r, o, NULL);
    return dst;
}

/* Twice the size, each pixel of 2 x 2 a convolution of its own. */
static int add_up(recipe *r)
{
    const int src = any_map(r);
    const map *m = &r->maps[src];
    if (m->h > 8) return add_pool(r);
    const int64_t oc = next_int(&r->g, 1, 20);
    const int dst = add_map(r, 2 * m->h, 2 * m->w, oc, 1, false);
    for (int i = 0; i < 4; i++) {
        op *o = add_conv(r, src, dst, 0, oc, 1);
        o->dst_y = i / 2;
        o->dst_x = i % 2;
        o->dst_stride = 2;
        evaluate(r, o, NULL);
    }
    return dst;
}

static int add_stem(recipe *r)
{
    const map *m = &r->maps[0];
    const int64_t oc = next_int(&r->g, 1, 33);
    const int dst = add_map(r, (m->h - 1) / 2 + 1, (m->w - 1) / 2 + 1, oc, 1, false);
    op *o = add_conv(r, 0, dst, 0, oc, 7);
    o->shape[0].stride = 2;
    evaluate(r, o, NULL);
    return dst;
}

/* Sums through the ReLU of another map, from its size or half of it. */
static void add_back_conv(recipe *r, int src, int relu, int dst, int64_t oc, bool add)
{
    const bool halved = r->maps[src].h != r->maps[relu].h ||
                        r->maps[src].w != r->maps[relu].w;
    op *o = add_conv(r, src, dst, 0, oc, next_bool(&r->g) ? 3 : 1);
    for (int64_t i = 0; i < oc; i++) o->bias[0][i] = 0;
    sc_free(o->post_scale);
    sc_free(o->post_shift);
    o->post_scale = o->post_shift = NULL;
    o->relu = false;
    o->back = relu;
    o->back_channel = next_int(&r->g, 0, r->maps[relu].c - oc);
    o->back_add = add;
    o->spread2 = halved;
    if (next_bool(&r->g)) {
        o->back_scale = numbers(r, oc, 2);
        o->back_shift = numbers(r, oc, 3);
    }
    evaluate(r, o, NULL);
}

static int add_back(recipe *r)
{
    const int relu = any_map(r);
    const map m = r->maps[relu];
    /* In bf16 a real near 0 may round to either side of it. */
    if (r->reals && r->engine.bf16) return add_pool(r);
    int src = relu;
    if (next_bool(&r->g) && m.h > 1 && m.w > 1) {
        src = add_map(r, m.h / 2, m.w / 2, m.c, 1, false);
        op *o = add_op(r, OP_POOL, relu, src);
        o->k = o->stride = 2;
        evaluate(r, o, NULL);
    }
    const int64_t oc = next_int(&r->g, 1, m.c);
    const int dst = add_map(r, m.h, m.w, oc, 1, false);
    add_back_conv(r, src, relu, dst, oc, false);
    if (next_bool(&r->g))
        add_back_conv(r, src, relu, dst, next_int(&r->g, 1, oc), true);
    return dst;
}

static void recipe_create(recipe *r, const float *image)
{
    static int (*const MAKERS[])(recipe *) = {add_block, add_unit, add_norm, add_pool,
                                              add_up,    add_stem, add_back, add_back};
    const bool tiles = next_bool(&r->g); /* as Winograd needs them */
    const int64_t h = tiles ? 12 : next_int(&r->g, 1, 13);
    const int64_t w = tiles ? 8 : next_int(&r->g, 1, 17);
    const int first = add_map(r, h, w, next_int(&r->g, 1, 4), 3, false);
    r->maps[first].dense = true;
    evaluate(r, add_op(r, OP_INPUT, first, first), image);
    for (int i = 0; i < 10; i++) {
        const int made = MAKERS[next_int(&r->g, 0, 6)](r);
        if (next_int(&r->g, 0, 2) == 0) capture(r, made);
    }
    capture(r, r->n_maps - 1);
    capture(r, any_map(r));
}

static void recipe_destroy(recipe *r)
{
    for (int i = 0; i < r->n_maps; i++) sc_free(r->maps[i].v);
    for (int i = 0; i < r->n_ops; i++) {
        op *o = &r->ops[i];
        float *owned[] = {o->wei[0],     o->wei[1],     o->bias[0],    o->bias[1],
                          o->add_scale,  o->post_scale, o->post_shift, o->norm_scale,
                          o->norm_shift, o->want,       o->got,        o->first,
                          o->back_scale, o->back_shift};
        for (size_t j = 0; j < sizeof owned / sizeof *owned; j++) sc_free(owned[j]);
        for (int j = 0; j < 2; j++) sc_conv_weights_destroy(o->packed[j]);
    }
}

#endif
