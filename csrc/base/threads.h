/* Our own worker threads.
 *
 * Why not OpenMP's: its workers do not survive fork() (a child that uses them hangs),
 * its thread count is a setting of the calling thread that other libraries share, and
 * a caller that computes cannot look for Ctrl-C.  Here the caller only waits, wakes
 * every SC_POLL_MS to ask 'poll' whether to cancel, and nothing of its own is changed.
 */
#ifndef SC_BASE_THREADS_H
#define SC_BASE_THREADS_H

#include "../spinalcord.h"

#include <stdatomic.h>

enum { SC_POLL_MS = 50 };

typedef struct sc_pool sc_pool;

/* 'job' runs once on each of the pool's threads, thread = 0 .. n_threads - 1. */
typedef void (*sc_job_fn)(void *arg, int thread, int n_threads);

/* n >= 1 threads that sleep until there is work.  SC_NOMEM where none can be had. */
sc_status sc_pool_create(int n, sc_pool **out, sc_error *err);

/* Ends the threads; call it in the process that made the pool.  NULL is fine. */
void sc_pool_destroy(sc_pool *pool);

/* After fork() the child has the memory of its parent's pool but not its threads:
 * this frees the memory alone.  NULL is fine. */
void sc_pool_abandon(sc_pool *pool);

int sc_pool_size(const sc_pool *pool);

/* Run 'job' on all threads and wait until all are done.  One call at a time.
 * Where 'poll' (may be NULL) returns nonzero, *cancel becomes true; jobs look at it
 * and return early, and this call still waits for them. */
void sc_pool_run(sc_pool *pool, sc_job_fn job, void *arg, sc_poll_fn poll,
                 void *poll_arg, atomic_bool *cancel);

/* A meeting point inside a job.  Zeroed memory is a valid barrier. */
typedef struct {
    _Alignas(64) atomic_int arrived;
    _Alignas(64) atomic_int generation;
} sc_barrier;

/* Returns when all 'n_threads' have called it; memory is then seen by all. */
void sc_barrier_wait(sc_barrier *barrier, int n_threads);

#endif
