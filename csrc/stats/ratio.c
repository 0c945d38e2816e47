/* Bootstrap of the ratio of two sums, such as a mean or a pooled proportion. */
#include "../spinalcord.h"

#include "random.h"

#include "../base/status.h"
#include "../base/threads.h"

#include <math.h>

typedef struct {
    const double *numerator, *denominator;
    int64_t n, replicates;
    uint64_t seed;
    double *out;
    atomic_bool cancel;
} bootstrap;

static void run(void *arg, int thread, int n_threads)
{
    bootstrap *b = arg;
    for (int64_t r = thread; r < b->replicates; r += n_threads) {
        if (atomic_load_explicit(&b->cancel, memory_order_relaxed)) return;
        uint64_t state = sc_random_start(b->seed, r);
        double top = 0.0, bottom = 0.0;
        for (int64_t i = 0; i < b->n; i++) {
            const int64_t k = sc_random_below(&state, b->n);
            top += b->numerator[k];
            bottom += b->denominator[k];
        }
        b->out[r] = bottom == 0.0 ? (double)NAN : top / bottom;
    }
}

sc_status sc_ratio_bootstrap(const double *numerator, const double *denominator,
                             int64_t n, int64_t replicates, uint64_t seed, int threads,
                             double *out, sc_poll_fn poll, void *poll_arg,
                             sc_error *err)
{
    if (n < 1 || replicates < 1) {
        return sc_fail(err, SC_BAD_SHAPE,
                       "%lld units, %lld replicates; expected at least 1", (long long)n,
                       (long long)replicates);
    }
    for (int64_t i = 0; i < n; i++) {
        if (isfinite(numerator[i]) && isfinite(denominator[i])) continue;
        return sc_fail(err, SC_NOT_FINITE, "unit %lld of %lld is %g over %g",
                       (long long)i + 1, (long long)n, numerator[i], denominator[i]);
    }
    sc_pool *pool;
    sc_status status = sc_pool_create(threads, &pool, err);
    if (status != SC_OK) return status;
    bootstrap b = {.numerator = numerator, .denominator = denominator, .n = n};
    b.replicates = replicates;
    b.seed = seed;
    b.out = out;
    sc_pool_run(pool, run, &b, poll, poll_arg, &b.cancel);
    sc_pool_destroy(pool);
    if (!atomic_load(&b.cancel)) return SC_OK;
    return sc_fail(err, SC_CANCELLED, "the bootstrap was interrupted");
}
