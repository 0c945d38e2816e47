/* Norms as factors and offsets, from the tensors of a model. */
#include "nets/model.h"

#include "base/memory.h"

#include "check.h"

#include <string.h>

enum { C = 3 };

static const float GAMMA[C] = {2, -1, 0}, BETA[C] = {1, 0, 5}, MEAN[C] = {3, -2, 1};

static int64_t fill(sc_tensor *out, const float *var)
{
    const char *names[] = {"x.weight", "x.bias", "x.running_mean", "x.running_var"};
    const float *data[] = {GAMMA, BETA, MEAN, var};
    for (int i = 0; i < 4; i++) {
        out[i] =
            (sc_tensor){.name = names[i], .ndim = 1, .shape = {C}, .data = data[i]};
    }
    return 4;
}

static sc_status take(const sc_tensor *tensors, int64_t n, bool has_scale,
                      float **scale, float **shift, sc_error *err)
{
    sc_source *source = NULL;
    CHECK_EQ(sc_source_create(tensors, n, &source, err), SC_OK);
    const sc_status status =
        sc_take_norm(source, "x", C, 0.25f, has_scale, scale, shift, err);
    sc_source_destroy(source);
    return status;
}

static void test_formula(void)
{
    const float var[C] = {3.75f, 0.0f, 0.75f}; /* + eps: 4, 1/4, 1 */
    const float roots[C] = {2, 0.5f, 1};
    sc_tensor tensors[4];
    const int64_t n = fill(tensors, var);
    for (int has_scale = 0; has_scale < 2; has_scale++) {
        float *scale = NULL, *shift = NULL;
        CHECK_EQ(
            take(tensors + !has_scale, n - !has_scale, has_scale, &scale, &shift, NULL),
            SC_OK);
        for (int i = 0; i < C; i++) {
            const float factor = (has_scale ? GAMMA[i] : 1.0f) / roots[i];
            CHECK_EQ(scale[i], factor);
            CHECK_EQ(shift[i], BETA[i] - MEAN[i] * factor);
        }
        for (int i = C; i < 2 * SC_LANES; i++) CHECK_EQ(scale[i] + shift[i], 0.0f);
        sc_free(scale);
        sc_free(shift);
    }
}

static void test_failures(void)
{
    const float var[C] = {1, -0.5f, 1}, small[C] = {1, -0.1f, 1};
    sc_tensor tensors[4];
    const int64_t n = fill(tensors, var);
    float *scale = NULL, *shift = NULL;
    sc_error err;
    CHECK_EQ(take(tensors, n, true, &scale, &shift, &err), SC_BAD_MODEL);
    CHECK(scale == NULL && shift == NULL);
    CHECK(strstr(err.text, "x.running_var[1]") != NULL &&
          strstr(err.text, "-0.5") != NULL);
    CHECK_EQ(take(tensors, n - 1, true, &scale, &shift, &err), SC_BAD_MODEL);
    CHECK(strstr(err.text, "x.running_var is missing") != NULL);
    tensors[3].data = small; /* as rounding leaves it: eps makes up for it */
    CHECK_EQ(take(tensors, n, true, &scale, &shift, &err), SC_OK);
    sc_free(scale);
    sc_free(shift);
}

static void test_names(void)
{
    sc_tensor tensors[4];
    const float var[C] = {1, 1, 1};
    sc_source *source = NULL;
    const int64_t n = fill(tensors, var), shape[] = {C};
    float *out = NULL;
    CHECK_EQ(sc_source_create(tensors, n, &source, NULL), SC_OK);
    CHECK_EQ(sc_take(source, "x", ".bias", 1, shape, &out, NULL), SC_OK);
    CHECK_EQ(out[2], 5.0f);
    sc_free(out);
    sc_source_destroy(source);
}

int main(void)
{
    test_formula();
    test_failures();
    test_names();
    return check_end();
}
