/* Networks: open one once, then call it on batches of images. */
#ifndef SC_API_NETWORKS_H
#define SC_API_NETWORKS_H

#include "cpu.h"
#include "status.h"

#include <stdbool.h>
#include <stdint.h>

/* ---- Opening ---------------------------------------------------------------------- */

/* How the values of a tensor are stored. */
typedef enum {
    SC_TENSOR_F32 = 0,
    SC_TENSOR_F16 = 1,
    SC_TENSOR_BF16 = 2
} sc_tensor_type;

/* One tensor of a model file.  Names and shapes are PyTorch's.  The data may lie at any
 * address, in a mapped file for instance, and are read once, by sc_net_create. */
typedef struct {
    const char *name;
    sc_tensor_type type;
    int ndim; /* 1, 2 or 4 */
    int64_t shape[4];
    const void *data;
} sc_tensor;

typedef enum { SC_MULTIRESUNET = 1, SC_DENSENET121 = 2 } sc_net_kind;

/* The arithmetic of the convolutions.  Inputs and outputs are float32 in all.  In int8,
 * most convolutions multiply bytes, and the rest is bfloat16 where the CPU has it, else
 * float32. */
typedef enum {
    SC_PRECISION_F32 = 1,
    SC_PRECISION_BF16 = 2,
    SC_PRECISION_INT8 = 3
} sc_precision;

/* The least and the largest value that a step's maps take (sc_call.ranges), for int8. */
typedef struct {
    const char *name; /* of sc_layer_info; with ":in" behind it, of what a step reads */
    float low, high;
} sc_range;

typedef struct {
    sc_net_kind kind;
    int in_channels; /* 1 to 16 */
    int outputs;     /* MultiResUNet: maps, 1 to 16; DenseNet121: classes, 2 */
    float norm_eps;  /* usual: MultiResUNet 1e-3; DenseNet121 1e-5, Keras' 1.001e-5 */
    bool
        final_norm; /* MultiResUNet: batch normalisation before the sigmoid, not a bias */
    bool final_relu; /* DenseNet121: ReLU after norm5 */
    sc_precision precision;
    int threads;    /* of each call, at least 1 */
    sc_isa isa;     /* the best to use; SC_ISA_AUTO unless to compare */
    bool by_onednn; /* convolutions by oneDNN, also where there are own kernels */
    const sc_range
        *ranges; /* for int8, where it needs all; read by sc_net_create only */
    int64_t n_ranges;
} sc_net_config;

/* A network with its weights.  It is immutable for the caller, and any number of threads
 * may call it at once.  It may also be used in the child of a fork(). */
typedef struct sc_net sc_net;

/* Open a network: check, fold and pack its weights.
 *
 * 'tensors' must hold every tensor of the architecture once and nothing else, except that
 * names ending in num_batches_tracked are ignored.  They may be freed after the call.
 *
 * Returns SC_BAD_VALUE for a setting that is out of range, SC_BAD_MODEL with the name of a
 * tensor that is missing, extra, of the wrong shape or not finite, and SC_UNSUPPORTED where
 * the CPU lacks what 'precision' or 'isa' needs, or int8 a range. */
sc_status sc_net_create(const sc_net_config *config, const sc_tensor *tensors,
                        int64_t n_tensors, sc_net **out, sc_error *err);

/* Close a network and free its memory.  No call may be in progress. */
void sc_net_destroy(sc_net *net);

/* Give the memory that no call is using back to the system.  Calls leave the memory
 * of their maps to the next call of any network, because touching new memory takes time. */
void sc_trim_memory(void);

/* Return how many values the network stores, running statistics included. */
int64_t sc_net_n_values(const sc_net *net);

/* ---- Results and their shapes ----------------------------------------------------- */

/* Layers of a DenseNet121 with respect to which gradients can be computed: the image, the
 * output of a dense block (all its channels, before the transition or norm5), or the last
 * maps (after norm5 and its ReLU). */
typedef enum {
    SC_LAYER_INPUT = 0,
    SC_LAYER_BLOCK1 = 1,
    SC_LAYER_BLOCK2 = 2,
    SC_LAYER_BLOCK3 = 3,
    SC_LAYER_BLOCK4 = 4,
    SC_LAYER_LAST = 5,
} sc_layer;

/* The outputs of a call. */
typedef enum {
    SC_OUTPUT_PROBABILITIES = 0, /* MultiResUNet: (outputs, h, w); DenseNet121: (2) */
    SC_OUTPUT_FEATURES = 1,      /* the last maps: (maps, rows, columns) */
    SC_OUTPUT_CAM = 2,           /* DenseNet121: (rows, columns) */
    SC_OUTPUT_LAYER = 3,         /* of a layer: (channels, rows, columns) */
    SC_OUTPUT_CAMS = 4,          /* DenseNet121: (2, rows, columns) */
} sc_output;

/* Axes and extents of one image's result. */
typedef struct {
    int n_axes; /* 1 to 3 */
    int64_t extents[3];
} sc_shape;

/* Get the shape of a result for one image of h x w; a batch of n has n of them, one after
 * the other.  'layer' is used for SC_OUTPUT_LAYER only.
 *
 * Returns SC_BAD_SHAPE for a size that the network does not accept, and SC_BAD_VALUE for an
 * output or layer that it does not have. */
sc_status sc_net_shape(const sc_net *net, sc_output output, sc_layer layer, int64_t h,
                       int64_t w, sc_shape *out, sc_error *err);

/* ---- Calls ------------------------------------------------------------------------ */

enum { SC_MAX_STEPS = 256 }; /* of any plan */

typedef enum {
    SC_FORWARD = 0,  /* from the images to probabilities */
    SC_BACKWARD = 1, /* the same, and back from the head to a layer; DenseNet121 only */
} sc_pass;

/* The outputs of a forward pass.  Only 'probabilities' is required.
 *
 * The class-activation map of logit 'cam_index' is signed: the last maps weighted by the
 * logit's gradient and summed, before any ReLU.  The gradient is exact, and the same at
 * every position.  'cams' are the maps of both logits, with the same bits: which of the two
 * answers a patient has is only known once all slices are computed. */
typedef struct {
    float *probabilities;
    float *features; /* or NULL */
    float *cam;      /* or NULL; DenseNet121 only */
    int cam_index;   /* 0 or 1 */
    float *cams;     /* or NULL; DenseNet121 only */
} sc_forward;

/* The outputs of a backward pass: the maps of a layer, and the gradient with respect to
 * them of
 *
 *     y = direction[0] * logit 0 + direction[1] * logit 1
 *
 * or, with 'probability', of the two probabilities in place of the logits.  (0, 1) is the
 * positive class, (-1, 1) the difference.
 *
 * The gradient of a ReLU at exactly 0 is 0; of equal pixels under a max pooling, the first
 * receives the whole gradient.  All arithmetic is float32, also in a network opened in
 * bf16: its first backward pass opens it in float32 as well, from a copy of its tensors
 * that it keeps for this purpose. */
typedef struct {
    sc_layer layer;
    bool probability;
    const float *direction; /* two finite numbers for an image */
    int64_t
        direction_step; /* floats to the next image's: 2, or 0 for the same for all */
    float *activations; /* SC_OUTPUT_LAYER; of SC_LAYER_INPUT, the images */
    float *gradients;   /* the same shape */
} sc_backward;

/* One call.  Set unwanted outputs to NULL and unused fields to 0. */
typedef struct {
    sc_pass pass;
    int64_t n, h, w;      /* images and their sides */
    const float *images;  /* (n, in_channels, h, w), finite */
    sc_forward forward;   /* for SC_FORWARD */
    sc_backward backward; /* for SC_BACKWARD */
    /* NULL, or room for SC_MAX_STEPS: the seconds of each step of sc_net_steps are added
     * to it, over all images.  All threads then compute each image together. */
    double *seconds;
    /* NULL, or room for SC_MAX_STEPS times four: the least and the largest value that each
     * step read behind its batch normalisation and ReLU (0 and 0 without), and that it
     * wrote, over these images and what is there before.  For a network in float32 only;
     * others give SC_BAD_VALUE. */
    float *ranges;
    sc_poll_fn poll;
    void *poll_arg;
} sc_call;

/* Run a network on 'n' images, at least 1.
 *
 * MultiResUNet takes sides that are multiples of 16 from 16 to 4096, DenseNet121 sides from
 * 32 to 4096.  Equal images give equal bits, regardless of other load and of how the batch
 * is divided.  Results do not depend on the number of threads either, except on
 * SC_ISA_BASE, where oneDNN computes the convolutions.  The first call for a size, and the
 * first backward pass to a layer, allocate memory; later calls reuse that of the last few
 * sizes.
 *
 * Returns SC_BAD_SHAPE, SC_BAD_VALUE for a pass or layer that the network does not have,
 * SC_NOT_FINITE for images or a direction that are not finite, SC_BACKEND or SC_CANCELLED.
 * The results are then undefined. */
sc_status sc_net_run(sc_net *net, const sc_call *call, sc_error *err);

/* ---- Steps ------------------------------------------------------------------------ */

/* One step of the plan that computes a pass. */
typedef struct {
    char name[64]; /* prefix of the names of the layer's tensors */
    char kind[24]; /* "convolution", "max pooling", ... */
    char implementation
        [48];         /* our own kernel and its instruction set, or oneDNN's name */
    int64_t shape[3]; /* channels, rows and columns that it writes */
    double flops;     /* multiply-adds counted twice, padding not counted */
} sc_layer_info;

/* Describe the steps of a pass over images of h x w.
 *
 * 'layer' is used for SC_BACKWARD only.  'steps' needs room for SC_MAX_STEPS; 'n' receives
 * their number, which does not depend on h and w.  A step of the backward pass has the
 * name of the layer that it differentiates.  Fails as sc_net_run does. */
sc_status sc_net_steps(sc_net *net, sc_pass pass, sc_layer layer, int64_t h, int64_t w,
                       sc_layer_info *steps, int64_t *n, sc_error *err);

/* Return the most multiply-adds a second of a precision that the calling thread reached, in
 * 'seconds' of doing nothing else; 0 where there are no kernels for it. */
double sc_cpu_peak(sc_precision precision, double seconds);

/* How batches of one size are computed. */
typedef struct {
    int64_t nbytes; /* of the maps of one plan */
    bool measured;  /* whether the two times are known */
    bool alone;     /* each thread computes whole images; else all share each image */
    double alone_seconds, together_seconds; /* an image, all threads busy */
} sc_plan_info;

/* Tell how forward passes over batches of h x w are computed.
 *
 * The first batch of four images a thread measures both ways on its own images; shorter
 * ones before it give each thread whole images from two a thread on, except that two threads
 * share images whose maps take more than 16 MiB.  A caller of several
 * threads at once sees what one of them measured.  Fails as sc_net_run does. */
sc_status sc_net_plan_info(sc_net *net, int64_t h, int64_t w, sc_plan_info *out,
                           sc_error *err);

#endif
