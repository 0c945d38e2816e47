/* Midranks, and the placement values that DeLong's variance is made of.
 *
 * DeLong, DeLong and Clarke-Pearson, Biometrics 44:837 (1988), computed from one sort
 * as in Sun and Xu, IEEE Signal Processing Letters 21:1389 (2014).
 */
#include "ranks.h"

#include "../base/memory.h"
#include "../base/status.h"

#include <math.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
    const sc_ranked *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

sc_status sc_rank(const double *scores, int64_t n, sc_ranked *out, sc_error *err)
{
    for (int64_t i = 0; i < n; i++) {
        if (isnan(scores[i])) {
            return sc_fail(err, SC_NOT_FINITE, "score %lld of %lld is NaN",
                           (long long)i + 1, (long long)n);
        }
        out[i] = (sc_ranked){scores[i], i};
    }
    qsort(out, (size_t)n, sizeof *out, compare);
    return SC_OK;
}

sc_status sc_check_classes(const uint8_t *positive, int64_t n, int64_t *n_positive,
                           sc_error *err)
{
    if (n < 1 || n > SC_CASES_MAX) {
        return sc_fail(err, SC_BAD_SHAPE, "%lld cases; expected 1 to %lld",
                       (long long)n, (long long)SC_CASES_MAX);
    }
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++) count += positive[i] != 0;
    *n_positive = count;
    if (count > 0 && count < n) return SC_OK;
    return sc_fail(err, SC_BAD_VALUE,
                   "%lld of %lld cases are positive; expected both classes",
                   (long long)count, (long long)n);
}

sc_status sc_placements(const double *scores, const uint8_t *positive, int64_t n,
                        double *out, sc_error *err)
{
    sc_status status = SC_OK;
    sc_ranked *sorted = NULL;
    int64_t n_positive = 0;
    SC_TRY(sc_check_classes(positive, n, &n_positive, err));
    sorted = sc_alloc((size_t)n * sizeof *sorted);
    if (sorted == NULL) {
        status = sc_fail(err, SC_NOMEM, "no memory to rank %lld cases", (long long)n);
        goto done;
    }
    SC_TRY(sc_rank(scores, n, sorted, err));
    const double pairs[2] = {(double)n_positive, (double)(n - n_positive)};
    int64_t below[2] = {0, 0}; /* negatives and positives that score lower */
    for (int64_t first = 0, last; first < n; first = last) {
        int64_t tied[2] = {0, 0};
        for (last = first; last < n && sorted[last].score == sorted[first].score;
             last++) {
            tied[positive[sorted[last].index] != 0]++;
        }
        /* Whole and half counts are exact; one division rounds once. */
        const double lower = (double)below[0] + 0.5 * (double)tied[0];
        const double higher = pairs[0] - (double)below[1] - 0.5 * (double)tied[1];
        for (int64_t i = first; i < last; i++) {
            const int64_t k = sorted[i].index;
            out[k] = positive[k] != 0 ? lower / pairs[1] : higher / pairs[0];
        }
        below[0] += tied[0];
        below[1] += tied[1];
    }
done:
    sc_free(sorted);
    return status;
}
