/* Connected components against a flood fill. */
#include "spinalcord.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

enum { S = 6, R = 7, C = 21, N = S * R * C };

static const int64_t EXTENTS[3] = {S, R, C};

static uint32_t seed = 1;

static uint32_t next(void) { return seed = seed * 1664525u + 1013904223u; }

/* The naive version: fill from each voxel that is not yet filled. */
static int32_t flood(const uint8_t *mask, int axes_max, int32_t *labels)
{
    static int stack[N];
    int32_t n = 0;
    memset(labels, 0, N * sizeof *labels);
    for (int start = 0; start < N; start++) {
        if (mask[start] == 0 || labels[start] != 0) continue;
        int depth = 0;
        labels[start] = ++n;
        stack[depth++] = start;
        while (depth > 0) {
            const int i = stack[--depth], s = i / (R * C), r = i / C % R, c = i % C;
            for (int k = 0; k < 27; k++) {
                const int ds = k / 9 - 1, dr = k / 3 % 3 - 1, dc = k % 3 - 1;
                const int y = s + ds, x = r + dr, z = c + dc;
                if (abs(ds) + abs(dr) + abs(dc) > axes_max) continue;
                if (y < 0 || x < 0 || z < 0 || y >= S || x >= R || z >= C) continue;
                const int j = (y * R + x) * C + z;
                if (mask[j] == 0 || labels[j] != 0) continue;
                labels[j] = n;
                stack[depth++] = j;
            }
        }
    }
    return n;
}

static int64_t count(const int32_t *labels, int32_t label)
{
    int64_t n = 0;
    for (int i = 0; i < N; i++) n += labels[i] == label;
    return n;
}

static int first(const int32_t *labels, int32_t label)
{
    int i = 0;
    while (labels[i] != label) i++;
    return i;
}

/* The same partition, and in the documented order. */
static void test_random(uint32_t percent)
{
    static uint8_t mask[N];
    static int32_t got[N], want[N];
    const int connectivities[3] = {6, 18, 26};
    for (int i = 0; i < N; i++) mask[i] = next() >> 8 > (100u - percent) * 167772u;
    for (int k = 0; k < 3; k++) {
        int32_t n = -1;
        CHECK_EQ(
            sc_components_label(mask, EXTENTS, connectivities[k], 0, got, &n, NULL),
            SC_OK);
        CHECK_EQ(n, flood(mask, k + 1, want));
        int wrong = 0;
        for (int i = 0; i < N; i++) {
            wrong += (got[i] == 0) != (want[i] == 0);
            if (got[i] != 0) wrong += want[i] != want[first(got, got[i])];
        }
        CHECK_EQ(wrong, 0);
        for (int32_t l = 1; l < n; l++) {
            const int64_t a = count(got, l), b = count(got, l + 1);
            CHECK(a > b || (a == b && first(got, l) < first(got, l + 1)));
        }
        const int64_t limit = n > 1 ? count(got, 2) : 1;
        int32_t kept = -1;
        CHECK_EQ(sc_components_label(mask, EXTENTS, connectivities[k], limit, want,
                                     &kept, NULL),
                 SC_OK);
        for (int i = 0; i < N; i++) wrong += want[i] != (got[i] <= kept ? got[i] : 0);
        CHECK_EQ(wrong, 0);
        CHECK(kept == 0 || count(got, kept) >= limit);
        CHECK(kept == n || count(got, kept + 1) < limit);
    }
}

static void test_extremes(void)
{
    static uint8_t mask[N];
    static int32_t labels[N];
    int32_t n = -1;
    CHECK_EQ(sc_components_label(mask, EXTENTS, 26, 0, labels, &n, NULL), SC_OK);
    CHECK_EQ(n, 0);
    memset(mask, 7, sizeof mask);
    CHECK_EQ(sc_components_label(mask, EXTENTS, 6, N, labels, &n, NULL), SC_OK);
    CHECK_EQ(n, 1);
    CHECK_EQ(count(labels, 1), N);
    CHECK_EQ(sc_components_label(mask, EXTENTS, 6, INT64_MAX, labels, &n, NULL), SC_OK);
    CHECK_EQ(n, 0);
    CHECK_EQ(count(labels, 0), N);
    sc_error err;
    CHECK_EQ(sc_components_label(mask, EXTENTS, 8, 0, labels, &n, &err), SC_BAD_VALUE);
    CHECK_EQ(
        sc_components_label(mask, (const int64_t[]){1, 0, 1}, 6, 0, labels, &n, &err),
        SC_BAD_SHAPE);
    CHECK_EQ(sc_components_label(mask, (const int64_t[]){1, 1, INT32_MAX}, 6, 0, labels,
                                 &n, &err),
             SC_BAD_SHAPE);
    CHECK_EQ(sc_components_label(mask, (const int64_t[]){INT64_MAX, 9, 9}, 6, 0, labels,
                                 &n, &err),
             SC_BAD_SHAPE);
}

int main(void)
{
    const uint32_t percents[] = {2, 10, 25, 40, 60, 90};
    for (int i = 0; i < 6; i++) test_random(percents[i]);
    test_extremes();
    return check_end();
}
