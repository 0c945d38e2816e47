/* The largest distance, against all pairs of corners. */
#include "image/diameter.h"

#include "check.h"

#include <stdlib.h>

enum { S = 5, R = 9, C = 12, N = S * R * C };

static const int64_t EXTENTS[3] = {S, R, C};
static const int64_t WHOLE[6] = {0, S - 1, 0, R - 1, 0, C - 1};

static uint32_t seed = 7;

static uint32_t next(void) { return (seed = seed * 1664525u + 1013904223u) >> 8; }

static double length2(const double *g, const int *d)
{
    double sum = 0.0;
    for (int i = 0; i < 9; i++) sum += g[i] * d[i / 3] * d[i % 3];
    return sum;
}

static double all_pairs(const int32_t *labels, int32_t label, const double *gram)
{
    static int corners[8 * N][3];
    int n = 0;
    double best = 0.0;
    for (int i = 0; i < 8 * N; i++) {
        const int v = i / 8;
        if (labels[v] != label) continue;
        corners[n][0] = v / (R * C) + (i & 1);
        corners[n][1] = v / C % R + (i >> 1 & 1);
        corners[n++][2] = v % C + (i >> 2 & 1);
    }
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < i; j++) {
            const int d[3] = {corners[i][0] - corners[j][0],
                              corners[i][1] - corners[j][1],
                              corners[i][2] - corners[j][2]};
            best = fmax(best, length2(gram, d));
        }
    }
    return sqrt(best);
}

static void test_random(const double *gram, uint32_t one_in)
{
    static int32_t labels[N];
    for (int round = 0; round < 6; round++) {
        for (int i = 0; i < N; i++) labels[i] = next() % one_in == 0 ? 3 : 1;
        labels[next() % N] = 3;
        double got = -1.0;
        CHECK_EQ(sc_max_diameter(labels, EXTENTS, 3, WHOLE, gram, &got, NULL), SC_OK);
        CHECK_NEAR(got, all_pairs(labels, 3, gram), 1e-9);
        CHECK(got > 0.0);
    }
}

int main(void)
{
    const double box[9] = {16.0, 0, 0, 0, 0.25, 0, 0, 0, 1.0};
    const double sheared[9] = {9.0, 0.5, -1.0, 0.5, 1.0, 0.3, -1.0, 0.3, 2.0};
    test_random(box, 200);
    test_random(box, 40);
    test_random(box, 2);
    test_random(sheared, 100);
    test_random(sheared, 3);

    int32_t one[1] = {1};
    double got = -1.0;
    CHECK_EQ(sc_max_diameter(one, (const int64_t[]){1, 1, 1}, 1, (const int64_t[6]){0},
                             box, &got, NULL),
             SC_OK);
    CHECK_NEAR(got, sqrt(17.25), 1e-12);
    return check_end();
}
