/* Plans on threads of their own, and the engines that this CPU has, for the C tests. */
#ifndef SC_TESTS_PLANS_H
#define SC_TESTS_PLANS_H

#include "nn/plan.h"

#include "base/memory.h"

#include "check.h"

#include <string.h>

enum { PLANS_MAX_THREADS = 7, PLANS_N_ENGINES = 5 };

/* Every engine there can be; 'own' kernels give the same bits on any number of
 * threads.  False, with a note, where this CPU lacks it. */
static inline bool plans_engine(int i, sc_engine *engine, bool *own)
{
    static const struct {
        sc_isa isa;
        sc_precision precision;
    } ALL[PLANS_N_ENGINES] = {
        {SC_ISA_BASE, SC_PRECISION_F32},   {SC_ISA_AVX2, SC_PRECISION_F32},
        {SC_ISA_AVX512, SC_PRECISION_F32}, {SC_ISA_AVX512_BF16, SC_PRECISION_BF16},
        {SC_ISA_AMX, SC_PRECISION_BF16},
    };
    if (ALL[i].isa > sc_cpu_isa()) {
        fprintf(stderr, "skipped: plans for %s, which this CPU lacks\n",
                sc_isa_name(ALL[i].isa));
        return false;
    }
    CHECK_EQ(sc_engine_choose(ALL[i].isa, ALL[i].precision, engine, NULL), SC_OK);
    *own = engine->conv != NULL;
    return true;
}

typedef struct {
    sc_plan *plan;
    const sc_engine *engine;
    const sc_image *image; /* NULL: prepare */
    atomic_bool cancel;
    double *profile;
    sc_status status[PLANS_MAX_THREADS];
} plans_job;

static inline void plans_work(void *arg, int thread, int n_threads)
{
    (void)n_threads;
    plans_job *job = arg;
    if (job->image == NULL) {
        job->status[thread] = sc_plan_prepare(job->plan, thread, NULL);
        return;
    }
    if (job->engine->thread_begin != NULL) job->engine->thread_begin();
    job->status[thread] =
        sc_plan_run(job->plan, thread, job->image, &job->cancel, job->profile, NULL);
    if (job->engine->thread_end != NULL) job->engine->thread_end();
}

/* Prepares (image NULL) or runs a plan on all threads of its pool. */
static inline void plans_run(sc_pool *pool, sc_plan *plan, const sc_engine *engine,
                             const sc_image *image)
{
    plans_job job = {.plan = plan, .engine = engine, .image = image};
    sc_pool_run(pool, plans_work, &job, NULL, NULL, &job.cancel);
    for (int t = 0; t < sc_pool_size(pool); t++) CHECK_EQ(job.status[t], SC_OK);
}

/* Gives a plan memory of its own, which the caller frees; it holds what 'fill' says. */
static inline void *plans_place(sc_plan *plan, int fill)
{
    void *workspace = sc_alloc(sc_plan_nbytes(plan));
    CHECK(workspace != NULL);
    memset(workspace, fill, sc_plan_nbytes(plan));
    sc_plan_place(plan, workspace);
    return workspace;
}

#endif
