/* NaN and infinity, counted: what a scan must not hold. */
#ifndef SC_IMAGE_FINITE_H
#define SC_IMAGE_FINITE_H

#include "../spinalcord.h"

/* How many of n values are NaN or infinite. */
int64_t sc_not_finite(const float *src, int64_t n);

/* SC_OK, or SC_NOT_FINITE where 'count' of 'total' is not 0; 'what' they are is the
 * beginning of the sentence. */
sc_status sc_finite_check(int64_t count, int64_t total, const char *what,
                          sc_error *err);

#endif
