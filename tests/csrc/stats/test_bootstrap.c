/* Bootstrap of the AUC: any number of threads, exact ends, refusals, cancelling. */
#include "spinalcord.h"

#include "check.h"

#include <stdlib.h>

enum { N = 40, REPLICATES = 150, MODELS = 2 };

static double scores[MODELS * N];
static uint8_t positive[N];
static int64_t unit[N];
static const int64_t strata[2] = {18, 22};
static const sc_auc_sample sample = {scores, positive, unit, strata, MODELS, N, 2};

static void fill(void)
{
    for (int i = 0; i < N; i++) {
        unit[i] = i;
        positive[i] = i >= strata[0];
        scores[i] = (i * 7) % 11 + 2 * positive[i];
        scores[N + i] = positive[i]; /* always right */
    }
}

static void test_threads(void)
{
    static double one[REPLICATES * MODELS], other[REPLICATES * MODELS];
    CHECK_EQ(sc_auc_bootstrap(&sample, REPLICATES, 5, 1, one, NULL, NULL, NULL), SC_OK);
    int differ = 0;
    for (int i = 0; i < REPLICATES; i++) {
        CHECK_EQ(one[i * MODELS + 1], 1.0);
        differ += one[i * MODELS] != one[0];
    }
    CHECK(differ > REPLICATES / 2);
    for (int threads = 2; threads < 5; threads++) {
        CHECK_EQ(
            sc_auc_bootstrap(&sample, REPLICATES, 5, threads, other, NULL, NULL, NULL),
            SC_OK);
        for (int i = 0; i < REPLICATES * MODELS; i++) CHECK_EQ(one[i], other[i]);
    }
}

static sc_status with(sc_auc_sample changed, int64_t replicates, int threads)
{
    static double out[REPLICATES * MODELS];
    return sc_auc_bootstrap(&changed, replicates, 1, threads, out, NULL, NULL, NULL);
}

static void test_refusals(void)
{
    sc_auc_sample s = sample;
    CHECK_EQ(with(s, 0, 1), SC_BAD_SHAPE);
    CHECK_EQ(with(s, 1, 0), SC_BAD_VALUE);
    s.n_models = 0;
    CHECK_EQ(with(s, 1, 1), SC_BAD_SHAPE);
    s = sample;
    s.n_strata = 1; /* units 18 and above then lie outside */
    CHECK_EQ(with(s, 1, 1), SC_BAD_VALUE);
    s = sample;
    s.strata = (int64_t[]){40, 0};
    CHECK_EQ(with(s, 1, 1), SC_BAD_VALUE);
    s = sample;
    s.n = 18; /* negatives only */
    CHECK_EQ(with(s, 1, 1), SC_BAD_VALUE);
    s = sample;
    double nan[MODELS * N] = {(double)NAN};
    s.scores = nan;
    CHECK_EQ(with(s, 1, 1), SC_NOT_FINITE);
}

static int refuse(void *arg)
{
    (*(int *)arg)++;
    return 1;
}

static void test_cancel(void)
{
    enum { MANY = 3000000 };
    double *out = malloc(sizeof(double) * MANY * MODELS);
    int asked = 0;
    sc_error err = {0};
    CHECK(out != NULL);
    CHECK_EQ(sc_auc_bootstrap(&sample, MANY, 1, 2, out, refuse, &asked, &err),
             SC_CANCELLED);
    CHECK(asked > 0);
    CHECK_EQ(err.code, SC_CANCELLED);
    free(out);
}

int main(void)
{
    fill();
    test_threads();
    test_refusals();
    test_cancel();
    return check_end();
}
