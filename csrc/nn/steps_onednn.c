/* Convolutions by oneDNN: for CPUs without kernels of our own, and on request.
 *
 * A primitive computes all of a thread's rows, from a dense copy of its input to a dense
 * output, and all that follows its sums; what comes before is done here by pointwise.h.
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

static size_t src_nbytes(const sc_plan *plan, const plan_step *step)
{
    return step->conv.call.sum_scale[0] != NULL ? 1 : plan->engine.item_nbytes;
}

static void gather(const sc_plan *plan, const plan_step *step, int i, int64_t row0,
                   int64_t rows, char *dst)
{
    const sc_conv_shape *s = &step->conv.wei[i]->shape;
    const sc_phase *phase = &step->conv.call.phase[i];
    const int64_t row = phase->src_row / s->stride, pixel = phase->src_step / s->stride;
    const int64_t n = (step->w - 1) * s->stride + s->kw;
    const size_t item = src_nbytes(plan, step);
    for (int64_t y = 0; y < (rows - 1) * s->stride + s->kh; y++) {
        const char *src = (const char *)phase->src +
                          (size_t)((row0 * s->stride + y) * row) * item;
        for (int64_t x = 0; x < n; x++, dst += (size_t)s->ic * item) {
            memcpy(dst, src + (size_t)(x * pixel) * item, (size_t)s->ic * item);
        }
    }
}

/* The map that is added to the first sums, with its scale and their bias. */
static void gather_added(const sc_plan *plan, const plan_step *step, int64_t row0,
                         int64_t rows, float *dst)
{
    const sc_conv *conv = &step->conv.call;
    const size_t item = src_nbytes(plan, step);
    const sc_pointwise *pointwise =
        conv->sum_scale[0] != NULL ? plan->engine.pointwise_u8 : plan->engine.pointwise;
    for (int64_t y = row0; y < row0 + rows; y++) {
        const char *src = (const char *)conv->add + (size_t)(y * conv->add_row) * item;
        for (int64_t x = 0; x < step->w; x++, dst += step->c) {
            pointwise->norm(src + (size_t)(x * conv->add_step) * item, conv->add_scale,
                            conv->mid_bias, 0, dst, step->c);
        }
    }
}

/* Bytes from a layer that is not in integers, which oneDNN has not: float32 until then. */
static bool rounds_itself(const plan_step *step)
{
    return step->conv.call.dst_u8 && step->conv.call.sum_scale[0] == NULL;
}

/* What follows the sums of the first or the second phase. */
static sc_onednn_finish finish_of(const plan_step *step, bool second)
{
    const sc_conv *conv = &step->conv.call;
    const bool last = second || conv->n_phases == 1;
    const bool added = !second && step->conv.has_add;
    sc_onednn_finish finish = {.sum_scale = conv->sum_scale[second],
                               .dst = SC_ONEDNN_F32};
    if (step->conv.is_back) return finish;
    finish.add = second || added;
    if (!added) finish.bias = last ? conv->bias : conv->mid_bias;
    finish.relu = !last || conv->relu;
    if (!last || rounds_itself(step)) return finish;
    finish.post_scale = conv->post_scale;
    finish.post_shift = conv->post_shift;
    finish.dst = conv->dst_u8    ? SC_ONEDNN_U8
                 : conv->dst_f32 ? SC_ONEDNN_F32
                                 : SC_ONEDNN_BF16;
    return finish;
}

/* The dense output to its rows. */
static void scatter(const sc_plan *plan, const plan_step *step, int64_t row0,
                    int64_t rows, const void *output)
{
    const sc_conv *conv = &step->conv.call;
    const sc_pointwise *f32 = plan->engine.bf16 ? &sc_pointwise_f32_avx512
                                                : plan->engine.pointwise;
    const size_t item = plan->buffers[step->dst].item_nbytes;
    const size_t pixel = (size_t)step->c * item;
    const char *src = output;
    for (int64_t y = 0; y < rows; y++) {
        char *dst = (char *)conv->dst + (size_t)((row0 + y) * conv->dst_row) * item;
        if (rounds_itself(step)) {
            f32->norm_relu_u8((const float *)output + y * step->w * step->c, step->c,
                              dst, conv->dst_step, step->w, step->c, conv->post_scale,
                              conv->post_shift);
            continue;
        }
        for (int64_t x = 0; x < step->w; x++, src += pixel) {
            memcpy(dst + (size_t)(x * conv->dst_step) * item, src, pixel);
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
    const int64_t n = sc_round_up(rows * step->w * step->c, SC_LANES);
    /* Sums to add to, then the output if it is not float32, then the input. */
    float *sums = self->scratch, *other = sums + n, *dense = other + n, *output = sums;
    if (conv->add != NULL) gather_added(plan, step, own.row0, rows, sums);
    for (int i = 0; i < conv->n_phases; i++) {
        const void *src = dense;
        output = finish_of(step, i == 1).dst == SC_ONEDNN_F32 ? sums : other;
        if (step->conv.normed) {
            src = plan_pack_rows(plan, step, own.row0, own.row1, dense);
        } else {
            gather(plan, step, i, own.row0, rows, (char *)dense);
        }
        const sc_status status =
            sc_onednn_conv_run(self->convs[2 * index + i], src, sums, output, err);
        if (status != SC_OK) return status;
    }
    if (step->conv.is_back) {
        plan_put_back(plan, step, own, own.row0, own.row1, sums, step->c);
    } else {
        scatter(plan, step, own.row0, rows, output);
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
        const sc_onednn_finish finish = finish_of(step, i == 1);
        const sc_status status =
            sc_onednn_conv_create(step->conv.wei[i]->onednn, &finish, rows, step->w,
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
