/* Shared by the files of a plan: buffers, steps, and the tables of functions for steps.
 *
 *     plan.c             building: buffers and steps are added, then laid out
 *     plan_memory.c      where each buffer lies
 *     plan_partition.c   which rows and blocks of channels a thread computes
 *     steps.c            running: one step after another, all threads together
 *     steps_simple.c     the way in, max pooling, a network's own steps
 *     steps_conv.c       convolutions by our own kernels
 *     steps_back.c       those of a backward pass
 *     steps_onednn.c     both by oneDNN
 *     plan_ranges.c      which values the maps take
 */
#ifndef SC_NN_PLAN_INTERNAL_H
#define SC_NN_PLAN_INTERNAL_H

#include "plan.h"

#include "../base/memory.h"

enum { PLAN_PAGE = 4096 };

typedef struct {
    int64_t h, w, c, halo; /* pixels, channels, zero pixels on each side */
    int64_t pitch;         /* elements from one pixel to the next */
    size_t item_nbytes;
    size_t nbytes, offset; /* of the workspace, with what kernels read too far */
    int fill;              /* the byte that is 0, last told of a buffer of bytes */
    int first, last;       /* steps that write it first and read it last */
} plan_buffer;

/* The memory and primitives of one thread. */
typedef struct {
    float *scratch; /* for one step at a time: as much as the greediest needs */
    size_t scratch_nbytes;
    sc_onednn_conv **convs; /* two a step, where oneDNN computes */
} plan_thread;

/* A thread's share of a step: output rows and blocks of channels. */
typedef struct {
    int64_t row0, row1, block0, block1;
} plan_share;

/* One thread's turn at a step. */
typedef struct {
    const sc_plan *plan;
    int thread;
    const sc_image *image;
    const atomic_bool *cancel;
} plan_turn;

typedef struct plan_step plan_step;

/* The functions of a step: one table for each kind, and for each way to compute a
 * convolution.  It is chosen when the plan is finished; nothing asks again afterwards. */
typedef struct {
    /* Floats of scratch for a thread with so many rows. */
    int64_t (*scratch)(const sc_plan *plan, const plan_step *step, int64_t rows);
    /* Make what one thread needs; called once, on that thread. */
    sc_status (*prepare)(const sc_plan *plan, const plan_step *step, int64_t rows,
                         plan_thread *thread, sc_error *err);
    sc_status (*run)(const plan_turn *turn, const plan_step *step, sc_error *err);
    /* The name of what computes it. */
    void (*describe)(const sc_plan *plan, const plan_step *step, char *text,
                     size_t size);
} plan_ops;

/* Of a convolution: sc_conv_step, sorted by what is made of it. */
typedef struct {
    const sc_conv_weights *wei[2];
    /* Where the addresses in 'call' come from, once the buffers have theirs. */
    sc_view src[2], dst, add;
    int64_t dst_y, dst_x, dst_stride;
    bool has_add;
    sc_conv call;       /* of a kernel, for all rows */
    int64_t chunk_rows; /* of the output, so that they stay in L2 */
    bool winograd; /* phase 0 by winograd.h; then a phase 1 on top of it, in place */

    /* Where a batch normalisation and ReLU (and a mean) come before a 1 x 1: the input
     * of a chunk is packed, each pixel 'pack_step' elements. */
    bool normed, mean2;
    const float *norm_scale, *norm_shift;
    int64_t pack_step;

    /* Where the sums go back through a ReLU: 'sum_step' floats a pixel before it. */
    bool is_back;
    sc_back back;
    int64_t sum_step;
} plan_conv;

typedef struct {
    sc_view src, dst;
    int64_t k, stride, origin; /* sc_plan_max_pool */
} plan_pool;

typedef struct {
    sc_view maps[3]; /* sources, then the destination */
    int n_maps;
    sc_custom_fn run;
    const void *context;
} plan_custom;

typedef enum { STEP_INPUT, STEP_CONV, STEP_MAX_POOL, STEP_CUSTOM } step_kind;

struct plan_step {
    step_kind kind; /* of the union */
    const plan_ops *ops;
    char name[64], text[24]; /* sc_layer_info's name and kind */
    int dst;                 /* buffer, or -1 */
    bool clear_halo;         /* this step writes 'dst' first, or with another zero */
    int fill;                /* a byte of its halo, */
    int64_t fill_c; /* in so many channels of the view; 0: in all of the buffer */
    double flops;
    int64_t h, w, c; /* of the output */
    /* How it is cut: row_parts x block_parts shares, in whole units. */
    int row_parts, block_parts;
    int64_t row_unit, block_unit;
    union {
        plan_conv conv;
        plan_pool pool;
        plan_custom custom;
    };
};

struct sc_plan {
    sc_engine engine;
    int n_threads;
    sc_status status; /* of building: after a failure nothing more is added */
    sc_error error;
    plan_buffer *buffers;
    int n_buffers, max_buffers;
    plan_step *steps;
    int n_steps, max_steps;
    char *workspace; /* all buffers; lent (sc_plan_place) */
    size_t workspace_nbytes;
    plan_thread *threads; /* n_threads, once finished */
    sc_barrier barrier;   /* after every step */
};

/* Element (channel of pixel (y, x)) of a buffer, halo allowed. */
static inline char *plan_at(const sc_plan *plan, sc_view view, int64_t y, int64_t x)
{
    const plan_buffer *b = &plan->buffers[view.buffer];
    const int64_t pixel = (y + b->halo) * (b->w + 2 * b->halo) + x + b->halo;
    return plan->workspace + b->offset +
           (size_t)(pixel * b->pitch + view.channel) * b->item_nbytes;
}

/* Elements from one row to the next. */
static inline int64_t plan_row(const plan_buffer *b)
{
    return (b->w + 2 * b->halo) * b->pitch;
}

/* Part i of n of a range, in multiples of 'unit' but for its end. */
static inline int64_t part_begin(int64_t length, int64_t i, int64_t n, int64_t unit)
{
    return sc_min((length + unit - 1) / unit * i / n * unit, length);
}

static inline bool plan_cancelled(const plan_turn *turn)
{
    return atomic_load_explicit(turn->cancel, memory_order_relaxed);
}

/* ---- plan_memory.c and plan_partition.c --------------------------------------------- */

/* Largest buffers first, each at the lowest offset that is free during its life; then
 * how much all of them need. */
sc_status plan_place_buffers(sc_plan *plan, sc_error *err);

/* Choose the parts of a convolution whose way of computing has been chosen. */
void plan_partition(const sc_plan *plan, plan_step *step);

/* Return the share of a thread: empty where there are more threads than parts. */
plan_share plan_share_of(const plan_step *step, int thread);

/* ---- Tables of functions ------------------------------------------------------------ */

extern const plan_ops PLAN_INPUT, PLAN_MAX_POOL, PLAN_CUSTOM;
extern const plan_ops PLAN_CONV_DIRECT, PLAN_CONV_PACKED, PLAN_CONV_WINOGRAD;
extern const plan_ops PLAN_CONV_BACK;
extern const plan_ops PLAN_CONV_ONEDNN;

/* Widen the four numbers of 'range' by what the step reads and writes (sc_call): the first
 * two before it runs, the others after. */
void plan_range_read(const sc_plan *plan, const plan_step *step, float *range);
void plan_range_written(const sc_plan *plan, const plan_step *step, float *range);

/* For steps that need neither. */
int64_t plan_no_scratch(const sc_plan *plan, const plan_step *step, int64_t rows);
sc_status plan_no_prepare(const sc_plan *plan, const plan_step *step, int64_t rows,
                          plan_thread *thread, sc_error *err);

/* Strides and chunks of a convolution, for any way of computing it; then its addresses, in
 * each workspace. */
void plan_conv_resolve(const sc_plan *plan, plan_step *step);
void plan_conv_place(const sc_plan *plan, plan_step *step);

/* Call 'compute' on each chunk of a thread's rows; 'scratch' is the thread's. */
typedef void (*plan_chunk_fn)(const sc_plan *plan, const plan_step *step,
                              plan_share own, int64_t row0, int64_t row1,
                              float *scratch);
sc_status plan_each_chunk(const plan_turn *turn, const plan_step *step,
                          plan_chunk_fn compute);

/* For PLAN_CONV_PACKED: the normalised (and pooled) input of output rows [row0, row1) to
 * 'dst', packed densely, after room for 'sums' of one pixel; returns where it begins. */
float *plan_pack_rows(const sc_plan *plan, const plan_step *step, int64_t row0,
                      int64_t row1, float *scratch);

/* For PLAN_CONV_BACK: 'sums' of rows [row0, row1), 'sums_step' floats a pixel, through
 * the ReLU to the destination. */
void plan_put_back(const sc_plan *plan, const plan_step *step, plan_share own,
                   int64_t row0, int64_t row1, const float *sums, int64_t sums_step);

/* The kernel of a convolution: in integers, or of the engine's type. */
sc_conv_fn plan_conv_kernel(const sc_plan *plan, const plan_step *step);

/* Describe a convolution by our own kernels. */
void plan_describe_conv(const sc_plan *plan, const plan_step *step, char *text,
                        size_t size);

#endif
