/* Placement values against their definition; refusals. */
#include "spinalcord.h"
#include "stats/ranks.h"

#include "check.h"

static void test_definition(void)
{
    const double s[7] = {3, 1, 2, 2, 2, (double)INFINITY, -(double)INFINITY};
    const uint8_t positive[7] = {1, 0, 1, 0, 1, 0, 7};
    double out[7];
    CHECK_EQ(sc_placements(s, positive, 7, out, NULL), SC_OK);
    for (int i = 0; i < 7; i++) {
        double want = 0.0;
        int others = 0;
        for (int j = 0; j < 7; j++) {
            if ((positive[i] != 0) == (positive[j] != 0)) continue;
            others++;
            const bool lower = s[i]<s[j], higher = s[i]> s[j];
            want += positive[i] != 0 ? higher : lower;
            if (!lower && !higher) want += 0.5;
        }
        CHECK_EQ(out[i], want / others);
    }
}

static void test_order(void)
{
    const double s[5] = {2, 1, 2, 0, 1};
    const int64_t want[5] = {3, 1, 4, 0, 2};
    sc_ranked sorted[5];
    CHECK_EQ(sc_rank(s, 5, sorted, NULL), SC_OK);
    for (int i = 0; i < 5; i++) CHECK_EQ(sorted[i].index, want[i]);
}

static void test_refusals(void)
{
    sc_error err = {0};
    double out[2];
    const uint8_t both[2] = {0, 1}, ones[2] = {1, 1};
    CHECK_EQ(sc_placements((double[]){1, (double)NAN}, both, 2, out, &err),
             SC_NOT_FINITE);
    CHECK_EQ(sc_placements((double[]){1, 2}, ones, 2, out, &err), SC_BAD_VALUE);
    CHECK_EQ(sc_placements((double[]){1, 2}, both, 0, out, &err), SC_BAD_SHAPE);
    CHECK_EQ(sc_placements((double[]){1, 2}, both, SC_CASES_MAX + 1, out, &err),
             SC_BAD_SHAPE);
    CHECK_EQ(err.code, SC_BAD_SHAPE);
}

int main(void)
{
    test_definition();
    test_order();
    test_refusals();
    return check_end();
}
