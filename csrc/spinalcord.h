/* spinalcord.h - the C core: from a volume's voxels to lesions and diagnoses.
 *
 * This header and those that it includes are the whole public interface, and they are its
 * manual.  This page states what applies everywhere.
 *
 * VOLUMES are float32 or uint8, in C order, with the axes (slice, row, column) of the
 * working orientation: slices run from left to right, rows from superior to inferior,
 * columns from anterior to posterior.  IMAGES are float32, in C order, with the axes
 * (n, channel, row, column).  MASKS are uint8; every value but 0 is inside.
 *
 * LENGTHS are in millimetres, volumes in cubic millimetres, probabilities from 0 to 1.
 * Whatever counts is an int64_t.  A name that ends in _nbytes counts bytes.
 *
 * RETURN VALUES.  A function that can fail returns an sc_status: SC_OK or the reason.  On
 * failure it fills the sc_error that was passed to it (which may be NULL) with one
 * sentence for the user, which says what was given and what was expected.  Unless stated
 * otherwise, outputs are undefined after a failure.  In addition to the reasons named in
 * its description, a function that allocates may return SC_NOMEM.
 *
 * OWNERSHIP.  Release every object from a function ending in _create with the one ending
 * in _destroy, which accepts NULL.  All other pointers are borrowed for the duration of
 * the call: the core keeps none of them.  Inputs and outputs may overlap only where the
 * description allows it.
 *
 * THREADS.  All functions may be called from several threads at once, also on the same
 * inputs.  Functions with an argument 'threads' use that many, at least 1; none of them is
 * running when the function returns.  The threads of the core block all signals.  Unless
 * stated otherwise, results do not depend on the number of threads, bit for bit.
 *
 * The core knows neither Python nor files.  It never prints, never exits, and never
 * changes the state of the process (thread counts, signal handlers, locale).
 */
#ifndef SPINALCORD_H
#define SPINALCORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/status.h"

#include "api/cpu.h"

#include "api/images.h"
#include "api/lesions.h"
#include "api/networks.h"
#include "api/scans.h"
#include "api/statistics.h"
#include "api/training.h"

#endif
