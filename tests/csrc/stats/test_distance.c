/* The distance transform against all pairs of voxels. */
#include "spinalcord.h"

#include "check.h"

enum { D = 5, R = 19, C = 13, N = D * R * C };

static void test_all_pairs(const double spacing[3], int every, int threads)
{
    static uint8_t mask[N];
    static double out[N];
    const int64_t extents[3] = {D, R, C};
    for (int i = 0; i < N; i++) mask[i] = (i * 131 + 17) % every == 0;
    CHECK_EQ(sc_distance_transform(mask, extents, spacing, threads, out, NULL), SC_OK);
    int away = 0;
    for (int i = 0; i < N; i++) {
        double nearest = (double)INFINITY;
        for (int j = 0; j < N; j++) {
            if (mask[j] == 0) continue;
            const double z = (i / (R * C) - j / (R * C)) * spacing[0];
            const double y = (i / C % R - j / C % R) * spacing[1];
            const double x = (i % C - j % C) * spacing[2];
            nearest = fmin(nearest, sqrt(z * z + y * y + x * x));
        }
        CHECK_NEAR(out[i], nearest, 1e-12 * nearest);
        away += out[i] > 0.0;
    }
    CHECK(away > N / 2);
}

static void test_whole_steps_are_exact(void)
{
    static uint8_t mask[N];
    static double out[N];
    mask[0] = 9;
    CHECK_EQ(sc_distance_transform(mask, (int64_t[]){1, 1, N}, (double[]){1, 1, 2}, 1,
                                   out, NULL),
             SC_OK);
    for (int i = 0; i < N; i++) CHECK_EQ(out[i], 2.0 * i);
    CHECK_EQ(sc_distance_transform(mask, (int64_t[]){N, 1, 1}, (double[]){3, 1, 1}, 2,
                                   out, NULL),
             SC_OK);
    for (int i = 0; i < N; i++) CHECK_EQ(out[i], 3.0 * i);
}

static void test_refusals(void)
{
    const uint8_t mask[8] = {0};
    double out[8];
    const int64_t cube[3] = {2, 2, 2};
    const double mm[3] = {1, 1, 1};
    CHECK_EQ(sc_distance_transform(mask, cube, mm, 1, out, NULL), SC_OK);
    for (int i = 0; i < 8; i++) CHECK(isinf(out[i]));
    CHECK_EQ(sc_distance_transform(mask, (int64_t[]){2, 0, 2}, mm, 1, out, NULL),
             SC_BAD_SHAPE);
    CHECK_EQ(sc_distance_transform(mask, (int64_t[]){1 << 30, 1 << 30, 1 << 30}, mm, 1,
                                   out, NULL),
             SC_BAD_SHAPE);
    CHECK_EQ(
        sc_distance_transform(mask, cube, (double[]){1, (double)NAN, 1}, 1, out, NULL),
        SC_BAD_VALUE);
    CHECK_EQ(sc_distance_transform(mask, cube, mm, 0, out, NULL), SC_BAD_VALUE);
}

int main(void)
{
    test_all_pairs((double[]){1, 1, 1}, 97, 1);
    test_all_pairs((double[]){3.3, 0.5, 0.7}, 41, 2);
    test_all_pairs((double[]){0.1, 5.0, 1.0}, 211, 3);
    test_whole_steps_are_exact();
    test_refusals();
    return check_end();
}
