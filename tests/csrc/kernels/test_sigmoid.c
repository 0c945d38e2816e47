/* The logistic function, from one channel of several. */
#include "kernels/pointwise.h"

#include "check.h"

static void test_values(void)
{
    enum { N = 2001, STEP = 3 };
    static float src[N * STEP], dst[N];
    for (int i = 0; i < N * STEP; i++) src[i] = NAN; /* other channels */
    for (int i = 0; i < N; i++) src[i * STEP] = 0.05f * (float)(i - N / 2);
    sc_sigmoid(src, STEP, dst, N);
    for (int i = 0; i < N; i++) {
        const double want = 1.0 / (1.0 + exp(-(double)src[i * STEP]));
        CHECK_NEAR(dst[i], want, 3e-7 * want);
    }
    CHECK_EQ(dst[N / 2], 0.5f);
}

static void test_extremes(void)
{
    const float src[] = {1000.0f, -1000.0f, INFINITY, -INFINITY, NAN};
    const float want[] = {1.0f, 0.0f, 1.0f, 0.0f};
    float dst[6] = {7, 7, 7, 7, 7, 7};
    sc_sigmoid(src, 1, dst, 5);
    for (int i = 0; i < 4; i++) CHECK_EQ(dst[i], want[i]);
    CHECK(isnan(dst[4]));
    CHECK_EQ(dst[5], 7.0f);
    sc_sigmoid(src, 1, dst, 0);
    CHECK_EQ(dst[0], 1.0f);
}

int main(void)
{
    test_values();
    test_extremes();
    return check_end();
}
