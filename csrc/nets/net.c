/* A network: its weights, shared by all, and the runners that calls take turns with.
 *
 * A runner is a pool of threads with plans for the sizes it has seen lately.  A call
 * takes an idle one or makes one, so calls from several threads at once run side by
 * side, each alone with its buffers.
 */
#include "runner.h"
#include "tensor_copy.h"

#include "../base/memory.h"
#include "../base/status.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

/* Idle runners stored for later calls: a burst of callers leaves no more threads and
 * workspaces behind than these. */
enum { MAX_IDLE = 8 };

struct sc_net {
    sc_net_config config;
    sc_engine engine;
    const sc_architecture *arch;
    void *model;
    int64_t n_values;
    sc_tensor_copy *copy; /* of a bf16 or int8 one, until 'in_f32' is made of it */
    sc_net *in_f32;       /* the same network in float32, for gradients; or NULL */
    /* Guards 'copy', 'in_f32', 'idle', 'n_idle', and the weights for a backward pass, which
     * the model receives as calls need them.  Never locked while a runner computes. */
    pthread_mutex_t lock;
    sc_runner *idle; /* a stack of n_idle */
    int n_idle;
    _Atomic pid_t owner; /* the process whose threads the runners have */
};

static sc_status check_config(const sc_net_config *c, sc_error *err)
{
    if (c->kind != SC_MULTIRESUNET && c->kind != SC_DENSENET121) {
        return sc_fail(err, SC_BAD_VALUE, "network kind %d is unknown", (int)c->kind);
    }
    if (c->in_channels < 1 || c->in_channels > 16) {
        return sc_fail(err, SC_BAD_VALUE, "in_channels is %d; expected 1 to 16",
                       c->in_channels);
    }
    const bool classes = c->kind == SC_DENSENET121;
    if (classes ? c->outputs != 2 : c->outputs < 1 || c->outputs > 16) {
        return sc_fail(err, SC_BAD_VALUE, "outputs is %d; expected %s", c->outputs,
                       classes ? "2 (classes)" : "1 to 16 (maps)");
    }
    if (c->threads < 1 || c->threads > 4096) {
        return sc_fail(err, SC_BAD_VALUE, "threads is %d; expected 1 to 4096",
                       c->threads);
    }
    if (!(c->norm_eps > 0.0f && c->norm_eps < 1.0f)) {
        return sc_fail(err, SC_BAD_VALUE, "norm_eps is %g; expected between 0 and 1",
                       (double)c->norm_eps);
    }
    return SC_OK;
}

sc_status sc_net_create(const sc_net_config *config, const sc_tensor *tensors,
                        int64_t n_tensors, sc_net **out, sc_error *err)
{
    sc_status status = SC_OK;
    sc_source *source = NULL;
    *out = NULL;
    sc_net *net = sc_calloc(sizeof *net);
    if (net == NULL) return sc_fail(err, SC_NOMEM, "no memory for a network");
    pthread_mutex_init(&net->lock, NULL);
    net->owner = getpid();
    net->config = *config;
    SC_TRY(check_config(config, err));
    net->arch = config->kind == SC_DENSENET121 ? &sc_densenet121 : &sc_multiresunet;
    SC_TRY((config->by_onednn ? sc_engine_choose_onednn : sc_engine_choose)(
        config->isa, config->precision, &net->engine, err));
    SC_TRY(sc_source_create(tensors, n_tensors, &source, err));
    SC_TRY(net->arch->create(config, &net->engine, source, &net->model, err));
    SC_TRY(sc_source_finish(source, &net->n_values, err));
    net->config.ranges = NULL; /* the caller's */
    net->config.n_ranges = 0;
    if (config->precision != SC_PRECISION_F32 && net->arch->need_back != NULL) {
        SC_TRY(sc_tensor_copy_create(tensors, n_tensors, &net->copy, err));
    }
    *out = net;
    net = NULL;
done:
    sc_source_destroy(source);
    sc_net_destroy(net);
    return status;
}

void sc_net_destroy(sc_net *net)
{
    if (net == NULL) return;
    const bool forked = net->owner != getpid();
    for (sc_runner *runner = net->idle; runner != NULL;) {
        sc_runner *next = runner->next;
        sc_runner_destroy(runner, forked);
        runner = next;
    }
    if (net->arch != NULL) net->arch->destroy(net->model);
    sc_tensor_copy_destroy(net->copy);
    sc_net_destroy(net->in_f32);
    sc_workspace_trim();
    if (!forked) pthread_mutex_destroy(&net->lock);
    sc_free(net);
}

void sc_trim_memory(void) { sc_workspace_trim(); }

int64_t sc_net_n_values(const sc_net *net) { return net->n_values; }

/* In the child of a fork() the idle runners' threads do not exist, and the lock may
 * have been locked by a thread that does not either: the first caller makes both anew. */
static void recover_from_fork(sc_net *net)
{
    enum { RECOVERING = -1 };
    const pid_t self = getpid();
    pid_t owner = atomic_load(&net->owner);
    while (owner != self) {
        if (owner == RECOVERING ||
            !atomic_compare_exchange_strong(&net->owner, &owner, RECOVERING)) {
            sched_yield();
            owner = atomic_load(&net->owner);
            continue;
        }
        pthread_mutex_init(&net->lock, NULL);
        while (net->idle != NULL) {
            sc_runner *next = net->idle->next;
            sc_runner_destroy(net->idle, true);
            net->idle = next;
        }
        net->n_idle = 0;
        atomic_store(&net->owner, self);
        return;
    }
}

static sc_status take_runner(sc_net *net, sc_runner **out, sc_error *err)
{
    recover_from_fork(net);
    pthread_mutex_lock(&net->lock);
    sc_runner *runner = net->idle;
    if (runner != NULL) {
        net->idle = runner->next;
        net->n_idle--;
    }
    pthread_mutex_unlock(&net->lock);
    if (runner != NULL) {
        *out = runner;
        return SC_OK;
    }
    return sc_runner_create(net->arch, net->model, &net->engine, net->config.threads,
                            out, err);
}

static void give_runner(sc_net *net, sc_runner *runner)
{
    pthread_mutex_lock(&net->lock);
    const bool keep = net->n_idle < MAX_IDLE;
    if (keep) {
        runner->next = net->idle;
        net->idle = runner;
        net->n_idle++;
    }
    pthread_mutex_unlock(&net->lock);
    if (!keep) sc_runner_destroy(runner, false);
}

/* ---- Checks ----------------------------------------------------------------------- */

static sc_status check_pass(const sc_net *net, sc_pass pass, sc_layer layer, int64_t h,
                            int64_t w, sc_error *err)
{
    if (pass != SC_FORWARD && pass != SC_BACKWARD) {
        return sc_fail(err, SC_BAD_VALUE, "pass is %d; expected %d or %d", (int)pass,
                       (int)SC_FORWARD, (int)SC_BACKWARD);
    }
    if (pass == SC_BACKWARD && net->arch->need_back == NULL)
        return sc_fail(err, SC_BAD_VALUE, "gradients are of a densenet121 only");
    if (pass == SC_BACKWARD && (layer < SC_LAYER_INPUT || layer > SC_LAYER_LAST)) {
        return sc_fail(err, SC_BAD_VALUE, "layer is %d; expected %d to %d", (int)layer,
                       (int)SC_LAYER_INPUT, (int)SC_LAYER_LAST);
    }
    return net->arch->check_size(h, w, err);
}

sc_status sc_net_shape(const sc_net *net, sc_output output, sc_layer layer, int64_t h,
                       int64_t w, sc_shape *out, sc_error *err)
{
    if (output < SC_OUTPUT_PROBABILITIES || output > SC_OUTPUT_CAMS) {
        return sc_fail(err, SC_BAD_VALUE, "output is %d; expected %d to %d",
                       (int)output, (int)SC_OUTPUT_PROBABILITIES, (int)SC_OUTPUT_CAMS);
    }
    const sc_pass pass = output == SC_OUTPUT_LAYER ? SC_BACKWARD : SC_FORWARD;
    const sc_status status = check_pass(net, pass, layer, h, w, err);
    if (status != SC_OK) return status;
    return net->arch->shape(&net->config, output, layer, h, w, out, err);
}

static sc_status check_images(const sc_net *net, const sc_call *call, sc_error *err)
{
    if (call->n < 1)
        return sc_fail(err, SC_BAD_SHAPE, "a batch of %d images; expected at least 1",
                       (int)call->n);
    const int64_t values = call->n * net->config.in_channels * call->h * call->w;
    int64_t bad = 0;
    for (int64_t i = 0; i < values; i++) bad += !isfinite(call->images[i]);
    if (bad == 0) return SC_OK;
    return sc_fail(err, SC_NOT_FINITE,
                   "%lld of the images' %lld values are NaN or infinite",
                   (long long)bad, (long long)values);
}

static sc_status check_direction(const sc_call *call, sc_error *err)
{
    const sc_backward *what = &call->backward;
    const int64_t rows = what->direction_step == 0 ? 1 : call->n;
    for (int64_t i = 0; i < 2 * rows; i++) {
        if (isfinite(what->direction[i / 2 * what->direction_step + i % 2])) continue;
        return sc_fail(err, SC_NOT_FINITE, "the direction contains NaN or infinity");
    }
    return SC_OK;
}

static sc_status check_call(const sc_net *net, const sc_call *call, sc_error *err)
{
    sc_status status = SC_OK;
    SC_TRY(check_pass(net, call->pass, call->backward.layer, call->h, call->w, err));
    if (call->ranges != NULL &&
        (call->pass != SC_FORWARD || net->config.precision != SC_PRECISION_F32)) {
        return sc_fail(err, SC_BAD_VALUE,
                       "ranges are of a forward pass in f32 only; open the network so");
    }
    SC_TRY(check_images(net, call, err));
    if (call->pass == SC_BACKWARD) SC_TRY(check_direction(call, err));
done:
    return status;
}

/* ---- Gradients -------------------------------------------------------------------- */

/* Find the network that computes gradients: itself, or its version in float32.  The caller
 * has locked net->lock. */
static sc_status find_in_f32(sc_net *net, sc_net **out, sc_error *err)
{
    *out = net;
    if (net->config.precision == SC_PRECISION_F32) return SC_OK;
    if (net->in_f32 == NULL) {
        sc_net_config config = net->config;
        config.precision = SC_PRECISION_F32;
        const sc_status status =
            sc_net_create(&config, sc_tensor_copy_tensors(net->copy),
                          sc_tensor_copy_count(net->copy), &net->in_f32, err);
        if (status != SC_OK) return status;
        sc_tensor_copy_destroy(net->copy);
        net->copy = NULL;
    }
    *out = net->in_f32;
    return SC_OK;
}

/* The network to take a runner of for a backward pass, with all weights it needs. */
static sc_status need_back(sc_net *net, sc_layer layer, sc_net **out, sc_error *err)
{
    recover_from_fork(net);
    pthread_mutex_lock(&net->lock);
    sc_status status = find_in_f32(net, out, err);
    if (status == SC_OK) {
        sc_net *self = *out;
        if (self != net) {
            recover_from_fork(self);
            pthread_mutex_lock(&self->lock);
        }
        status = self->arch->need_back(self->model, &self->engine, layer, err);
        if (self != net) pthread_mutex_unlock(&self->lock);
    }
    pthread_mutex_unlock(&net->lock);
    return status;
}

/* ---- Calls ------------------------------------------------------------------------ */

/* Floats of one image's result; 0 for one that the network does not have. */
static int64_t step_of(const sc_net *net, const sc_call *call, sc_output output)
{
    sc_shape shape;
    if (sc_net_shape(net, output, call->backward.layer, call->h, call->w, &shape,
                     NULL) != SC_OK) {
        return 0;
    }
    int64_t n = 1;
    for (int i = 0; i < shape.n_axes; i++) n *= shape.extents[i];
    return n;
}

sc_status sc_net_run(sc_net *net, const sc_call *call, sc_error *err)
{
    sc_runner *runner = NULL;
    sc_status status = SC_OK;
    SC_TRY(check_call(net, call, err));
    if (call->pass == SC_BACKWARD) {
        SC_TRY(need_back(net, call->backward.layer, &net, err));
    }
    const sc_batch batch = {
        .call = call,
        .image_step = net->config.in_channels * call->h * call->w,
        .probabilities_step = step_of(net, call, SC_OUTPUT_PROBABILITIES),
        .features_step = step_of(net, call, SC_OUTPUT_FEATURES),
        .cam_step = step_of(net, call, SC_OUTPUT_CAM),
        .cams_step = step_of(net, call, SC_OUTPUT_CAMS),
        .layer_step = step_of(net, call, SC_OUTPUT_LAYER),
    };
    SC_TRY(take_runner(net, &runner, err));
    status = sc_runner_run(runner, &batch, err);
    give_runner(net, runner);
done:
    return status;
}

sc_status sc_net_plan_info(sc_net *net, int64_t h, int64_t w, sc_plan_info *out,
                           sc_error *err)
{
    sc_runner *runner = NULL;
    sc_status status = SC_OK;
    const sc_purpose purpose = {SC_FORWARD, (sc_layer)0, h, w};
    SC_TRY(check_pass(net, SC_FORWARD, (sc_layer)0, h, w, err));
    SC_TRY(take_runner(net, &runner, err));
    status = sc_runner_info(runner, &purpose, out, err);
    give_runner(net, runner);
done:
    return status;
}

sc_status sc_net_steps(sc_net *net, sc_pass pass, sc_layer layer, int64_t h, int64_t w,
                       sc_layer_info *steps, int64_t *n, sc_error *err)
{
    sc_runner *runner = NULL;
    sc_status status = SC_OK;
    const bool back = pass == SC_BACKWARD;
    const sc_purpose purpose = {pass, back ? layer : (sc_layer)0, h, w};
    SC_TRY(check_pass(net, pass, layer, h, w, err));
    if (back) SC_TRY(need_back(net, layer, &net, err));
    SC_TRY(take_runner(net, &runner, err));
    status = sc_runner_steps(runner, &purpose, steps, n, err);
    give_runner(net, runner);
done:
    return status;
}
