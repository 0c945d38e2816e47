/* Running a plan: cancelling, profiles, what one step leaves for another.  What the
 * steps compute is compared in test_plan.c. */
#include "nn/plan.h"

#include "base/memory.h"

#include "check.h"
#include "plans.h"
#include "random.h"

#include <string.h>

enum { SIDE = 4, MANY = 60, FEW = 17, OUT = 16 };

/* sc_custom_fn: the map's first OUT channels to image->dst, as planes. */
static void copy_out(const void *context, const sc_engine *engine, const sc_map *map,
                     const sc_image *image, int thread, int n_threads)
{
    (void)context;
    for (int64_t y = thread; y < map->h; y += n_threads) {
        const char *row = (const char *)map->data +
                          (size_t)(y * map->row) * engine->item_nbytes;
        engine->pointwise->deinterleave(row, map->step, image->dst + y * map->w,
                                        map->h * map->w, map->w, OUT);
    }
}

typedef struct {
    sc_engine engine;
    sc_conv_weights *many, *few;
    float *ones, *shift;
    sc_plan *plan;
    void *workspace;
    sc_pool *pool;
    float src[MANY * SIDE * SIDE], dst[OUT * SIDE * SIDE];
    sc_image image;
} bench;

static void add_norm_conv(bench *b, const char *name, const sc_conv_weights *wei,
                          int src, int dst, bool mean2)
{
    sc_plan_conv(b->plan, &(sc_conv_step){.name = name,
                                          .wei = {wei},
                                          .src = {{src, 0}},
                                          .dst = {dst, 0},
                                          .h = mean2 ? SIDE / 2 : SIDE,
                                          .w = mean2 ? SIDE / 2 : SIDE,
                                          .dst_stride = 1,
                                          .norm_scale = b->ones,
                                          .norm_shift = b->shift,
                                          .mean2 = mean2});
}

/* input -> (a mean over many channels) -> a sum over few -> copied out. */
static void bench_create(bench *b, const sc_engine *engine, int n_threads,
                         bool with_mean)
{
    float wei[MANY * OUT];
    memset(b, 0, sizeof *b);
    b->engine = *engine;
    for (int i = 0; i < MANY * OUT; i++) wei[i] = (float)(i % 3);
    /* 2 * shift, a sum that the mean keeps aside, has the bits of a bf16 NaN below. */
    b->ones = sc_channels(NULL, MANY, 1.0f);
    b->shift = sc_channels(NULL, MANY, 0x1.00ff8p0f);
    const sc_conv_shape many = {OUT, MANY, 1, 1, 1, false},
                        few = {OUT, FEW, 1, 1, 1, false};
    CHECK_EQ(sc_conv_weights_create(engine, many, wei, NULL, NULL, &b->many, NULL),
             SC_OK);
    CHECK_EQ(sc_conv_weights_create(engine, few, wei, NULL, NULL, &b->few, NULL),
             SC_OK);
    CHECK_EQ(sc_plan_create(engine, n_threads, &b->plan, NULL), SC_OK);
    const int in = sc_plan_buffer(b->plan, SIDE, SIDE, MANY, 0, true);
    const int mean = sc_plan_buffer(b->plan, SIDE / 2, SIDE / 2, OUT, 0, false);
    const int out = sc_plan_buffer(b->plan, SIDE, SIDE, OUT, 0, false);
    sc_plan_input(b->plan, "input", in);
    if (with_mean) add_norm_conv(b, "mean", b->many, in, mean, true);
    add_norm_conv(b, "sum", b->few, in, out, false);
    sc_plan_custom(b->plan, "copy", "copy", (sc_view){out, 0}, copy_out, NULL, 0.0);
    CHECK_EQ(sc_plan_finish(b->plan, NULL), SC_OK);
    CHECK_EQ(sc_pool_create(n_threads, &b->pool, NULL), SC_OK);
    plans_run(b->pool, b->plan, engine, NULL);
    b->workspace = plans_place(b->plan, 0);
    b->image = (sc_image){.src = b->src, .dst = b->dst};
}

static void bench_destroy(bench *b)
{
    sc_pool_destroy(b->pool);
    sc_plan_destroy(b->plan);
    sc_free(b->workspace);
    sc_conv_weights_destroy(b->many);
    sc_conv_weights_destroy(b->few);
    sc_free(b->ones);
    sc_free(b->shift);
}

/* What the mean leaves in the thread's scratch lies beside the sum's few channels. */
static void test_scratch_is_not_read(const sc_engine *engine)
{
    bench alone, beside;
    bench_create(&alone, engine, 1, false);
    bench_create(&beside, engine, 1, true);
    plans_run(alone.pool, alone.plan, engine, &alone.image);
    plans_run(beside.pool, beside.plan, engine, &beside.image);
    CHECK(alone.dst[0] > 1.0f);
    CHECK(memcmp(alone.dst, beside.dst, sizeof alone.dst) == 0);
    bench_destroy(&alone);
    bench_destroy(&beside);
}

static void test_cancelled_before(const sc_engine *engine)
{
    bench b;
    bench_create(&b, engine, 2, true);
    for (int i = 0; i < OUT * SIDE * SIDE; i++) b.dst[i] = 77;
    plans_job job = {.plan = b.plan, .engine = engine, .image = &b.image};
    atomic_init(&job.cancel, true);
    sc_pool_run(b.pool, plans_work, &job, NULL, NULL, &job.cancel);
    CHECK_EQ(job.status[0], SC_OK);
    CHECK_EQ(job.status[1], SC_OK);
    for (int i = 0; i < OUT * SIDE * SIDE; i++) CHECK_EQ(b.dst[i], 77.0f);
    plans_run(b.pool, b.plan, engine, &b.image); /* nothing is left of it */
    CHECK(b.dst[0] > 1.0f && b.dst[0] < 77.0f);
    bench_destroy(&b);
}

static void test_profile_adds_up(const sc_engine *engine)
{
    bench b;
    bench_create(&b, engine, 2, true);
    double seconds[4] = {1, 1, 1, 1};
    plans_job job = {
        .plan = b.plan, .engine = engine, .image = &b.image, .profile = seconds};
    for (int i = 0; i < 3; i++) {
        const double before = seconds[1];
        sc_pool_run(b.pool, plans_work, &job, NULL, NULL, &job.cancel);
        CHECK(seconds[1] > before);
    }
    CHECK_EQ(sc_plan_n_steps(b.plan), 4);
    for (int i = 0; i < 4; i++) CHECK(seconds[i] >= 1 && seconds[i] < 61);
    bench_destroy(&b);
}

/* An image that overflows changes nothing in the next. */
static void test_overflow(const sc_engine *engine)
{
    bench b;
    float first[OUT * SIDE * SIDE];
    generator g = {5};
    bench_create(&b, engine, 1, true);
    for (int i = 0; i < MANY * SIDE * SIDE; i++) b.src[i] = (float)next_int(&g, -4, 4);
    plans_run(b.pool, b.plan, engine, &b.image);
    memcpy(first, b.dst, sizeof first);
    CHECK(first[1] != first[2]);
    float huge[MANY * SIDE * SIDE];
    for (int i = 0; i < MANY * SIDE * SIDE; i++) huge[i] = i % 2 ? 3e38f : -3e38f;
    b.image.src = huge;
    plans_run(b.pool, b.plan, engine, &b.image);
    b.image.src = b.src;
    plans_run(b.pool, b.plan, engine, &b.image);
    CHECK(memcmp(first, b.dst, sizeof first) == 0);
    bench_destroy(&b);
}

int main(void)
{
    for (int i = 0; i < PLANS_N_ENGINES; i++) {
        sc_engine engine;
        bool own;
        if (!plans_engine(i, &engine, &own)) continue;
        test_scratch_is_not_read(&engine);
        test_cancelled_before(&engine);
        test_profile_adds_up(&engine);
        test_overflow(&engine);
    }
    return check_end();
}
