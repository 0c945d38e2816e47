/* Convolutions of a backward pass: the sums go through a ReLU to the destination.
 *
 * The sums of a chunk of rows are left in the thread's scratch, so that they are still in L2
 * when the ReLU's input is read beside them. */
#include "plan_internal.h"

#include <string.h>

/* The transforms' scratch comes first, the sums behind it. */
static int64_t transform_values(const sc_plan *plan, const plan_step *step)
{
    if (!step->conv.winograd) return 0;
    return sc_round_up(plan->engine.winograd->scratch(step->c, step->conv.wei[0]->kc),
                       SC_LANES);
}

static int64_t back_scratch(const sc_plan *plan, const plan_step *step, int64_t rows)
{
    return transform_values(plan, step) +
           sc_min(step->conv.chunk_rows, rows) * step->w * step->conv.sum_step +
           SC_LANES;
}

/* Row y of dst through the ReLU: 'n' pixels, each from x on and 'stride' apart, of the
 * channels [c0, c0 + c). */
static void put_row(const sc_plan *plan, const plan_step *step, int64_t y, int64_t x,
                    int64_t stride, int64_t c0, int64_t c, const float *sums,
                    int64_t sums_step)
{
    const sc_back *back = &step->conv.back;
    const bool normed = back->norm_scale != NULL;
    const sc_view src = {back->src.buffer, back->src.channel + c0};
    const sc_view dst = {step->conv.dst.buffer, step->conv.dst.channel + c0};
    plan->engine.pointwise->norm_relu_back(
        sums + c0, sums_step, plan_at(plan, src, y, x),
        plan->buffers[src.buffer].pitch * stride, normed ? back->norm_scale + c0 : NULL,
        normed ? back->norm_shift + c0 : NULL, back->add, plan_at(plan, dst, y, x),
        plan->buffers[dst.buffer].pitch * stride, step->w, c);
}

static void clear(const sc_plan *plan, sc_view dst, int64_t y, int64_t x, int64_t n,
                  int64_t c)
{
    for (int64_t i = 0; i < n; i++) {
        memset(plan_at(plan, dst, y, x + i), 0, (size_t)c * plan->engine.item_nbytes);
    }
}

/* Sums of row y to 2 x 2 pixels each. */
static void spread_row(const sc_plan *plan, const plan_step *step, int64_t y,
                       int64_t c0, int64_t c, const float *sums, int64_t sums_step)
{
    const plan_buffer *dst = &plan->buffers[step->conv.dst.buffer];
    const sc_view view = {step->conv.dst.buffer, step->conv.dst.channel + c0};
    for (int64_t i = 0; i < 4; i++) {
        put_row(plan, step, 2 * y + i / 2, i % 2, 2, c0, c, sums, sums_step);
    }
    if (dst->w > 2 * step->w) {
        clear(plan, view, 2 * y, 2 * step->w, 1, c);
        clear(plan, view, 2 * y + 1, 2 * step->w, 1, c);
    }
    if (y == step->h - 1 && dst->h > 2 * step->h) {
        clear(plan, view, 2 * step->h, 0, dst->w, c);
    }
}

void plan_put_back(const sc_plan *plan, const plan_step *step, plan_share own,
                   int64_t row0, int64_t row1, const float *sums, int64_t sums_step)
{
    const int64_t c0 = own.block0 * SC_LANES;
    const int64_t c = sc_min(own.block1 * SC_LANES, step->c) - c0;
    if (c <= 0) return;
    for (int64_t y = row0; y < row1; y++, sums += step->w * sums_step) {
        if (step->conv.back.spread2) {
            spread_row(plan, step, y, c0, c, sums, sums_step);
        } else {
            put_row(plan, step, y, 0, 1, c0, c, sums, sums_step);
        }
    }
}

/* The sums of some rows to scratch, and while they are in L2 through the ReLU. */
static void run_rows(const sc_plan *plan, const plan_step *step, plan_share own,
                     int64_t row0, int64_t row1, float *scratch)
{
    float *sums = scratch + transform_values(plan, step);
    sc_conv conv = step->conv.call;
    sc_phase *phase = &conv.phase[0];
    phase->src = (const char *)phase->src +
                 (size_t)(row0 * phase->src_row) * plan->engine.item_nbytes;
    conv.dst = sums;
    conv.dst_step = step->conv.sum_step;
    conv.dst_row = step->w * step->conv.sum_step;
    conv.dst_f32 = true;
    conv.channels = conv.n_blocks * SC_LANES;
    conv.rows = row1 - row0;
    if (step->conv.winograd) {
        plan->engine.winograd->run(&conv, step->conv.wei[0]->winograd->packed, 0,
                                   conv.rows, scratch);
    } else {
        plan->engine.conv(&conv, 0, conv.rows, own.block0, own.block1);
    }
    plan_put_back(plan, step, own, row0, row1, sums, step->conv.sum_step);
}

static sc_status run_back(const plan_turn *turn, const plan_step *step, sc_error *err)
{
    (void)err;
    return plan_each_chunk(turn, step, run_rows);
}

const plan_ops PLAN_CONV_BACK = {back_scratch, plan_no_prepare, run_back,
                                 plan_describe_conv};
