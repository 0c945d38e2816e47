/* Status codes with their sentence: how every function of the core fails. */
#ifndef SC_BASE_STATUS_H
#define SC_BASE_STATUS_H

#include "../spinalcord.h"

/* Fill *err (unless NULL) with 'code' and a printf-style sentence; returns 'code'. */
sc_status sc_fail(sc_error *err, sc_status code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#ifdef SC_ANALYSED
/* Analysers read one file at a time: what is returned is never SC_OK. */
#define sc_fail(err, code, ...) (sc_fail(err, code, __VA_ARGS__), (code))
#endif

/* Leave by the label 'done', which frees what is owned, unless 'call' succeeds.
 * The function must have a variable 'status'. */
#define SC_TRY(call)                                                                   \
    do {                                                                               \
        status = (call);                                                               \
        if (status != SC_OK) goto done;                                                \
    } while (0)

#endif
