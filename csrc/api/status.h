/* How functions of the core fail. */
#ifndef SC_API_STATUS_H
#define SC_API_STATUS_H

/* The outcome of a call.  Values never change; new ones are added in the gaps. */
typedef enum {
    SC_OK = 0,
    SC_NOMEM = 10,       /* memory is exhausted */
    SC_BAD_VALUE = 20,   /* an argument breaks its documented contract */
    SC_BAD_SHAPE = 21,   /* an extent is out of range or does not fit another */
    SC_NOT_FINITE = 22,  /* the input contains NaN or infinity */
    SC_BAD_MODEL = 30,   /* tensors are missing, extra, of the wrong shape, or NaN */
    SC_UNSUPPORTED = 40, /* this CPU or build cannot do it */
    SC_BACKEND = 50,     /* oneDNN failed */
    SC_CANCELLED = 60,   /* the caller's poll function asked to stop */
    SC_INTERNAL = 90,    /* a bug in the core */
} sc_status;

/* What went wrong.  'detail' is 0 unless a function says otherwise; with SC_BACKEND it is
 * the status that oneDNN returned. */
typedef struct {
    sc_status code;
    int detail;
    char text[240]; /* one sentence for the user, ending in '\0' */
} sc_error;

/* A callback that long computations call every 50 ms, on the calling thread and with the
 * 'poll_arg' passed beside it.  A nonzero result cancels the computation, which then
 * returns SC_CANCELLED.  NULL never cancels. */
typedef int (*sc_poll_fn)(void *arg);

#endif
