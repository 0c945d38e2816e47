/* spinalcord.h - the C core: from a volume's voxels to lesions and diagnoses.
 *
 * Volumes  float32 or uint8, C order, axes (slice, row, column) in the working
 *          orientation: slices run L->R, rows S->I, columns A->P.
 * Images   float32, C order, axes (n, c, h, w); masks uint8, values 0 and 1.
 * Units    lengths in millimetres, probabilities in [0, 1].
 * Errors   what can fail returns sc_status and fills *err (err may be NULL).
 * Owners   who calls _create calls _destroy; every other pointer is borrowed.
 * Threads  share an sc_net; an sc_runner serves one call at a time.
 *
 * The core knows neither Python nor files: it never prints, exits or changes the
 * process's state (thread counts, signal handlers, locale).
 */
#ifndef SPINALCORD_H
#define SPINALCORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Status --------------------------------------------------------------- */

/* Values are fixed for ever; new ones go into the gaps. */
typedef enum {
    SC_OK = 0,
    SC_NOMEM = 10,
    SC_BAD_VALUE = 20,   /* an argument breaks its documented contract */
    SC_BAD_SHAPE = 21,   /* an extent is out of range or does not fit another */
    SC_NOT_FINITE = 22,  /* NaN or infinity in the input */
    SC_BAD_MODEL = 30,   /* tensors missing, extra, of the wrong shape, or NaN */
    SC_UNSUPPORTED = 40, /* this CPU or build cannot do it */
    SC_BACKEND = 50,     /* err->detail holds oneDNN's own status */
    SC_CANCELLED = 60,   /* the caller's poll function asked to stop */
    SC_INTERNAL = 90,    /* our own bug */
} sc_status;

/* What went wrong: the code, a number that the code's comment explains, and one
 * sentence with what was given and what was expected. */
typedef struct {
    sc_status code;
    int detail;
    char text[240];
} sc_error;

/* ---- Images: from a scan to a network's input and back (csrc/image) -------- */

/* ---- Networks (csrc/nn, csrc/nets) ----------------------------------------- */

#endif
