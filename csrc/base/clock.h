/* A clock that only runs forward, for durations. */
#ifndef SC_BASE_CLOCK_H
#define SC_BASE_CLOCK_H

#include <time.h>

/* Seconds since a moment that stays the same while the process runs. */
static inline double sc_seconds_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
