/* The lesion table: exact on a volume that can be measured by hand. */
#include "spinalcord.h"

#include "check.h"

#include <string.h>

enum { S = 3, R = 4, C = 5 };

static const int64_t EXTENTS[3] = {S, R, C};

/* Slices 4 mm apart towards x, rows 0.5 mm towards -z, columns 2 mm towards -y. */
static const double AFFINE[16] = {4, 0,    0, -10, 0, 0, -2, 20,
                                  0, -0.5, 0, 30,  0, 0, 0,  1};

static void test_by_hand(void)
{
    int32_t labels[S][R][C] = {0};
    float volume[S][R][C] = {0};
    uint8_t cord[S][R][C] = {0};
    labels[0][0][0] = labels[0][1][0] = labels[1][1][1] = 1;
    volume[0][0][0] = 1.0f;
    volume[0][1][0] = 2.0f;
    volume[1][1][1] = 6.0f;
    labels[2][3][4] = 2;
    volume[2][3][4] = -5.0f;
    cord[0][1][0] = cord[1][1][1] = cord[1][1][2] = cord[0][1][3] = cord[0][0][2] = 1;
    sc_lesion out[2];
    CHECK_EQ(sc_lesions_measure(&labels[0][0][0], EXTENTS, 2, &volume[0][0][0], AFFINE,
                                &cord[0][0][0], out, NULL),
             SC_OK);
    CHECK_EQ(out[0].n_voxels, 3);
    CHECK_EQ(out[0].volume_mm3, 12.0);
    CHECK_EQ(out[0].depth_mm, 8.0);
    CHECK_EQ(out[0].length_mm, 1.0);
    CHECK_EQ(out[0].width_mm, 4.0);
    CHECK_NEAR(out[0].max_diameter_mm, sqrt(64.0 + 1.0 + 16.0), 1e-12);
    CHECK_NEAR(out[0].centroid_mm[0], -10.0 + 4.0 / 3.0, 1e-12);
    CHECK_NEAR(out[0].centroid_mm[1], 20.0 - 2.0 / 3.0, 1e-12);
    CHECK_NEAR(out[0].centroid_mm[2], 30.0 - 0.5 * 2.0 / 3.0, 1e-12);
    CHECK_EQ(out[0].mean, 3.0);
    CHECK_NEAR(out[0].sd, sqrt(14.0 / 3.0), 1e-12);
    CHECK_NEAR(out[0].in_cord_fraction, 2.0 / 3.0, 1e-12);
    CHECK_EQ(out[0].max_axial_damage_ratio,
             0.5); /* row 1: 2 of 4; row 0: not in cord */
    CHECK_EQ(out[1].n_voxels, 1);
    CHECK_EQ(out[1].sd, 0.0);
    CHECK_EQ(out[1].mean, -5.0);
    CHECK_EQ(out[1].in_cord_fraction, 0.0);
    CHECK_EQ(out[1].max_axial_damage_ratio, 0.0);
    CHECK_EQ(sc_lesions_measure(&labels[0][0][0], EXTENTS, 2, &volume[0][0][0], AFFINE,
                                NULL, out, NULL),
             SC_OK);
    CHECK(isnan(out[0].in_cord_fraction) && isnan(out[0].max_axial_damage_ratio));
}

static void test_voxels(void)
{
    int64_t n = -1;
    double affine[16];
    memcpy(affine, AFFINE, sizeof affine);
    CHECK_EQ(sc_voxel_mm3(affine), 4.0);
    CHECK_EQ(sc_voxels_needed(affine, 0.0, &n, NULL), SC_OK);
    CHECK_EQ(n, 0);
    CHECK_EQ(sc_voxels_needed(affine, 12.0, &n, NULL), SC_OK);
    CHECK_EQ(n, 3);
    CHECK_EQ(sc_voxels_needed(affine, 12.1, &n, NULL), SC_OK);
    CHECK_EQ(n, 4);
    affine[0] = 4.0 * (1.0 - 1e-7); /* rounding of a header */
    CHECK_EQ(sc_voxels_needed(affine, 12.0, &n, NULL), SC_OK);
    CHECK_EQ(n, 3);
    CHECK_EQ(sc_voxels_needed(affine, 1e300, &n, NULL), SC_OK);
    CHECK_EQ(n, INT64_MAX);
    sc_error err;
    CHECK_EQ(sc_voxels_needed(affine, -1.0, &n, &err), SC_BAD_VALUE);
    CHECK_EQ(sc_voxels_needed(affine, NAN, &n, &err), SC_BAD_VALUE);
    affine[0] = 0.0;
    CHECK(isnan(sc_voxel_mm3(affine)));
    CHECK_EQ(sc_voxels_needed(affine, 1.0, &n, &err), SC_BAD_VALUE);
}

static void test_refusals(void)
{
    int32_t labels[8] = {0, 1, 0, 3};
    const float volume[8] = {0};
    const int64_t extents[3] = {2, 2, 2};
    double affine[16];
    sc_lesion out[3];
    sc_error err;
    memcpy(affine, AFFINE, sizeof affine);
    CHECK_EQ(sc_lesions_measure(labels, extents, 2, volume, affine, NULL, out, &err),
             SC_BAD_VALUE);
    CHECK(strstr(err.text, "label 3") != NULL);
    CHECK_EQ(sc_lesions_measure(labels, extents, 3, volume, affine, NULL, out, &err),
             SC_BAD_VALUE);
    CHECK(strstr(err.text, "label 2") != NULL);
    labels[3] = -1;
    CHECK_EQ(sc_lesions_measure(labels, extents, 1, volume, affine, NULL, out, &err),
             SC_BAD_VALUE);
    labels[3] = 0;
    CHECK_EQ(sc_lesions_measure(labels, extents, 1, volume, affine, NULL, out, &err),
             SC_OK);
    labels[1] = 0;
    CHECK_EQ(sc_lesions_measure(labels, extents, 0, volume, affine, NULL, out, &err),
             SC_OK);
    CHECK_EQ(sc_lesions_measure(labels, extents, -1, volume, affine, NULL, out, &err),
             SC_BAD_SHAPE);
    affine[3] = NAN;
    CHECK_EQ(sc_lesions_measure(labels, extents, 0, volume, affine, NULL, out, &err),
             SC_BAD_VALUE);
    CHECK_EQ(sc_lesions_measure(labels, (const int64_t[]){0, 2, 2}, 0, volume, AFFINE,
                                NULL, out, &err),
             SC_BAD_SHAPE);
}

int main(void)
{
    test_by_hand();
    test_voxels();
    test_refusals();
    return check_end();
}
