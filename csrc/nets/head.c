/* DenseNet121's head: mean, two dense layers, softmax; small enough for plain loops. */
#include "head.h"

#include "../base/memory.h"
#include "../base/status.h"

#include <math.h>
#include <string.h>

enum { MAPS = 1024, HIDDEN = 128, CLASSES = 2 };

struct sc_head {
    bool final_relu;
    float *norm_scale, *norm_shift; /* (MAPS,) */
    float hidden_wei[MAPS][HIDDEN]; /* transposed: rows of consecutive sums */
    float hidden_bias[HIDDEN];
    float output_wei[CLASSES][HIDDEN];
    float output_bias[CLASSES];
};

static sc_status take_dense(sc_source *source, sc_head *head, sc_error *err)
{
    sc_status status = SC_OK;
    const int64_t hidden[] = {HIDDEN, MAPS}, output[] = {CLASSES, HIDDEN};
    float *wei = NULL, *bias = NULL, *output_wei = NULL, *output_bias = NULL;
    SC_TRY(sc_take(source, "hidden", ".weight", 2, hidden, &wei, err));
    SC_TRY(sc_take(source, "hidden", ".bias", 1, hidden, &bias, err));
    SC_TRY(sc_take(source, "output", ".weight", 2, output, &output_wei, err));
    SC_TRY(sc_take(source, "output", ".bias", 1, output, &output_bias, err));
    for (int k = 0; k < MAPS; k++) {
        for (int j = 0; j < HIDDEN; j++) head->hidden_wei[k][j] = wei[j * MAPS + k];
    }
    memcpy(head->hidden_bias, bias, sizeof head->hidden_bias);
    memcpy(head->output_wei, output_wei, sizeof head->output_wei);
    memcpy(head->output_bias, output_bias, sizeof head->output_bias);
done:
    sc_free(wei);
    sc_free(bias);
    sc_free(output_wei);
    sc_free(output_bias);
    return status;
}

sc_status sc_head_create(sc_source *source, float eps, bool final_relu, sc_head **out,
                         sc_error *err)
{
    sc_status status = SC_OK;
    *out = NULL;
    sc_head *head = sc_calloc(sizeof *head);
    if (head == NULL) return sc_fail(err, SC_NOMEM, "no memory for the head");
    head->final_relu = final_relu;
    SC_TRY(sc_take_norm(source, "features.norm5", MAPS, eps, true, &head->norm_scale,
                        &head->norm_shift, err));
    SC_TRY(take_dense(source, head, err));
    *out = head;
    head = NULL;
done:
    sc_head_destroy(head);
    return status;
}

void sc_head_destroy(sc_head *head)
{
    if (head == NULL) return;
    sc_free(head->norm_scale);
    sc_free(head->norm_shift);
    sc_free(head);
}

/* values[k] = map k at pixel p after norm5 and its ReLU. */
static void maps_at(const sc_head *head, const sc_engine *engine, const sc_map *map,
                    int64_t p, float values[MAPS])
{
    const int64_t at = p / map->w * map->row + p % map->w * map->step;
    const void *src = (const char *)map->data + (size_t)at * engine->item_nbytes;
    engine->pointwise->norm(src, head->norm_scale, head->norm_shift, head->final_relu,
                            values, MAPS);
}

/* weights[k] = gradient of by[0] * logit 0 + by[1] * logit 1 with respect to map k, at
 * any position. */
static void gradient(const sc_head *head, const float hidden[HIDDEN],
                     const double by[CLASSES], int64_t n_pixels, float weights[MAPS])
{
    double active[HIDDEN];
    for (int j = 0; j < HIDDEN; j++) {
        active[j] = 0.0;
        if (!(hidden[j] > 0.0f)) continue;
        for (int i = 0; i < CLASSES; i++) {
            active[j] += by[i] * (double)head->output_wei[i][j];
        }
    }
    for (int k = 0; k < MAPS; k++) {
        double sum = 0.0;
        for (int j = 0; j < HIDDEN; j++) {
            sum += active[j] * (double)head->hidden_wei[k][j];
        }
        weights[k] = (float)(sum / (double)n_pixels);
    }
}

/* The map of each logit whose place is not NULL. */
static void class_activation(const sc_head *head, const sc_engine *engine,
                             const sc_map *map, const float hidden[HIDDEN],
                             float *const cams[CLASSES])
{
    const int64_t n = map->h * map->w;
    float weights[CLASSES][MAPS], values[MAPS];
    for (int i = 0; i < CLASSES; i++) {
        const double by[CLASSES] = {i == 0, i == 1};
        if (cams[i] != NULL) gradient(head, hidden, by, n, weights[i]);
    }
    for (int64_t p = 0; p < n; p++) {
        maps_at(head, engine, map, p, values);
        for (int i = 0; i < CLASSES; i++) {
            if (cams[i] == NULL) continue;
            double sum = 0.0;
            for (int k = 0; k < MAPS; k++) {
                sum += (double)weights[i][k] * (double)values[k];
            }
            cams[i][p] = (float)sum;
        }
    }
}

static void mean_maps(const sc_head *head, const sc_engine *engine, const sc_map *map,
                      float *features, float mean[MAPS])
{
    const int64_t n = map->h * map->w;
    double sums[MAPS] = {0.0};
    float values[MAPS];
    for (int64_t p = 0; p < n; p++) {
        maps_at(head, engine, map, p, values);
        for (int k = 0; k < MAPS; k++) sums[k] += (double)values[k];
        for (int k = 0; features != NULL && k < MAPS; k++)
            features[k * n + p] = values[k];
    }
    for (int k = 0; k < MAPS; k++) mean[k] = (float)(sums[k] / (double)n);
}

static void dense_layers(const sc_head *head, const float mean[MAPS],
                         float hidden[HIDDEN], double logits[CLASSES])
{
    memcpy(hidden, head->hidden_bias, sizeof head->hidden_bias);
    for (int k = 0; k < MAPS; k++) {
        for (int j = 0; j < HIDDEN; j++) hidden[j] += mean[k] * head->hidden_wei[k][j];
    }
    for (int j = 0; j < HIDDEN; j++) hidden[j] = hidden[j] > 0.0f ? hidden[j] : 0.0f;
    for (int i = 0; i < CLASSES; i++) {
        logits[i] = (double)head->output_bias[i];
        for (int j = 0; j < HIDDEN; j++) {
            logits[i] += (double)hidden[j] * (double)head->output_wei[i][j];
        }
    }
}

/* Of two classes: the logistic function of the difference. */
static void softmax(const double logits[CLASSES], double p[CLASSES])
{
    p[0] = 1.0 / (1.0 + exp(logits[1] - logits[0]));
    p[1] = 1.0 / (1.0 + exp(logits[0] - logits[1]));
}

void sc_head_run(const void *context, const sc_engine *engine, const sc_map *map,
                 const sc_image *image, int thread, int n_threads)
{
    /* A 200th of the network's work: not worth sharing. */
    (void)n_threads;
    if (thread != 0) return;
    const sc_head *head = context;
    float mean[MAPS], hidden[HIDDEN];
    double logits[CLASSES];
    mean_maps(head, engine, map, image->features, mean);
    dense_layers(head, mean, hidden, logits);
    double p[CLASSES];
    softmax(logits, p);
    for (int i = 0; i < CLASSES; i++) image->dst[i] = (float)p[i];
    if (image->cams != NULL) {
        float *const both[CLASSES] = {image->cams, image->cams + map->h * map->w};
        class_activation(head, engine, map, hidden, both);
    }
    if (image->cam == NULL) return;
    float *one[CLASSES] = {NULL, NULL};
    one[image->cam_index] = image->cam;
    class_activation(head, engine, map, hidden, one);
}

/* ---- Backward ------------------------------------------------------------------- */

void sc_head_gradient(const void *context, const sc_engine *engine, const sc_map *map,
                      const sc_image *image, int thread, int n_threads)
{
    (void)n_threads;
    if (thread != 0) return;
    const sc_head *head = context;
    float mean[MAPS], hidden[HIDDEN];
    double logits[CLASSES], p[CLASSES], by[CLASSES];
    mean_maps(head, engine, map, NULL, mean);
    dense_layers(head, mean, hidden, logits);
    for (int i = 0; i < CLASSES; i++) by[i] = (double)image->direction[i];
    if (image->probability) {
        softmax(logits, p);
        /* d p_0 = p_0 p_1 (d logit 0 - d logit 1), and p_1 changes by the opposite. */
        by[0] = p[0] * p[1] * (by[0] - by[1]);
        by[1] = -by[0];
    }
    gradient(head, hidden, by, map[0].h * map[0].w, map[1].data);
}

void sc_head_back(const void *context, const sc_engine *engine, const sc_map *map,
                  const sc_image *image, int thread, int n_threads)
{
    (void)image;
    const sc_head *head = context;
    const sc_map *src = &map[0], *dst = &map[2];
    float passed[MAPS];
    for (int k = 0; k < MAPS; k++) {
        passed[k] = ((const float *)map[1].data)[k] * head->norm_scale[k];
    }
    for (int64_t y = thread; y < src->h; y += n_threads) {
        const float *src_y = (const float *)src->data + y * src->row;
        float *dst_y = (float *)dst->data + y * dst->row;
        for (int64_t x = 0; x < src->w && !head->final_relu; x++) {
            memcpy(dst_y + x * dst->step, passed, sizeof passed);
        }
        if (!head->final_relu) continue;
        engine->pointwise->norm_relu_back(passed, 0, src_y, src->step, head->norm_scale,
                                          head->norm_shift, false, dst_y, dst->step,
                                          src->w, MAPS);
    }
}

void sc_head_emit(const void *context, const sc_engine *engine, const sc_map *map,
                  const sc_image *image, int thread, int n_threads)
{
    const sc_head *head = context;
    const int64_t n = map[0].h * map[0].w;
    const float *weights = map[1].data;
    float values[MAPS];
    for (int64_t p = thread; p < n; p += n_threads) {
        maps_at(head, engine, map, p, values);
        for (int k = 0; k < MAPS; k++) {
            image->activations[k * n + p] = values[k];
            image->gradients[k * n + p] = weights[k];
        }
    }
}
