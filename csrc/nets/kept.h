/* A copy of a model's tensors, for what may have to be made of them later. */
#ifndef SC_NETS_KEPT_H
#define SC_NETS_KEPT_H

#include "../spinalcord.h"

typedef struct sc_kept sc_kept;

/* Names and data are copied, data as they are stored.  SC_NOMEM. */
sc_status sc_kept_create(const sc_tensor *tensors, int64_t n, sc_kept **out,
                         sc_error *err);
void sc_kept_destroy(sc_kept *kept); /* NULL is fine */

const sc_tensor *sc_kept_tensors(const sc_kept *kept);
int64_t sc_kept_count(const sc_kept *kept);

#endif
