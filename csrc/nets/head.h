/* DenseNet121's head, and Grad-CAM through it.
 *
 * With a mean over positions followed by two dense layers, the gradient of a logit with
 * respect to map k is the same at every position: g_k / (fh * fw) with
 * g_k = sum_j output[i, j] * [hidden_j > 0] * hidden_weight[j, k].  So Grad-CAM's
 * (Selvaraju et al. 2017, eq. 1) weights need no backward pass, and are exact.
 */
#ifndef SC_NETS_HEAD_H
#define SC_NETS_HEAD_H

#include "model.h"

typedef struct sc_head sc_head;

/* Takes features.norm5, hidden and output. */
sc_status sc_head_create(sc_source *source, float eps, bool final_relu, sc_head **out,
                         sc_error *err);
void sc_head_destroy(sc_head *head);

/* The plan's last step (sc_custom_fn, 'context' an sc_head): probabilities to
 * image->dst, the maps and the class-activation map where they are wanted. */
void sc_head_run(const void *context, const sc_engine *engine, const sc_map *map,
                 const sc_image *image, int thread, int n_threads);

#endif
