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

/* weights[k] = gradient of logit 'index' with respect to map k, at any position. */
static void gradient(const sc_head *head, const float hidden[HIDDEN], int index,
                     int64_t n_pixels, float weights[MAPS])
{
    for (int k = 0; k < MAPS; k++) {
        double sum = 0.0;
        for (int j = 0; j < HIDDEN; j++) {
            if (!(hidden[j] > 0.0f)) continue;
            sum += (double)head->output_wei[index][j] * (double)head->hidden_wei[k][j];
        }
        weights[k] = (float)(sum / (double)n_pixels);
    }
}

static void class_activation(const sc_head *head, const sc_engine *engine,
                             const sc_map *map, const float hidden[HIDDEN], int index,
                             float *cam)
{
    const int64_t n = map->h * map->w;
    float weights[MAPS], values[MAPS];
    gradient(head, hidden, index, n, weights);
    for (int64_t p = 0; p < n; p++) {
        maps_at(head, engine, map, p, values);
        double sum = 0.0;
        for (int k = 0; k < MAPS; k++) sum += (double)weights[k] * (double)values[k];
        cam[p] = (float)sum;
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
    /* Two classes: softmax is the logistic function of the difference. */
    image->dst[0] = (float)(1.0 / (1.0 + exp(logits[1] - logits[0])));
    image->dst[1] = (float)(1.0 / (1.0 + exp(logits[0] - logits[1])));
    if (image->cam == NULL) return;
    class_activation(head, engine, map, hidden, image->cam_index, image->cam);
}
