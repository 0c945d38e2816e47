/* One axis of a separable resampling: which source pixels make up each destination
 * pixel, and by how much.
 *
 * Destination pixel i shows the source at start + i * step, in source pixels counted
 * from the centre of the first. */
#ifndef SC_IMAGE_TAPS_H
#define SC_IMAGE_TAPS_H

#include "../spinalcord.h"

typedef struct {
    int64_t n_src;
    int64_t n;          /* destination pixels */
    int64_t begin, end; /* those that show the source; [begin, end) */
    bool edge;          /* the others show its nearest edge, else 0 */
    int64_t
        copy_from;  /* [begin, end) copy the source from this pixel on; -1: they mix */
    int64_t n_taps; /* of every pixel; some may weigh 0.  A single one weighs 1 */
    int32_t *first; /* (end - begin): first source pixel; first + n_taps <= n_src */
    float *weights; /* (n_taps, end - begin) */
} sc_taps;

/* Plan an axis of n_src pixels.
 *
 * SC_BAD_SHAPE for extents outside 1 to SC_SIDE_MAX, SC_BAD_VALUE for a start or step
 * that is not finite or a step that is not positive, SC_NOMEM.  On failure there is
 * nothing to destroy. */
sc_status sc_taps_create(sc_taps *out, int64_t n_src, int64_t n, double start,
                         double step, sc_filter filter, sc_outside outside,
                         sc_error *err);
void sc_taps_destroy(sc_taps *taps); /* zeroed or destroyed ones are fine */

#endif
