/* Threads with plans for the sizes they have seen lately: what computes one call. */
#ifndef SC_NETS_RUNNER_H
#define SC_NETS_RUNNER_H

#include "model.h"

enum { SC_MAX_PLANS = 8, SC_FORWARD = -1 };

/* Plans for one size and pass: one that all threads run together (a single image), and one for
 * each thread alone (a batch), made when they are first needed. */
typedef struct {
    int64_t h, w;
    int pass;      /* SC_FORWARD, or the sc_layer that a backward pass goes down to */
    uint64_t used; /* the runner's clock at the last use */
    sc_plan *together;
    sc_plan **alone; /* n_threads */
} sc_size_plans;

typedef struct sc_runner {
    struct sc_runner *next;
    const sc_architecture *arch;
    const void *model;
    sc_engine engine;
    int n_threads;
    sc_pool *pool;
    uint64_t clock;
    sc_size_plans sizes[SC_MAX_PLANS];
} sc_runner;

/* One call's images and results; steps count floats from one image to the next. */
typedef struct {
    int64_t n, h, w;
    int pass;
    const float *src;
    float *dst;
    int64_t src_step, dst_step, feature_shape[3];
    const sc_net_extras *extras; /* all zero where 'back' is given */
    const sc_backward *back;     /* NULL for SC_FORWARD */
    int64_t layer_step;
    double *profile; /* NULL, or seconds of each step */
    sc_poll_fn poll;
    void *poll_arg;
} sc_batch;

sc_status sc_runner_create(const sc_architecture *arch, const void *model,
                           const sc_engine *engine, int n_threads, sc_runner **out,
                           sc_error *err);

/* 'forked': in a child process, where the threads are not. */
void sc_runner_destroy(sc_runner *runner, bool forked);

sc_status sc_runner_run(sc_runner *runner, const sc_batch *batch, sc_error *err);

/* Describe the steps of a plan, at most 'max' of them; *n is their number. */
sc_status sc_runner_layers(sc_runner *runner, int pass, int64_t h, int64_t w,
                           int64_t max, sc_layer_info *layers, int64_t *n,
                           sc_error *err);

/* Steps of the architecture's plans. */
sc_status sc_count_steps(const sc_architecture *arch, const void *model,
                         const sc_engine *engine, int64_t *out, sc_error *err);

#endif
