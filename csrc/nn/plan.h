/* A network for images of one size: buffers, steps, who computes what.
 *
 * Built once by nets/ (add buffers, add steps in order, sc_plan_finish), then run any
 * number of times without allocating.  The maps are channel-last with a border of zero
 * pixels ("halo"), so that no convolution has a special case at the edge; the pixels
 * are padded to whole cache lines.  Buffers whose lives do not overlap share memory.
 *
 * One plan is run by all its threads together, image by image; every step ends with
 * a barrier.
 */
#ifndef SC_NN_PLAN_H
#define SC_NN_PLAN_H

#include "weights.h"

#include "../base/threads.h"

typedef struct sc_plan sc_plan;

/* Where one image comes from and where its results go (api/networks.h: sc_forward and
 * sc_backward); all planes are float32. */
typedef struct {
    const float *src;
    float *dst;
    float *features;
    float *cam;
    int cam_index;
    float *cams;
    const float *direction;
    bool probability;
    float *activations, *gradients;
    float *ranges; /* NULL, or of each step: sc_call */
} sc_image;

/* A channel-last map, or a slice of its channels: pixel (y, x) begins at
 * data + y * row + x * step elements. */
typedef struct {
    void *data;
    int64_t row, step, h, w, c;
} sc_map;

/* Channels from 'channel' on of buffer number 'buffer'. */
typedef struct {
    int buffer;
    int64_t channel;
} sc_view;

/* ---- Building ----------------------------------------------------------------- */

/* A plan for 'n_threads'; 'engine' is copied.  After the first failure every call
 * below does nothing, and sc_plan_finish reports it. */
sc_status sc_plan_create(const sc_engine *engine, int n_threads, sc_plan **out,
                         sc_error *err);
void sc_plan_destroy(sc_plan *plan);

/* Maps of h x w x c with a border of 'halo' zero pixels; returns the number.
 * 'dense': pixels are not padded, so that neighbours are consecutive. */
int sc_plan_buffer(sc_plan *plan, int64_t h, int64_t w, int64_t c, int64_t halo,
                   bool dense);

/* A buffer of float32 whatever the engine's type. */
int sc_plan_buffer_f32(sc_plan *plan, int64_t h, int64_t w, int64_t c);

/* A buffer of bytes, for layers in integers.  What fills its halo, the byte of 0, is told
 * by each convolution to it that begins a map (dst_zero). */
int sc_plan_buffer_u8(sc_plan *plan, int64_t h, int64_t w, int64_t c, int64_t halo);

/* The image's planes into 'dst', which must be dense: a row is written without gaps. */
void sc_plan_input(sc_plan *plan, const char *name, int dst);

/* The end of a convolution in a backward pass, in place of conv.h's epilogue: the sums go
 * through the ReLU (and the batch normalisation before it) whose input was 'src' (h, w, c as dst), that is
 *
 *     dst[p, c] = src[p, c] * norm_scale[c] + norm_shift[c] > 0 ? sum[p, c] : 0
 *
 * The sums themselves are not scaled: put norm_scale into the weights.  Such a step has
 * one phase and none of bias, relu, post, add and norm; dst and src are buffers of the
 * engine's type. */
typedef struct {
    sc_view src;
    const float *norm_scale, *norm_shift; /* both or neither: src > 0 */
    bool add;                             /* to what dst holds */
    bool spread2; /* each sum to 2 x 2 pixels of dst; an odd last row or column: 0 */
} sc_back;

/* A convolution with its surroundings: see conv.h for the arithmetic.  Pointers must
 * outlive the plan; channels are padded as by sc_channels. */
typedef struct {
    const char *name;
    const sc_conv_weights *wei[2]; /* [1] may be NULL */
    sc_view src[2]; /* 3 x 3 reads one pixel of halo round it, and so on */
    sc_view dst;
    int64_t h, w; /* output pixels */
    int64_t dst_y, dst_x,
        dst_stride; /* output (y, x) goes to dst_y + y * dst_stride .. */
    bool relu;
    const float *post_scale, *post_shift;
    int dst_zero; /* of a buffer of bytes: the one for 0.  To it, a layer that is not in
                     integers has 'post', as what makes its values bytes */
    const sc_view *add; /* NULL: none */
    const float *add_scale;
    const float *norm_scale,
        *norm_shift;     /* 1 x 1 only: max(src * scale + shift, 0) first */
    bool mean2;          /* and then the mean over 2 x 2 pixels */
    const sc_back *back; /* NULL: none */
} sc_conv_step;
void sc_plan_conv(sc_plan *plan, const sc_conv_step *step);

/* The largest of k x k pixels 'stride' apart; 'origin' is the offset of the window of
 * output pixel 0: 0, or -1 into the halo. */
void sc_plan_max_pool(sc_plan *plan, const char *name, sc_view src, sc_view dst,
                      int64_t c, int64_t k, int64_t stride, int64_t origin);

/* A step of the network's own: 'run' is called on every thread with the maps that the
 * step was given, in order, the one it writes last. */
typedef void (*sc_custom_fn)(const void *context, const sc_engine *engine,
                             const sc_map *map, const sc_image *image, int thread,
                             int n_threads);
void sc_plan_custom(sc_plan *plan, const char *name, const char *kind, sc_view src,
                    sc_custom_fn run, const void *context, double flops);

/* The same, of up to two sources (src[1].buffer -1: one), writing 'dst' (.buffer -1:
 * none of the plan's). */
void sc_plan_custom_to(sc_plan *plan, const char *name, const char *kind,
                       const sc_view src[2], sc_view dst, sc_custom_fn run,
                       const void *context, double flops);

/* Lay out memory.  Then call sc_plan_prepare on each of the plan's threads, and give it
 * memory: sc_plan_place. */
sc_status sc_plan_finish(sc_plan *plan, sc_error *err);
sc_status sc_plan_prepare(sc_plan *plan, int thread, sc_error *err);

/* ---- Running and describing ------------------------------------------------------ */

/* Compute one image: called by all n_threads of the plan at once, each with its
 * number.  'profile' (NULL, or seconds per step) is added to by thread 0.  Returns the
 * thread's own status; after *cancel it returns early. */
sc_status sc_plan_run(sc_plan *plan, int thread, const sc_image *image,
                      const atomic_bool *cancel, double *profile, sc_error *err);

int64_t sc_plan_n_steps(const sc_plan *plan);
void sc_plan_describe(const sc_plan *plan, int64_t step, sc_layer_info *out);

/* What a plan's maps need, and whether all are float32.  They lie alike in all plans that
 * were built by the same calls, whatever their number of threads. */
size_t sc_plan_nbytes(const sc_plan *plan);
bool sc_plan_all_f32(const sc_plan *plan);

/* Put the maps into 'workspace', sc_plan_nbytes from sc_alloc, which the plan does not own;
 * none of its threads may be running. */
void sc_plan_place(sc_plan *plan, void *workspace);

#endif
