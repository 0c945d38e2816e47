/* Building a plan: buffers and steps are added, then laid out. */
#include "plan_internal.h"

#include "../base/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* What a kernel may read past a row: a tile of pixels, or a tile of channels. */
enum { OVERREAD_PIXELS = 34 };

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
    if ((size_t)pitch * item_nbytes % PLAN_PAGE == 0)
        pitch += SC_ALIGN / (int64_t)item_nbytes;
    plan_buffer *b = &plan->buffers[plan->n_buffers];
    *b = (plan_buffer){.h = h, .w = w, .c = c, .halo = halo, .pitch = pitch};
    b->item_nbytes = item_nbytes;
    b->first = -1;
    b->last = -1;
    const int64_t extents[] = {h + 2 * halo, w + 2 * halo, pitch};
    size_t nbytes, slack;
    if (!sc_product(extents, 3, item_nbytes, &nbytes) ||
        !sc_mul((size_t)pitch * item_nbytes, OVERREAD_PIXELS, &slack) ||
        !sc_add(nbytes, slack + PLAN_PAGE, &b->nbytes)) {
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

int sc_plan_buffer_u8(sc_plan *plan, int64_t h, int64_t w, int64_t c, int64_t halo)
{
    return add_buffer(plan, h, w, c, halo, sc_pitch_u8(c), 1);
}

static void touch(sc_plan *plan, int buffer)
{
    plan_buffer *b = &plan->buffers[buffer];
    if (b->first < 0) b->first = plan->n_steps;
    b->last = plan->n_steps;
}

/* What a step fills the halo with: again, in its own channels, where another byte than
 * before is their 0. */
static void choose_fill(plan_step *step, plan_buffer *dst, int64_t c, int zero)
{
    if (dst->item_nbytes != 1) return;
    step->fill_c = step->clear_halo ? 0 : c;
    step->clear_halo = dst->halo > 0 && (step->clear_halo || dst->fill != zero);
    step->fill = dst->fill = zero;
}

static plan_step *add_step(sc_plan *plan, step_kind kind, const plan_ops *ops,
                           const char *name, const char *text, int dst)
{
    void *items = plan->steps;
    const bool room =
        grow(plan, &items, plan->n_steps, &plan->max_steps, sizeof *plan->steps);
    plan->steps = items;
    if (!room) return NULL;
    plan_step *step = &plan->steps[plan->n_steps];
    *step = (plan_step){.kind = kind, .ops = ops};
    step->dst = dst;
    snprintf(step->name, sizeof step->name, "%s", name);
    snprintf(step->text, sizeof step->text, "%s", text);
    step->row_parts = plan->n_threads;
    step->block_parts = 1;
    step->row_unit = 1;
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
    if (add_step(plan, STEP_INPUT, &PLAN_INPUT, name, "input", dst) != NULL) {
        plan->n_steps++;
    }
}

void sc_plan_max_pool(sc_plan *plan, const char *name, sc_view src, sc_view dst,
                      int64_t c, int64_t k, int64_t stride, int64_t origin)
{
    plan_step *step =
        add_step(plan, STEP_MAX_POOL, &PLAN_MAX_POOL, name, "max pooling", dst.buffer);
    if (step == NULL) return;
    step->pool = (plan_pool){src, dst, k, stride, origin};
    step->c = c;
    choose_fill(step, &plan->buffers[dst.buffer], c, plan->buffers[src.buffer].fill);
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
    plan_step *step = add_step(plan, STEP_CUSTOM, &PLAN_CUSTOM, name, kind, dst.buffer);
    if (step == NULL) return;
    plan_custom *custom = &step->custom;
    *custom = (plan_custom){.run = run, .context = context};
    for (int i = 0; i < 2 && src[i].buffer >= 0; i++) {
        custom->maps[custom->n_maps++] = src[i];
        touch(plan, src[i].buffer);
    }
    if (dst.buffer >= 0) custom->maps[custom->n_maps++] = dst;
    step->flops = flops;
    const sc_view shown = custom->maps[dst.buffer >= 0 ? custom->n_maps - 1 : 0];
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

/* The parts of a kernel's call that need no addresses. */
static plan_conv sorted(const sc_conv_step *spec)
{
    const int n_phases = spec->wei[1] == NULL ? 1 : 2;
    plan_conv conv = {
        .wei = {spec->wei[0], spec->wei[1]},
        .src = {spec->src[0], spec->src[1]},
        .dst = spec->dst,
        .dst_y = spec->dst_y,
        .dst_x = spec->dst_x,
        .dst_stride = spec->dst_stride,
        .has_add = spec->add != NULL,
        .normed = spec->norm_scale != NULL,
        .mean2 = spec->mean2,
        .norm_scale = spec->norm_scale,
        .norm_shift = spec->norm_shift,
        .is_back = spec->back != NULL,
        .call = {.n_phases = n_phases,
                 .sum_scale = {spec->wei[0]->sum_scale,
                               n_phases == 2 ? spec->wei[1]->sum_scale : NULL},
                 .mid_bias = spec->wei[0]->bias,
                 .bias = spec->wei[n_phases - 1]->bias,
                 .relu = spec->relu,
                 .post_scale = spec->post_scale,
                 .post_shift = spec->post_shift,
                 .add_scale = spec->add_scale,
                 .n_blocks = sc_conv_blocks(spec->wei[0]->shape.oc),
                 .rows = spec->h,
                 .columns = spec->w},
    };
    if (conv.has_add) conv.add = *spec->add;
    if (conv.is_back) conv.back = *spec->back;
    return conv;
}

void sc_plan_conv(sc_plan *plan, const sc_conv_step *spec)
{
    plan_step *step = add_step(plan, STEP_CONV, &PLAN_CONV_DIRECT, spec->name,
                               "convolution", spec->dst.buffer);
    if (step == NULL) return;
    step->conv = sorted(spec);
    step->h = spec->h;
    step->w = spec->w;
    step->c = spec->wei[0]->shape.oc;
    choose_fill(step, &plan->buffers[spec->dst.buffer], step->c, spec->dst_zero);
    step->flops = 2.0 * (double)(spec->h * spec->w) *
                  (phase_macs(spec->wei[0]) + phase_macs(spec->wei[1]));
    touch(plan, spec->src[0].buffer);
    if (spec->wei[1] != NULL) touch(plan, spec->src[1].buffer);
    if (spec->add != NULL) touch(plan, spec->add->buffer);
    if (spec->back != NULL) touch(plan, spec->back->src.buffer);
    plan->n_steps++;
}

/* ---- Finishing ---------------------------------------------------------------- */

/* Choose how a convolution is computed: the table of its step. */
static void choose_way(const sc_plan *plan, plan_step *step)
{
    plan_conv *conv = &step->conv;
    const sc_conv_weights *w = conv->wei[0];
    const sc_winograd *winograd = plan->engine.winograd;
    if (w->winograd != NULL && !conv->has_add &&
        winograd->pays(w->shape.ic, w->shape.oc, step->h, step->w)) {
        conv->winograd = true;
        step->row_unit = winograd->out;
    }
    step->ops = sc_engine_is_onednn(&plan->engine) ? &PLAN_CONV_ONEDNN
                : conv->is_back                    ? &PLAN_CONV_BACK
                : conv->normed                     ? &PLAN_CONV_PACKED
                : conv->winograd                   ? &PLAN_CONV_WINOGRAD
                                                   : &PLAN_CONV_DIRECT;
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
        if (step->kind != STEP_CONV) continue;
        choose_way(plan, step);
        plan_partition(plan, step);
        plan_conv_resolve(plan, step);
    }
    plan->threads = sc_calloc((size_t)plan->n_threads * sizeof *plan->threads);
    if (plan->threads == NULL) return sc_fail(err, SC_NOMEM, "no memory for a plan");
    return SC_OK;
}

void sc_plan_place(sc_plan *plan, void *workspace)
{
    if (plan->workspace == workspace) return;
    plan->workspace = workspace;
    for (int i = 0; i < plan->n_steps; i++) {
        if (plan->steps[i].kind == STEP_CONV) plan_conv_place(plan, &plan->steps[i]);
    }
}

/* ---- Describing --------------------------------------------------------------- */

int64_t sc_plan_n_steps(const sc_plan *plan) { return plan->n_steps; }

size_t sc_plan_nbytes(const sc_plan *plan) { return plan->workspace_nbytes; }

bool sc_plan_all_f32(const sc_plan *plan)
{
    for (int i = 0; i < plan->n_buffers; i++) {
        if (plan->buffers[i].item_nbytes != sizeof(float)) return false;
    }
    return true;
}

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
    step->ops->describe(plan, step, out->implementation, sizeof out->implementation);
}
