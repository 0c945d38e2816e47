/* Random plans against the same steps on maps that share no memory: what a plan lays
 * over each other, cuts among threads or leaves from the image before must not show. */
#include "nn/plan.h"

#include "check.h"
#include "plans.h"
#include "recipes.h"

#include <stdlib.h>
#include <string.h>

/* ---- The same as plans ------------------------------------------------------------------ */

/* sc_custom_fn: the map as planes. */
static void run_capture(const void *context, const sc_engine *engine, const sc_map *m,
                        const sc_image *image, int thread, int n_threads)
{
    (void)image;
    const op *o = context;
    for (int64_t y = thread; y < m->h; y += n_threads) {
        const bool f32 = o->k != 0;
        for (int64_t i = 0; i < m->w * m->c; i++) {
            const int64_t x = i / m->c, c = i % m->c,
                          from = y * m->row + x * m->step + c;
            o->got[(c * m->h + y) * m->w + x] =
                engine->bf16 && !f32 ? sc_from_bf16(((const uint16_t *)m->data)[from])
                                     : ((const float *)m->data)[from];
        }
    }
}

static void plan_conv(const recipe *r, sc_plan *plan, const op *o)
{
    int64_t h, w;
    output_size(r, o, &h, &w);
    const sc_view add = {o->add, 0}, src = {o->src, o->src_channel};
    const sc_back back = {.src = {o->back, o->back_channel},
                          .norm_scale = o->back_scale,
                          .norm_shift = o->back_shift,
                          .add = o->back_add,
                          .spread2 = o->spread2};
    sc_plan_conv(plan, &(sc_conv_step){.name = "conv",
                                       .wei = {o->packed[0], o->packed[1]},
                                       .src = {src, src},
                                       .dst = {o->dst, o->dst_channel},
                                       .h = h,
                                       .w = w,
                                       .dst_y = o->dst_y,
                                       .dst_x = o->dst_x,
                                       .dst_stride = o->dst_stride,
                                       .relu = o->relu,
                                       .post_scale = o->post_scale,
                                       .post_shift = o->post_shift,
                                       .add = o->add >= 0 ? &add : NULL,
                                       .add_scale = o->add_scale,
                                       .norm_scale = o->norm_scale,
                                       .norm_shift = o->norm_shift,
                                       .mean2 = o->mean2,
                                       .back = o->back >= 0 ? &back : NULL});
}

static sc_plan *plan_of(recipe *r, int n_threads)
{
    sc_plan *plan = NULL;
    CHECK_EQ(sc_plan_create(&r->engine, n_threads, &plan, NULL), SC_OK);
    for (int i = 0; i < r->n_maps; i++) {
        const map *m = &r->maps[i];
        const int number =
            m->f32 ? sc_plan_buffer_f32(plan, m->h, m->w, m->c)
                   : sc_plan_buffer(plan, m->h, m->w, m->c, m->halo, m->dense);
        CHECK_EQ(number, i);
    }
    for (int i = 0; i < r->n_ops; i++) {
        op *o = &r->ops[i];
        const sc_view src = {o->src, o->src_channel}, dst = {o->dst, 0};
        if (o->kind == OP_INPUT) sc_plan_input(plan, "input", o->dst);
        if (o->kind == OP_CONV) plan_conv(r, plan, o);
        if (o->kind == OP_POOL) {
            sc_plan_max_pool(plan, "pool", src, dst, r->maps[o->dst].c, o->k, o->stride,
                             o->origin);
        }
        if (o->kind != OP_CAPTURE) continue;
        o->k = r->maps[o->src].f32;
        sc_plan_custom(plan, "capture", "copy", src, run_capture, o, 0.0);
    }
    CHECK_EQ(sc_plan_finish(plan, NULL), SC_OK);
    CHECK_EQ(sc_plan_n_steps(plan), r->n_ops);
    return plan;
}

static int n_winograd; /* steps */

static void count_winograd(const sc_plan *plan)
{
    for (int64_t i = 0; i < sc_plan_n_steps(plan); i++) {
        sc_layer_info info;
        sc_plan_describe(plan, i, &info);
        n_winograd += strstr(info.implementation, "winograd") != NULL;
    }
}

/* 'tolerance' is relative to the largest value of a map. */
static bool check_captures(const recipe *r, double tolerance)
{
    bool good = true;
    int64_t n = 0, n_nonzero = 0;
    for (int i = 0; i < r->n_ops; i++) {
        const op *o = &r->ops[i];
        double max = 0;
        for (int64_t j = 0; j < o->n; j++) max = fmax(max, fabs((double)o->want[j]));
        for (int64_t j = 0; j < o->n; j++) {
            const double d = fabs((double)o->got[j] - (double)o->want[j]);
            good = good && d <= tolerance * max;
            n_nonzero += o->want[j] != 0.0f;
        }
        n += o->n;
    }
    CHECK(n_nonzero > n / 8);
    return good;
}

static bool same_bits(const recipe *r)
{
    bool good = true;
    for (int i = 0; i < r->n_ops; i++) {
        const op *o = &r->ops[i];
        if (o->kind != OP_CAPTURE) continue;
        good = good && memcmp(o->got, o->first, (size_t)o->n * sizeof(float)) == 0;
    }
    return good;
}

static void check_threads(recipe *r, int n_threads, bool own, float *images[2],
                          double tolerance)
{
    sc_plan *plan = plan_of(r, n_threads);
    sc_pool *pool = NULL;
    CHECK_EQ(sc_pool_create(n_threads, &pool, NULL), SC_OK);
    plans_run(pool, plan, &r->engine, NULL);
    void *workspace = plans_place(plan, r->engine.bf16 ? 0 : 0xff); /* of NaN */
    count_winograd(plan);
    for (int i = 1; i >= 0; i--) { /* the other image leaves its values behind */
        const sc_image image = {.src = images[i]};
        plans_run(pool, plan, &r->engine, &image);
        for (int j = 0; j < r->n_ops; j++) evaluate(r, &r->ops[j], images[i]);
        CHECK(check_captures(r, tolerance));
    }
    for (int i = 0; n_threads == 1 && i < r->n_ops; i++) {
        op *o = &r->ops[i];
        if (o->n > 0) memcpy(o->first, o->got, (size_t)o->n * sizeof(float));
    }
    if (own) CHECK(same_bits(r));
    sc_plan_destroy(plan);
    sc_free(workspace);
    sc_pool_destroy(pool);
}

static void check_recipe(uint64_t seed, const sc_engine *engine, bool own, bool reals)
{
    static recipe r;
    memset(&r, 0, sizeof r);
    r.g.state = seed;
    r.engine = *engine;
    r.reals = reals;
    if (!reals) r.engine.winograd = NULL; /* not exact: its weights are fractions */
    float *images[] = {numbers(&r, 4 * 17 * 13, 2), numbers(&r, 4 * 17 * 13, 2)};
    recipe_create(&r, images[0]);
    for (int i = 0; i < r.n_ops; i++) {
        op *o = &r.ops[i];
        for (int j = 0; o->kind == OP_CONV && j < o->n_phases; j++) {
            CHECK_EQ(sc_conv_weights_create(&r.engine, o->shape[j], o->wei[j], NULL,
                                            o->bias[j], &o->packed[j], NULL),
                     SC_OK);
        }
    }
    const int failed = check_n_failed;
    const double tolerance = !reals ? 0.0 : engine->bf16 ? 0.1 : 1e-4;
    check_threads(&r, 1, own, images, tolerance);
    check_threads(&r, (int)next_int(&r.g, 2, 3), own, images, tolerance);
    check_threads(&r, (int)next_int(&r.g, 4, PLANS_MAX_THREADS), own, images,
                  tolerance);
    if (check_n_failed > failed) {
        fprintf(stderr, "seed %d, %s, %s\n", (int)seed, engine->conv_name,
                reals ? "reals" : "integers");
    }
    recipe_destroy(&r);
    sc_free(images[0]);
    sc_free(images[1]);
}

/* ---- Building -------------------------------------------------------------------------- */

static void test_failures(const sc_engine *engine)
{
    sc_plan *plan = NULL;
    sc_error err;
    CHECK_EQ(sc_plan_create(engine, 1, &plan, &err), SC_OK);
    (void)sc_plan_buffer(plan, INT64_MAX / 2, 5, 5, 0, false);
    const int later = sc_plan_buffer(plan, 4, 4, 4, 0, true);
    sc_plan_input(plan, "input", later); /* does nothing any more */
    CHECK_EQ(sc_plan_finish(plan, &err), SC_BAD_SHAPE);
    CHECK(strstr(err.text, "do not fit into memory") != NULL);
    sc_plan_destroy(plan);
    sc_plan_destroy(NULL);
}

/* A chain needs memory for two of its maps, not for all. */
static void test_memory_is_shared(const sc_engine *engine)
{
    enum { N = 12 };
    sc_plan *plan = NULL;
    CHECK_EQ(sc_plan_create(engine, 1, &plan, NULL), SC_OK);
    int buffer = sc_plan_buffer(plan, 64, 64, 16, 0, true);
    sc_plan_input(plan, "input", buffer);
    for (int i = 0; i < N; i++) {
        const int next = sc_plan_buffer(plan, 64, 64, 16, 0, true);
        sc_plan_max_pool(plan, "pool", (sc_view){buffer, 0}, (sc_view){next, 0}, 16, 1,
                         1, 0);
        buffer = next;
    }
    CHECK_EQ(sc_plan_finish(plan, NULL), SC_OK);
    const size_t one = (size_t)64 * 64 * 16 * engine->item_nbytes;
    CHECK(sc_plan_nbytes(plan) >= 2 * one && sc_plan_nbytes(plan) < 3 * one);
    sc_layer_info info;
    sc_plan_describe(plan, N, &info);
    CHECK(strcmp(info.name, "pool") == 0 && strcmp(info.kind, "max pooling") == 0);
    CHECK(strcmp(info.implementation, engine->pointwise->name) == 0);
    CHECK_EQ(info.shape[0] * 10000 + info.shape[1] * 100 + info.shape[2], 166464);
    sc_plan_destroy(plan);
}

/* test_plan [RECIPES [FIRST_SEED]] */
int main(int argc, char **argv)
{
    const int n = argc > 1 ? atoi(argv[1]) : 6, first = argc > 2 ? atoi(argv[2]) : 0;
    for (int i = 0; i < PLANS_N_ENGINES; i++) {
        sc_engine engine;
        bool own;
        if (!plans_engine(i, &engine, &own)) continue;
        test_failures(&engine);
        test_memory_is_shared(&engine);
        for (int j = 0; j < n; j++) {
            check_recipe((uint64_t)(first + j), &engine, own, false);
            if (own) check_recipe((uint64_t)(first + j), &engine, own, true);
        }
        if (engine.winograd != NULL && n > 4) CHECK(n_winograd > 0);
    }
    return check_end();
}
