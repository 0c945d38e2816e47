/* Bootstrap of a ratio: any number of threads, what can be drawn, refusals. */
#include "spinalcord.h"

#include "check.h"

enum { N = 3, REPLICATES = 9000 };

static const double top[N] = {1, 0, 3}, bottom[N] = {2, 0, 4};
static double one[REPLICATES], other[REPLICATES];

static void test_draws(void)
{
    CHECK_EQ(
        sc_ratio_bootstrap(top, bottom, N, REPLICATES, 1, 1, one, NULL, NULL, NULL),
        SC_OK);
    const double possible[5] = {1.0 / 2, 3.0 / 4, 4.0 / 6, 5.0 / 8, 7.0 / 10};
    const double ways[5] = {7, 7, 6, 3, 3}; /* of 27; one more has no ratio */
    int seen[5] = {0}, none = 0;
    for (int r = 0; r < REPLICATES; r++) {
        none += isnan(one[r]);
        for (int k = 0; k < 5; k++) seen[k] += one[r] == possible[k];
    }
    CHECK_NEAR(none * 27.0 / REPLICATES, 1.0, 0.25);
    for (int k = 0; k < 5; k++) CHECK_NEAR(seen[k] * 27.0 / REPLICATES, ways[k], 0.6);
}

static void test_threads(void)
{
    for (int threads = 2; threads < 5; threads++) {
        CHECK_EQ(sc_ratio_bootstrap(top, bottom, N, REPLICATES, 1, threads, other, NULL,
                                    NULL, NULL),
                 SC_OK);
        int differ = 0;
        for (int r = 0; r < REPLICATES; r++) {
            differ += !(one[r] == other[r] || (isnan(one[r]) && isnan(other[r])));
        }
        CHECK_EQ(differ, 0);
    }
}

static int refuse(void *arg)
{
    (*(int *)arg)++;
    return 1;
}

static void test_refusals(void)
{
    const double infinite[N] = {1, (double)INFINITY, 1};
    CHECK_EQ(sc_ratio_bootstrap(top, bottom, 0, 1, 1, 1, one, NULL, NULL, NULL),
             SC_BAD_SHAPE);
    CHECK_EQ(sc_ratio_bootstrap(top, bottom, N, 0, 1, 1, one, NULL, NULL, NULL),
             SC_BAD_SHAPE);
    CHECK_EQ(sc_ratio_bootstrap(top, bottom, N, 1, 1, 0, one, NULL, NULL, NULL),
             SC_BAD_VALUE);
    CHECK_EQ(sc_ratio_bootstrap(infinite, bottom, N, 1, 1, 1, one, NULL, NULL, NULL),
             SC_NOT_FINITE);
    enum { MANY = 200000 };
    static double units[MANY], ones[MANY];
    for (int i = 0; i < MANY; i++) ones[i] = 1.0;
    int asked = 0;
    CHECK_EQ(sc_ratio_bootstrap(units, ones, MANY, REPLICATES, 1, 2, one, refuse,
                                &asked, NULL),
             SC_CANCELLED);
    CHECK(asked > 0);
}

int main(void)
{
    test_draws();
    test_threads();
    test_refusals();
    return check_end();
}
