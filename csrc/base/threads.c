/* A pool of threads and a barrier. */
#include "threads.h"

#include "memory.h"
#include "status.h"

#include <errno.h>
#include <immintrin.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <time.h>

/* A worker that has just finished looks for the next job this many times (about
 * 20 us) before it sleeps: calls in a loop then cost no wake-up, which is 1 % of a
 * small network's run.  The caller never spins: it would take a worker's core. */
enum { IDLE_SPINS = 600, BARRIER_SPINS = 2000 };

typedef struct {
    sc_pool *pool;
    int index;
} worker_arg;

struct sc_pool {
    int n, n_started; /* threads; those that were started, should one fail to */
    pthread_t *threads;
    worker_arg *args;
    /* Guards all below.  'ticket' may be read without it, so that a worker can look for a
     * job before it sleeps; job, arg and stop are written before the ticket grows. */
    pthread_mutex_t lock;
    pthread_cond_t wake;     /* a job, or the end: for workers */
    pthread_cond_t finished; /* n_running has become 0: for the caller */
    atomic_uint ticket;      /* grows by one with each job */
    int n_running;           /* workers that have not finished the job */
    bool stop;
    sc_job_fn job;
    void *arg;
};

static unsigned wait_for_ticket(sc_pool *pool, unsigned seen)
{
    for (int i = 0; i < IDLE_SPINS; i++) {
        if (atomic_load_explicit(&pool->ticket, memory_order_acquire) != seen) break;
        _mm_pause();
    }
    pthread_mutex_lock(&pool->lock);
    while (atomic_load_explicit(&pool->ticket, memory_order_relaxed) == seen) {
        pthread_cond_wait(&pool->wake, &pool->lock);
    }
    seen = atomic_load_explicit(&pool->ticket, memory_order_relaxed);
    pthread_mutex_unlock(&pool->lock);
    return seen;
}

static void *worker_main(void *op)
{
    const worker_arg *self = op;
    sc_pool *pool = self->pool;
    unsigned seen = 0;
    /* Subnormal numbers (below 1e-38) as zero: each would cost a hundred cycles. */
    _mm_setcsr(_mm_getcsr() | 0x8040u);
    for (;;) {
        seen = wait_for_ticket(pool, seen);
        if (pool->stop) return NULL;
        pool->job(pool->arg, self->index, pool->n);
        pthread_mutex_lock(&pool->lock);
        if (--pool->n_running == 0) pthread_cond_signal(&pool->finished);
        pthread_mutex_unlock(&pool->lock);
    }
}

/* Signals are the application's: with all of them blocked here the kernel hands
 * them to a thread that expects them (Python's main thread). */
static int start_threads(sc_pool *pool)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = 0;
    for (int i = 0; i < pool->n && failed == 0; i++) {
        pool->args[i] = (worker_arg){pool, i};
        failed = pthread_create(&pool->threads[i], NULL, worker_main, &pool->args[i]);
        if (failed == 0) pool->n_started++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

sc_status sc_pool_create(int n, sc_pool **out, sc_error *err)
{
    *out = NULL;
    if (n < 1) {
        return sc_fail(err, SC_BAD_VALUE,
                       "%d threads were requested; expected at least 1", n);
    }
    sc_pool *pool = sc_calloc(sizeof *pool);
    if (pool == NULL) return sc_fail(err, SC_NOMEM, "no memory for a thread pool");
    pool->n = n;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->finished, &attr);
    pthread_condattr_destroy(&attr);
    pool->threads = sc_calloc((size_t)n * sizeof *pool->threads);
    pool->args = sc_calloc((size_t)n * sizeof *pool->args);
    if (pool->threads == NULL || pool->args == NULL) {
        sc_pool_destroy(pool);
        return sc_fail(err, SC_NOMEM, "no memory for %d threads", n);
    }
    const int failed = start_threads(pool);
    if (failed != 0) {
        const int started = pool->n_started;
        sc_pool_destroy(pool);
        return sc_fail(err, SC_NOMEM, "only %d of %d threads could be started: %s",
                       started, n, strerror(failed));
    }
    *out = pool;
    return SC_OK;
}

void sc_pool_abandon(sc_pool *pool)
{
    if (pool == NULL) return;
    sc_free(pool->threads);
    sc_free(pool->args);
    sc_free(pool);
}

void sc_pool_destroy(sc_pool *pool)
{
    if (pool == NULL) return;
    pthread_mutex_lock(&pool->lock);
    pool->stop = true;
    atomic_fetch_add(&pool->ticket, 1);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (int i = 0; i < pool->n_started; i++) pthread_join(pool->threads[i], NULL);
    pthread_cond_destroy(&pool->finished);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    sc_pool_abandon(pool);
}

int sc_pool_size(const sc_pool *pool) { return pool->n; }

void sc_pool_run(sc_pool *pool, sc_job_fn job, void *arg, sc_poll_fn poll,
                 void *poll_arg, atomic_bool *cancel)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    pthread_mutex_lock(&pool->lock);
    pool->job = job;
    pool->arg = arg;
    pool->n_running = pool->n;
    atomic_fetch_add_explicit(&pool->ticket, 1, memory_order_release);
    pthread_cond_broadcast(&pool->wake);
    while (pool->n_running > 0) {
        until.tv_nsec += SC_POLL_MS * 1000000L;
        if (until.tv_nsec >= 1000000000L) {
            until.tv_nsec -= 1000000000L;
            until.tv_sec++;
        }
        const int why = pthread_cond_timedwait(&pool->finished, &pool->lock, &until);
        if (why != ETIMEDOUT || poll == NULL || pool->n_running == 0) continue;
        pthread_mutex_unlock(&pool->lock);
        if (poll(poll_arg) != 0) atomic_store(cancel, true);
        pthread_mutex_lock(&pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
}

void sc_barrier_wait(sc_barrier *barrier, int n_threads)
{
    if (n_threads == 1) return;
    const int generation =
        atomic_load_explicit(&barrier->generation, memory_order_acquire);
    if (atomic_fetch_add_explicit(&barrier->arrived, 1, memory_order_acq_rel) ==
        n_threads - 1) {
        atomic_store_explicit(&barrier->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&barrier->generation, generation + 1,
                              memory_order_release);
        return;
    }
    for (int i = 0; atomic_load_explicit(&barrier->generation, memory_order_acquire) ==
                    generation;) {
        /* Where threads outnumber processors, the one awaited needs this core. */
        if (i < BARRIER_SPINS) {
            i++;
            _mm_pause();
        } else {
            sched_yield();
        }
    }
}
