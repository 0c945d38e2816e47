/* The pool: every job once a thread, meetings, cancelling, forks, pools side by side. */
#define _GNU_SOURCE /* pthread_setattr_default_np */
#include "base/threads.h"

#include "check.h"
#include "forked.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Where threads outnumber processors a meeting costs up to a time slice. */
enum { MAX_THREADS = 8, N_ROUNDS = 60, N_ROUNDS_OF_TWO = 2000 };

static sc_pool *new_pool(int n)
{
    sc_pool *pool = NULL;
    CHECK_EQ(sc_pool_create(n, &pool, NULL), SC_OK);
    CHECK_EQ(sc_pool_size(pool), n);
    return pool;
}

static void run(sc_pool *pool, sc_job_fn job, void *arg)
{
    atomic_bool cancel = false;
    sc_pool_run(pool, job, arg, NULL, NULL, &cancel);
    CHECK(!atomic_load(&cancel));
}

/* ---- Jobs ---------------------------------------------------------------------- */

typedef struct {
    int n_threads, n_runs[MAX_THREADS];
    unsigned mxcsr[MAX_THREADS];
    sigset_t blocked[MAX_THREADS];
} count_job;

static void count(void *arg, int thread, int n_threads)
{
    count_job *job = arg;
    job->n_runs[thread]++;
    job->mxcsr[thread] = __builtin_ia32_stmxcsr();
    pthread_sigmask(SIG_SETMASK, NULL, &job->blocked[thread]);
    if (thread == 0) job->n_threads = n_threads;
}

static void test_every_thread_once(void)
{
    const bool has_bits = getenv("VALGRIND") == NULL; /* its CPU does not keep them */
    for (int n = 1; n <= MAX_THREADS; n++) {
        sc_pool *pool = new_pool(n);
        count_job job = {0};
        for (int i = 0; i < 20; i++) run(pool, count, &job);
        CHECK_EQ(job.n_threads, n);
        for (int t = 0; t < n; t++) {
            CHECK_EQ(job.n_runs[t], 20);
            /* subnormals as zero */
            if (has_bits) CHECK_EQ(job.mxcsr[t] & 0x8040u, 0x8040u);
            CHECK(sigismember(&job.blocked[t], SIGINT));
        }
        for (int t = n; t < MAX_THREADS; t++) CHECK_EQ(job.n_runs[t], 0);
        sc_pool_destroy(pool);
    }
    sc_pool_destroy(NULL);
    sc_pool_abandon(NULL);
}

static void test_caller_is_left_alone(void)
{
    const unsigned mxcsr = __builtin_ia32_stmxcsr();
    sigset_t before, after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    sc_pool *pool = new_pool(2);
    count_job job = {0};
    run(pool, count, &job);
    sc_pool_destroy(pool);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    CHECK_EQ(sigismember(&before, SIGINT), sigismember(&after, SIGINT));
    CHECK_EQ(__builtin_ia32_stmxcsr(), mxcsr);
}

static void test_bad_sizes(void)
{
    sc_pool *pool = (sc_pool *)&pool;
    sc_error err;
    CHECK_EQ(sc_pool_create(0, &pool, &err), SC_BAD_VALUE);
    CHECK(pool == NULL);
    CHECK(strstr(err.text, "0 threads") != NULL);
    CHECK_EQ(sc_pool_create(-4, &pool, &err), SC_BAD_VALUE);
}

/* ---- Meetings ------------------------------------------------------------------ */

typedef struct {
    sc_barrier barrier;
    int n_rounds;
    int written[MAX_THREADS]; /* plain memory: the barrier must make it visible */
    int n_wrong[MAX_THREADS];
} meet_job;

static void meet(void *arg, int thread, int n_threads)
{
    meet_job *job = arg;
    for (int round = 1; round <= job->n_rounds; round++) {
        job->written[thread] = round;
        sc_barrier_wait(&job->barrier, n_threads);
        for (int t = 0; t < n_threads; t++)
            job->n_wrong[thread] += job->written[t] != round;
        sc_barrier_wait(&job->barrier, n_threads);
    }
}

static void test_barrier(void)
{
    const int sizes[] = {1, 2, 3, 4, MAX_THREADS};
    for (int i = 0; i < 5; i++) {
        sc_pool *pool = new_pool(sizes[i]);
        meet_job job;
        memset(&job, 0, sizeof job);
        job.n_rounds = sizes[i] <= 2 ? N_ROUNDS_OF_TWO : N_ROUNDS;
        run(pool, meet, &job);
        for (int t = 0; t < sizes[i]; t++) {
            CHECK_EQ(job.n_wrong[t], 0);
            CHECK_EQ(job.written[t], job.n_rounds);
        }
        sc_pool_destroy(pool);
    }
}

/* ---- Cancelling ----------------------------------------------------------------- */

typedef struct {
    atomic_bool cancel;
    pthread_t poller;
    int n_polls, cancel_at;
} poll_state;

static int poll_after(void *arg)
{
    poll_state *state = arg;
    state->poller = pthread_self();
    return ++state->n_polls >= state->cancel_at;
}

static void until_cancelled(void *arg, int thread, int n_threads)
{
    (void)thread;
    (void)n_threads;
    poll_state *state = arg;
    const struct timespec pause = {0, 1000000};
    while (!atomic_load(&state->cancel)) nanosleep(&pause, NULL);
}

static void test_poll_cancels(void)
{
    sc_pool *pool = new_pool(3);
    poll_state state = {.cancel_at = 2};
    sc_pool_run(pool, until_cancelled, &state, poll_after, &state, &state.cancel);
    CHECK(atomic_load(&state.cancel));
    CHECK_EQ(state.n_polls, 2);
    CHECK(pthread_equal(state.poller, pthread_self()));
    count_job job = {0}; /* the pool works on */
    run(pool, count, &job);
    CHECK_EQ(job.n_runs[2], 1);
    sc_pool_destroy(pool);
}

static void test_short_jobs_are_not_polled(void)
{
    sc_pool *pool = new_pool(2);
    poll_state state = {.cancel_at = 1};
    count_job job = {0};
    sc_pool_run(pool, count, &job, poll_after, &state, &state.cancel);
    CHECK_EQ(job.n_runs[0], 1);
    CHECK_EQ(state.n_polls, 0);
    sc_pool_destroy(pool);
}

/* ---- Forks and neighbours ---------------------------------------------------------- */

/* In the child: the parent's pool is let go, one of its own works. */
static int child_main(sc_pool *parents)
{
    sc_pool_abandon(parents);
    sc_pool *pool = NULL;
    if (sc_pool_create(2, &pool, NULL) != SC_OK) return 1;
    count_job job = {0};
    atomic_bool cancel = false;
    sc_pool_run(pool, count, &job, NULL, NULL, &cancel);
    sc_pool_destroy(pool);
    return job.n_runs[0] == 1 && job.n_runs[1] == 1 ? 0 : 2;
}

static void test_fork(void)
{
    sc_pool *pool = new_pool(3);
    count_job job = {0};
    run(pool, count, &job);
    const pid_t child = fork();
    if (child == 0) {
        alarm(20); /* rather killed than hanging */
        take_new_stacks();
        _exit(child_main(pool));
    }
    CHECK(child > 0);
    int status = -1;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), 0);
    run(pool, count, &job); /* the parent's goes on */
    CHECK_EQ(job.n_runs[2], 2);
    sc_pool_destroy(pool);
}

static void *use_a_pool(void *arg)
{
    int *n_wrong = arg;
    for (int i = 0; i < 6; i++) {
        sc_pool *pool = NULL;
        meet_job job;
        atomic_bool cancel = false;
        memset(&job, 0, sizeof job);
        job.n_rounds = N_ROUNDS / 4;
        if (sc_pool_create(1 + i % 3, &pool, NULL) != SC_OK) return NULL;
        sc_pool_run(pool, meet, &job, NULL, NULL, &cancel);
        for (int t = 0; t < 3; t++) *n_wrong += job.n_wrong[t];
        *n_wrong += job.written[0] != job.n_rounds;
        sc_pool_destroy(pool);
    }
    *n_wrong += 1000;
    return NULL;
}

static void test_pools_side_by_side(void)
{
    enum { N = 4 };
    pthread_t callers[N];
    int n_wrong[N] = {0};
    for (int i = 0; i < N; i++) {
        CHECK_EQ(pthread_create(&callers[i], NULL, use_a_pool, &n_wrong[i]), 0);
    }
    for (int i = 0; i < N; i++) {
        pthread_join(callers[i], NULL);
        CHECK_EQ(n_wrong[i], 1000);
    }
}

int main(void)
{
    test_every_thread_once();
    test_caller_is_left_alone();
    test_bad_sizes();
    test_barrier();
    test_poll_cancels();
    test_short_jobs_are_not_polled();
    test_fork();
    test_pools_side_by_side();
    return check_end();
}
