/* NaN and infinity, counted. */
#include "image/finite.h"

#include "check.h"

#include <stdlib.h>
#include <string.h>

int main(void)
{
    const float few[] = {0.0f, -0.0f, NAN, 1e38f, INFINITY, 1e-42f, -INFINITY};
    CHECK_EQ(sc_not_finite(few, 7), 3);
    CHECK_EQ(sc_not_finite(few, 2), 0);
    CHECK_EQ(sc_not_finite(few, 0), 0);

    const int64_t n = (1 << 17) + 5; /* several blocks */
    float *many = malloc((size_t)n * sizeof *many);
    for (int64_t i = 0; i < n; i++) many[i] = i % 3 == 0 ? NAN : 1.0f;
    CHECK_EQ(sc_not_finite(many, n), (n + 2) / 3);
    free(many);

    sc_error err = {0};
    CHECK_EQ(sc_finite_check(0, 10, "the voxels", &err), SC_OK);
    CHECK_EQ(sc_finite_check(3, 10, "the voxels", &err), SC_NOT_FINITE);
    CHECK_EQ(err.detail, 3);
    CHECK(strstr(err.text, "the voxels hold 3 NaN or infinite values of 10") != NULL);
    CHECK_EQ(sc_finite_check(INT64_MAX, INT64_MAX, "they", &err), SC_NOT_FINITE);
    CHECK_EQ(err.detail, INT32_MAX);
    CHECK_EQ(sc_finite_check(1, 1, "they", NULL), SC_NOT_FINITE);
    return check_end();
}
