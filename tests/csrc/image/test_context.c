/* Neighbouring slices as channels, against a twin that knows no shortcuts. */
#include "spinalcord.h"

#include "check.h"

#include <math.h>
#include <string.h>

enum { SLICES = 7, PIXELS = 5 };

/* Where position p between the slices lies on the first and last: linear, repeated. */
static double naive(const float *src, double p, int pixel)
{
    p = p < 0.0 ? 0.0 : p > SLICES - 1 ? SLICES - 1 : p;
    const int low = (int)floor(p), high = low + 1 < SLICES ? low + 1 : low;
    const double share = p - low;
    return (1.0 - share) * (double)src[low * PIXELS + pixel] +
           share * (double)src[high * PIXELS + pixel];
}

static void test_against_the_twin(void)
{
    const double steps[] = {0.2, 0.5, 1.0, 1.25, 3.5, 6.0, 6.5, 9.0, 1e300};
    float src[SLICES * PIXELS], dst[SLICES][3][PIXELS];
    for (int i = 0; i < SLICES * PIXELS; i++) {
        src[i] = (float)((i * 7919) % 101) / 101.0f;
    }
    for (size_t s = 0; s < sizeof steps / sizeof *steps; s++) {
        CHECK_EQ(sc_images_context(src, SLICES, PIXELS, steps[s], &dst[0][0][0], NULL),
                 SC_OK);
        for (int i = 0; i < SLICES; i++) {
            for (int k = 0; k < PIXELS; k++) {
                CHECK(fabs((double)dst[i][0][k] - naive(src, i - steps[s], k)) < 1e-6);
                CHECK_EQ(dst[i][1][k], src[i * PIXELS + k]);
                CHECK(fabs((double)dst[i][2][k] - naive(src, i + steps[s], k)) < 1e-6);
            }
        }
    }
}

/* A part of a stack that reaches to the ends, or as far as the neighbours, gives the
 * same bits: what training cuts out is what segment sees. */
static void test_parts_are_equal(void)
{
    enum { ROW = 3 * PIXELS };
    float src[SLICES * PIXELS], all[SLICES * ROW], part[SLICES * ROW];
    for (int i = 0; i < SLICES * PIXELS; i++) src[i] = sinf((float)i);
    CHECK_EQ(sc_images_context(src, SLICES, PIXELS, 1.3, all, NULL), SC_OK);
    CHECK_EQ(sc_images_context(src + PIXELS, 5, PIXELS, 1.3, part, NULL), SC_OK);
    CHECK_EQ(memcmp(part + 2 * ROW, all + 3 * ROW, ROW * sizeof *all), 0);
    CHECK_EQ(sc_images_context(src, 4, PIXELS, 1.3, part, NULL), SC_OK);
    CHECK_EQ(memcmp(part + ROW, all + ROW, ROW * sizeof *all), 0);
}

static void test_refusals(void)
{
    const float src[2] = {0.0f, 1.0f};
    float dst[6];
    sc_error err;
    CHECK_EQ(sc_images_context(src, 0, 1, 1.0, dst, &err), SC_BAD_SHAPE);
    CHECK_EQ(sc_images_context(src, 1, 0, 1.0, dst, &err), SC_BAD_SHAPE);
    CHECK_EQ(sc_images_context(src, 2, 1, 0.0, dst, &err), SC_BAD_VALUE);
    CHECK_EQ(sc_images_context(src, 2, 1, NAN, dst, &err), SC_BAD_VALUE);
    CHECK_EQ(sc_images_context(src, 2, 1, INFINITY, dst, &err), SC_BAD_VALUE);
}

int main(void)
{
    test_against_the_twin();
    test_parts_are_equal();
    test_refusals();
    return check_end();
}
