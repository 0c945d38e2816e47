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
 * RETURN VALUES.  A function that can fail returns an sc_status: SC_OK, or the reason.
 * It then also fills the sc_error that was passed to it (NULL is allowed) with one
 * sentence for the user, which says what was given and what was expected.  Unless a
 * function says otherwise, what it was to fill is undefined after a failure.  Besides the
 * reasons that its description names, a function that allocates may return SC_NOMEM.
 *
 * OWNERSHIP.  Whoever calls a function ending in _create must at last call the one ending
 * in _destroy, which accepts NULL.  All other pointers are borrowed for the duration of
 * the call: the core keeps none of them.  Inputs and outputs may overlap only where the
 * description allows it.
 *
 * THREADS.  All functions may be called from several threads at once, on the same inputs
 * too.  Those that take 'threads' start that many, at least 1, and have ended or parked
 * them when they return.  The core's threads block all signals.  The number of threads
 * never changes a bit of a result, unless stated otherwise.
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
