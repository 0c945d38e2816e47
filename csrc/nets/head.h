/* DenseNet121's head, and Grad-CAM through it.
 *
 * With a mean over positions followed by two dense layers, the gradient of a logit with
 * respect to map k is the same at every position: g_k / (fh * fw) with
 * g_k = sum_j output[i, j] * [hidden_j > 0] * hidden_weight[j, k].  So Grad-CAM's
 * (Selvaraju et al. 2017, eq. 1) weights need no backward pass, and are exact.  A
 * backward pass to deeper layers begins with the same numbers.
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

/* Steps of a backward pass (sc_custom_fn, 'context' an sc_head).
 *
 * gradient   {block 4's maps} to one float32 pixel of 1024 values: the gradient of the
 *            image's 'direction' (of its logits, or of its softmax) with respect to
 *            each of the last maps, at any position
 * back       {block 4's maps, that pixel} to block 4's gradient, through norm5 and ReLU
 * emit       {block 4's maps, that pixel}: the last maps to image->activations and
 *            their gradient to image->gradients */
void sc_head_gradient(const void *context, const sc_engine *engine, const sc_map *map,
                      const sc_image *image, int thread, int n_threads);
void sc_head_back(const void *context, const sc_engine *engine, const sc_map *map,
                  const sc_image *image, int thread, int n_threads);
void sc_head_emit(const void *context, const sc_engine *engine, const sc_map *map,
                  const sc_image *image, int thread, int n_threads);

#endif
