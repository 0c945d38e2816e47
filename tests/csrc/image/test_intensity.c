/* Intensities to [0, 1]. */
#include "spinalcord.h"

#include "check.h"

#include <string.h>

/* Against the definition, one voxel at a time. */
static void test_definition(int n, double clip)
{
    float src[64], dst[64];
    double sum = 0.0, squares = 0.0, low = INFINITY, high = -INFINITY, z[64];
    for (int i = 0; i < n; i++) {
        src[i] = (float)((i * 37) % 23 - 4) + (i == 3 ? 500.0f : 0.0f);
    }
    for (int i = 0; i < n; i++) sum += (double)src[i];
    for (int i = 0; i < n; i++) squares += pow((double)src[i] - sum / n, 2.0);
    for (int i = 0; i < n; i++) {
        z[i] = ((double)src[i] - sum / n) / sqrt(squares / n);
        z[i] = fmax(-clip, fmin(clip, z[i]));
        low = fmin(low, z[i]);
        high = fmax(high, z[i]);
    }
    CHECK_EQ(sc_volume_normalize(src, n, clip, dst, NULL), SC_OK);
    float min = 2.0f, max = -1.0f;
    for (int i = 0; i < n; i++) {
        CHECK_NEAR(dst[i], (z[i] - low) / (high - low), 1e-7);
        min = fminf(min, dst[i]);
        max = fmaxf(max, dst[i]);
    }
    CHECK_EQ(min, 0.0f);
    CHECK_EQ(max, 1.0f);
    CHECK_EQ(sc_volume_normalize(src, n, clip, src, NULL), SC_OK); /* in place */
    CHECK_EQ(memcmp(src, dst, (size_t)n * sizeof *src), 0);
}

static void test_refusals(void)
{
    sc_error err = {0};
    float same[20], dst[20];
    for (int i = 0; i < 20; i++) same[i] = 0.1f; /* whose sum is not exact */
    CHECK_EQ(sc_volume_normalize(same, 20, 5.0, dst, &err), SC_BAD_VALUE);
    CHECK(strstr(err.text, "constant") != NULL);
    CHECK_EQ(sc_volume_normalize(same, 1, 5.0, dst, &err), SC_BAD_VALUE);
    CHECK_EQ(sc_volume_normalize(same, 0, 5.0, dst, &err), SC_BAD_SHAPE);
    same[7] = nextafterf(0.1f, 1.0f); /* as near to constant as can be */
    CHECK_EQ(sc_volume_normalize(same, 20, 5.0, dst, &err), SC_OK);
    CHECK_EQ(dst[7], 1.0f);
    CHECK_EQ(dst[8], 0.0f);
    same[19] = INFINITY;
    same[0] = NAN;
    CHECK_EQ(sc_volume_normalize(same, 20, 5.0, dst, &err), SC_NOT_FINITE);
    CHECK_EQ(err.detail, 2);
    const double bad[] = {0.0, -1.0, NAN, INFINITY};
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(sc_volume_normalize(dst, 20, bad[i], dst, &err), SC_BAD_VALUE);
    }
}

int main(void)
{
    for (int n = 5; n <= 40; n += 7) test_definition(n, n == 40 ? 1.5 : 5.0);
    test_definition(2, 0.5);
    test_refusals();
    return check_end();
}
