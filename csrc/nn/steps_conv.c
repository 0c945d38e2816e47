/* Convolutions by our own kernels: addresses, chunks of rows, three ways to compute.
 *
 * A thread works through its rows in chunks: the input of a chunk is read once for each
 * few blocks of output channels, so it should stay in L2 until the last of them.
 */
#include "plan_internal.h"

#include <stdio.h>
#include <string.h>

enum {
    /* Rows of input and output that one pass over the weights works on: a part of L2
     * (1 MiB on the smaller servers) beside the weights that stream through it. */
    CHUNK_NBYTES = 640 << 10,
    /* The same where the input is packed first, or the sums wait for what follows; and where it
       is packed as bytes, which are read again sooner. */
    PACK_NBYTES = 256 << 10,
    PACK_U8_NBYTES = 128 << 10,
};

/* ---- Strides and addresses ----------------------------------------------------- */

static void resolve_phase(const sc_plan *plan, plan_step *step, int i)
{
    const sc_conv_weights *w = step->conv.wei[i];
    const plan_buffer *b = &plan->buffers[step->conv.src[i].buffer];
    sc_phase *phase = &step->conv.call.phase[i];
    phase->src_row = plan_row(b) * w->shape.stride;
    phase->src_step = b->pitch * w->shape.stride;
    phase->n_taps = w->n_taps;
    phase->kc = w->kc;
    phase->wei = w->packed;
    phase->wei_block = w->wei_block;
    for (int64_t t = 0; t < w->n_taps; t++) {
        const int64_t ky = w->shape.merged ? t : t / w->shape.kw;
        const int64_t kx = w->shape.merged ? 0 : t % w->shape.kw;
        phase->taps[t] = ky * plan_row(b) + kx * b->pitch;
    }
}

static void resolve_strides(const sc_plan *plan, plan_step *step)
{
    plan_conv *self = &step->conv;
    const plan_buffer *dst = &plan->buffers[self->dst.buffer];
    sc_conv *conv = &self->call;
    for (int i = 0; i < conv->n_phases; i++) resolve_phase(plan, step, i);
    if (self->has_add) {
        const plan_buffer *add = &plan->buffers[self->add.buffer];
        conv->add_row = plan_row(add);
        conv->add_step = add->pitch;
    }
    conv->dst_row = plan_row(dst) * self->dst_stride;
    conv->dst_step = dst->pitch * self->dst_stride;
    conv->dst_f32 = dst->item_nbytes == sizeof(float);
    conv->dst_u8 = dst->item_nbytes == 1;
    /* A view of a whole buffer is padded with zeros; a slice leaves its neighbours. */
    const bool whole = self->dst.channel == 0 && dst->c == step->c;
    conv->channels = whole ? sc_min(conv->n_blocks * SC_LANES, dst->pitch) : step->c;
}

static size_t dst_nbytes(const sc_plan *plan, const plan_step *step)
{
    return plan->buffers[step->conv.dst.buffer].item_nbytes;
}

static void choose_chunks(const sc_plan *plan, plan_step *step)
{
    plan_conv *self = &step->conv;
    const bool integers = self->call.sum_scale[0] != NULL;
    const int64_t item = integers ? 1 : (int64_t)plan->engine.item_nbytes;
    if (self->is_back) {
        self->sum_step = sc_conv_blocks(step->c) * SC_LANES;
        if (self->sum_step * 4 % PLAN_PAGE == 0) self->sum_step += SC_LANES;
        self->chunk_rows = sc_max(1, PACK_NBYTES / (step->w * self->sum_step * 4));
        self->chunk_rows = sc_round_up(self->chunk_rows, step->row_unit);
        return;
    }
    if (self->normed) {
        self->pack_step = self->wei[0]->kc; /* oneDNN's input is dense */
        if (!sc_engine_is_onednn(&plan->engine)) {
            self->pack_step = sc_round_up(self->pack_step, SC_ALIGN / item);
            if (self->pack_step * item % PLAN_PAGE == 0)
                self->pack_step += SC_ALIGN / item;
        }
        const int64_t row = step->w * self->pack_step * item;
        self->chunk_rows = sc_max(1, (integers ? PACK_U8_NBYTES : PACK_NBYTES) / row);
        return;
    }
    const sc_conv *conv = &self->call;
    const int64_t row = conv->phase[0].src_row * item +
                        conv->dst_row * (int64_t)dst_nbytes(plan, step);
    self->chunk_rows = sc_max(1, CHUNK_NBYTES / row);
    self->chunk_rows = sc_round_up(self->chunk_rows, step->row_unit);
}

void plan_conv_resolve(const sc_plan *plan, plan_step *step)
{
    resolve_strides(plan, step);
    choose_chunks(plan, step);
}

void plan_conv_place(const sc_plan *plan, plan_step *step)
{
    plan_conv *self = &step->conv;
    sc_conv *conv = &self->call;
    for (int i = 0; i < conv->n_phases; i++) {
        const int64_t margin = self->normed ? 0 : (self->wei[i]->shape.kh - 1) / 2;
        conv->phase[i].src = plan_at(plan, self->src[i], -margin, -margin);
    }
    if (self->has_add) conv->add = plan_at(plan, self->add, 0, 0);
    conv->dst = plan_at(plan, self->dst, self->dst_y, self->dst_x);
}

void plan_describe_conv(const sc_plan *plan, const plan_step *step, char *text,
                        size_t size)
{
    const sc_engine *engine = &plan->engine;
    const bool integers = step->conv.call.sum_scale[0] != NULL;
    snprintf(text, size, "%s",
             step->conv.winograd ? engine->winograd->name
             : integers          ? engine->conv_u8_name
                                 : engine->conv_name);
}

sc_conv_fn plan_conv_kernel(const sc_plan *plan, const plan_step *step)
{
    return step->conv.call.sum_scale[0] != NULL ? plan->engine.conv_u8
                                                : plan->engine.conv;
}

/* ---- Straight from the map ---------------------------------------------------- */

sc_status plan_each_chunk(const plan_turn *turn, const plan_step *step,
                          plan_chunk_fn compute)
{
    const plan_share own = plan_share_of(step, turn->thread);
    const int64_t chunk = step->conv.chunk_rows;
    float *scratch = turn->plan->threads[turn->thread].scratch;
    for (int64_t y = own.row0; y < own.row1 && !plan_cancelled(turn); y += chunk) {
        compute(turn->plan, step, own, y, sc_min(y + chunk, own.row1), scratch);
    }
    return SC_OK;
}

static void direct(const sc_plan *plan, const plan_step *step, plan_share own,
                   int64_t row0, int64_t row1, float *scratch)
{
    (void)scratch;
    plan_conv_kernel(plan, step)(&step->conv.call, row0, row1, own.block0, own.block1);
}

static sc_status run_direct(const plan_turn *turn, const plan_step *step, sc_error *err)
{
    (void)err;
    return plan_each_chunk(turn, step, direct);
}

const plan_ops PLAN_CONV_DIRECT = {plan_no_scratch, plan_no_prepare, run_direct,
                                   plan_describe_conv};

/* ---- After a batch normalisation: packed first ----------------------------------- */

/* All of 'n' rows where they lie one behind the other, else one. */
static int64_t rows_at_once(const sc_plan *plan, const plan_step *step, int64_t n)
{
    const plan_buffer *src = &plan->buffers[step->conv.src[0].buffer];
    return !step->conv.mean2 && plan_row(src) == step->w * src->pitch ? n : 1;
}

/* Rows of output [row0, row1) as bytes: what lies behind a pixel's channels may be any. */
static void pack_bytes(const sc_plan *plan, const plan_step *step, int64_t row0,
                       int64_t row1, float *sums, uint8_t *packed)
{
    const plan_conv *self = &step->conv;
    const plan_buffer *src = &plan->buffers[self->src[0].buffer];
    const sc_pointwise *pointwise = plan->engine.pointwise;
    const int64_t kc = self->wei[0]->kc, rows = rows_at_once(plan, step, row1 - row0);
    for (int64_t y = row0; y < row1; y += rows) {
        if (self->mean2) {
            pointwise->norm_relu_mean2_u8(plan_at(plan, self->src[0], 2 * y, 0),
                                          plan_row(src), src->pitch, packed,
                                          self->pack_step, step->w, kc,
                                          self->norm_scale, self->norm_shift, sums);
        } else {
            pointwise->norm_relu_u8(plan_at(plan, self->src[0], y, 0), src->pitch,
                                    packed, self->pack_step, rows * step->w, kc,
                                    self->norm_scale, self->norm_shift);
        }
        packed += rows * step->w * self->pack_step;
    }
}

/* Another step's values may lie where bf16 kernels read past a pixel's channels. */
static void clear_tails(const plan_step *step, uint16_t *row, int64_t pixels)
{
    const int64_t kc = step->conv.wei[0]->kc, n = sc_round_up(kc, 32) - kc;
    for (int64_t x = 0; n > 0 && x < pixels; x++) {
        memset(row + x * step->conv.pack_step + kc, 0, (size_t)n * sizeof *row);
    }
}

float *plan_pack_rows(const sc_plan *plan, const plan_step *step, int64_t row0,
                      int64_t row1, float *scratch)
{
    const plan_conv *self = &step->conv;
    const plan_buffer *src = &plan->buffers[self->src[0].buffer];
    const int64_t kc = self->wei[0]->kc, row = step->w * self->pack_step;
    float *sums = scratch, *packed = scratch + sc_round_up(kc, SC_LANES);
    if (self->call.sum_scale[0] != NULL) {
        pack_bytes(plan, step, row0, row1, sums, (uint8_t *)packed);
        return packed;
    }
    const int64_t rows = rows_at_once(plan, step, row1 - row0);
    for (int64_t y = row0; y < row1; y += rows) {
        void *dst_y = (char *)packed +
                      (size_t)((y - row0) * row) * plan->engine.item_nbytes;
        if (self->mean2) {
            plan->engine.pointwise->norm_relu_mean2(
                plan_at(plan, self->src[0], 2 * y, 0), plan_row(src), src->pitch, dst_y,
                self->pack_step, step->w, kc, self->norm_scale, self->norm_shift, sums);
        } else {
            plan->engine.pointwise->norm_relu(
                plan_at(plan, self->src[0], y, 0), src->pitch, dst_y, self->pack_step,
                rows * step->w, kc, self->norm_scale, self->norm_shift);
        }
        if (plan->engine.bf16 && self->pack_step > kc)
            clear_tails(step, dst_y, rows * step->w);
    }
    return packed;
}

static void packed(const sc_plan *plan, const plan_step *step, plan_share own,
                   int64_t row0, int64_t row1, float *scratch)
{
    sc_conv conv = step->conv.call;
    conv.phase[0].src = plan_pack_rows(plan, step, row0, row1, scratch);
    conv.phase[0].src_row = step->w * step->conv.pack_step;
    conv.phase[0].src_step = step->conv.pack_step;
    conv.dst = (char *)conv.dst +
               (size_t)(row0 * conv.dst_row) * dst_nbytes(plan, step);
    conv.rows = row1 - row0;
    plan_conv_kernel(plan, step)(&conv, 0, row1 - row0, own.block0, own.block1);
}

static int64_t packed_scratch(const sc_plan *plan, const plan_step *step, int64_t rows)
{
    (void)plan;
    const plan_conv *self = &step->conv;
    const int64_t overread = 64 * sc_max(self->pack_step, SC_LANES);
    return sc_round_up(self->wei[0]->kc, SC_LANES) +
           sc_min(self->chunk_rows, rows) * step->w * self->pack_step + overread;
}

static sc_status run_packed(const plan_turn *turn, const plan_step *step, sc_error *err)
{
    (void)err;
    return plan_each_chunk(turn, step, packed);
}

const plan_ops PLAN_CONV_PACKED = {packed_scratch, plan_no_prepare, run_packed,
                                   plan_describe_conv};

/* ---- By Winograd -------------------------------------------------------------- */

/* The 3 x 3 of some rows, and while they are in L2 the 1 x 1 added to them. */
static void winograd(const sc_plan *plan, const plan_step *step, plan_share own,
                     int64_t row0, int64_t row1, float *scratch)
{
    (void)own; /* all blocks */
    const void *wei = step->conv.wei[0]->winograd->packed;
    sc_conv first = step->conv.call, second = first;
    if (first.n_phases == 1) {
        plan->engine.winograd->run(&first, wei, row0, row1, scratch);
        return;
    }
    first.n_phases = 1;
    first.bias = first.mid_bias;
    first.relu = true;
    first.post_scale = first.post_shift = NULL;
    plan->engine.winograd->run(&first, wei, row0, row1, scratch);
    second.n_phases = 1;
    second.phase[0] = second.phase[1];
    second.add = second.dst;
    second.add_row = second.dst_row;
    second.add_step = second.dst_step;
    plan->engine.conv(&second, row0, row1, 0, second.n_blocks);
}

static int64_t winograd_scratch(const sc_plan *plan, const plan_step *step,
                                int64_t rows)
{
    (void)rows;
    return plan->engine.winograd->scratch(step->c, step->conv.wei[0]->kc);
}

static sc_status run_winograd(const plan_turn *turn, const plan_step *step,
                              sc_error *err)
{
    (void)err;
    return plan_each_chunk(turn, step, winograd);
}

const plan_ops PLAN_CONV_WINOGRAD = {winograd_scratch, plan_no_prepare, run_winograd,
                                     plan_describe_conv};
