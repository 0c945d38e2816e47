/* Bootstrap of the AUC: sort once, then every replicate is a walk over the order with
 * the counts of its draws as weights.  All sums are of whole numbers, hence exact.
 */
#include "random.h"
#include "ranks.h"

#include "../base/memory.h"
#include "../base/status.h"
#include "../base/threads.h"

#include <math.h>

enum { IS_POSITIVE = 1, ENDS_TIE = 2, UNIT_SHIFT = 2 };

typedef struct {
    const sc_auc_sample *sample;
    int64_t n_units;
    int64_t replicates;
    uint64_t seed;
    uint32_t
        *entries; /* (n_models, n): unit << UNIT_SHIFT | flags, by ascending score */
    uint32_t *counts; /* (threads, n_units): how often each was drawn */
    double *out;
    atomic_bool cancel;
} bootstrap;

static void draw(const bootstrap *b, int64_t replicate, uint32_t *counts)
{
    uint64_t state = sc_random_start(b->seed, replicate);
    for (int64_t i = 0; i < b->n_units; i++) counts[i] = 0;
    for (int64_t s = 0; s < b->sample->n_strata; s++) {
        const int64_t size = b->sample->strata[s];
        for (int64_t i = 0; i < size; i++) counts[sc_random_below(&state, size)]++;
        counts += size;
    }
}

static double weighted_auc(const uint32_t *entries, int64_t n, const uint32_t *counts)
{
    uint64_t twice_wins = 0, below = 0, positives = 0, tied_pos = 0, tied_neg = 0;
    for (int64_t i = 0; i < n; i++) {
        const uint32_t entry = entries[i];
        const uint64_t weight = counts[entry >> UNIT_SHIFT];
        const uint64_t pos = weight & -(uint64_t)(entry & IS_POSITIVE);
        tied_pos += pos;
        tied_neg += weight - pos;
        if ((entry & ENDS_TIE) == 0) continue;
        twice_wins += tied_pos * (2 * below + tied_neg);
        below += tied_neg;
        positives += tied_pos;
        tied_pos = tied_neg = 0;
    }
    if (positives == 0 || below == 0) return (double)NAN;
    return (double)twice_wins / (2.0 * (double)positives * (double)below);
}

static void run(void *arg, int thread, int n_threads)
{
    bootstrap *b = arg;
    const int64_t n = b->sample->n, n_models = b->sample->n_models;
    uint32_t *counts = b->counts + thread * b->n_units;
    for (int64_t r = thread; r < b->replicates; r += n_threads) {
        if (atomic_load_explicit(&b->cancel, memory_order_relaxed)) return;
        draw(b, r, counts);
        for (int64_t m = 0; m < n_models; m++) {
            b->out[r * n_models + m] = weighted_auc(b->entries + m * n, n, counts);
        }
    }
}

static sc_status check(const sc_auc_sample *s, int64_t replicates, int64_t *n_units,
                       sc_error *err)
{
    int64_t n_positive;
    const sc_status status = sc_check_classes(s->positive, s->n, &n_positive, err);
    if (status != SC_OK) return status;
    if (s->n_models < 1 || replicates < 1 || s->n_strata < 1) {
        return sc_fail(err, SC_BAD_SHAPE,
                       "%lld models, %lld strata, %lld replicates; expected at least 1",
                       (long long)s->n_models, (long long)s->n_strata,
                       (long long)replicates);
    }
    int64_t total = 0;
    for (int64_t i = 0; i < s->n_strata; i++) {
        if (s->strata[i] < 1 || s->strata[i] > SC_CASES_MAX - total) {
            return sc_fail(err, SC_BAD_VALUE, "stratum %lld has %lld units",
                           (long long)i + 1, (long long)s->strata[i]);
        }
        total += s->strata[i];
    }
    for (int64_t i = 0; i < s->n; i++) {
        if (s->unit[i] >= 0 && s->unit[i] < total) continue;
        return sc_fail(err, SC_BAD_VALUE,
                       "case %lld is of unit %lld; expected 0 to %lld",
                       (long long)i + 1, (long long)s->unit[i], (long long)total - 1);
    }
    *n_units = total;
    return SC_OK;
}

static sc_status sort_models(const sc_auc_sample *s, sc_ranked *sorted,
                             uint32_t *entries, sc_error *err)
{
    for (int64_t m = 0; m < s->n_models; m++, entries += s->n) {
        const sc_status status = sc_rank(s->scores + m * s->n, s->n, sorted, err);
        if (status != SC_OK) return status;
        for (int64_t i = 0; i < s->n; i++) {
            const int64_t k = sorted[i].index;
            entries[i] = (uint32_t)s->unit[k] << UNIT_SHIFT;
            if (s->positive[k] != 0) entries[i] |= IS_POSITIVE;
            const bool ends = i + 1 == s->n || sorted[i + 1].score != sorted[i].score;
            if (ends) entries[i] |= ENDS_TIE;
        }
    }
    return SC_OK;
}

sc_status sc_auc_bootstrap(const sc_auc_sample *sample, int64_t replicates,
                           uint64_t seed, int threads, double *out, sc_poll_fn poll,
                           void *poll_arg, sc_error *err)
{
    sc_status status = SC_OK;
    sc_pool *pool = NULL;
    sc_ranked *sorted = NULL;
    bootstrap b = {
        .sample = sample, .replicates = replicates, .seed = seed, .out = out};
    size_t entries_nbytes, counts_nbytes;
    SC_TRY(check(sample, replicates, &b.n_units, err));
    SC_TRY(sc_pool_create(threads, &pool, err));
    const bool fits = sc_product((const int64_t[]){sample->n_models, sample->n}, 2,
                                 sizeof *b.entries, &entries_nbytes) &&
                      sc_product((const int64_t[]){threads, b.n_units}, 2,
                                 sizeof *b.counts, &counts_nbytes);
    if (fits) {
        sorted = sc_alloc((size_t)sample->n * sizeof *sorted);
        b.entries = sc_alloc(entries_nbytes);
        b.counts = sc_alloc(counts_nbytes);
    }
    if (sorted == NULL || b.entries == NULL || b.counts == NULL) {
        status = sc_fail(err, SC_NOMEM,
                         "no memory to bootstrap %lld models of %lld cases",
                         (long long)sample->n_models, (long long)sample->n);
        goto done;
    }
    SC_TRY(sort_models(sample, sorted, b.entries, err));
    sc_pool_run(pool, run, &b, poll, poll_arg, &b.cancel);
    if (atomic_load(&b.cancel)) {
        status = sc_fail(err, SC_CANCELLED, "the bootstrap was interrupted");
    }
done:
    sc_pool_destroy(pool);
    sc_free(sorted);
    sc_free(b.entries);
    sc_free(b.counts);
    return status;
}
