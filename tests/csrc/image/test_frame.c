/* Frames: where a network's pixels lie on a slice. */
#include "spinalcord.h"

#include "check.h"

static void test_letter(void)
{
    sc_frame f;
    CHECK_EQ(sc_frame_stretch(384, 128, 256, 256, &f, NULL), SC_OK);
    CHECK_EQ(f.row_step, 1.5);
    CHECK_EQ(f.row0, 0.25);
    CHECK_EQ(f.col_step, 0.5);
    CHECK_EQ(f.col0, -0.25);
    CHECK_EQ(sc_frame_stretch(0, 1, 256, 256, &f, NULL), SC_BAD_SHAPE);
    CHECK_EQ(sc_frame_stretch(1, 1, 256, 0, &f, NULL), SC_BAD_SHAPE);
    CHECK_EQ(sc_frame_stretch(1, 1, 4097, 256, &f, NULL), SC_BAD_SHAPE);
}

static void test_identity(void)
{
    sc_frame f;
    int64_t h, w;
    CHECK_EQ(sc_frame_physical(384, 217, 1.0, 1.0, 1.0, &f, &h, &w, NULL), SC_OK);
    CHECK_EQ(h, 384);
    CHECK_EQ(w, 224);
    CHECK_EQ(f.row0, 0.0);
    CHECK_EQ(f.row_step, 1.0);
    CHECK_EQ(f.col0, 0.0);
    /* A header's rounding is not worth a pixel, a fiftieth of one is. */
    CHECK_EQ(sc_frame_physical(16, 16, 1.0005, 1.0013, 1.0, &f, &h, &w, NULL), SC_OK);
    CHECK_EQ(h, 16);
    CHECK_EQ(w, 32);
}

/* Middle on middle, every voxel covered, no pixel beyond the scan but padding. */
static void test_physical(int64_t n, double voxel_mm, double pixel_mm)
{
    sc_frame f;
    int64_t h, w;
    CHECK_EQ(sc_frame_physical(n, 1, voxel_mm, 1.0, pixel_mm, &f, &h, &w, NULL), SC_OK);
    CHECK_EQ(h % 16, 0);
    CHECK_NEAR(f.row_step * voxel_mm, pixel_mm, 1e-12);
    int64_t used = 0;
    while (used < h && f.row0 + (double)used * f.row_step < (double)n - 0.5) used++;
    CHECK_EQ(h, (used + 15) / 16 * 16);
    CHECK(f.row0 > -0.5);
    const double last = f.row0 + (double)(used - 1) * f.row_step;
    CHECK_NEAR(f.row0 + last, (double)(n - 1), 1e-9);
    CHECK((double)used * pixel_mm >= (double)n * voxel_mm - 0.0101 * pixel_mm);
    CHECK((double)(used - 1) * pixel_mm < (double)n * voxel_mm);
}

static void test_window(void)
{
    sc_frame f;
    int64_t h, w;
    CHECK_EQ(sc_frame_physical(100, 100, 1.0, 0.5, 1.0, &f, &h, &w, NULL), SC_OK);
    const int64_t box[4] = {40, 44, 10, 13};
    sc_frame window = sc_frame_window(&f, box, 9, 8);
    CHECK_EQ(window.row0, 38.0); /* 38 to 46, middle 42 */
    CHECK_EQ(window.row_step, 1.0);
    /* Columns 10 to 13 are the pixels 5 and 6; of eight, 2 to 9; 2 lies on 4.5. */
    CHECK_EQ(window.col0, 4.5);
    CHECK_EQ(window.col_step, 2.0);
    window = sc_frame_window(&f, (const int64_t[]){0, 0, 99, 99}, 256, 256);
    CHECK_EQ(window.row0, -127.0);
    window = sc_frame_window(&f, (const int64_t[]){7, 7, 0, 1}, 1, 1);
    CHECK_EQ(window.row0, 7.0);
    CHECK_EQ(window.col0, 0.5);
}

static void test_refusals(void)
{
    sc_frame f;
    int64_t h, w;
    const double bad[] = {0.0, -1.0, NAN, INFINITY};
    for (int i = 0; i < 4; i++) {
        CHECK_EQ(sc_frame_physical(9, 9, bad[i], 1.0, 1.0, &f, &h, &w, NULL),
                 SC_BAD_VALUE);
        CHECK_EQ(sc_frame_physical(9, 9, 1.0, bad[i], 1.0, &f, &h, &w, NULL),
                 SC_BAD_VALUE);
        CHECK_EQ(sc_frame_physical(9, 9, 1.0, 1.0, bad[i], &f, &h, &w, NULL),
                 SC_BAD_VALUE);
    }
    CHECK_EQ(sc_frame_physical(0, 9, 1.0, 1.0, 1.0, &f, &h, &w, NULL), SC_BAD_SHAPE);
    CHECK_EQ(sc_frame_physical(4096, 9, 1.0, 1.0, 1.0, &f, &h, &w, NULL), SC_OK);
    CHECK_EQ(sc_frame_physical(4097, 9, 1.0, 1.0, 1.0, &f, &h, &w, NULL), SC_BAD_SHAPE);
    CHECK_EQ(sc_frame_physical(9, INT64_MAX, 1.0, 1e300, 1e-300, &f, &h, &w, NULL),
             SC_BAD_SHAPE);
}

int main(void)
{
    test_letter();
    test_identity();
    const double voxels[] = {0.3, 0.4296875, 0.5, 0.9999, 1.0, 1.171875, 3.0};
    for (int i = 0; i < 7; i++) {
        for (int64_t n = 1; n <= 512; n = n * 3 + 1) {
            test_physical(n, voxels[i], 1.0);
            test_physical(n, voxels[i], 0.7);
        }
    }
    test_window();
    test_refusals();
    return check_end();
}
