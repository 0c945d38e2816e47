/* Running a plan: each thread does its part of each step, then all meet. */
#include "plan_internal.h"

#include "../base/clock.h"
#include "../base/status.h"

#include <string.h>

int64_t plan_no_scratch(const sc_plan *plan, const plan_step *step, int64_t rows)
{
    (void)plan;
    (void)step;
    (void)rows;
    return 0;
}

sc_status plan_no_prepare(const sc_plan *plan, const plan_step *step, int64_t rows,
                          plan_thread *thread, sc_error *err)
{
    (void)plan;
    (void)step;
    (void)rows;
    (void)thread;
    (void)err;
    return SC_OK;
}

sc_status sc_plan_prepare(sc_plan *plan, int thread, sc_error *err)
{
    plan_thread *self = &plan->threads[thread];
    int64_t values = 0;
    if (sc_engine_is_onednn(&plan->engine)) {
        sc_onednn_own_thread();
        self->convs = sc_calloc(2 * (size_t)plan->n_steps * sizeof(sc_onednn_conv *));
        if (self->convs == NULL) return sc_fail(err, SC_NOMEM, "no memory for a plan");
    }
    for (int64_t i = 0; i < plan->n_steps; i++) {
        const plan_step *step = &plan->steps[i];
        if (step->kind == STEP_CONV && step->conv.winograd &&
            i % plan->n_threads == thread) {
            const sc_status status =
                sc_conv_weights_need_winograd(&plan->engine, step->conv.wei[0], err);
            if (status != SC_OK) return status;
        }
        const plan_share own = plan_share_of(step, thread);
        const int64_t rows = own.row1 - own.row0;
        if (rows == 0) continue;
        values = sc_max(values, step->ops->scratch(plan, step, rows));
        const sc_status status = step->ops->prepare(plan, step, rows, self, err);
        if (status != SC_OK) return status;
    }
    self->scratch_nbytes = (size_t)values * sizeof(float);
    self->scratch = sc_calloc(self->scratch_nbytes);
    if (self->scratch != NULL) return SC_OK;
    return sc_fail(err, SC_NOMEM, "no memory for %zu bytes of scratch",
                   self->scratch_nbytes);
}

/* ---- The run ------------------------------------------------------------------------ */

static void clear_pixels(const sc_plan *plan, const plan_step *step, int64_t y,
                         int64_t x, int64_t n)
{
    const plan_buffer *b = &plan->buffers[step->dst];
    if (step->fill_c == 0) {
        memset(plan_at(plan, (sc_view){step->dst, 0}, y, x), step->fill,
               (size_t)(n * b->pitch) * b->item_nbytes);
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        memset(plan_at(plan, step->conv.dst, y, x + i), step->fill,
               (size_t)step->fill_c);
    }
}

/* Another buffer's values may lie where this one's border is.  In a new plan this is
 * also what first touches the buffer, a page a row: seconds for the largest images. */
static void clear_halo(const plan_turn *turn, const plan_step *step)
{
    const sc_plan *plan = turn->plan;
    const int thread = turn->thread;
    const plan_buffer *b = &plan->buffers[step->dst];
    const int64_t width = b->w + 2 * b->halo;
    const int64_t row0 = part_begin(b->h, thread, plan->n_threads, 1);
    const int64_t row1 = part_begin(b->h, thread + 1, plan->n_threads, 1);
    for (int64_t y = row0; y < row1 && !plan_cancelled(turn); y++) {
        clear_pixels(plan, step, y, -b->halo, b->halo);
        clear_pixels(plan, step, y, b->w, b->halo);
    }
    for (int64_t i = 1; i <= b->halo; i++) {
        if (thread == 0) clear_pixels(plan, step, -i, -b->halo, width);
        if (thread == plan->n_threads - 1) {
            clear_pixels(plan, step, b->h + i - 1, -b->halo, width);
        }
    }
}

sc_status sc_plan_run(sc_plan *plan, int thread, const sc_image *image,
                      const atomic_bool *cancel, double *profile, sc_error *err)
{
    sc_status status = SC_OK;
    const plan_turn turn = {plan, thread, image, cancel};
    const bool timed = profile != NULL && thread == 0;
    const bool watched = image->ranges != NULL;
    double last = timed ? sc_seconds_now() : 0.0;
    for (int i = 0; i < plan->n_steps; i++) {
        const plan_step *step = &plan->steps[i];
        float *range = watched && thread == 0 ? image->ranges + 4 * i : NULL;
        if (range != NULL) plan_range_read(plan, step, range);
        if (watched) sc_barrier_wait(&plan->barrier, plan->n_threads);
        /* Nobody may leave early: the others would wait at the barrier for ever. */
        if (status == SC_OK && !plan_cancelled(&turn)) {
            if (step->clear_halo) clear_halo(&turn, step);
            status = step->ops->run(&turn, step, err);
        }
        sc_barrier_wait(&plan->barrier, plan->n_threads);
        if (range != NULL) plan_range_written(plan, step, range);
        if (watched) sc_barrier_wait(&plan->barrier, plan->n_threads);
        if (!timed) continue;
        const double now = sc_seconds_now();
        profile[i] += now - last;
        last = now;
    }
    return status;
}
