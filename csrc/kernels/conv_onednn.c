/* Convolutions by oneDNN: the only file that sees dnnl.h. */
#include "conv_onednn.h"

#include "../base/memory.h"
#include "../base/status.h"

#include <dnnl.h>
#include <omp.h>
#include <pthread.h>
#include <string.h>

/* Weights in the order that one primitive needs. */
typedef struct reordered {
    struct reordered *next;
    dnnl_memory_desc_t desc; /* owned */
    void *data;
} reordered;

struct sc_onednn_weights {
    sc_conv_shape shape;
    void *plain; /* (oc, kh, kw, ic) */
    sc_onednn_type src;
    pthread_mutex_t lock; /* guards the list of copies; each copy is read-only */
    reordered *copies;
};

enum { MAX_ARGS = 9 };

struct sc_onednn_conv {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_desc_t desc;
    dnnl_primitive_t primitive;
    /* The input, the output, where there is one what is added, and the constants. */
    dnnl_exec_arg_t args[MAX_ARGS];
    int n_args;
    bool has_more; /* the third */
    void *scratchpad_data;
    const char *name; /* lives as long as 'desc' */
};

static sc_status backend_error(sc_error *err, dnnl_status_t code, const char *call)
{
    sc_fail(err, SC_BACKEND, "oneDNN failed with status %d in %s", (int)code, call);
    if (err != NULL) err->detail = (int)code;
    return SC_BACKEND;
}

/* Leave by 'done' unless oneDNN's call succeeds. */
#define DN(call)                                                                       \
    do {                                                                               \
        const dnnl_status_t dn_ = (call);                                              \
        if (dn_ != dnnl_success) {                                                     \
            status = backend_error(err, dn_, #call);                                   \
            goto done;                                                                 \
        }                                                                              \
    } while (0)

void sc_onednn_version(int version[3])
{
    const dnnl_version_t *v = dnnl_version();
    version[0] = v->major;
    version[1] = v->minor;
    version[2] = v->patch;
}

void sc_onednn_own_thread(void) { omp_set_num_threads(1); }

sc_status sc_onednn_weights_create(const sc_conv_shape *shape, const void *plain,
                                   sc_onednn_type src, sc_onednn_weights **out,
                                   sc_error *err)
{
    const size_t nbytes = (size_t)(shape->oc * shape->kh * shape->kw * shape->ic) *
                          (src == SC_ONEDNN_U8 ? sizeof(int8_t) : sizeof(float));
    sc_onednn_weights *weights = sc_calloc(sizeof *weights);
    void *copy = sc_alloc(nbytes);
    if (weights == NULL || copy == NULL) {
        sc_free(weights);
        sc_free(copy);
        return sc_fail(err, SC_NOMEM, "no memory for a layer's weights");
    }
    memcpy(copy, plain, nbytes);
    weights->shape = *shape;
    weights->plain = copy;
    weights->src = src;
    pthread_mutex_init(&weights->lock, NULL);
    *out = weights;
    return SC_OK;
}

void sc_onednn_weights_destroy(sc_onednn_weights *weights)
{
    if (weights == NULL) return;
    for (reordered *copy = weights->copies; copy != NULL;) {
        reordered *next = copy->next;
        dnnl_memory_desc_destroy(copy->desc);
        sc_free(copy->data);
        sc_free(copy);
        copy = next;
    }
    pthread_mutex_destroy(&weights->lock);
    sc_free(weights->plain);
    sc_free(weights);
}

const void *sc_onednn_weights_plain(const sc_onednn_weights *weights)
{
    return weights->plain;
}

static sc_status reorder(sc_onednn_conv *conv, const sc_onednn_weights *weights,
                         const_dnnl_memory_desc_t desc, void *dst, sc_error *err)
{
    sc_status status = SC_OK;
    const sc_conv_shape *s = &weights->shape;
    const dnnl_dims_t dims = {s->oc, s->ic, s->kh, s->kw};
    dnnl_memory_desc_t plain_desc = NULL;
    dnnl_memory_t from = NULL, to = NULL;
    dnnl_primitive_desc_t reorder_desc = NULL;
    dnnl_primitive_t primitive = NULL;
    const dnnl_data_type_t type = weights->src == SC_ONEDNN_U8 ? dnnl_s8 : dnnl_f32;
    DN(dnnl_memory_desc_create_with_tag(&plain_desc, 4, dims, type, dnnl_acdb));
    DN(dnnl_memory_create(&from, plain_desc, conv->engine, weights->plain));
    DN(dnnl_memory_create(&to, desc, conv->engine, dst));
    DN(dnnl_reorder_primitive_desc_create(&reorder_desc, plain_desc, conv->engine, desc,
                                          conv->engine, NULL));
    DN(dnnl_primitive_create(&primitive, reorder_desc));
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_FROM, from}, {DNNL_ARG_TO, to}};
    DN(dnnl_primitive_execute(primitive, conv->stream, 2, args));
    DN(dnnl_stream_wait(conv->stream));
done:
    dnnl_primitive_destroy(primitive);
    dnnl_primitive_desc_destroy(reorder_desc);
    dnnl_memory_destroy(to);
    dnnl_memory_destroy(from);
    dnnl_memory_desc_destroy(plain_desc);
    return status;
}

/* Find the weights in the order of 'desc', or make them.  The caller has locked
 * weights->lock. */
static sc_status find_copy(sc_onednn_conv *conv, sc_onednn_weights *weights,
                           const_dnnl_memory_desc_t desc, void **out, sc_error *err)
{
    for (reordered *copy = weights->copies; copy != NULL; copy = copy->next) {
        if (!dnnl_memory_desc_equal(copy->desc, desc)) continue;
        *out = copy->data;
        return SC_OK;
    }
    sc_status status = SC_NOMEM;
    reordered *copy = sc_calloc(sizeof *copy);
    void *data = sc_alloc(dnnl_memory_desc_get_size(desc));
    if (copy != NULL && data != NULL) status = reorder(conv, weights, desc, data, err);
    if (status == SC_OK && dnnl_memory_desc_clone(&copy->desc, desc) != dnnl_success) {
        status = SC_NOMEM;
    }
    if (status != SC_OK) {
        sc_free(copy);
        sc_free(data);
        return status == SC_NOMEM
                   ? sc_fail(err, status, "no memory for reordered weights")
                   : status;
    }
    copy->data = data;
    copy->next = weights->copies;
    weights->copies = copy;
    *out = data;
    return SC_OK;
}

/* Two descriptions of a number for each channel: alone, and beside maps. */
static sc_status describe_channels(int64_t oc, dnnl_memory_desc_t *alone,
                                   dnnl_memory_desc_t *beside, sc_error *err)
{
    sc_status status = SC_OK;
    const dnnl_dims_t dims = {oc}, map = {1, oc, 1, 1};
    DN(dnnl_memory_desc_create_with_tag(alone, 1, dims, dnnl_f32, dnnl_a));
    DN(dnnl_memory_desc_create_with_tag(beside, 4, map, dnnl_f32, dnnl_nhwc));
done:
    return status;
}

/* The attributes: no scratchpad of its own, scales, post-operations. */
static sc_status describe_finish(const sc_onednn_finish *finish, const dnnl_dims_t dims,
                                 const_dnnl_memory_desc_t channels,
                                 dnnl_primitive_attr_t attr, sc_error *err)
{
    sc_status status = SC_OK;
    dnnl_post_ops_t ops = NULL;
    dnnl_memory_desc_t more = NULL;
    DN(dnnl_post_ops_create(&ops));
    DN(dnnl_memory_desc_create_with_tag(&more, 4, dims, dnnl_f32, dnnl_nhwc));
    DN(dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user));
    if (finish->sum_scale != NULL) {
        DN(dnnl_primitive_attr_set_scales_mask(attr, DNNL_ARG_WEIGHTS, 1));
    }
    if (finish->add && finish->dst == SC_ONEDNN_F32) {
        DN(dnnl_post_ops_append_sum(ops, 1.0f, 0, dnnl_data_type_undef));
    } else if (finish->add) {
        DN(dnnl_post_ops_append_binary(ops, dnnl_binary_add, more));
    }
    if (finish->relu) DN(dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_relu, 0, 0));
    if (finish->post_scale != NULL) {
        DN(dnnl_post_ops_append_binary(ops, dnnl_binary_mul, channels));
        DN(dnnl_post_ops_append_binary(ops, dnnl_binary_add, channels));
    }
    DN(dnnl_primitive_attr_set_post_ops(attr, ops));
done:
    dnnl_memory_desc_destroy(more);
    dnnl_post_ops_destroy(ops);
    return status;
}

static sc_status describe(sc_onednn_conv *conv, const sc_onednn_weights *weights,
                          const sc_onednn_finish *finish, int64_t rows, int64_t columns,
                          sc_error *err)
{
    static const dnnl_data_type_t TYPES[] = {dnnl_f32, dnnl_bf16, dnnl_u8};
    const sc_conv_shape *s = &weights->shape;
    const dnnl_data_type_t type = TYPES[weights->src];
    sc_status status = SC_OK;
    const dnnl_dims_t src_dims = {1, s->ic, (rows - 1) * s->stride + s->kh,
                                  (columns - 1) * s->stride + s->kw};
    const dnnl_dims_t wei_dims = {s->oc, s->ic, s->kh, s->kw};
    const dnnl_dims_t dst_dims = {1, s->oc, rows, columns};
    const dnnl_dims_t strides = {s->stride, s->stride}, zeros = {0, 0};
    dnnl_memory_desc_t src = NULL, wei = NULL, dst = NULL, bias = NULL, channels = NULL;
    dnnl_primitive_attr_t attr = NULL;
    DN(dnnl_memory_desc_create_with_tag(&src, 4, src_dims, type, dnnl_nhwc));
    DN(dnnl_memory_desc_create_with_tag(
        &wei, 4, wei_dims, type == dnnl_u8 ? dnnl_s8 : type, dnnl_format_tag_any));
    DN(dnnl_memory_desc_create_with_tag(&dst, 4, dst_dims, TYPES[finish->dst],
                                        dnnl_nhwc));
    SC_TRY(describe_channels(s->oc, &bias, &channels, err));
    DN(dnnl_primitive_attr_create(&attr));
    SC_TRY(describe_finish(finish, dst_dims, channels, attr, err));
    DN(dnnl_convolution_forward_primitive_desc_create(
        &conv->desc, conv->engine, dnnl_forward_inference, dnnl_convolution_direct, src,
        wei, finish->bias == NULL ? NULL : bias, dst, strides, zeros, zeros, zeros,
        attr));
    DN(dnnl_primitive_desc_query(conv->desc, dnnl_query_impl_info_str, 0,
                                 (void *)&conv->name));
    if (strncmp(conv->name, "ref", 3) == 0) {
        status =
            sc_fail(err, SC_BACKEND,
                    "oneDNN has only its reference implementation (%s) for a %dx%d "
                    "convolution of %d to %d channels on this CPU",
                    conv->name, (int)s->kh, (int)s->kw, (int)s->ic, (int)s->oc);
    }
done:
    dnnl_primitive_attr_destroy(attr);
    dnnl_memory_desc_destroy(channels);
    dnnl_memory_desc_destroy(bias);
    dnnl_memory_desc_destroy(dst);
    dnnl_memory_desc_destroy(wei);
    dnnl_memory_desc_destroy(src);
    return status;
}

/* 'data' may be told later. */
static sc_status add_arg(sc_onednn_conv *conv, int kind, const_dnnl_memory_desc_t desc,
                         const void *data, sc_error *err)
{
    sc_status status = SC_OK;
    dnnl_exec_arg_t *arg = &conv->args[conv->n_args];
    arg->arg = kind;
    DN(dnnl_memory_create(&arg->memory, desc, conv->engine, (void *)(uintptr_t)data));
    conv->n_args++;
done:
    return status;
}

static sc_status add_maps(sc_onednn_conv *conv, sc_onednn_weights *weights,
                          const sc_onednn_finish *finish, sc_error *err)
{
    sc_status status = SC_OK;
    const dnnl_primitive_desc_t desc = conv->desc;
    const_dnnl_memory_desc_t src =
        dnnl_primitive_desc_query_md(desc, dnnl_query_src_md, 0);
    const_dnnl_memory_desc_t wei =
        dnnl_primitive_desc_query_md(desc, dnnl_query_weights_md, 0);
    const_dnnl_memory_desc_t dst =
        dnnl_primitive_desc_query_md(desc, dnnl_query_dst_md, 0);
    const_dnnl_memory_desc_t pad =
        dnnl_primitive_desc_query_md(desc, dnnl_query_scratchpad_md, 0);
    void *data = NULL;
    pthread_mutex_lock(&weights->lock);
    status = find_copy(conv, weights, wei, &data, err);
    pthread_mutex_unlock(&weights->lock);
    if (status != SC_OK) return status;
    conv->scratchpad_data = sc_alloc(dnnl_memory_desc_get_size(pad));
    if (conv->scratchpad_data == NULL) {
        return sc_fail(err, SC_NOMEM, "no memory for oneDNN's scratchpad");
    }
    SC_TRY(add_arg(conv, DNNL_ARG_SRC, src, DNNL_MEMORY_NONE, err));
    SC_TRY(add_arg(conv, DNNL_ARG_DST, dst, DNNL_MEMORY_NONE, err));
    conv->has_more = finish->add && finish->dst != SC_ONEDNN_F32;
    if (conv->has_more) {
        const int kind = DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1;
        const_dnnl_memory_desc_t more =
            dnnl_primitive_desc_query_md(desc, dnnl_query_exec_arg_md, kind);
        SC_TRY(add_arg(conv, kind, more, DNNL_MEMORY_NONE, err));
    }
    SC_TRY(add_arg(conv, DNNL_ARG_WEIGHTS, wei, data, err));
    SC_TRY(add_arg(conv, DNNL_ARG_SCRATCHPAD, pad, conv->scratchpad_data, err));
done:
    return status;
}

static sc_status add_constants(sc_onednn_conv *conv, int64_t oc,
                               const sc_onednn_finish *finish, sc_error *err)
{
    sc_status status = SC_OK;
    dnnl_memory_desc_t alone = NULL, beside = NULL;
    const int scales = DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS;
    SC_TRY(describe_channels(oc, &alone, &beside, err));
    if (finish->sum_scale != NULL) {
        SC_TRY(add_arg(conv, scales, alone, finish->sum_scale, err));
    }
    if (finish->bias != NULL) {
        SC_TRY(add_arg(conv, DNNL_ARG_BIAS, alone, finish->bias, err));
    }
    if (finish->post_scale != NULL) {
        const int at = finish->add + finish->relu;
        SC_TRY(add_arg(conv, DNNL_ARG_ATTR_MULTIPLE_POST_OP(at) | DNNL_ARG_SRC_1,
                       beside, finish->post_scale, err));
        SC_TRY(add_arg(conv, DNNL_ARG_ATTR_MULTIPLE_POST_OP(at + 1) | DNNL_ARG_SRC_1,
                       beside, finish->post_shift, err));
    }
done:
    dnnl_memory_desc_destroy(beside);
    dnnl_memory_desc_destroy(alone);
    return status;
}

sc_status sc_onednn_conv_create(sc_onednn_weights *weights,
                                const sc_onednn_finish *finish, int64_t rows,
                                int64_t columns, sc_onednn_conv **out, sc_error *err)
{
    sc_status status = SC_OK;
    *out = NULL;
    sc_onednn_conv *conv = sc_calloc(sizeof *conv);
    if (conv == NULL) return sc_fail(err, SC_NOMEM, "no memory for a convolution");
    DN(dnnl_engine_create(&conv->engine, dnnl_cpu, 0));
    DN(dnnl_stream_create(&conv->stream, conv->engine, dnnl_stream_default_flags));
    SC_TRY(describe(conv, weights, finish, rows, columns, err));
    DN(dnnl_primitive_create(&conv->primitive, conv->desc));
    SC_TRY(add_maps(conv, weights, finish, err));
    SC_TRY(add_constants(conv, weights->shape.oc, finish, err));
    *out = conv;
    conv = NULL;
done:
    sc_onednn_conv_destroy(conv);
    return status;
}

void sc_onednn_conv_destroy(sc_onednn_conv *conv)
{
    if (conv == NULL) return;
    for (int i = 0; i < conv->n_args; i++) dnnl_memory_destroy(conv->args[i].memory);
    dnnl_primitive_destroy(conv->primitive);
    dnnl_primitive_desc_destroy(conv->desc);
    dnnl_stream_destroy(conv->stream);
    dnnl_engine_destroy(conv->engine);
    sc_free(conv->scratchpad_data);
    sc_free(conv);
}

sc_status sc_onednn_conv_run(sc_onednn_conv *conv, const void *src, const float *more,
                             void *dst, sc_error *err)
{
    sc_status status = SC_OK;
    const dnnl_exec_arg_t *args = conv->args;
    DN(dnnl_memory_set_data_handle(args[0].memory, (void *)(uintptr_t)src));
    DN(dnnl_memory_set_data_handle(args[1].memory, dst));
    if (conv->has_more) {
        DN(dnnl_memory_set_data_handle(args[2].memory, (void *)(uintptr_t)more));
    }
    DN(dnnl_primitive_execute(conv->primitive, conv->stream, conv->n_args, args));
    DN(dnnl_stream_wait(conv->stream));
done:
    return status;
}

const char *sc_onednn_conv_name(const sc_onednn_conv *conv) { return conv->name; }
