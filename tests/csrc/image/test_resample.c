/* Resampling and the ways back: exact where the numbers are small integers. */
#include "spinalcord.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

static const sc_frame SAME = {0.0, 1.0, 0.0, 1.0};

/* Bilinear interpolation keeps a plane, and so do means over whole pixels; those over
 * parts of a pixel are off by up to an eighth of one, to and fro. */
static void test_plane(const sc_frame *f, sc_filter filter, int64_t h, int64_t w,
                       double tolerance)
{
    enum { ROWS = 40, COLS = 24 };
    float src[2 * ROWS * COLS];
    float *dst = malloc((size_t)(2 * h * w) * sizeof *dst);
    for (int i = 0; i < 2 * ROWS * COLS; i++) {
        const int n = i / (ROWS * COLS), r = i / COLS % ROWS, c = i % COLS;
        src[i] = (float)(100 * n + 4 * r - c);
    }
    CHECK_EQ(sc_images_resample(src, 2, ROWS, COLS, f, filter, SC_OUTSIDE_ZERO, dst, h,
                                w, NULL),
             SC_OK);
    int64_t compared = 0;
    for (int64_t i = 0; i < 2 * h * w; i++) {
        const double y = f->row0 + (double)(i / w % h) * f->row_step;
        const double x = f->col0 + (double)(i % w) * f->col_step;
        if (y < -0.5 || x < -0.5 || y >= ROWS - 0.5 || x >= COLS - 0.5) {
            CHECK_EQ(dst[i], 0.0f);
        }
        const double dy = fmax(0.5, f->row_step / 2.0),
                     dx = fmax(0.5, f->col_step / 2.0);
        if (y < dy || x < dx || y > ROWS - 1 - dy || x > COLS - 1 - dx) continue;
        CHECK_NEAR(dst[i], (double)(100 * (i / (h * w))) + 4.0 * y - x, tolerance);
        compared++;
    }
    CHECK(compared > h * w / 4);
    free(dst);
}

static void test_nearest_and_edge(void)
{
    const float src[4] = {1.0f, 2.0f, 3.0f, 4.0f}; /* (2, 2) */
    const sc_frame f = {-1.0, 0.5, -1.0, 1.0};     /* 6 x 4 */
    float dst[24];
    const float columns[4] = {1.0f, 1.0f, 2.0f, 2.0f};
    CHECK_EQ(sc_images_resample(src, 1, 2, 2, &f, SC_NEAREST, SC_OUTSIDE_EDGE, dst, 6,
                                4, NULL),
             SC_OK);
    for (int i = 0; i < 24; i++)
        CHECK_EQ(dst[i], columns[i % 4] + (i / 4 >= 3 ? 2.0f : 0));
    CHECK_EQ(sc_images_resample(src, 1, 2, 2, &f, SC_NEAREST, SC_OUTSIDE_ZERO, dst, 6,
                                4, NULL),
             SC_OK);
    CHECK_EQ(dst[0] + dst[3] + dst[4 + 3], 0.0f);
    CHECK_EQ(dst[4 + 1], 1.0f); /* row -0.5 is the first's own edge */
}

/* Padding is no part of the way back. */
static void test_restore(void)
{
    sc_frame f;
    int64_t h, w;
    CHECK_EQ(sc_frame_physical(20, 33, 0.5, 1.0, 1.0, &f, &h, &w, NULL), SC_OK);
    CHECK_EQ(h, 16);
    CHECK_EQ(w, 48);
    float *src = malloc((size_t)(h * w) * sizeof *src), dst[20 * 33];
    for (int64_t i = 0; i < h * w; i++) {
        src[i] = i / w < 10 && i % w < 33 ? (float)(i / w + i % w) : 1000.0f;
    }
    CHECK_EQ(sc_images_restore(src, 1, h, w, &f, dst, 20, 33, NULL), SC_OK);
    for (int i = 0; i < 20 * 33; i++) {
        const double row = fmin(fmax((double)(i / 33) / 2.0 - 0.25, 0.0), 9.0);
        CHECK_NEAR(dst[i], row + i % 33, 1e-5);
    }
    free(src);
}

static void test_map(void)
{
    const float map[4] = {0.0f, 4.0f, 8.0f, 12.0f}; /* (2, 2) over 8 x 8 */
    const sc_frame f = {3.0, 1.0, -2.0, 1.0};
    float dst[12 * 7];
    CHECK_EQ(sc_map_restore(map, 2, 2, &f, 8, 8, dst, 12, 7, NULL), SC_OK);
    for (int i = 0; i < 12 * 7; i++) {
        const int y = i / 7 - 3, x = i % 7 + 2; /* pixel of the image */
        const double v = fmin(fmax((y + 0.5) / 4.0 - 0.5, 0.0), 1.0);
        const double u = fmin(fmax((x + 0.5) / 4.0 - 0.5, 0.0), 1.0);
        const bool inside = y >= 0 && y < 8 && x < 8;
        CHECK_NEAR(dst[i], inside ? 8.0 * v + 4.0 * u : 0.0, 1e-6);
    }
}

static void test_refusals(void)
{
    sc_error err;
    const float bad[4] = {1.0f, NAN, 2.0f, INFINITY};
    float dst[16];
    CHECK_EQ(sc_images_resample(bad, 1, 2, 2, &SAME, SC_AREA, SC_OUTSIDE_ZERO, dst, 2,
                                2, &err),
             SC_NOT_FINITE);
    CHECK_EQ(err.detail, 2);
    CHECK_EQ(sc_images_restore(bad, 1, 2, 2, &SAME, dst, 2, 2, &err), SC_NOT_FINITE);
    CHECK_EQ(sc_map_restore(bad, 2, 2, &SAME, 2, 2, dst, 2, 2, &err), SC_NOT_FINITE);
    const float good[4] = {1.0f, 2.0f, 3.0f, 4.0f};
    const sc_frame wrong = {0.0, 0.0, 0.0, 1.0}, elsewhere = {9.0, 1.0, 0.0, 1.0};
    CHECK_EQ(sc_images_resample(good, 1, 2, 2, &wrong, SC_AREA, SC_OUTSIDE_ZERO, dst, 2,
                                2, &err),
             SC_BAD_VALUE);
    CHECK_EQ(sc_images_restore(good, 1, 2, 2, &wrong, dst, 2, 2, &err), SC_BAD_VALUE);
    CHECK_EQ(sc_images_restore(good, 1, 2, 2, &elsewhere, dst, 2, 2, &err),
             SC_BAD_VALUE);
    CHECK_EQ(sc_map_restore(good, 2, 2, &wrong, 2, 2, dst, 2, 2, &err), SC_BAD_VALUE);
    CHECK_EQ(sc_images_resample(good, 1, 2, 2, &SAME, SC_AREA, SC_OUTSIDE_ZERO, dst,
                                INT64_MAX, INT64_MAX, &err),
             SC_BAD_SHAPE);
    CHECK_EQ(sc_images_resample(good, -1, 2, 2, &SAME, SC_AREA, SC_OUTSIDE_ZERO, dst, 2,
                                2, &err),
             SC_BAD_SHAPE);
    CHECK_EQ(sc_images_resample(good, 0, 2, 2, &SAME, SC_AREA, SC_OUTSIDE_ZERO, dst, 2,
                                2, &err),
             SC_OK);
    CHECK_EQ(sc_map_restore(good, 0, 2, &SAME, 2, 2, dst, 2, 2, &err), SC_BAD_SHAPE);
}

int main(void)
{
    test_plane(&(sc_frame){-0.25, 0.5, 0.1, 0.9}, SC_LINEAR, 80, 26, 1e-4);
    test_plane(&(sc_frame){0.5, 2.0, 1.0, 3.0}, SC_AREA, 20, 8, 1e-4);
    test_plane(&(sc_frame){2.5, 2.0, 0.1, 0.9}, SC_AREA, 19, 26, 1e-4);
    test_plane(&(sc_frame){0.25, 1.5, 0.75, 2.5}, SC_AREA, 26, 9, 5.0 / 8.0);
    test_plane(&(sc_frame){-3.0, 1.0, -2.0, 1.0}, SC_AREA, 48, 32, 0.0);
    test_plane(&(sc_frame){0.0, 1.0, 0.0, 1.0}, SC_LINEAR, 40, 24, 0.0);
    test_nearest_and_edge();
    test_restore();
    test_map();
    test_refusals();
    return check_end();
}
