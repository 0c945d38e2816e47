/* A copy of a model's tensors in one block of memory. */
#include "tensor_copy.h"

#include "../base/memory.h"
#include "../base/status.h"

#include <string.h>

struct sc_tensor_copy {
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

sc_status sc_tensor_copy_create(const sc_tensor *tensors, int64_t n,
                                sc_tensor_copy **out, sc_error *err)
{
    size_t nbytes = 0;
    *out = NULL;
    for (int64_t i = 0; i < n; i++) {
        nbytes += data_nbytes(&tensors[i]) + strlen(tensors[i].name) + 1;
    }
    sc_tensor_copy *copy = sc_calloc(sizeof *copy);
    if (copy != NULL) {
        copy->n = n;
        copy->tensors = sc_calloc((size_t)n * sizeof *copy->tensors);
        copy->bytes = sc_alloc(nbytes);
    }
    if (copy == NULL || copy->tensors == NULL || copy->bytes == NULL) {
        sc_tensor_copy_destroy(copy);
        return sc_fail(err, SC_NOMEM, "no memory for %zu bytes of weights", nbytes);
    }
    char *at = copy->bytes;
    for (int64_t i = 0; i < n; i++) {
        const size_t data = data_nbytes(&tensors[i]);
        const size_t name = strlen(tensors[i].name) + 1;
        copy->tensors[i] = tensors[i];
        copy->tensors[i].data = memcpy(at, tensors[i].data, data);
        copy->tensors[i].name = memcpy(at + data, tensors[i].name, name);
        at += data + name;
    }
    *out = copy;
    return SC_OK;
}

void sc_tensor_copy_destroy(sc_tensor_copy *copy)
{
    if (copy == NULL) return;
    sc_free(copy->tensors);
    sc_free(copy->bytes);
    sc_free(copy);
}

const sc_tensor *sc_tensor_copy_tensors(const sc_tensor_copy *copy)
{
    return copy->tensors;
}

int64_t sc_tensor_copy_count(const sc_tensor_copy *copy) { return copy->n; }
