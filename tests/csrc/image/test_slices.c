/* Slices that hold lesion, and the classifiers' images of them. */
#include "spinalcord.h"

#include "check.h"

#include <string.h>

enum { SLICES = 4, ROWS = 5, COLS = 19 };

static void test_slices(void)
{
    const int64_t extents[3] = {SLICES, ROWS, COLS};
    uint8_t mask[SLICES][ROWS][COLS] = {0};
    int64_t slices[SLICES], boxes[SLICES][4];
    CHECK_EQ(sc_mask_slices(&mask[0][0][0], extents, slices, boxes), 0);
    mask[1][0][18] = 1;
    mask[3][2][3] = 200;
    mask[3][4][9] = 1;
    mask[3][3][17] = 1;
    CHECK_EQ(sc_mask_slices(&mask[0][0][0], extents, slices, boxes), 2);
    CHECK_EQ(slices[0], 1);
    CHECK_EQ(slices[1], 3);
    CHECK_EQ(memcmp(boxes[0], (const int64_t[]){0, 0, 18, 18}, sizeof boxes[0]), 0);
    CHECK_EQ(memcmp(boxes[1], (const int64_t[]){2, 4, 3, 17}, sizeof boxes[1]), 0);
}

static void test_window(void)
{
    const sc_frame same = {0.0, 1.0, 0.0, 1.0}, half = {-0.25, 0.5, -0.25, 0.5};
    uint8_t mask[20][30] = {0};
    const int64_t box[4] = {2, 17, 1, 28};
    mask[2][1] = mask[3][1] = 1;
    mask[15][20] = mask[16][20] = mask[17][20] = mask[17][28] = 1;
    /* It fits. */
    sc_frame f = sc_lesion_window(&mask[0][0], 30, box, &same, 16, 28);
    CHECK_EQ(f.row0, 2.0);
    CHECK_EQ(f.col0, 1.0);
    /* Rows are cut to 15 to 17; of those, columns 20 to 28 hold lesion. */
    f = sc_lesion_window(&mask[0][0], 30, box, &same, 7, 9);
    CHECK_EQ(f.row0, 13.0);
    CHECK_EQ(f.col0, 20.0);
    f = sc_lesion_window(&mask[0][0], 30, box, &same, 7, 29);
    CHECK_EQ(f.row0, 13.0);
    CHECK_EQ(f.col0, 10.0);
    f = sc_lesion_window(&mask[0][0], 30, box, &same, 7, 8); /* three to one */
    CHECK_EQ(f.col0, 17.0);
    /* Ten voxels under twenty pixels. */
    f = sc_lesion_window(&mask[0][0], 30, box, &half, 20, 20);
    CHECK_EQ(f.row0, 16.0 - 4.75);
    CHECK_EQ(f.row_step, 0.5);
    CHECK_EQ(f.col0, 24.0 - 4.75);
    f = sc_lesion_window(&mask[0][0], 30, box, &half, 1, 1);
    CHECK(f.row0 > 14.5 && f.row0 < 17.5);
}

static void test_image(void)
{
    float t1c[6], t2[6], dst[3 * 12];
    const uint8_t mask[6] = {0, 0, 1, 255, 0, 0}; /* (2, 3) */
    for (int i = 0; i < 6; i++) {
        t1c[i] = (float)i;
        t2[i] = (float)(10 + i);
    }
    const sc_frame f = {-1.0, 1.0, 0.0,
                        1.0}; /* 4 x 3: a row of zeros above and below */
    CHECK_EQ(sc_classifier_image(t1c, t2, mask, 2, 3, &f, SC_AREA, dst, 4, 3, NULL),
             SC_OK);
    for (int i = 0; i < 12; i++) {
        const bool inside = i >= 3 && i < 9;
        CHECK_EQ(dst[i], inside ? t1c[i - 3] : 0.0f);
        CHECK_EQ(dst[12 + i], inside ? t2[i - 3] : 0.0f);
        CHECK_EQ(dst[24 + i], inside && mask[i - 3] != 0 ? 1.0f : 0.0f);
    }
    CHECK_EQ(sc_classifier_image(NULL, t2, mask, 2, 3, &f, SC_AREA, dst, 4, 3, NULL),
             SC_OK);
    for (int i = 0; i < 12; i++) CHECK_EQ(dst[i], 0.0f);
    CHECK_EQ(dst[12 + 3], 10.0f);

    sc_error err;
    t2[1] = NAN;
    CHECK_EQ(sc_classifier_image(t1c, t2, mask, 2, 3, &f, SC_AREA, dst, 4, 3, &err),
             SC_NOT_FINITE);
    CHECK_EQ(sc_classifier_image(t1c, t2, mask, 0, 3, &f, SC_AREA, dst, 4, 3, &err),
             SC_BAD_SHAPE);
    CHECK_EQ(
        sc_classifier_image(NULL, t2, mask, 2, 3, &f, SC_AREA, dst, INT64_MAX, 3, &err),
        SC_BAD_SHAPE);
}

int main(void)
{
    test_slices();
    test_window();
    test_image();
    return check_end();
}
