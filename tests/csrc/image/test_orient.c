/* Orientation: exact, for every permutation and flip, dtype and stride. */
#include "spinalcord.h"

#include "check.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

static const int PERMUTATIONS[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                       {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};

static int64_t count(const int64_t n[3]) { return n[0] * n[1] * n[2]; }

/* Every orientation of a stored volume against indexing by hand, and back. */
static void test_orientations(const int64_t n[3])
{
    int16_t *stored = malloc((size_t)count(n) * sizeof *stored);
    float *working = malloc((size_t)count(n) * sizeof *working);
    float *back = malloc((size_t)count(n) * sizeof *back);
    for (int64_t i = 0; i < count(n); i++)
        stored[i] = (int16_t)(i * 7919 % 32749 - 16000);
    for (int p = 0; p < 6; p++) {
        for (int f = 0; f < 8; f++) {
            sc_orientation o = {.flips = {f & 1, f & 2, f & 4}};
            memcpy(o.axes, PERMUTATIONS[p], sizeof o.axes);
            sc_scan scan = {
                stored, SC_I16, {n[0], n[1], n[2]}, {n[1] * n[2] * 2, n[2] * 2, 2}};
            CHECK_EQ(sc_scan_orient(&scan, &o, working, NULL), SC_OK);
            int64_t wrong = 0, w = 0, at[3];
            for (at[0] = 0; at[0] < n[o.axes[0]]; at[0]++) {
                for (at[1] = 0; at[1] < n[o.axes[1]]; at[1]++) {
                    for (at[2] = 0; at[2] < n[o.axes[2]]; at[2]++, w++) {
                        int64_t s[3];
                        for (int k = 0; k < 3; k++) {
                            const int64_t last = n[o.axes[k]] - 1;
                            s[o.axes[k]] = o.flips[k] ? last - at[k] : at[k];
                        }
                        const int64_t i = (s[0] * n[1] + s[1]) * n[2] + s[2];
                        wrong += working[w] != (float)stored[i];
                    }
                }
            }
            CHECK_EQ(wrong, 0);
            CHECK_EQ(sc_volume_unorient(working, 4, n, &o, back, NULL), SC_OK);
            for (int64_t i = 0; i < count(n); i++) wrong += back[i] != (float)stored[i];
            CHECK_EQ(wrong, 0);
        }
    }
    free(back);
    free(working);
    free(stored);
}

#define TEST_DTYPE(dtype, type, low, high)                                             \
    do {                                                                               \
        const type values[2] = {low, high};                                            \
        const sc_scan scan = {values, dtype, {1, 1, 2}, {0, 0, sizeof(type)}};         \
        float out[2];                                                                  \
        CHECK_EQ(sc_scan_orient(&scan, &(sc_orientation){{0, 1, 2}, {0}}, out, NULL),  \
                 SC_OK);                                                               \
        CHECK_EQ(out[0], (float)values[0]);                                            \
        CHECK_EQ(out[1], (float)values[1]);                                            \
    } while (0)

static void test_dtypes(void)
{
    TEST_DTYPE(SC_U8, uint8_t, 0, UINT8_MAX);
    TEST_DTYPE(SC_I8, int8_t, INT8_MIN, INT8_MAX);
    TEST_DTYPE(SC_U16, uint16_t, 1, UINT16_MAX);
    TEST_DTYPE(SC_I16, int16_t, INT16_MIN, INT16_MAX);
    TEST_DTYPE(SC_U32, uint32_t, 1, UINT32_MAX);
    TEST_DTYPE(SC_I32, int32_t, INT32_MIN, INT32_MAX);
    TEST_DTYPE(SC_U64, uint64_t, 1, UINT64_MAX);
    TEST_DTYPE(SC_I64, int64_t, INT64_MIN, INT64_MAX);
    TEST_DTYPE(SC_F32, float, -3e38f, 1e-45f);
    TEST_DTYPE(SC_F64, double, -3e38, 0.1);
}

/* Negative and zero strides stay inside the buffer that they describe. */
static void test_strides(void)
{
    const uint8_t data[3] = {1, 2, 3};
    const sc_scan scan = {data + 2, SC_U8, {2, 3, 2}, {0, -1, 0}};
    float out[12];
    CHECK_EQ(sc_scan_orient(&scan, &(sc_orientation){{1, 0, 2}, {true, false, false}},
                            out, NULL),
             SC_OK);
    for (int i = 0; i < 12; i++) CHECK_EQ(out[i], (float)(i / 4 + 1));
}

static void test_refusals(void)
{
    sc_error err = {0};
    float out[8];
    const double values[4] = {1.0, NAN, 1e300, -INFINITY};
    const sc_orientation same = {{0, 1, 2}, {0}};
    sc_scan scan = {values, SC_F64, {2, 2, 1}, {16, 8, 8}};
    CHECK_EQ(sc_scan_orient(&scan, &same, out, &err), SC_NOT_FINITE);
    CHECK_EQ(err.detail, 3);
    CHECK_EQ(sc_scan_orient(&scan, &(sc_orientation){{0, 1, 1}, {0}}, out, &err),
             SC_BAD_VALUE);
    CHECK_EQ(sc_scan_orient(&scan, &(sc_orientation){{-1, 1, 2}, {0}}, out, &err),
             SC_BAD_VALUE);
    scan.dtype = (sc_dtype)10;
    CHECK_EQ(sc_scan_orient(&scan, &same, out, &err), SC_BAD_VALUE);
    scan.dtype = SC_F64;
    scan.extents[1] = 0;
    CHECK_EQ(sc_scan_orient(&scan, &same, out, &err), SC_BAD_SHAPE);
    scan.extents[1] = INT64_MAX;
    CHECK_EQ(sc_scan_orient(&scan, &same, out, &err), SC_BAD_SHAPE);
    const int64_t stored[3] = {1, 2, 2}, negative[3] = {1, -2, 2};
    CHECK_EQ(sc_volume_unorient(values, 2, stored, &same, out, &err), SC_BAD_VALUE);
    CHECK_EQ(sc_volume_unorient(values, 4, negative, &same, out, &err), SC_BAD_SHAPE);
    CHECK_EQ(sc_volume_unorient(values, 4, stored, &(sc_orientation){{2, 2, 2}, {0}},
                                out, &err),
             SC_BAD_VALUE);
}

int main(void)
{
    test_orientations((const int64_t[]){1, 1, 1});
    test_orientations((const int64_t[]){3, 5, 2});
    test_orientations((const int64_t[]){35, 9, 67}); /* several tiles, and a rest */
    test_dtypes();
    test_strides();
    test_refusals();
    return check_end();
}
