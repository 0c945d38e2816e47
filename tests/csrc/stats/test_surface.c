/* Surfaces and the distances between them, on boxes whose distances are known. */
#include "spinalcord.h"

#include "check.h"

#include <string.h>

enum { SIDE = 12, N = SIDE * SIDE * SIDE };

static const int64_t extents[3] = {SIDE, SIDE, SIDE};

/* A cube of 'edge' voxels at (k, i, j). */
static void cube(uint8_t *mask, int k, int i, int j, int edge)
{
    memset(mask, 0, N);
    for (int z = k; z < k + edge; z++) {
        for (int y = i; y < i + edge; y++) {
            memset(mask + (z * SIDE + y) * SIDE + j, 3, (size_t)edge);
        }
    }
}

static int64_t count(const uint8_t *mask)
{
    int64_t n = -1;
    CHECK_EQ(sc_surface_count(mask, extents, &n, NULL), SC_OK);
    return n;
}

static void test_counts(void)
{
    static uint8_t mask[N];
    CHECK_EQ(count(mask), 0);
    cube(mask, 3, 4, 5, 5);
    CHECK_EQ(count(mask), 125 - 27);
    cube(mask, 0, 0, 0, SIDE); /* the volume's edge counts as background */
    CHECK_EQ(count(mask), N - 10 * 10 * 10);
    cube(mask, 11, 11, 11, 1);
    CHECK_EQ(count(mask), 1);
}

static void test_shifted_cubes(void)
{
    static uint8_t a[N], b[N];
    double to[98], fro[98];
    cube(a, 1, 2, 2, 5);
    cube(b, 5, 2, 2, 5);
    CHECK_EQ(sc_surface_distances(a, b, extents, (double[]){3, 1, 1}, 2, to, fro, NULL),
             SC_OK);
    double largest = 0.0, nearest = 99.0;
    for (int i = 0; i < 98; i++) {
        largest = fmax(largest, to[i]);
        nearest = fmin(nearest, to[i]);
        CHECK_EQ(to[i], fro[97 - i]); /* the pair is its own mirror image */
    }
    CHECK_EQ(largest, 12.0);
    CHECK_EQ(nearest, 0.0);
    CHECK_EQ(sc_surface_distances(a, a, extents, (double[]){3, 1, 1}, 1, to, fro, NULL),
             SC_OK);
    for (int i = 0; i < 98; i++) CHECK_EQ(to[i] + fro[i], 0.0);
}

static void test_refusals(void)
{
    static uint8_t a[N], b[N];
    double to[1], fro[1];
    sc_error err = {0};
    cube(a, 1, 1, 1, 1);
    const double mm[3] = {1, 1, 1};
    CHECK_EQ(sc_surface_distances(a, b, extents, mm, 1, to, fro, &err), SC_BAD_VALUE);
    CHECK(strstr(err.text, "second") != NULL);
    CHECK_EQ(sc_surface_distances(b, a, extents, mm, 1, to, fro, &err), SC_BAD_VALUE);
    CHECK(strstr(err.text, "first") != NULL);
    CHECK_EQ(sc_surface_distances(a, a, extents, (double[]){1, 0, 1}, 1, to, fro, NULL),
             SC_BAD_VALUE);
    CHECK_EQ(sc_surface_distances(a, a, (int64_t[]){0, 1, 1}, mm, 1, to, fro, NULL),
             SC_BAD_SHAPE);
    CHECK_EQ(sc_surface_distances(a, a, extents, mm, 0, to, fro, NULL), SC_BAD_VALUE);
}

int main(void)
{
    test_counts();
    test_shifted_cubes();
    test_refusals();
    return check_end();
}
