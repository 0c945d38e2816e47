/* Taps: what each destination pixel is made of, along one axis. */
#include "image/taps.h"

#include "check.h"

#include <string.h>

static float weight(const sc_taps *t, int64_t i, int64_t tap)
{
    return t->weights[tap * (t->end - t->begin) + i];
}

/* Sum over source pixels of weight * pixel number, and of the weights. */
static double position(const sc_taps *t, int64_t i)
{
    double sum = 0.0, weights = 0.0;
    for (int64_t k = 0; k < t->n_taps; k++) {
        CHECK(weight(t, i, k) >= 0.0f);
        sum += (double)weight(t, i, k) * (double)(t->first[i] + k);
        weights += (double)weight(t, i, k);
    }
    CHECK_NEAR(weights, 1.0, 1e-6);
    CHECK(t->first[i] >= 0 && t->first[i] + t->n_taps <= t->n_src);
    return sum;
}

static void test_linear(void)
{
    sc_taps t;
    CHECK_EQ(sc_taps_create(&t, 5, 10, -0.25, 0.5, SC_AREA, SC_OUTSIDE_ZERO, NULL),
             SC_OK);
    CHECK_EQ(t.begin, 0);
    CHECK_EQ(t.end, 10);
    CHECK_EQ(t.n_taps, 2);
    CHECK_EQ(t.copy_from, -1);
    CHECK_EQ(position(&t, 0), 0.0); /* the edge is repeated */
    for (int i = 1; i < 9; i++) CHECK_NEAR(position(&t, i), -0.25 + 0.5 * i, 1e-6);
    CHECK_EQ(position(&t, 9), 4.0);
    sc_taps_destroy(&t);
    sc_taps_destroy(&t);
}

static void test_copies(void)
{
    sc_taps t;
    const sc_filter filters[] = {SC_LINEAR, SC_AREA, SC_NEAREST};
    for (int k = 0; k < 3; k++) {
        CHECK_EQ(sc_taps_create(&t, 6, 9, -2.0, 1.0, filters[k], SC_OUTSIDE_ZERO, NULL),
                 SC_OK);
        CHECK_EQ(t.begin, 2);
        CHECK_EQ(t.end, 8);
        CHECK_EQ(t.copy_from, 0);
        sc_taps_destroy(&t);
        CHECK_EQ(sc_taps_create(&t, 6, 3, 2.0, 1.0, filters[k], SC_OUTSIDE_EDGE, NULL),
                 SC_OK);
        CHECK_EQ(t.copy_from, 2);
        sc_taps_destroy(&t);
    }
}

static void test_area(void)
{
    sc_taps t;
    /* Means of two; then of two and a half. */
    CHECK_EQ(sc_taps_create(&t, 6, 3, 0.5, 2.0, SC_AREA, SC_OUTSIDE_ZERO, NULL), SC_OK);
    for (int i = 0; i < 3; i++) CHECK_NEAR(position(&t, i), 2.0 * i + 0.5, 1e-6);
    CHECK_EQ(weight(&t, 1, 0), 0.5f);
    sc_taps_destroy(&t);
    CHECK_EQ(sc_taps_create(&t, 5, 2, 0.75, 2.5, SC_AREA, SC_OUTSIDE_ZERO, NULL),
             SC_OK);
    CHECK_EQ(weight(&t, 0, 0), 0.4f);
    CHECK_EQ(weight(&t, 0, 1), 0.4f);
    CHECK_EQ(weight(&t, 0, 2), 0.2f);
    CHECK_EQ(weight(&t, 0, 3), 0.0f);
    sc_taps_destroy(&t);
    /* Wider than the source: its mean. */
    CHECK_EQ(sc_taps_create(&t, 3, 1, 1.0, 1e6, SC_AREA, SC_OUTSIDE_ZERO, NULL), SC_OK);
    CHECK_EQ(t.n_taps, 3);
    CHECK_NEAR(weight(&t, 0, 0), 1.0 / 3.0, 1e-7);
    sc_taps_destroy(&t);
}

static void test_nearest(void)
{
    sc_taps t;
    CHECK_EQ(sc_taps_create(&t, 4, 4, -0.5, 1.0, SC_NEAREST, SC_OUTSIDE_ZERO, NULL),
             SC_OK);
    for (int i = 0; i < 4; i++) CHECK_EQ(t.first[i], i); /* the later of two */
    sc_taps_destroy(&t);
}

static void test_outside(void)
{
    sc_taps t;
    CHECK_EQ(sc_taps_create(&t, 4, 8, -90.0, 1.0, SC_LINEAR, SC_OUTSIDE_ZERO, NULL),
             SC_OK);
    CHECK_EQ(t.begin, t.end);
    sc_taps_destroy(&t);
    CHECK_EQ(sc_taps_create(&t, 4, 8, 1e300, 1e300, SC_AREA, SC_OUTSIDE_EDGE, NULL),
             SC_OK);
    CHECK_EQ(t.end, 0);
    CHECK(t.edge);
    sc_taps_destroy(&t);
    CHECK_EQ(sc_taps_create(&t, 1, 3, -1.0, 1.0, SC_LINEAR, SC_OUTSIDE_ZERO, NULL),
             SC_OK);
    CHECK_EQ(t.begin, 1);
    CHECK_EQ(t.end, 2);
    sc_taps_destroy(&t);
}

static void test_refusals(void)
{
    sc_taps t;
    sc_error err;
    const double bad[] = {0.0, -1.0, NAN, INFINITY};
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(
            sc_taps_create(&t, 4, 4, 0.0, bad[i], SC_LINEAR, SC_OUTSIDE_ZERO, &err),
            SC_BAD_VALUE);
    }
    CHECK_EQ(sc_taps_create(&t, 4, 4, NAN, 1.0, SC_LINEAR, SC_OUTSIDE_ZERO, &err),
             SC_BAD_VALUE);
    const int64_t extents[] = {0, -1, SC_SIDE_MAX + 1, INT64_MAX};
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(sc_taps_create(&t, extents[i], 4, 0.0, 1.0, SC_LINEAR, SC_OUTSIDE_ZERO,
                                &err),
                 SC_BAD_SHAPE);
        CHECK_EQ(sc_taps_create(&t, 4, extents[i], 0.0, 1.0, SC_LINEAR, SC_OUTSIDE_ZERO,
                                &err),
                 SC_BAD_SHAPE);
    }
    CHECK(t.first == NULL && t.weights == NULL);
}

int main(void)
{
    test_linear();
    test_copies();
    test_area();
    test_nearest();
    test_outside();
    test_refusals();
    return check_end();
}
