/* Running a plan: each thread does its part of each step, then all meet. */
#include "plan.h"

#include "plan_internal.h"

#include "../base/memory.h"
#include "../base/status.h"

#include <string.h>
#include <time.h>

static plan_share share_of(const plan_step *step, int64_t rows, int thread)
{
    const int part = thread / step->block_parts, side = thread % step->block_parts;
    if (part >= step->row_parts) return (plan_share){0, 0, 0, 0};
    const int64_t blocks = sc_conv_blocks(step->c);
    return (plan_share){
        part_begin(rows, part, step->row_parts, step->row_unit),
        part_begin(rows, part + 1, step->row_parts, step->row_unit),
        part_begin(blocks, side, step->block_parts, step->block_unit),
        part_begin(blocks, side + 1, step->block_parts, step->block_unit),
    };
}

static void clear_pixels(const sc_plan *plan, int buffer, int64_t y, int64_t x,
                         int64_t n)
{
    const plan_buffer *b = &plan->buffers[buffer];
    memset(plan_at(plan, (sc_view){buffer, 0}, y, x), 0,
           (size_t)(n * b->pitch) * b->item_nbytes);
}

static bool is_cancelled(const atomic_bool *cancel)
{
    return atomic_load_explicit(cancel, memory_order_relaxed);
}

/* Another buffer's values may lie where this one's border is.  In a new plan this is
 * also what first touches the buffer, a page a row: seconds for the largest images. */
static void clear_halo(const sc_plan *plan, const plan_step *step, int thread,
                       const atomic_bool *cancel)
{
    const plan_buffer *b = &plan->buffers[step->dst];
    const int64_t width = b->w + 2 * b->halo;
    const int64_t row0 = part_begin(b->h, thread, plan->n_threads, 1);
    const int64_t row1 = part_begin(b->h, thread + 1, plan->n_threads, 1);
    for (int64_t y = row0; y < row1 && !is_cancelled(cancel); y++) {
        clear_pixels(plan, step->dst, y, -b->halo, b->halo);
        clear_pixels(plan, step->dst, y, b->w, b->halo);
    }
    for (int64_t i = 1; i <= b->halo; i++) {
        if (thread == 0) clear_pixels(plan, step->dst, -i, -b->halo, width);
        if (thread == plan->n_threads - 1) {
            clear_pixels(plan, step->dst, b->h + i - 1, -b->halo, width);
        }
    }
}

static void run_input(const sc_plan *plan, const plan_step *step, const sc_image *image,
                      int thread)
{
    const plan_share own = share_of(step, step->h, thread);
    const int64_t plane = step->h * step->w;
    for (int64_t y = own.row0; y < own.row1; y++) {
        plan->engine.pointwise->interleave(image->src + y * step->w, plane,
                                           plan_at(plan, (sc_view){step->dst, 0}, y, 0),
                                           step->w, step->c);
    }
}

static void run_max_pool(const sc_plan *plan, const plan_step *step, int thread,
                         const atomic_bool *cancel)
{
    const plan_share own = share_of(step, step->h, thread);
    const plan_buffer *src = &plan->buffers[step->src.buffer];
    const plan_buffer *dst = &plan->buffers[step->dst];
    /* Whole pixels, padding included, are whole vectors. */
    const bool whole = dst->c == step->c && dst->pitch == src->pitch;
    const int64_t c = whole ? dst->pitch : step->c;
    for (int64_t y = own.row0; y < own.row1 && !is_cancelled(cancel); y++) {
        const int64_t at = y * step->stride + step->origin;
        plan->engine.pointwise->max_pool(
            plan_at(plan, step->src, at, step->origin), plan_row(src), src->pitch,
            step->k, step->k, step->stride, plan_at(plan, step->spec.dst, y, 0),
            dst->pitch, step->w, c);
    }
}

/* ---- Convolutions by our own kernels ------------------------------------------- */

/* Another step's values may lie where bf16 kernels read past a pixel's channels. */
static void clear_tails(const plan_step *step, uint16_t *row)
{
    const int64_t kc = step->spec.wei[0]->kc, n = sc_round_up(kc, 32) - kc;
    for (int64_t x = 0; n > 0 && x < step->w; x++) {
        memset(row + x * step->pack_step + kc, 0, (size_t)n * sizeof *row);
    }
}

/* Normalised (and pooled) input of output rows [row0, row1), packed densely. */
static void pack_rows(const sc_plan *plan, const plan_step *step, int64_t row0,
                      int64_t row1, const plan_thread *own)
{
    const sc_conv_step *spec = &step->spec;
    const plan_buffer *src = &plan->buffers[spec->src[0].buffer];
    const int64_t kc = spec->wei[0]->kc, row = step->w * step->pack_step;
    float *sums = own->scratch;
    char *dst = (char *)(own->scratch + sc_round_up(kc, SC_LANES));
    for (int64_t y = row0; y < row1; y++) {
        void *dst_y = dst + (size_t)((y - row0) * row) * plan->engine.item_nbytes;
        if (spec->mean2) {
            plan->engine.pointwise->norm_relu_mean2(
                plan_at(plan, spec->src[0], 2 * y, 0), plan_row(src), src->pitch, dst_y,
                step->pack_step, step->w, kc, spec->norm_scale, spec->norm_shift, sums);
        } else {
            plan->engine.pointwise->norm_relu(
                plan_at(plan, spec->src[0], y, 0), src->pitch, dst_y, step->pack_step,
                step->w, kc, spec->norm_scale, spec->norm_shift);
        }
        if (plan->engine.bf16) clear_tails(step, dst_y);
    }
}

static void run_packed(const sc_plan *plan, const plan_step *step, plan_share own,
                       int64_t row0, int64_t row1, const plan_thread *thread)
{
    pack_rows(plan, step, row0, row1, thread);
    sc_conv conv = step->conv;
    conv.phase[0].src = thread->scratch + sc_round_up(conv.phase[0].kc, SC_LANES);
    conv.phase[0].src_row = step->w * step->pack_step;
    conv.phase[0].src_step = step->pack_step;
    conv.dst = (char *)conv.dst + (size_t)(row0 * conv.dst_row) *
                                      (conv.dst_f32 ? 4 : plan->engine.item_nbytes);
    conv.rows = row1 - row0;
    plan->engine.conv(&conv, 0, row1 - row0, own.block0, own.block1);
}

/* The 3 x 3 of rows [row0, row1), and while they are in L2 the 1 x 1 added to them. */
static void run_winograd(const sc_plan *plan, const plan_step *step, int64_t row0,
                         int64_t row1, const plan_thread *thread)
{
    const void *wei = step->spec.wei[0]->winograd;
    sc_conv first = step->conv, second = step->conv;
    if (step->conv.n_phases == 1) {
        plan->engine.winograd->run(&first, wei, row0, row1, thread->scratch);
        return;
    }
    first.n_phases = 1;
    first.bias = first.mid_bias;
    first.relu = true;
    first.post_scale = first.post_shift = NULL;
    plan->engine.winograd->run(&first, wei, row0, row1, thread->scratch);
    second.n_phases = 1;
    second.phase[0] = second.phase[1];
    second.add = second.dst;
    second.add_row = second.dst_row;
    second.add_step = second.dst_step;
    plan->engine.conv(&second, row0, row1, 0, second.n_blocks);
}

static void run_conv(const sc_plan *plan, const plan_step *step, int thread,
                     const atomic_bool *cancel)
{
    const plan_share own = share_of(step, step->h, thread);
    for (int64_t y = own.row0; y < own.row1; y += step->chunk_rows) {
        if (is_cancelled(cancel)) return;
        const int64_t end = sc_min(y + step->chunk_rows, own.row1);
        if (step->spec.back != NULL) {
            plan_run_back(plan, step, own, y, end, &plan->threads[thread]);
        } else if (step->spec.norm_scale != NULL) {
            run_packed(plan, step, own, y, end, &plan->threads[thread]);
        } else if (step->winograd) {
            run_winograd(plan, step, y, end, &plan->threads[thread]);
        } else {
            plan->engine.conv(&step->conv, y, end, own.block0, own.block1);
        }
    }
}

/* ---- Convolutions by oneDNN ------------------------------------------------------ */

/* The dense input that one thread's primitive reads: rows with their margins. */
static int64_t gathered_values(const sc_conv_weights *w, int64_t rows, int64_t columns)
{
    const sc_conv_shape *s = &w->shape;
    return ((rows - 1) * s->stride + s->kh) * ((columns - 1) * s->stride + s->kw) *
           s->ic;
}

static void gather(const plan_step *step, int i, int64_t row0, int64_t rows, float *dst)
{
    const sc_conv_shape *s = &step->spec.wei[i]->shape;
    const sc_phase *phase = &step->conv.phase[i];
    const int64_t row = phase->src_row / s->stride, pixel = phase->src_step / s->stride;
    const int64_t n = (step->w - 1) * s->stride + s->kw;
    for (int64_t y = 0; y < (rows - 1) * s->stride + s->kh; y++) {
        const float *src = (const float *)phase->src + (row0 * s->stride + y) * row;
        for (int64_t x = 0; x < n; x++, dst += s->ic) {
            memcpy(dst, src + x * pixel, (size_t)s->ic * sizeof *dst);
        }
    }
}

static sc_status run_onednn(const sc_plan *plan, const plan_step *step, int thread,
                            sc_error *err)
{
    const plan_share own = share_of(step, step->h, thread);
    const int64_t rows = own.row1 - own.row0, index = step - plan->steps;
    if (rows == 0) return SC_OK;
    const plan_thread *self = &plan->threads[thread];
    const sc_conv *conv = &step->conv;
    const int64_t n = rows * step->w * step->c;
    float *sums[2] = {self->scratch, self->scratch + sc_round_up(n, SC_LANES)};
    float *dense = sums[1] + sc_round_up(n, SC_LANES);
    for (int i = 0; i < conv->n_phases; i++) {
        const float *src = dense;
        if (step->spec.norm_scale != NULL) {
            const plan_thread shifted = {.scratch = dense};
            pack_rows(plan, step, own.row0, own.row1, &shifted);
            src = dense + sc_round_up(step->spec.wei[0]->kc, SC_LANES);
        } else {
            gather(step, i, own.row0, rows, dense);
        }
        const sc_status status =
            sc_onednn_conv_run(self->convs[2 * index + i], src, sums[i], err);
        if (status != SC_OK) return status;
    }
    if (step->spec.back != NULL) {
        plan_put_back(plan, step, own, own.row0, own.row1, sums[0], step->c);
        return SC_OK;
    }
    const float *add = conv->add;
    for (int64_t y = 0; y < rows; y++) {
        const int64_t at = own.row0 + y, first = y * step->w * step->c;
        plan->engine.pointwise->epilogue(
            sums[0] + first, conv->n_phases == 2 ? sums[1] + first : NULL,
            add == NULL ? NULL : add + at * conv->add_row, conv->add_step,
            conv->add_scale, conv->mid_bias, conv->bias, conv->relu, conv->post_scale,
            conv->post_shift, (float *)conv->dst + at * conv->dst_row, conv->dst_step,
            step->w, step->c);
    }
    return SC_OK;
}

/* ---- A thread's own memory and primitives ------------------------------------------ */

static int64_t scratch_values(const sc_plan *plan, const plan_step *step, int64_t rows)
{
    const sc_conv_step *spec = &step->spec;
    if (step->kind != STEP_CONV || rows == 0) return 0;
    const int64_t kc = sc_round_up(spec->wei[0]->kc, SC_LANES);
    const int64_t overread = 64 * sc_max(step->pack_step, SC_LANES);
    if (plan->engine.conv != NULL) {
        if (spec->back != NULL) return plan_back_scratch(plan, step, rows);
        if (step->winograd) return plan->engine.winograd->scratch(spec->wei[0]->kc);
        if (spec->norm_scale == NULL) return 0;
        return kc + sc_min(step->chunk_rows, rows) * step->w * step->pack_step +
               overread;
    }
    int64_t dense = rows * step->w * step->pack_step + kc;
    for (int i = 0; i < step->conv.n_phases; i++) {
        dense = sc_max(dense, gathered_values(spec->wei[i], rows, step->w));
    }
    return 2 * sc_round_up(rows * step->w * step->c, SC_LANES) + dense + overread;
}

static sc_status create_convs(const sc_plan *plan, plan_thread *self, int64_t index,
                              int64_t rows, sc_error *err)
{
    plan_step *step = &plan->steps[index];
    for (int i = 0; i < step->conv.n_phases; i++) {
        const sc_status status = sc_onednn_conv_create(
            step->spec.wei[i]->onednn, rows, step->w, &self->convs[2 * index + i], err);
        if (status != SC_OK) return status;
    }
    return SC_OK;
}

sc_status sc_plan_prepare(sc_plan *plan, int thread, sc_error *err)
{
    plan_thread *self = &plan->threads[thread];
    const bool onednn = plan->engine.conv == NULL;
    int64_t values = 0;
    if (onednn) {
        sc_onednn_own_thread();
        self->convs = sc_calloc(2 * (size_t)plan->n_steps * sizeof(sc_onednn_conv *));
        if (self->convs == NULL) return sc_fail(err, SC_NOMEM, "no memory for a plan");
    }
    for (int64_t i = 0; i < plan->n_steps; i++) {
        plan_step *step = &plan->steps[i];
        const plan_share own = share_of(step, step->h, thread);
        const int64_t rows = own.row1 - own.row0;
        values = sc_max(values, scratch_values(plan, step, rows));
        if (!onednn || step->kind != STEP_CONV || rows == 0) continue;
        const sc_status status = create_convs(plan, self, i, rows, err);
        if (status != SC_OK) return status;
    }
    self->scratch_nbytes = (size_t)values * sizeof(float);
    self->scratch = sc_calloc(self->scratch_nbytes);
    if (self->scratch != NULL) return SC_OK;
    return sc_fail(err, SC_NOMEM, "no memory for %zu bytes of scratch",
                   self->scratch_nbytes);
}

/* ---- The run ------------------------------------------------------------------------ */

static void run_custom(const sc_plan *plan, const plan_step *step,
                       const sc_image *image, int thread)
{
    sc_map maps[3];
    for (int i = 0; i < step->n_maps; i++) {
        const sc_view view = step->maps[i];
        const plan_buffer *b = &plan->buffers[view.buffer];
        maps[i] = (sc_map){plan_at(plan, view, 0, 0), plan_row(b), b->pitch, b->h, b->w,
                           b->c - view.channel};
    }
    step->run(step->context, &plan->engine, maps, image, thread, plan->n_threads);
}

static sc_status run_step(const sc_plan *plan, const plan_step *step, int thread,
                          const sc_image *image, const atomic_bool *cancel,
                          sc_error *err)
{
    if (step->clear_halo) clear_halo(plan, step, thread, cancel);
    switch (step->kind) {
    case STEP_INPUT: run_input(plan, step, image, thread); break;
    case STEP_MAX_POOL: run_max_pool(plan, step, thread, cancel); break;
    case STEP_CONV:
        if (plan->engine.conv == NULL) return run_onednn(plan, step, thread, err);
        run_conv(plan, step, thread, cancel);
        break;
    case STEP_CUSTOM: run_custom(plan, step, image, thread); break;
    }
    return SC_OK;
}

static double seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

sc_status sc_plan_run(sc_plan *plan, int thread, const sc_image *image,
                      const atomic_bool *cancel, double *profile, sc_error *err)
{
    sc_status status = SC_OK;
    const bool timed = profile != NULL && thread == 0;
    double last = timed ? seconds_now() : 0.0;
    for (int i = 0; i < plan->n_steps; i++) {
        /* Nobody may leave early: the others would wait at the barrier for ever. */
        if (status == SC_OK && !is_cancelled(cancel)) {
            status = run_step(plan, &plan->steps[i], thread, image, cancel, err);
        }
        sc_barrier_wait(&plan->barrier, plan->n_threads);
        if (!timed) continue;
        const double now = seconds_now();
        profile[i] += now - last;
        last = now;
    }
    return status;
}
