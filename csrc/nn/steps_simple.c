/* Steps without weights: the way in, max pooling, and a network's own functions. */
#include "plan_internal.h"

#include <stdio.h>

static void describe(const sc_plan *plan, const plan_step *step, char *text,
                     size_t size)
{
    (void)step;
    snprintf(text, size, "%s", plan->engine.pointwise->name);
}

static sc_status run_input(const plan_turn *turn, const plan_step *step, sc_error *err)
{
    (void)err;
    const sc_plan *plan = turn->plan;
    const plan_share own = plan_share_of(step, turn->thread);
    const int64_t plane = step->h * step->w;
    for (int64_t y = own.row0; y < own.row1; y++) {
        plan->engine.pointwise->interleave(turn->image->src + y * step->w, plane,
                                           plan_at(plan, (sc_view){step->dst, 0}, y, 0),
                                           step->w, step->c);
    }
    return SC_OK;
}

static sc_status run_max_pool(const plan_turn *turn, const plan_step *step,
                              sc_error *err)
{
    (void)err;
    const sc_plan *plan = turn->plan;
    const plan_pool *pool = &step->pool;
    const plan_share own = plan_share_of(step, turn->thread);
    const plan_buffer *src = &plan->buffers[pool->src.buffer];
    const plan_buffer *dst = &plan->buffers[pool->dst.buffer];
    const sc_pointwise *pointwise = src->item_nbytes == 1 ? plan->engine.pointwise_u8
                                                          : plan->engine.pointwise;
    /* Whole pixels, padding included, are whole vectors. */
    const bool whole = dst->c == step->c && dst->pitch == src->pitch;
    const int64_t c = whole ? dst->pitch : step->c;
    for (int64_t y = own.row0; y < own.row1 && !plan_cancelled(turn); y++) {
        const int64_t at = y * pool->stride + pool->origin;
        pointwise->max_pool(plan_at(plan, pool->src, at, pool->origin), plan_row(src),
                            src->pitch, pool->k, pool->k, pool->stride,
                            plan_at(plan, pool->dst, y, 0), dst->pitch, step->w, c);
    }
    return SC_OK;
}

static sc_status run_custom(const plan_turn *turn, const plan_step *step, sc_error *err)
{
    (void)err;
    const sc_plan *plan = turn->plan;
    const plan_custom *custom = &step->custom;
    sc_map maps[3];
    for (int i = 0; i < custom->n_maps; i++) {
        const sc_view view = custom->maps[i];
        const plan_buffer *b = &plan->buffers[view.buffer];
        maps[i] = (sc_map){plan_at(plan, view, 0, 0), plan_row(b), b->pitch, b->h, b->w,
                           b->c - view.channel};
    }
    custom->run(custom->context, &plan->engine, maps, turn->image, turn->thread,
                plan->n_threads);
    return SC_OK;
}

const plan_ops PLAN_INPUT = {plan_no_scratch, plan_no_prepare, run_input, describe};
const plan_ops PLAN_MAX_POOL = {plan_no_scratch, plan_no_prepare, run_max_pool,
                                describe};
const plan_ops PLAN_CUSTOM = {plan_no_scratch, plan_no_prepare, run_custom, describe};
