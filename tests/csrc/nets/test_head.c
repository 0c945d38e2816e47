/* DenseNet121's head from the maps that it returns: probabilities, and the map of a
 * logit's gradient, which is found here by differences. */
#include "spinalcord.h"

#include "check.h"
#include "networks.h"

enum { MAPS = 1024, HIDDEN = 128, H = 64, W = 100, FH = 2, FW = 3, N = FH * FW };

typedef struct {
    const float *hidden_wei, *hidden_bias, *output_wei, *output_bias;
} dense;

static dense dense_of(tensors *t)
{
    return (dense){
        tensors_find(t, "hidden.weight")->data, tensors_find(t, "hidden.bias")->data,
        tensors_find(t, "output.weight")->data, tensors_find(t, "output.bias")->data};
}

static void hidden_of(const dense *d, const double mean[MAPS], double hidden[HIDDEN])
{
    for (int j = 0; j < HIDDEN; j++) {
        hidden[j] = (double)d->hidden_bias[j];
        for (int k = 0; k < MAPS; k++) {
            hidden[j] += mean[k] * (double)d->hidden_wei[j * MAPS + k];
        }
    }
}

static double logit_of(const dense *d, const double hidden[HIDDEN], int index)
{
    double logit = (double)d->output_bias[index];
    for (int j = 0; j < HIDDEN; j++) {
        logit += fmax(hidden[j], 0) * (double)d->output_wei[index * HIDDEN + j];
    }
    return logit;
}

/* Change of the logit when map k grows everywhere, over so much growth. */
static double difference(const dense *d, const double hidden[HIDDEN], int index, int k)
{
    const double step = 1e-9;
    double more[HIDDEN], less[HIDDEN];
    for (int j = 0; j < HIDDEN; j++) {
        const double by = step * (double)d->hidden_wei[j * MAPS + k];
        more[j] = hidden[j] + by;
        less[j] = hidden[j] - by;
    }
    return (logit_of(d, more, index) - logit_of(d, less, index)) / (2 * step);
}

static void check_head(bool final_relu, int index)
{
    static float features[MAPS * N], cam[N], cams[2 * N];
    tensors *t = tensors_usual(SC_DENSENET121);
    t->config.final_relu = final_relu;
    sc_net *net = tensors_net(t);
    const dense d = dense_of(t);
    float *src = random_images(1, 3 * H * W), dst[2];
    const sc_call call = {.n = 1,
                          .h = H,
                          .w = W,
                          .images = src,
                          .forward = {.probabilities = dst,
                                      .features = features,
                                      .cam = cam,
                                      .cam_index = index,
                                      .cams = cams}};
    sc_shape shape;
    CHECK_EQ(sc_net_shape(net, SC_OUTPUT_FEATURES, SC_LAYER_INPUT, H, W, &shape, NULL),
             SC_OK);
    CHECK(shape.n_axes == 3 && shape.extents[0] == MAPS && shape.extents[1] == FH &&
          shape.extents[2] == FW);
    CHECK_EQ(sc_net_run(net, &call, NULL), SC_OK);
    double mean[MAPS] = {0}, hidden[HIDDEN], want[N] = {0}, largest = 0;
    int n_negative = 0;
    for (int i = 0; i < MAPS * N; i++) {
        mean[i / N] += (double)features[i] / N;
        n_negative += features[i] < 0;
    }
    CHECK_EQ(n_negative > MAPS / 8, !final_relu);
    hidden_of(&d, mean, hidden);
    const double gap = logit_of(&d, hidden, 1) - logit_of(&d, hidden, 0);
    CHECK_NEAR(dst[1], 1 / (1 + exp(-gap)), 1e-5);
    CHECK_NEAR(dst[0] + dst[1], 1.0, 1e-6);
    for (int k = 0; k < MAPS; k++) {
        const double weight = difference(&d, hidden, index, k) / N;
        for (int p = 0; p < N; p++) want[p] += weight * (double)features[k * N + p];
    }
    for (int p = 0; p < N; p++) largest = fmax(largest, fabs(want[p]));
    CHECK(largest > 1e-3);
    for (int p = 0; p < N; p++) CHECK_NEAR(cam[p], want[p], 1e-4 * largest);
    CHECK_EQ(sc_net_shape(net, SC_OUTPUT_CAMS, SC_LAYER_INPUT, H, W, &shape, NULL),
             SC_OK);
    CHECK(shape.n_axes == 3 && shape.extents[0] == 2 && shape.extents[1] == FH &&
          shape.extents[2] == FW);
    CHECK(memcmp(cams + index * N, cam, sizeof cam) == 0);
    CHECK(memcmp(cams + (1 - index) * N, cam, sizeof cam) != 0);
    sc_free(src);
    sc_net_destroy(net);
    tensors_destroy(t);
}

int main(void)
{
    check_head(true, 0);
    check_head(true, 1);
    check_head(false, 1);
    return check_end();
}
