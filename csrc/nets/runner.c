/* Threads with plans: made when a size is first seen, then run any number of times. */
#include "runner.h"

#include "../base/clock.h"
#include "../base/memory.h"
#include "../base/status.h"

#include <string.h>

/* Above this a thread's own plan no longer fits into its share of the caches, and
 * the threads do better on one image together. */
static const size_t ALONE_NBYTES = 256u << 20;

/* A thread's own plan is as large as the shared one, and its memory costs as much to
 * touch for the first time as an image to compute: only for batches of so many images
 * a thread, of which it computes them all before the others. */
enum { ALONE_IMAGES = 2, MEASURED_IMAGES = 4 };

/* What is done until it is measured: two threads share images whose maps take more than this.
 * They are as fast as apart (0.95 to 1.02 of the time, MultiResUNet in f32 and bf16), with half
 * of the memory.  More threads would wait for each other at each step. */
static const size_t SHARED_NBYTES = 16u << 20;
enum { SHARED_THREADS = 2 };

/* Unused workspaces for each thread of a call: a burst of callers leaves no more behind. */
enum { MAX_UNUSED = 8 };

sc_status sc_runner_create(const sc_architecture *arch, const void *model,
                           const sc_engine *engine, int n_threads, sc_runner **out,
                           sc_error *err)
{
    *out = NULL;
    sc_runner *runner = sc_calloc(sizeof *runner);
    if (runner == NULL) return sc_fail(err, SC_NOMEM, "no memory for a runner");
    runner->arch = arch;
    runner->model = model;
    runner->engine = *engine;
    runner->n_threads = n_threads;
    runner->spaces = sc_calloc((size_t)n_threads * sizeof *runner->spaces);
    const sc_status status = runner->spaces == NULL
                                 ? sc_fail(err, SC_NOMEM, "no memory for a runner")
                                 : sc_pool_create(n_threads, &runner->pool, err);
    if (status != SC_OK) {
        sc_free(runner->spaces);
        sc_free(runner);
        return status;
    }
    *out = runner;
    return SC_OK;
}

static void drop_plans(sc_runner *runner, sc_size_plans *size)
{
    sc_plan_destroy(size->together);
    for (int t = 0; size->alone != NULL && t < runner->n_threads; t++) {
        sc_plan_destroy(size->alone[t]);
    }
    sc_free(size->alone);
    memset(size, 0, sizeof *size);
}

void sc_runner_destroy(sc_runner *runner, bool forked)
{
    if (runner == NULL) return;
    if (forked) {
        sc_pool_abandon(runner->pool);
    } else {
        sc_pool_destroy(runner->pool);
    }
    for (int i = 0; i < SC_MAX_PLANS; i++) drop_plans(runner, &runner->sizes[i]);
    sc_free(runner->spaces);
    sc_free(runner);
}

/* ---- Plans ---------------------------------------------------------------------- */

static sc_status build_plan(const sc_runner *runner, const sc_purpose *what,
                            int n_threads, sc_plan **out, sc_error *err)
{
    const sc_architecture *arch = runner->arch;
    sc_status status = sc_plan_create(&runner->engine, n_threads, out, err);
    if (status != SC_OK) return status;
    if (what->pass == SC_FORWARD) {
        arch->build(runner->model, *out, what->h, what->w);
    } else {
        arch->build_back(runner->model, *out, what->layer, what->h, what->w);
    }
    status = sc_plan_finish(*out, err);
    if (status == SC_OK) return SC_OK;
    sc_plan_destroy(*out);
    *out = NULL;
    return status;
}

/* Each thread's own part of preparing new plans, on the thread that will run them. */
typedef struct {
    sc_plan **plans;
    bool alone;
    sc_status *status; /* of each thread */
    sc_error *errors;
} prepare_job;

static void prepare(void *arg, int thread, int n_threads)
{
    (void)n_threads;
    prepare_job *job = arg;
    sc_plan *plan = job->alone ? job->plans[thread] : job->plans[0];
    job->status[thread] =
        sc_plan_prepare(plan, job->alone ? 0 : thread, &job->errors[thread]);
}

/* The first failure among the threads. */
static sc_status first_failure(const sc_status *status, const sc_error *errors, int n,
                               sc_error *err)
{
    for (int t = 0; t < n; t++) {
        if (status[t] == SC_OK) continue;
        if (err != NULL) *err = errors[t];
        return status[t];
    }
    return SC_OK;
}

static sc_status prepare_plans(sc_runner *runner, sc_plan **plans, bool alone,
                               sc_error *err)
{
    const size_t n = (size_t)runner->n_threads;
    prepare_job job = {.plans = plans, .alone = alone};
    job.status = sc_calloc(n * sizeof *job.status);
    job.errors = sc_calloc(n * sizeof *job.errors);
    sc_status status = SC_NOMEM;
    if (job.status != NULL && job.errors != NULL) {
        atomic_bool cancel = false;
        sc_pool_run(runner->pool, prepare, &job, NULL, NULL, &cancel);
        status = first_failure(job.status, job.errors, runner->n_threads, err);
    } else {
        sc_fail(err, SC_NOMEM, "no memory for a plan");
    }
    sc_free(job.status);
    sc_free(job.errors);
    return status;
}

static bool same(const sc_purpose *a, const sc_purpose *b)
{
    return a->pass == b->pass && a->layer == b->layer && a->h == b->h && a->w == b->w;
}

/* The plans for a purpose, or the place of those that were used least lately. */
static sc_size_plans *find_plans(sc_runner *runner, const sc_purpose *purpose)
{
    sc_size_plans *oldest = &runner->sizes[0];
    runner->clock++;
    for (int i = 0; i < SC_MAX_PLANS; i++) {
        sc_size_plans *size = &runner->sizes[i];
        if (size->used > 0 && same(&size->purpose, purpose)) {
            size->used = runner->clock;
            return size;
        }
        if (size->used < oldest->used) oldest = size;
    }
    drop_plans(runner, oldest);
    oldest->purpose = *purpose;
    oldest->used = runner->clock;
    oldest->layout = sc_workspace_layout();
    return oldest;
}

static sc_status need_together(sc_runner *runner, sc_size_plans *size, sc_error *err)
{
    if (size->together != NULL) return SC_OK;
    sc_status status =
        build_plan(runner, &size->purpose, runner->n_threads, &size->together, err);
    if (status == SC_OK) status = prepare_plans(runner, &size->together, false, err);
    if (status != SC_OK) drop_plans(runner, size);
    return status;
}

static sc_status need_alone(sc_runner *runner, sc_size_plans *size, sc_error *err)
{
    if (size->alone != NULL) return SC_OK;
    sc_status status = SC_OK;
    size->alone = sc_calloc((size_t)runner->n_threads * sizeof *size->alone);
    if (size->alone == NULL) status = sc_fail(err, SC_NOMEM, "no memory for plans");
    for (int t = 0; t < runner->n_threads && status == SC_OK; t++) {
        status = build_plan(runner, &size->purpose, 1, &size->alone[t], err);
    }
    if (status == SC_OK) status = prepare_plans(runner, size->alone, true, err);
    if (status != SC_OK) drop_plans(runner, size);
    return status;
}

/* ---- Memory --------------------------------------------------------------------- */

/* Lend each of the plans that will run a workspace; those of 'together' and of the first thread
 * alone are the same. */
static sc_status need_spaces(sc_runner *runner, sc_size_plans *size, bool alone,
                             sc_error *err)
{
    const size_t nbytes = sc_plan_nbytes(size->together);
    for (int t = 0; t < (alone ? runner->n_threads : 1); t++) {
        sc_workspace **space = &runner->spaces[t];
        if (*space == NULL) *space = sc_workspace_take(nbytes);
        if (*space == NULL) {
            return sc_fail(err, SC_NOMEM, "no memory for a workspace of %zu bytes",
                           nbytes);
        }
        sc_workspace_adopt(*space, size->layout, sc_plan_all_f32(size->together));
        sc_plan_place(alone ? size->alone[t] : size->together, (*space)->data);
    }
    return SC_OK;
}

static void give_spaces(sc_runner *runner)
{
    for (int t = 0; t < runner->n_threads; t++) {
        sc_workspace_give(runner->spaces[t], MAX_UNUSED * runner->n_threads);
        runner->spaces[t] = NULL;
    }
}

/* ---- Runs ----------------------------------------------------------------------- */

/* Images [first, last) of a batch, either way. */
typedef struct {
    const sc_runner *runner;
    const sc_batch *batch;
    sc_size_plans *size;
    int64_t first, last;
    bool alone;
    atomic_bool cancel;
    sc_status *status;
    sc_error *errors;
} run_job;

/* Where results of image i go, NULL for those that are not wanted. */
static float *at(float *results, int64_t i, int64_t step)
{
    return results == NULL ? NULL : results + i * step;
}

static sc_image image_at(const sc_batch *batch, int64_t i)
{
    const sc_call *call = batch->call;
    const sc_forward *forward = &call->forward;
    const sc_backward *back = &call->backward;
    sc_image image = {.src = call->images + i * batch->image_step};
    if (call->pass == SC_FORWARD) {
        image.dst = forward->probabilities + i * batch->probabilities_step;
        image.features = at(forward->features, i, batch->features_step);
        image.cam = at(forward->cam, i, batch->cam_step);
        image.cam_index = forward->cam_index;
        image.cams = at(forward->cams, i, batch->cams_step);
        image.ranges = call->ranges;
    } else {
        image.direction = back->direction + i * back->direction_step;
        image.probability = back->probability;
        image.activations = back->activations + i * batch->layer_step;
        image.gradients = back->gradients + i * batch->layer_step;
    }
    return image;
}

static void run(void *arg, int thread, int n_threads)
{
    run_job *job = arg;
    const sc_engine *engine = &job->runner->engine;
    sc_status *status = &job->status[thread];
    sc_error *err = &job->errors[thread];
    if (engine->thread_begin != NULL) engine->thread_begin();
    for (int64_t i = job->first; i < job->last; i++) {
        const sc_image image = image_at(job->batch, i);
        if (!job->alone) {
            /* All threads take part in every shared image, whatever happened to one: a
             * thread that stayed away would leave the others at a barrier. */
            const sc_status now = sc_plan_run(job->size->together, thread, &image,
                                              &job->cancel, job->batch->call->seconds,
                                              err);
            if (*status == SC_OK) *status = now;
        } else if ((i - job->first) % n_threads == thread && *status == SC_OK) {
            *status = sc_plan_run(job->size->alone[thread], 0, &image, &job->cancel,
                                  NULL, err);
        }
    }
    if (engine->thread_end != NULL) engine->thread_end();
}

/* The next 'n' images; 'seconds' (or NULL) receives what each took. */
static sc_status run_next(sc_runner *runner, run_job *job, int64_t n, bool alone,
                          double *seconds, sc_error *err)
{
    const sc_call *call = job->batch->call;
    if (n == 0) return SC_OK;
    const sc_status status = need_spaces(runner, job->size, alone, err);
    if (status != SC_OK) return status;
    const double begin = sc_seconds_now();
    job->last = job->first + n;
    job->alone = alone;
    sc_pool_run(runner->pool, run, job, call->poll, call->poll_arg, &job->cancel);
    job->first = job->last;
    if (seconds != NULL) *seconds = (sc_seconds_now() - begin) / (double)n;
    if (atomic_load(&job->cancel)) return sc_fail(err, SC_CANCELLED, "cancelled");
    return first_failure(job->status, job->errors, runner->n_threads, err);
}

/* Whether threads may compute images of a batch alone: of two a thread at least, since the
 * first touch of a plan costs a thread as much as an image. */
static bool may_be_alone(const sc_runner *runner, const sc_size_plans *size,
                         const sc_call *call)
{
    return runner->n_threads > 1 && call->seconds == NULL && call->ranges == NULL &&
           call->n >= (int64_t)ALONE_IMAGES * runner->n_threads &&
           sc_plan_nbytes(size->together) <= ALONE_NBYTES;
}

static bool are_alone(const sc_runner *runner, const sc_size_plans *size)
{
    const size_t nbytes = sc_plan_nbytes(size->together);
    if (size->info.measured) return size->info.alone;
    return nbytes <= SHARED_NBYTES ||
           (runner->n_threads > SHARED_THREADS && nbytes <= ALONE_NBYTES);
}

/* Four images a thread, each way first without a clock: fresh memory costs as much as an
 * image.  All of them are results. */
static sc_status measure(sc_runner *runner, sc_size_plans *size, run_job *job,
                         sc_error *err)
{
    const int64_t n = runner->n_threads;
    sc_plan_info *info = &size->info;
    sc_status status = run_next(runner, job, n, true, NULL, err);
    if (status == SC_OK)
        status = run_next(runner, job, n, true, &info->alone_seconds, err);
    if (status == SC_OK && !size->touched)
        status = run_next(runner, job, n, false, NULL, err);
    if (status == SC_OK)
        status = run_next(runner, job, n, false, &info->together_seconds, err);
    info->measured = status == SC_OK;
    info->alone = info->alone_seconds <= info->together_seconds;
    return status;
}

static sc_status run_batch(sc_runner *runner, run_job *job, sc_error *err)
{
    const sc_call *call = job->batch->call;
    const sc_purpose purpose = {
        .pass = call->pass,
        .layer = call->pass == SC_BACKWARD ? call->backward.layer : (sc_layer)0,
        .h = call->h,
        .w = call->w,
    };
    sc_size_plans *size = find_plans(runner, &purpose);
    sc_status status = need_together(runner, size, err);
    job->size = size;
    if (status != SC_OK) return status;
    bool alone = may_be_alone(runner, size, call);
    if (alone && !size->info.measured &&
        call->n >= (int64_t)MEASURED_IMAGES * runner->n_threads) {
        status = need_alone(runner, size, err);
        if (status == SC_OK) status = measure(runner, size, job, err);
    }
    alone = alone && are_alone(runner, size);
    if (status == SC_OK && alone) status = need_alone(runner, size, err);
    if (status != SC_OK) return status;
    const int64_t left = call->n - job->first;
    if (alone) {
        status =
            run_next(runner, job, left - left % runner->n_threads, true, NULL, err);
    }
    if (status == SC_OK && job->first < call->n) {
        status = run_next(runner, job, call->n - job->first, false, NULL, err);
        size->touched = true;
    }
    return status;
}

sc_status sc_runner_run(sc_runner *runner, const sc_batch *batch, sc_error *err)
{
    const size_t n = (size_t)runner->n_threads;
    run_job job = {.runner = runner, .batch = batch};
    job.status = sc_calloc(n * sizeof *job.status);
    job.errors = sc_calloc(n * sizeof *job.errors);
    const sc_status status = job.status == NULL || job.errors == NULL
                                 ? sc_fail(err, SC_NOMEM, "no memory for a run")
                                 : run_batch(runner, &job, err);
    give_spaces(runner);
    sc_free(job.status);
    sc_free(job.errors);
    return status;
}

sc_status sc_runner_info(sc_runner *runner, const sc_purpose *purpose,
                         sc_plan_info *out, sc_error *err)
{
    sc_size_plans *size = find_plans(runner, purpose);
    const sc_status status = need_together(runner, size, err);
    if (status != SC_OK) return status;
    *out = size->info;
    out->nbytes = (int64_t)sc_plan_nbytes(size->together);
    out->alone = runner->n_threads > 1 && are_alone(runner, size);
    return SC_OK;
}

sc_status sc_runner_steps(sc_runner *runner, const sc_purpose *purpose,
                          sc_layer_info *steps, int64_t *n, sc_error *err)
{
    sc_size_plans *size = find_plans(runner, purpose);
    const sc_status status = need_together(runner, size, err);
    if (status != SC_OK) return status;
    *n = sc_min(sc_plan_n_steps(size->together), SC_MAX_STEPS);
    for (int64_t i = 0; i < *n; i++) sc_plan_describe(size->together, i, &steps[i]);
    return SC_OK;
}
