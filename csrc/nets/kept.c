#include "kept.h"

#include "../base/memory.h"
#include "../base/status.h"

#include <string.h>

struct sc_kept {
    int64_t n;
    sc_tensor *tensors;
    char *bytes; /* each tensor's data, then its name */
};

static size_t data_nbytes(const sc_tensor *tensor)
{
    size_t n = tensor->type == SC_TENSOR_F32 ? 4 : 2;
    for (int i = 0; i < tensor->ndim; i++) n *= (size_t)tensor->shape[i];
    return n;
}

sc_status sc_kept_create(const sc_tensor *tensors, int64_t n, sc_kept **out,
                         sc_error *err)
{
    size_t nbytes = 0;
    *out = NULL;
    for (int64_t i = 0; i < n; i++) {
        nbytes += data_nbytes(&tensors[i]) + strlen(tensors[i].name) + 1;
    }
    sc_kept *kept = sc_calloc(sizeof *kept);
    if (kept != NULL) {
        kept->n = n;
        kept->tensors = sc_calloc((size_t)n * sizeof *kept->tensors);
        kept->bytes = sc_alloc(nbytes);
    }
    if (kept == NULL || kept->tensors == NULL || kept->bytes == NULL) {
        sc_kept_destroy(kept);
        return sc_fail(err, SC_NOMEM, "no memory for %zu bytes of weights", nbytes);
    }
    char *at = kept->bytes;
    for (int64_t i = 0; i < n; i++) {
        const size_t data = data_nbytes(&tensors[i]);
        const size_t name = strlen(tensors[i].name) + 1;
        kept->tensors[i] = tensors[i];
        kept->tensors[i].data = memcpy(at, tensors[i].data, data);
        kept->tensors[i].name = memcpy(at + data, tensors[i].name, name);
        at += data + name;
    }
    *out = kept;
    return SC_OK;
}

void sc_kept_destroy(sc_kept *kept)
{
    if (kept == NULL) return;
    sc_free(kept->tensors);
    sc_free(kept->bytes);
    sc_free(kept);
}

const sc_tensor *sc_kept_tensors(const sc_kept *kept) { return kept->tensors; }

int64_t sc_kept_count(const sc_kept *kept) { return kept->n; }
