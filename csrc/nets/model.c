/* Taking weights: batch normalisations become a multiply-add, or part of a convolution. */
#include "model.h"

#include "../base/memory.h"
#include "../base/status.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

sc_status sc_take(sc_source *source, const char *prefix, const char *suffix, int ndim,
                  const int64_t *shape, float **out, sc_error *err)
{
    char name[128];
    snprintf(name, sizeof name, "%s%s", prefix, suffix);
    return sc_source_take(source, name, ndim, shape, out, err);
}

sc_status sc_take_norm(sc_source *source, const char *prefix, int64_t c, float eps,
                       bool has_scale, float **scale, float **shift, sc_error *err)
{
    sc_status status = SC_OK;
    float *gamma = NULL, *beta = NULL, *mean = NULL, *var = NULL;
    float *s = sc_channels(NULL, c, 0.0f), *t = sc_channels(NULL, c, 0.0f);
    *scale = NULL;
    *shift = NULL;
    if (s == NULL || t == NULL) {
        status = sc_fail(err, SC_NOMEM, "no memory for %s", prefix);
        goto done;
    }
    if (has_scale) SC_TRY(sc_take(source, prefix, ".weight", 1, &c, &gamma, err));
    SC_TRY(sc_take(source, prefix, ".bias", 1, &c, &beta, err));
    SC_TRY(sc_take(source, prefix, ".running_mean", 1, &c, &mean, err));
    SC_TRY(sc_take(source, prefix, ".running_var", 1, &c, &var, err));
    for (int64_t i = 0; i < c; i++) {
        if (!(var[i] + eps > 0.0f)) {
            status = sc_fail(
                err, SC_BAD_MODEL,
                "tensor %s.running_var[%d] is %g; a variance cannot be negative",
                prefix, (int)i, (double)var[i]);
            goto done;
        }
        const double factor = (gamma ? (double)gamma[i] : 1.0) /
                              sqrt((double)var[i] + (double)eps);
        s[i] = (float)factor;
        t[i] = (float)((double)beta[i] - (double)mean[i] * factor);
    }
    *scale = s;
    *shift = t;
    s = t = NULL;
done:
    sc_free(gamma);
    sc_free(beta);
    sc_free(mean);
    sc_free(var);
    sc_free(s);
    sc_free(t);
    return status;
}

sc_status sc_take_conv(sc_source *source, const sc_engine *engine, const char *name,
                       sc_conv_shape shape, const sc_fold *fold, sc_conv_weights **out,
                       sc_error *err)
{
    sc_status status = SC_OK;
    const int64_t extents[] = {shape.oc, shape.ic, shape.kh, shape.kw};
    float *wei = NULL, *scale = NULL, *shift = NULL;
    SC_TRY(sc_take(source, name, ".weight", 4, extents, &wei, err));
    if (fold->norm != NULL) {
        SC_TRY(sc_take_norm(source, fold->norm, shape.oc, fold->eps, fold->has_scale,
                            &scale, &shift, err));
        for (int64_t i = 0; fold->more != NULL && i < shape.oc; i++) {
            shift[i] += fold->more[i];
        }
    }
    if (fold->levels.src.scale > 0.0f) {
        SC_TRY(sc_conv_weights_create_u8(engine, shape, wei, scale, shift,
                                         &fold->levels, out, err));
    } else {
        SC_TRY(sc_conv_weights_create(engine, shape, wei, scale, shift, out, err));
    }
done:
    sc_free(wei);
    sc_free(scale);
    sc_free(shift);
    return status;
}

sc_status sc_take_levels(const sc_net_config *config, const char *name,
                         const char *suffix, sc_levels *out, sc_error *err)
{
    const size_t length = strlen(name);
    *out = (sc_levels){0.0f, 0};
    if (config->precision != SC_PRECISION_INT8) return SC_OK;
    for (int64_t i = 0; i < config->n_ranges; i++) {
        const sc_range *range = &config->ranges[i];
        if (strncmp(range->name, name, length) != 0 ||
            strcmp(range->name + length, suffix) != 0) {
            continue;
        }
        if (!isfinite(range->low) || !isfinite(range->high)) break;
        *out = sc_levels_of(range->low, range->high);
        return SC_OK;
    }
    return sc_fail(err, SC_UNSUPPORTED,
                   "precision int8 needs the range of %s%s, which this model does not "
                   "have; quantise it, or use f32 or bf16",
                   name, suffix);
}
