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
    float *plain; /* (oc, kh, kw, ic) */
    bool bf16;
    pthread_mutex_t lock; /* guards the list of copies; each copy is read-only */
    reordered *copies;
};

struct sc_onednn_conv {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_desc_t desc;
    dnnl_primitive_t primitive;
    dnnl_memory_t src, wei, dst, scratchpad;
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

sc_status sc_onednn_weights_create(const sc_conv_shape *shape, const float *plain,
                                   bool bf16, sc_onednn_weights **out, sc_error *err)
{
    const size_t nbytes = (size_t)(shape->oc * shape->kh * shape->kw * shape->ic) *
                          sizeof *plain;
    sc_onednn_weights *weights = sc_calloc(sizeof *weights);
    float *copy = sc_alloc(nbytes);
    if (weights == NULL || copy == NULL) {
        sc_free(weights);
        sc_free(copy);
        return sc_fail(err, SC_NOMEM, "no memory for a layer's weights");
    }
    memcpy(copy, plain, nbytes);
    weights->shape = *shape;
    weights->plain = copy;
    weights->bf16 = bf16;
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

const float *sc_onednn_weights_plain(const sc_onednn_weights *weights)
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
    DN(dnnl_memory_desc_create_with_tag(&plain_desc, 4, dims, dnnl_f32, dnnl_acdb));
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

static sc_status describe(sc_onednn_conv *conv, const sc_onednn_weights *weights,
                          int64_t rows, int64_t columns, sc_error *err)
{
    const sc_conv_shape *s = &weights->shape;
    const dnnl_data_type_t type = weights->bf16 ? dnnl_bf16 : dnnl_f32;
    sc_status status = SC_OK;
    const dnnl_dims_t src_dims = {1, s->ic, (rows - 1) * s->stride + s->kh,
                                  (columns - 1) * s->stride + s->kw};
    const dnnl_dims_t wei_dims = {s->oc, s->ic, s->kh, s->kw};
    const dnnl_dims_t dst_dims = {1, s->oc, rows, columns};
    const dnnl_dims_t strides = {s->stride, s->stride}, zeros = {0, 0};
    dnnl_memory_desc_t src = NULL, wei = NULL, dst = NULL;
    dnnl_primitive_attr_t attr = NULL;
    DN(dnnl_memory_desc_create_with_tag(&src, 4, src_dims, type, dnnl_nhwc));
    DN(dnnl_memory_desc_create_with_tag(&wei, 4, wei_dims, type, dnnl_format_tag_any));
    DN(dnnl_memory_desc_create_with_tag(&dst, 4, dst_dims, dnnl_f32, dnnl_nhwc));
    DN(dnnl_primitive_attr_create(&attr));
    DN(dnnl_primitive_attr_set_scratchpad_mode(attr, dnnl_scratchpad_mode_user));
    DN(dnnl_convolution_forward_primitive_desc_create(
        &conv->desc, conv->engine, dnnl_forward_inference, dnnl_convolution_direct, src,
        wei, NULL, dst, strides, zeros, zeros, zeros, attr));
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
    dnnl_memory_desc_destroy(dst);
    dnnl_memory_desc_destroy(wei);
    dnnl_memory_desc_destroy(src);
    return status;
}

static sc_status make_memories(sc_onednn_conv *conv, sc_onednn_weights *weights,
                               sc_error *err)
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
    DN(dnnl_memory_create(&conv->src, src, conv->engine, DNNL_MEMORY_NONE));
    DN(dnnl_memory_create(&conv->wei, wei, conv->engine, data));
    DN(dnnl_memory_create(&conv->dst, dst, conv->engine, DNNL_MEMORY_NONE));
    DN(dnnl_memory_create(&conv->scratchpad, pad, conv->engine, conv->scratchpad_data));
done:
    return status;
}

sc_status sc_onednn_conv_create(sc_onednn_weights *weights, int64_t rows,
                                int64_t columns, sc_onednn_conv **out, sc_error *err)
{
    sc_status status = SC_OK;
    *out = NULL;
    sc_onednn_conv *conv = sc_calloc(sizeof *conv);
    if (conv == NULL) return sc_fail(err, SC_NOMEM, "no memory for a convolution");
    DN(dnnl_engine_create(&conv->engine, dnnl_cpu, 0));
    DN(dnnl_stream_create(&conv->stream, conv->engine, dnnl_stream_default_flags));
    SC_TRY(describe(conv, weights, rows, columns, err));
    DN(dnnl_primitive_create(&conv->primitive, conv->desc));
    SC_TRY(make_memories(conv, weights, err));
    *out = conv;
    conv = NULL;
done:
    sc_onednn_conv_destroy(conv);
    return status;
}

void sc_onednn_conv_destroy(sc_onednn_conv *conv)
{
    if (conv == NULL) return;
    dnnl_memory_destroy(conv->src);
    dnnl_memory_destroy(conv->wei);
    dnnl_memory_destroy(conv->dst);
    dnnl_memory_destroy(conv->scratchpad);
    dnnl_primitive_destroy(conv->primitive);
    dnnl_primitive_desc_destroy(conv->desc);
    dnnl_stream_destroy(conv->stream);
    dnnl_engine_destroy(conv->engine);
    sc_free(conv->scratchpad_data);
    sc_free(conv);
}

sc_status sc_onednn_conv_run(sc_onednn_conv *conv, const void *src, float *dst,
                             sc_error *err)
{
    sc_status status = SC_OK;
    const dnnl_exec_arg_t args[] = {
        {DNNL_ARG_SRC, conv->src},
        {DNNL_ARG_WEIGHTS, conv->wei},
        {DNNL_ARG_DST, conv->dst},
        {DNNL_ARG_SCRATCHPAD, conv->scratchpad},
    };
    DN(dnnl_memory_set_data_handle(conv->src, (void *)(uintptr_t)src));
    DN(dnnl_memory_set_data_handle(conv->dst, dst));
    DN(dnnl_primitive_execute(conv->primitive, conv->stream, 4, args));
    DN(dnnl_stream_wait(conv->stream));
done:
    return status;
}

const char *sc_onednn_conv_name(const sc_onednn_conv *conv) { return conv->name; }
