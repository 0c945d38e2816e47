/* Building a plan: buffers, steps, memory, and the partition among threads. */
#include "plan.h"

#include "plan_internal.h"

#include "../base/memory.h"
#include "../base/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    /* Rows of input and output that one pass over the weights works on: a part of L2
     * (1 MiB on the smaller servers) beside the weights that stream through it. */
    CHUNK_NBYTES = 640 << 10,
    PACK_NBYTES = 256 << 10,
    /* What a kernel may read past a row: a tile of pixels, or a tile of channels. */
    OVERREAD_PIXELS = 34,
    PAGE = 4096,
};

sc_status sc_plan_create(const sc_engine *engine, int n_threads, sc_plan **out,
                         sc_error *err)
{
    *out = NULL;
    sc_plan *plan = sc_calloc(sizeof *plan);
    if (plan == NULL) return sc_fail(err, SC_NOMEM, "no memory for a plan");
    plan->engine = *engine;
    plan->n_threads = n_threads;
    *out = plan;
    return SC_OK;
}

void sc_plan_destroy(sc_plan *plan)
{
    if (plan == NULL) return;
    for (int t = 0; plan->threads != NULL && t < plan->n_threads; t++) {
        plan_thread *thread = &plan->threads[t];
        for (int i = 0; thread->convs != NULL && i < 2 * plan->n_steps; i++) {
            sc_onednn_conv_destroy(thread->convs[i]);
        }
        sc_free(thread->convs);
        sc_free(thread->scratch);
    }
    sc_free(plan->threads);
    sc_free(plan->workspace);
    sc_free(plan->buffers);
    sc_free(plan->steps);
    sc_free(plan);
}

/* Room for one more item of a growing array; false (and plan->status) without memory. */
static bool grow(sc_plan *plan, void **items, int n, int *max, size_t item_nbytes)
{
    if (plan->status != SC_OK) return false;
    if (n < *max) return true;
    const int larger = *max == 0 ? 64 : 2 * *max;
    void *moved = sc_calloc((size_t)larger * item_nbytes);
    if (moved == NULL) {
        plan->status = sc_fail(&plan->error, SC_NOMEM, "no memory for a plan");
        return false;
    }
    if (n > 0) memcpy(moved, *items, (size_t)n * item_nbytes);
    sc_free(*items);
    *items = moved;
    *max = larger;
    return true;
}

static int add_buffer(sc_plan *plan, int64_t h, int64_t w, int64_t c, int64_t halo,
                      int64_t pitch, size_t item_nbytes)
{
    void *items = plan->buffers;
    const bool room =
        grow(plan, &items, plan->n_buffers, &plan->max_buffers, sizeof *plan->buffers);
    plan->buffers = items;
    if (!room) return 0;
    /* Pixels a multiple of 4 KiB apart would all fall into the same L1 sets. */
    if ((size_t)pitch * item_nbytes % PAGE == 0)
        pitch += SC_ALIGN / (int64_t)item_nbytes;
    plan_buffer *b = &plan->buffers[plan->n_buffers];
    *b = (plan_buffer){.h = h, .w = w, .c = c, .halo = halo, .pitch = pitch};
    b->item_nbytes = item_nbytes;
    b->own_memory = item_nbytes != plan->engine.item_nbytes;
    b->first = -1;
    b->last = -1;
    const int64_t extents[] = {h + 2 * halo, w + 2 * halo, pitch};
    size_t nbytes, slack;
    if (!sc_product(extents, 3, item_nbytes, &nbytes) ||
        !sc_mul((size_t)pitch * item_nbytes, OVERREAD_PIXELS, &slack) ||
        !sc_add(nbytes, slack + PAGE, &b->nbytes)) {
        plan->status = sc_fail(&plan->error, SC_BAD_SHAPE,
                               "maps of %" PRId64 " x %" PRId64 " x %" PRId64
                               " do not fit into memory",
                               h, w, c);
    }
    return plan->n_buffers++;
}

int sc_plan_buffer(sc_plan *plan, int64_t h, int64_t w, int64_t c, int64_t halo,
                   bool dense)
{
    const int64_t pitch = dense ? c : sc_round_up(c, plan->engine.pitch_multiple);
    return add_buffer(plan, h, w, c, halo, pitch, plan->engine.item_nbytes);
}

int sc_plan_buffer_f32(sc_plan *plan, int64_t h, int64_t w, int64_t c)
{
    return add_buffer(plan, h, w, c, 0, c, sizeof(float));
}

static void touch(sc_plan *plan, int buffer)
{
    plan_buffer *b = &plan->buffers[buffer];
    if (b->first < 0) b->first = plan->n_steps;
    b->last = plan->n_steps;
}

static plan_step *add_step(sc_plan *plan, step_kind kind, const char *name,
                           const char *text, int dst)
{
    void *items = plan->steps;
    const bool room =
        grow(plan, &items, plan->n_steps, &plan->max_steps, sizeof *plan->steps);
    plan->steps = items;
    if (!room) return NULL;
    plan_step *step = &plan->steps[plan->n_steps];
    memset(step, 0, sizeof *step);
    step->kind = kind;
    step->dst = dst;
    snprintf(step->name, sizeof step->name, "%s", name);
    snprintf(step->text, sizeof step->text, "%s", text);
    step->row_parts = plan->n_threads;
    step->block_parts = 1;
    step->block_unit = 1;
    if (dst >= 0) {
        step->clear_halo = plan->buffers[dst].first < 0 && plan->buffers[dst].halo > 0;
        step->h = plan->buffers[dst].h;
        step->w = plan->buffers[dst].w;
        step->c = plan->buffers[dst].c;
        touch(plan, dst);
    }
    return step;
}

void sc_plan_input(sc_plan *plan, const char *name, int dst)
{
    if (add_step(plan, STEP_INPUT, name, "input", dst) != NULL) plan->n_steps++;
}

void sc_plan_max_pool(sc_plan *plan, const char *name, sc_view src, sc_view dst,
                      int64_t c, int64_t k, int64_t stride, int64_t origin)
{
    plan_step *step = add_step(plan, STEP_MAX_POOL, name, "max pooling", dst.buffer);
    if (step == NULL) return;
    step->src = src;
    step->spec.dst = dst;
    step->c = c;
    step->k = k;
    step->stride = stride;
    step->origin = origin;
    step->flops = (double)(step->h * step->w * c * k * k);
    touch(plan, src.buffer);
    plan->n_steps++;
}

void sc_plan_custom(sc_plan *plan, const char *name, const char *kind, sc_view src,
                    sc_custom_fn run, const void *context, double flops)
{
    const sc_view views[] = {src, {-1, 0}}, none = {-1, 0};
    sc_plan_custom_to(plan, name, kind, views, none, run, context, flops);
}

void sc_plan_custom_to(sc_plan *plan, const char *name, const char *kind,
                       const sc_view src[2], sc_view dst, sc_custom_fn run,
                       const void *context, double flops)
{
    plan_step *step = add_step(plan, STEP_CUSTOM, name, kind, dst.buffer);
    if (step == NULL) return;
    for (int i = 0; i < 2 && src[i].buffer >= 0; i++) {
        step->maps[step->n_maps++] = src[i];
        touch(plan, src[i].buffer);
    }
    if (dst.buffer >= 0) step->maps[step->n_maps++] = dst;
    step->run = run;
    step->context = context;
    step->flops = flops;
    const sc_view shown = step->maps[dst.buffer >= 0 ? step->n_maps - 1 : 0];
    const plan_buffer *b = &plan->buffers[shown.buffer];
    step->h = b->h;
    step->w = b->w;
    step->c = b->c - shown.channel;
    plan->n_steps++;
}

static double phase_macs(const sc_conv_weights *w)
{
    return w == NULL ? 0.0
                     : (double)(w->shape.oc * w->shape.ic * w->shape.kh * w->shape.kw);
}

void sc_plan_conv(sc_plan *plan, const sc_conv_step *spec)
{
    plan_step *step =
        add_step(plan, STEP_CONV, spec->name, "convolution", spec->dst.buffer);
    if (step == NULL) return;
    step->spec = *spec;
    if (spec->add != NULL) {
        step->add = *spec->add;
        step->spec.add = &step->add;
    }
    if (spec->back != NULL) {
        step->back = *spec->back;
        step->spec.back = &step->back;
        touch(plan, spec->back->src.buffer);
    }
    step->h = spec->h;
    step->w = spec->w;
    step->c = spec->wei[0]->shape.oc;
    step->flops = 2.0 * (double)(spec->h * spec->w) *
                  (phase_macs(spec->wei[0]) + phase_macs(spec->wei[1]));
    touch(plan, spec->src[0].buffer);
    if (spec->wei[1] != NULL) touch(plan, spec->src[1].buffer);
    if (spec->add != NULL) touch(plan, spec->add->buffer);
    plan->n_steps++;
}

/* ---- Partition ---------------------------------------------------------------- */

/* Cycles of the busiest thread when the step is cut into row_parts x block_parts: its
 * products, and its share of the weights once from beyond L2 at about 10 bytes a cycle. */
static double cost(const sc_plan *plan, const plan_step *step, int row_parts,
                   int block_parts)
{
    const int64_t blocks = sc_conv_blocks(step->c);
    const int64_t rows = (step->h + row_parts - 1) / row_parts;
    const int64_t share = (blocks + block_parts - 1) / block_parts;
    double cycles = 0.0;
    for (int i = 0; i < 2; i++) {
        const sc_conv_weights *w = step->spec.wei[i];
        if (w == NULL) continue;
        const double reduction = (double)(w->n_taps * w->kc);
        const double macs = (double)(rows * step->w * share * SC_LANES) * reduction;
        const double bytes = reduction * (double)(share * SC_LANES) *
                             (double)plan->engine.item_nbytes;
        /* One block alone uses each loaded pixel once only. */
        cycles += macs / plan->engine.macs_a_cycle * (share == 1 ? 1.2 : 1.0) +
                  bytes / 10.0;
        if (step->spec.norm_scale != NULL) {
            cycles += (double)(rows * step->w) * reduction /
                      (step->spec.mean2 ? 2.0 : 8.0);
        }
    }
    return cycles;
}

static void choose_winograd(const sc_plan *plan, plan_step *step)
{
    const sc_conv_weights *w = step->spec.wei[0];
    step->row_unit = 1;
    if (step->kind != STEP_CONV || w->winograd == NULL || step->spec.add != NULL)
        return;
    const sc_winograd *winograd = plan->engine.winograd;
    step->winograd = winograd->pays(w->shape.ic, w->shape.oc, step->h, step->w);
    if (step->winograd) step->row_unit = winograd->out;
}

/* Blocks that fill whole cache lines of the output, or 0 where it begins within one:
 * threads that write to the same line wait for each other at every pixel. */
static int64_t block_unit(const sc_plan *plan, const plan_step *step)
{
    const int64_t item = (int64_t)plan->engine.item_nbytes;
    if (step->spec.dst.channel * item % SC_ALIGN != 0) return 0;
    return sc_max(1, SC_ALIGN / (SC_LANES * item));
}

static void partition(const sc_plan *plan, plan_step *step)
{
    if (step->winograd) return; /* each thread transforms its own input */
    if (step->kind != STEP_CONV || plan->engine.conv == NULL) return;
    const int64_t unit = block_unit(plan, step);
    if (unit == 0) return;
    step->block_unit = unit;
    double best = cost(plan, step, plan->n_threads, 1);
    for (int parts = 2; parts <= plan->n_threads; parts++) {
        if (sc_conv_blocks(step->c) < parts * unit) break;
        const int rows = plan->n_threads / parts;
        const double cycles = cost(plan, step, rows, parts);
        /* Each part reads the whole input: it must win by more than the model errs. */
        if (cycles >= 0.9 * best) continue;
        best = cycles;
        step->row_parts = rows;
        step->block_parts = parts;
    }
}

/* ---- Addresses ---------------------------------------------------------------- */

static void resolve_phase(const sc_plan *plan, plan_step *step, int i)
{
    const sc_conv_weights *w = step->spec.wei[i];
    const plan_buffer *b = &plan->buffers[step->spec.src[i].buffer];
    sc_phase *phase = &step->conv.phase[i];
    const int64_t margin = step->spec.norm_scale == NULL ? (w->shape.kh - 1) / 2 : 0;
    phase->src = plan_at(plan, step->spec.src[i], -margin, -margin);
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

static void resolve_conv(const sc_plan *plan, plan_step *step)
{
    const sc_conv_step *spec = &step->spec;
    const plan_buffer *dst = &plan->buffers[spec->dst.buffer];
    sc_conv *conv = &step->conv;
    conv->n_phases = spec->wei[1] == NULL ? 1 : 2;
    for (int i = 0; i < conv->n_phases; i++) resolve_phase(plan, step, i);
    conv->mid_bias = spec->wei[0]->bias;
    conv->bias = spec->wei[conv->n_phases - 1]->bias;
    conv->relu = spec->relu;
    conv->post_scale = spec->post_scale;
    conv->post_shift = spec->post_shift;
    if (spec->add != NULL) {
        const plan_buffer *add = &plan->buffers[spec->add->buffer];
        conv->add = plan_at(plan, *spec->add, 0, 0);
        conv->add_row = plan_row(add);
        conv->add_step = add->pitch;
        conv->add_scale = spec->add_scale;
    }
    conv->dst = plan_at(plan, spec->dst, spec->dst_y, spec->dst_x);
    conv->dst_row = plan_row(dst) * spec->dst_stride;
    conv->dst_step = dst->pitch * spec->dst_stride;
    conv->dst_f32 = dst->item_nbytes == sizeof(float);
    conv->n_blocks = sc_conv_blocks(step->c);
    /* A view of a whole buffer is padded with zeros; a slice leaves its neighbours. */
    const bool whole = spec->dst.channel == 0 && dst->c == step->c;
    conv->channels = whole ? sc_min(conv->n_blocks * SC_LANES, dst->pitch) : step->c;
    conv->rows = step->h;
    conv->columns = step->w;
}

static void choose_chunks(const sc_plan *plan, plan_step *step)
{
    const int64_t item = (int64_t)plan->engine.item_nbytes;
    if (step->spec.back != NULL) {
        step->sum_step = sc_conv_blocks(step->c) * SC_LANES;
        if (step->sum_step * 4 % PAGE == 0) step->sum_step += SC_LANES;
        step->chunk_rows = sc_max(1, PACK_NBYTES / (step->w * step->sum_step * 4));
        step->chunk_rows = sc_round_up(step->chunk_rows, step->row_unit);
        return;
    }
    if (step->spec.norm_scale != NULL) {
        step->pack_step = step->spec.wei[0]->kc; /* oneDNN's input is dense */
        if (plan->engine.conv != NULL) {
            step->pack_step = sc_round_up(step->pack_step, plan->engine.pitch_multiple);
            if (step->pack_step * item % PAGE == 0) step->pack_step += SC_ALIGN / item;
        }
        const int64_t row = step->w * step->pack_step * item;
        step->chunk_rows = sc_max(1, PACK_NBYTES / row);
        return;
    }
    const int64_t row = step->conv.phase[0].src_row * item +
                        step->conv.dst_row * (step->conv.dst_f32 ? 4 : item);
    step->chunk_rows = sc_max(1, CHUNK_NBYTES / row);
    step->chunk_rows = sc_round_up(step->chunk_rows, step->row_unit);
}

sc_status sc_plan_finish(sc_plan *plan, sc_error *err)
{
    if (plan->status != SC_OK) {
        return sc_fail(err, plan->error.code, "%s", plan->error.text);
    }
    for (int i = 0; i < plan->n_buffers; i++) plan->buffers[i].offset = SIZE_MAX;
    const sc_status status = plan_place_buffers(plan, err);
    if (status != SC_OK) return status;
    for (int i = 0; i < plan->n_steps; i++) {
        plan_step *step = &plan->steps[i];
        /* The array has moved. */
        if (step->spec.add != NULL) step->spec.add = &step->add;
        if (step->spec.back != NULL) step->spec.back = &step->back;
        choose_winograd(plan, step);
        if (step->kind != STEP_CONV) continue;
        partition(plan, step);
        resolve_conv(plan, step);
        choose_chunks(plan, step);
    }
    plan->threads = sc_calloc((size_t)plan->n_threads * sizeof *plan->threads);
    if (plan->threads == NULL) return sc_fail(err, SC_NOMEM, "no memory for a plan");
    return SC_OK;
}

/* ---- Looking ------------------------------------------------------------------ */

int64_t sc_plan_n_steps(const sc_plan *plan) { return plan->n_steps; }

size_t sc_plan_nbytes(const sc_plan *plan) { return plan->workspace_nbytes; }

void sc_plan_describe(const sc_plan *plan, int64_t index, sc_layer_info *out)
{
    const plan_step *step = &plan->steps[index];
    memset(out, 0, sizeof *out);
    snprintf(out->name, sizeof out->name, "%s", step->name);
    snprintf(out->kind, sizeof out->kind, "%s", step->text);
    out->shape[0] = step->c;
    out->shape[1] = step->h;
    out->shape[2] = step->w;
    out->flops = step->flops;
    const char *name = plan->engine.pointwise->name;
    if (step->kind == STEP_CONV) name = plan->engine.conv_name;
    if (step->winograd) name = plan->engine.winograd->name;
    /* A thread without rows has no primitive. */
    const bool onednn = step->kind == STEP_CONV && plan->engine.conv == NULL;
    for (int t = 0; onednn && t < plan->n_threads; t++) {
        const sc_onednn_conv *conv = plan->threads[t].convs[2 * index];
        if (conv != NULL) name = sc_onednn_conv_name(conv);
    }
    snprintf(out->implementation, sizeof out->implementation, "%s%s",
             onednn ? "onednn:" : "", name);
}
