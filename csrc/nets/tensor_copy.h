/* A copy of a model's tensors, for what may have to be made of them later. */
#ifndef SC_NETS_TENSOR_COPY_H
#define SC_NETS_TENSOR_COPY_H

#include "../spinalcord.h"

typedef struct sc_tensor_copy sc_tensor_copy;

/* Names and data are copied, data as they are stored.  SC_NOMEM. */
sc_status sc_tensor_copy_create(const sc_tensor *tensors, int64_t n,
                                sc_tensor_copy **out, sc_error *err);
void sc_tensor_copy_destroy(sc_tensor_copy *copy); /* NULL is fine */

const sc_tensor *sc_tensor_copy_tensors(const sc_tensor_copy *copy);
int64_t sc_tensor_copy_count(const sc_tensor_copy *copy);

#endif
