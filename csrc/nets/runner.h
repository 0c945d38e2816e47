/* Threads with plans for the sizes they have seen lately: what computes one call. */
#ifndef SC_NETS_RUNNER_H
#define SC_NETS_RUNNER_H

#include "model.h"

#include "../nn/workspace.h"

enum { SC_MAX_PLANS = 8 };

/* The pass and size that a plan is for. */
typedef struct {
    sc_pass pass;
    sc_layer layer; /* down to which a backward pass goes; 0 for others */
    int64_t h, w;
} sc_purpose;

/* Plans for one purpose: one that all threads run together (a single image), and one for
 * each thread alone (a batch), made when they are first needed.  Which is faster for a batch
 * depends on the caches, and is measured on the first batch that is long enough. */
typedef struct {
    sc_purpose purpose;
    sc_plan_info info;
    bool touched;    /* 'together' was run before: its memory is there */
    uint64_t layout; /* of its maps (nn/workspace.h) */
    uint64_t used;   /* the runner's clock at the last use */
    sc_plan *together;
    sc_plan **alone; /* n_threads */
} sc_size_plans;

/* Serves one call at a time, so nothing in it needs a lock. */
typedef struct sc_runner {
    struct sc_runner *next; /* of the network's idle runners */
    const sc_architecture *arch;
    const void *model;
    sc_engine engine;
    int n_threads;
    sc_pool *pool;
    sc_workspace **spaces; /* n_threads, of plans that this call runs; else NULL */
    uint64_t clock;        /* counts uses of plans: the oldest make room for new ones */
    sc_size_plans sizes[SC_MAX_PLANS];
} sc_runner;

/* One call, and the floats from one image to the next of all that it reads and fills. */
typedef struct {
    const sc_call *call;
    int64_t image_step, probabilities_step, features_step, cam_step, cams_step,
        layer_step;
} sc_batch;

sc_status sc_runner_create(const sc_architecture *arch, const void *model,
                           const sc_engine *engine, int n_threads, sc_runner **out,
                           sc_error *err);

/* 'forked': in a child process, where the threads are not. */
void sc_runner_destroy(sc_runner *runner, bool forked);

sc_status sc_runner_run(sc_runner *runner, const sc_batch *batch, sc_error *err);

/* As sc_net_plan_info. */
sc_status sc_runner_info(sc_runner *runner, const sc_purpose *purpose,
                         sc_plan_info *out, sc_error *err);

/* As sc_net_steps. */
sc_status sc_runner_steps(sc_runner *runner, const sc_purpose *purpose,
                          sc_layer_info *steps, int64_t *n, sc_error *err);

#endif
