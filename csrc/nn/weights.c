/* Tensors by name, and convolutions packed for one engine. */
#include "weights.h"

#include "../base/memory.h"
#include "../base/status.h"
#include "../kernels/bf16.h"
#include "../kernels/conv_pack.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const sc_tensor *tensor;
    bool taken; /* by the network: one that nobody takes does not belong to it */
} entry;

struct sc_source {
    int64_t n, n_values;
    entry *entries; /* sorted by name */
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const entry *)a)->tensor->name, ((const entry *)b)->tensor->name);
}

/* Counters of training steps, which PyTorch stores beside the statistics. */
static bool is_ignored(const char *name)
{
    static const char suffix[] = "num_batches_tracked";
    const size_t n = strlen(name), m = sizeof suffix - 1;
    return n >= m && strcmp(name + n - m, suffix) == 0;
}

sc_status sc_source_create(const sc_tensor *tensors, int64_t n, sc_source **out,
                           sc_error *err)
{
    *out = NULL;
    sc_source *source = sc_calloc(sizeof *source);
    entry *entries = sc_calloc((size_t)(n > 0 ? n : 1) * sizeof *entries);
    if (source == NULL || entries == NULL) {
        sc_free(source);
        sc_free(entries);
        return sc_fail(err, SC_NOMEM, "no memory to index %" PRId64 " tensors", n);
    }
    source->entries = entries;
    for (int64_t i = 0; i < n; i++) {
        if (!is_ignored(tensors[i].name)) entries[source->n++].tensor = &tensors[i];
    }
    qsort(entries, (size_t)source->n, sizeof *entries, by_name);
    for (int64_t i = 1; i < source->n; i++) {
        if (by_name(&entries[i - 1], &entries[i]) == 0) {
            const char *name = entries[i].tensor->name;
            sc_fail(err, SC_BAD_MODEL, "tensor %s occurs twice in the model", name);
            sc_source_destroy(source);
            return SC_BAD_MODEL;
        }
    }
    *out = source;
    return SC_OK;
}

void sc_source_destroy(sc_source *source)
{
    if (source == NULL) return;
    sc_free(source->entries);
    sc_free(source);
}

static void shape_text(const int64_t *shape, int ndim, char *text, size_t size)
{
    size_t at = 0;
    text[0] = '\0'; /* of a scalar */
    for (int i = 0; i < ndim && i < 4 && at < size; i++) {
        at += (size_t)snprintf(text + at, size - at, "%s%" PRId64, i ? ", " : "",
                               shape[i]);
    }
}

/* Without branches and calls, so that the loop over a tensor becomes vectors. */
static inline float half_to_float(uint16_t h)
{
    const uint32_t exponent = h >> 10 & 31, mantissa = h & 1023;
    const uint32_t magnitude = (exponent == 31 ? 255u << 23 : (exponent + 112) << 23) |
                               mantissa << 13;
    const uint32_t sign = (uint32_t)(h & 0x8000) << 16;
    const float small = (float)mantissa * 0x1p-24f;
    uint32_t bits;
    memcpy(&bits, &small, sizeof bits);
    bits = (exponent == 0 ? bits : magnitude) | sign;
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

/* The data may lie at any address, so each value is copied out. */
static void convert_all(const sc_tensor *tensor, int64_t n, float *dst)
{
    const char *src = tensor->data;
    uint16_t bits;
    if (tensor->type == SC_TENSOR_F32) {
        memcpy(dst, src, (size_t)n * sizeof *dst);
        return;
    }
    if (tensor->type == SC_TENSOR_F16) {
        for (int64_t i = 0; i < n; i++) {
            memcpy(&bits, src + 2 * i, sizeof bits);
            dst[i] = half_to_float(bits);
        }
        return;
    }
    for (int64_t i = 0; i < n; i++) {
        memcpy(&bits, src + 2 * i, sizeof bits);
        dst[i] = sc_from_bf16(bits);
    }
}

static sc_status convert(const sc_tensor *tensor, int64_t n, float *dst, sc_error *err)
{
    int64_t bad = 0;
    convert_all(tensor, n, dst);
    for (int64_t i = 0; i < n; i++) bad += !isfinite(dst[i]);
    if (bad == 0) return SC_OK;
    return sc_fail(err, SC_BAD_MODEL,
                   "tensor %s contains %" PRId64 " values that are NaN or infinite",
                   tensor->name, bad);
}

sc_status sc_source_take(sc_source *source, const char *name, int ndim,
                         const int64_t *shape, float **out, sc_error *err)
{
    *out = NULL;
    const sc_tensor wanted = {.name = name};
    const entry key = {.tensor = &wanted};
    entry *found = source->n == 0 ? NULL
                                  : bsearch(&key, source->entries, (size_t)source->n,
                                            sizeof key, by_name);
    if (found == NULL) return sc_fail(err, SC_BAD_MODEL, "tensor %s is missing", name);
    const sc_tensor *tensor = found->tensor;
    int64_t n = 1;
    bool same = tensor->ndim == ndim;
    for (int i = 0; i < ndim; i++) {
        n *= shape[i];
        same = same && tensor->shape[i] == shape[i];
    }
    if (!same) {
        char got[64], want[64];
        shape_text(tensor->shape, tensor->ndim, got, sizeof got);
        shape_text(shape, ndim, want, sizeof want);
        return sc_fail(err, SC_BAD_MODEL, "tensor %s has the shape (%s); expected (%s)",
                       name, got, want);
    }
    float *values = sc_alloc((size_t)n * sizeof *values);
    if (values == NULL) return sc_fail(err, SC_NOMEM, "no memory for tensor %s", name);
    const sc_status status = convert(tensor, n, values, err);
    if (status != SC_OK) {
        sc_free(values);
        return status;
    }
    found->taken = true;
    source->n_values += n;
    *out = values;
    return SC_OK;
}

sc_status sc_source_finish(const sc_source *source, int64_t *n_values, sc_error *err)
{
    *n_values = source->n_values;
    for (int64_t i = 0; i < source->n; i++) {
        if (source->entries[i].taken) continue;
        return sc_fail(err, SC_BAD_MODEL, "tensor %s does not belong to this network",
                       source->entries[i].tensor->name);
    }
    return SC_OK;
}

float *sc_channels(const float *values, int64_t n, float fill)
{
    const int64_t padded = (sc_conv_blocks(n) + 1) * SC_LANES;
    float *out = sc_calloc((size_t)padded * sizeof *out);
    for (int64_t i = 0; out != NULL && i < n; i++) out[i] = values ? values[i] : fill;
    return out;
}

/* PyTorch's (oc, ic, kh, kw) to (oc, kh, kw, ic), each output channel scaled. */
static float *channels_last(const sc_conv_shape *s, const float *wei,
                            const float *scale)
{
    const int64_t taps = s->kh * s->kw, reduction = taps * s->ic;
    float *out = sc_alloc((size_t)(s->oc * reduction) * sizeof *out);
    if (out == NULL) return NULL;
    for (int64_t c = 0; c < s->oc; c++) {
        const float factor = scale == NULL ? 1.0f : scale[c];
        const float *wei_c = wei + c * reduction; /* (ic, taps) */
        float *out_c = out + c * reduction;       /* (taps, ic) */
        for (int64_t k = 0; k < s->ic; k++) {
            for (int64_t t = 0; t < taps; t++) {
                out_c[t * s->ic + k] = wei_c[k * taps + t] * factor;
            }
        }
    }
    return out;
}

static sc_status transform(const sc_engine *engine, const sc_conv_weights *w,
                           const float *plain, sc_error *err)
{
    const sc_winograd *winograd = engine->winograd;
    void *packed = sc_alloc_kept(winograd->packed_nbytes(w->shape.oc, w->shape.ic));
    if (packed == NULL) return sc_fail(err, SC_NOMEM, "no memory for packed weights");
    winograd->pack(plain, w->shape.oc, w->shape.ic, packed);
    w->winograd->packed = packed;
    return SC_OK;
}

/* (oc, kh, kw, ic) again from the blocks of float32. */
static float *unpacked(const sc_conv_weights *w)
{
    const int64_t reduction = w->n_taps * w->kc;
    float *plain = sc_alloc((size_t)(w->shape.oc * reduction) * sizeof *plain);
    for (int64_t c = 0; plain != NULL && c < w->shape.oc; c++) {
        const float *block = (const float *)w->packed + c / SC_LANES * w->wei_block +
                             c % SC_LANES;
        for (int64_t i = 0; i < reduction; i++)
            plain[c * reduction + i] = block[i * SC_LANES];
    }
    return plain;
}

sc_status sc_conv_weights_need_winograd(const sc_engine *engine,
                                        const sc_conv_weights *weights, sc_error *err)
{
    sc_status status = SC_OK;
    pthread_mutex_lock(&weights->winograd->lock);
    if (weights->winograd->packed == NULL) {
        float *plain = unpacked(weights);
        status = plain == NULL
                     ? sc_fail(err, SC_NOMEM, "no memory for a layer's weights")
                     : transform(engine, weights, plain, err);
        sc_free(plain);
    }
    pthread_mutex_unlock(&weights->winograd->lock);
    return status;
}

static sc_status pack(const sc_engine *engine, sc_conv_weights *w, float *plain,
                      sc_error *err)
{
    if (sc_engine_is_onednn(engine)) {
        return sc_onednn_weights_create(&w->shape, plain,
                                        engine->bf16 ? SC_ONEDNN_BF16 : SC_ONEDNN_F32,
                                        &w->onednn, err);
    }
    const int64_t oc = w->shape.oc, kc = engine->bf16 ? sc_round_up(w->kc, 32) : w->kc;
    const int64_t n = sc_conv_packed_f32(oc, w->n_taps, kc);
    w->wei_block = w->n_taps * kc * SC_LANES;
    w->packed = sc_alloc_kept((size_t)n * engine->item_nbytes);
    if (w->packed == NULL)
        return sc_fail(err, SC_NOMEM, "no memory for packed weights");
    if (engine->bf16) {
        sc_conv_pack_bf16(plain, oc, w->n_taps, w->kc, w->packed);
    } else {
        sc_conv_pack_f32(plain, oc, w->n_taps, w->kc, w->packed);
    }
    const sc_conv_shape *s = &w->shape;
    if (engine->winograd == NULL || s->kh != 3 || s->kw != 3 || s->stride != 1 ||
        s->merged) {
        return SC_OK;
    }
    w->winograd = sc_calloc(sizeof *w->winograd);
    if (w->winograd == NULL)
        return sc_fail(err, SC_NOMEM, "no memory for packed weights");
    pthread_mutex_init(&w->winograd->lock, NULL);
    /* 'packed' is rounded in bf16: its transform must be of what it was. */
    return engine->bf16 ? transform(engine, w, plain, err) : SC_OK;
}

sc_status sc_conv_weights_create(const sc_engine *engine, sc_conv_shape shape,
                                 const float *wei, const float *scale,
                                 const float *bias, sc_conv_weights **out,
                                 sc_error *err)
{
    *out = NULL;
    sc_conv_weights *w = sc_calloc(sizeof *w);
    float *plain = channels_last(&shape, wei, scale);
    sc_status status = SC_NOMEM;
    if (w != NULL && plain != NULL) {
        w->shape = shape;
        w->n_taps = shape.merged ? shape.kh : shape.kh * shape.kw;
        w->kc = shape.merged ? shape.kw * shape.ic : shape.ic;
        w->bias = sc_channels(bias, shape.oc, 0.0f);
        status = w->bias == NULL ? SC_NOMEM : pack(engine, w, plain, err);
    }
    sc_free(plain);
    if (status != SC_OK) {
        sc_conv_weights_destroy(w);
        return status == SC_NOMEM
                   ? sc_fail(err, SC_NOMEM, "no memory for a layer's weights")
                   : status;
    }
    *out = w;
    return SC_OK;
}

void sc_conv_weights_destroy(sc_conv_weights *weights)
{
    if (weights == NULL) return;
    sc_onednn_weights_destroy(weights->onednn);
    if (weights->winograd != NULL) {
        pthread_mutex_destroy(&weights->winograd->lock);
        sc_free(weights->winograd->packed);
        sc_free(weights->winograd);
    }
    sc_free(weights->packed);
    sc_free(weights->sum_scale);
    sc_free(weights->bias);
    sc_free(weights);
}

float sc_conv_weights_at(const sc_conv_weights *weights, int64_t o, int64_t ky,
                         int64_t kx, int64_t k)
{
    const sc_conv_shape *s = &weights->shape;
    /* Merged or not, the taps follow each other in this order. */
    const int64_t at = (ky * s->kw + kx) * s->ic + k;
    if (weights->packed == NULL) {
        const float *plain = sc_onednn_weights_plain(weights->onednn);
        return plain[o * s->kh * s->kw * s->ic + at];
    }
    const float *packed = weights->packed;
    return packed[o / SC_LANES * weights->wei_block + at * SC_LANES + o % SC_LANES];
}
