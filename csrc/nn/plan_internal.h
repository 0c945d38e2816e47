/* What plan.c (building) and steps.c (running) share. */
#ifndef SC_NN_PLAN_INTERNAL_H
#define SC_NN_PLAN_INTERNAL_H

#include "plan.h"

#include "../base/memory.h"

typedef struct {
    int64_t h, w, c, halo, pitch;
    size_t item_nbytes, nbytes, offset;
    bool
        own_memory; /* never shares: its bytes are no activations of the engine's type */
    int first, last; /* steps that write it first and read it last */
} plan_buffer;

typedef enum { STEP_INPUT, STEP_CONV, STEP_MAX_POOL, STEP_CUSTOM } step_kind;

typedef struct {
    step_kind kind;
    char name[64], text[24];
    int dst;         /* buffer, or -1 */
    bool clear_halo; /* this step writes 'dst' first */
    double flops;
    int64_t h, w, c; /* of the output */
    int row_parts, block_parts;
    int64_t block_unit; /* blocks that one thread keeps together */
    int64_t chunk_rows; /* of the output, so that they stay in L2 */
    /* STEP_CONV */
    sc_conv_step spec;
    sc_view add;
    sc_back back;
    int64_t sum_step;  /* floats of a pixel's sums, before 'back' */
    sc_conv conv;      /* with the workspace's addresses, once finished */
    int64_t pack_step; /* elements of a packed pixel: after norm, or for oneDNN */
    bool winograd;    /* phase 0 by winograd.h; then a phase 1 on top of it, in place */
    int64_t row_unit; /* output rows that cannot be divided among threads */
    /* STEP_MAX_POOL */
    sc_view src;
    int64_t k, stride, origin;
    /* STEP_CUSTOM */
    sc_view maps[3];
    int n_maps;
    sc_custom_fn run;
    const void *context;
} plan_step;

/* What one thread needs for itself. */
typedef struct {
    float *scratch;
    size_t scratch_nbytes;
    sc_onednn_conv **convs; /* two a step, where oneDNN computes */
} plan_thread;

/* A thread's share of a step: output rows and blocks of channels. */
typedef struct {
    int64_t row0, row1, block0, block1;
} plan_share;

struct sc_plan {
    sc_engine engine;
    int n_threads;
    sc_status status; /* of building */
    sc_error error;
    plan_buffer *buffers;
    int n_buffers, max_buffers;
    plan_step *steps;
    int n_steps, max_steps;
    char *workspace;
    size_t workspace_nbytes;
    plan_thread *threads;
    sc_barrier barrier;
};

/* Element (channel of pixel (y, x)) of a buffer, halo allowed. */
static inline char *plan_at(const sc_plan *plan, sc_view view, int64_t y, int64_t x)
{
    const plan_buffer *b = &plan->buffers[view.buffer];
    const int64_t pixel = (y + b->halo) * (b->w + 2 * b->halo) + x + b->halo;
    return plan->workspace + b->offset +
           (size_t)(pixel * b->pitch + view.channel) * b->item_nbytes;
}

static inline int64_t plan_row(const plan_buffer *b)
{
    return (b->w + 2 * b->halo) * b->pitch;
}

/* Part i of n of a range, in multiples of 'unit' but for its end. */
static inline int64_t part_begin(int64_t length, int64_t i, int64_t n, int64_t unit)
{
    return sc_min((length + unit - 1) / unit * i / n * unit, length);
}

/* Largest buffers first, each at the lowest offset that is free during its life; then
 * the workspace for all of them. */
sc_status plan_place_buffers(sc_plan *plan, sc_error *err);

/* Rows [row0, row1) of a step with spec.back, and the floats of scratch for so many. */
void plan_run_back(const sc_plan *plan, const plan_step *step, plan_share own,
                   int64_t row0, int64_t row1, const plan_thread *thread);
int64_t plan_back_scratch(const sc_plan *plan, const plan_step *step, int64_t rows);

/* Its end alone: 'sums' of rows [row0, row1), 'sums_step' floats a pixel, to dst. */
void plan_put_back(const sc_plan *plan, const plan_step *step, plan_share own,
                   int64_t row0, int64_t row1, const float *sums, int64_t sums_step);

#endif
