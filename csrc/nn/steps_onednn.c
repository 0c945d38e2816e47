/* Convolutions by oneDNN: for CPUs without kernels of our own, and on request.
 *
 * A primitive computes all of a thread's rows, from a dense copy of its input to dense
 * sums; what comes before and after them is done here by pointwise.h.
 */
#include "plan_internal.h"

#include <stdio.h>
#include <string.h>

/* The dense input that one thread's primitive reads: rows with their margins. */
static int64_t gathered_values(const sc_conv_weights *w, int64_t rows, int64_t columns)
{
    const sc_conv_shape *s = &w->shape;
    return ((rows - 1) * s->stride + s->kh) * ((columns - 1) * s->stride + s->kw) *
           s->ic;
}

static void gather(const plan_step *step, int i, int64_t row0, int64_t rows,
                   size_t item, char *dst)
{
    const sc_conv_shape *s = &step->conv.wei[i]->shape;
    const sc_phase *phase = &step->conv.call.phase[i];
    const int64_t row = phase->src_row / s->stride, pixel = phase->src_step / s->stride;
    const int64_t n = (step->w - 1) * s->stride + s->kw;
    for (int64_t y = 0; y < (rows - 1) * s->stride + s->kh; y++) {
        const char *src = (const char *)phase->src +
                          (size_t)((row0 * s->stride + y) * row) * item;
        for (int64_t x = 0; x < n; x++, dst += (size_t)s->ic * item) {
            memcpy(dst, src + (size_t)(x * pixel) * item, (size_t)s->ic * item);
        }
    }
}

static sc_status run_onednn(const plan_turn *turn, const plan_step *step, sc_error *err)
{
    const sc_plan *plan = turn->plan;
    const plan_share own = plan_share_of(step, turn->thread);
    const int64_t rows = own.row1 - own.row0, index = step - plan->steps;
    if (rows == 0) return SC_OK;
    const plan_thread *self = &plan->threads[turn->thread];
    const sc_conv *conv = &step->conv.call;
    const int64_t n = rows * step->w * step->c;
    float *sums[2] = {self->scratch, self->scratch + sc_round_up(n, SC_LANES)};
    float *dense = sums[1] + sc_round_up(n, SC_LANES);
    for (int i = 0; i < conv->n_phases; i++) {
        const void *src = dense;
        if (step->conv.normed) {
            src = plan_pack_rows(plan, step, own.row0, own.row1, dense);
        } else {
            gather(step, i, own.row0, rows, plan->engine.item_nbytes, (char *)dense);
        }
        const sc_status status =
            sc_onednn_conv_run(self->convs[2 * index + i], src, sums[i], err);
        if (status != SC_OK) return status;
    }
    if (step->conv.is_back) {
        plan_put_back(plan, step, own, own.row0, own.row1, sums[0], step->c);
        return SC_OK;
    }
    const char *add = conv->add;
    const size_t item = plan->engine.item_nbytes;
    const size_t dst_item = conv->dst_f32 ? sizeof(float) : item;
    /* Where bfloat16 ends in float32, nothing is added. */
    const sc_pointwise *pointwise = conv->dst_f32 && plan->engine.bf16
                                        ? &sc_pointwise_f32_base
                                        : plan->engine.pointwise;
    for (int64_t y = 0; y < rows; y++) {
        const int64_t at = own.row0 + y, first = y * step->w * step->c;
        pointwise->epilogue(
            sums[0] + first, conv->n_phases == 2 ? sums[1] + first : NULL,
            add == NULL ? NULL : add + (size_t)(at * conv->add_row) * item,
            conv->add_step, conv->add_scale, conv->mid_bias, conv->bias, conv->relu,
            conv->post_scale, conv->post_shift,
            (char *)conv->dst + (size_t)(at * conv->dst_row) * dst_item, conv->dst_step,
            step->w, step->c);
    }
    return SC_OK;
}

static int64_t onednn_scratch(const sc_plan *plan, const plan_step *step, int64_t rows)
{
    (void)plan;
    const plan_conv *self = &step->conv;
    const int64_t kc = sc_round_up(self->wei[0]->kc, SC_LANES);
    const int64_t overread = 64 * sc_max(self->pack_step, SC_LANES);
    int64_t dense = rows * step->w * self->pack_step + kc;
    for (int i = 0; i < self->call.n_phases; i++) {
        dense = sc_max(dense, gathered_values(self->wei[i], rows, step->w));
    }
    return 2 * sc_round_up(rows * step->w * step->c, SC_LANES) + dense + overread;
}

static sc_status prepare_onednn(const sc_plan *plan, const plan_step *step,
                                int64_t rows, plan_thread *thread, sc_error *err)
{
    const int64_t index = step - plan->steps;
    for (int i = 0; i < step->conv.call.n_phases; i++) {
        const sc_status status =
            sc_onednn_conv_create(step->conv.wei[i]->onednn, rows, step->w,
                                  &thread->convs[2 * index + i], err);
        if (status != SC_OK) return status;
    }
    return SC_OK;
}

/* A thread without rows has no primitive. */
static void describe_onednn(const sc_plan *plan, const plan_step *step, char *text,
                            size_t size)
{
    const char *name = plan->engine.conv_name;
    for (int t = 0; t < plan->n_threads; t++) {
        const sc_onednn_conv *conv = plan->threads[t].convs[2 * (step - plan->steps)];
        if (conv != NULL) name = sc_onednn_conv_name(conv);
    }
    snprintf(text, size, "onednn:%s", name);
}

const plan_ops PLAN_CONV_ONEDNN = {onednn_scratch, prepare_onednn, run_onednn,
                                   describe_onednn};
