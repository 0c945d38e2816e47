/* spinalcord.h - the C core: from a volume's voxels to lesions and diagnoses.
 *
 * Volumes  float32 or uint8, C order, axes (slice, row, column) in the working
 *          orientation: slices run L->R, rows S->I, columns A->P.
 * Images   float32, C order, axes (n, c, h, w); masks uint8, values 0 and 1.
 * Units    lengths in millimetres, probabilities in [0, 1].
 * Errors   what can fail returns sc_status and fills *err (err may be NULL).
 * Owners   who calls _create calls _destroy; every other pointer is borrowed.
 * Threads  share an sc_net; an sc_runner serves one call at a time.
 *
 * The core knows neither Python nor files: it never prints, exits or changes the
 * process's state (thread counts, signal handlers, locale).
 */
#ifndef SPINALCORD_H
#define SPINALCORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- Status --------------------------------------------------------------- */

/* Values are fixed for ever; new ones go into the gaps. */
typedef enum {
    SC_OK = 0,
    SC_NOMEM = 10,
    SC_BAD_VALUE = 20,   /* an argument breaks its documented contract */
    SC_BAD_SHAPE = 21,   /* an extent is out of range or does not fit another */
    SC_NOT_FINITE = 22,  /* NaN or infinity in the input */
    SC_BAD_MODEL = 30,   /* tensors missing, extra, of the wrong shape, or NaN */
    SC_UNSUPPORTED = 40, /* this CPU or build cannot do it */
    SC_BACKEND = 50,     /* err->detail holds oneDNN's own status */
    SC_CANCELLED = 60,   /* the caller's poll function asked to stop */
    SC_INTERNAL = 90,    /* our own bug */
} sc_status;

/* What went wrong: the code, a number that the code's comment explains, and one
 * sentence with what was given and what was expected. */
typedef struct {
    sc_status code;
    int detail;
    char text[240];
} sc_error;

/* ---- Images: from a scan to a network's input and back (csrc/image) -------- */

typedef enum {
    SC_U8 = 0,
    SC_I8 = 1,
    SC_U16 = 2,
    SC_I16 = 3,
    SC_U32 = 4,
    SC_I32 = 5,
    SC_U64 = 6,
    SC_I64 = 7,
    SC_F32 = 8,
    SC_F64 = 9,
} sc_dtype;

/* A scan as it is stored: three axes in any order and direction. */
typedef struct {
    const void *data; /* voxel (0, 0, 0); voxels aligned, of native byte order */
    sc_dtype dtype;
    int64_t extents[3];
    int64_t strides_nbytes[3]; /* any sign, or 0 */
} sc_scan;

/* Working axis k (slice, row, column) is stored axis axes[k], run through backwards
 * where flips[k]. */
typedef struct {
    int axes[3]; /* a permutation of 0, 1, 2 */
    bool flips[3];
} sc_orientation;

/* Bring a stored scan into the working orientation.
 *
 * 'dst'  float32 (slice, row, column), as many voxels as 'src'
 *
 * SC_BAD_SHAPE for an empty axis, SC_BAD_VALUE for an impossible orientation,
 * SC_NOT_FINITE for voxels that are NaN, infinite or beyond float32 (err->detail
 * holds their number, at most INT_MAX; 'dst' is filled all the same). */
sc_status sc_scan_orient(const sc_scan *src, const sc_orientation *orientation,
                         float *dst, sc_error *err);

/* The inverse, for results: 'src' (slice, row, column) and 'dst' (as stored, C order)
 * have items of 1 or 4 bytes; 'stored' are the extents of 'dst'. */
sc_status sc_volume_unorient(const void *src, int64_t item_nbytes,
                             const int64_t stored[3], const sc_orientation *orientation,
                             void *dst, sc_error *err);

/* dst = src scaled to [0, 1]: z-score over all n voxels (population standard
 * deviation, sums in double), clipped to [-clip, clip], minimum to 0, maximum to 1.
 * 'dst' may be 'src'.
 *
 * SC_BAD_SHAPE for n < 1, SC_BAD_VALUE for a constant volume or a bad 'clip',
 * SC_NOT_FINITE as above. */
sc_status sc_volume_normalize(const float *src, int64_t n, double clip, float *dst,
                              sc_error *err);

/* How an image lies on a slice of the scan: row i of the image shows the scan's row
 * row0 + i * row_step, column j its column col0 + j * col_step, in voxels counted from
 * the centre of the first.  Steps are positive. */
typedef struct {
    double row0, row_step;
    double col0, col_step;
} sc_frame;

enum {
    SC_IMAGE_SIDE_MAX = 4096, /* pixels of a network's image along one axis */
    SC_SIDE_MAX = 32768,      /* pixels along one axis of whatever is resampled */
};

/* A slice of rows x cols stretched to h x w: half-pixel centres, that is, outer edges
 * on outer edges.  SC_BAD_SHAPE. */
sc_status sc_frame_stretch(int64_t rows, int64_t cols, int64_t h, int64_t w,
                           sc_frame *out, sc_error *err);

/* A slice at pixels of 'pixel_mm' squared.
 *
 * Along an axis of n voxels 'voxel_mm' apart the scan fills the first
 * ceil(n * voxel_mm / pixel_mm - 0.01) pixels (what is less than a hundredth of a pixel
 * is rounding in the header, and not worth one).  Their middle lies on the scan's
 * middle, and they are exactly pixel_mm apart: no drift.  Padding follows after them,
 * up to the multiple of 16 that 'h' and 'w' return.
 *
 * SC_BAD_VALUE for lengths that are not positive and finite, SC_BAD_SHAPE for an image
 * with more than SC_IMAGE_SIDE_MAX pixels along an axis. */
sc_status sc_frame_physical(int64_t rows, int64_t cols, double row_mm, double col_mm,
                            double pixel_mm, sc_frame *out, int64_t *h, int64_t *w,
                            sc_error *err);

/* The h x w window of the images of 'frame' whose middle is nearest to the middle of a
 * box of the scan; it may reach beyond the scan.
 *
 * 'box'  first row, last row, first column, last column, in voxels */
sc_frame sc_frame_window(const sc_frame *frame, const int64_t box[4], int64_t h,
                         int64_t w);

/* "Area" is the mean over a destination pixel along axes with a step above 1, and
 * linear interpolation along others; nearest takes the later of two equals. */
typedef enum { SC_LINEAR = 0, SC_AREA = 1, SC_NEAREST = 2 } sc_filter;

/* What pixels show whose centres lie outside the source (whose outer pixels reach half
 * a pixel beyond their centres): 0, or the nearest edge. */
typedef enum { SC_OUTSIDE_ZERO = 0, SC_OUTSIDE_EDGE = 1 } sc_outside;

/* Resample n images to the pixels of a frame.
 *
 * 'src'  float32 (n, rows, cols)
 * 'dst'  float32 (n, h, w)
 *
 * SC_BAD_SHAPE for sides outside 1 to SC_SIDE_MAX, SC_BAD_VALUE for a frame that is not
 * finite or without positive steps, SC_NOT_FINITE for NaN or infinity in 'src',
 * SC_NOMEM; so also the functions below. */
sc_status sc_images_resample(const float *src, int64_t n, int64_t rows, int64_t cols,
                             const sc_frame *frame, sc_filter filter,
                             sc_outside outside, float *dst, int64_t h, int64_t w,
                             sc_error *err);

/* Each image with its neighbours as channels: before, itself, after.
 *
 * The neighbours lie 'step' images away, linear between two; past the first and the
 * last image those are repeated.
 *
 * 'src'  float32 (n, pixels), images of a stack's slices in order
 * 'dst'  float32 (n, 3, pixels)
 *
 * SC_BAD_SHAPE without images or pixels, SC_BAD_VALUE for a step that is not positive
 * and finite. */
sc_status sc_images_context(const float *src, int64_t n, int64_t pixels, double step,
                            float *dst, sc_error *err);

/* The way back for probabilities: bilinear, from those pixels alone that lie on the
 * scan, the outermost of which are repeated.
 *
 * 'src'  float32 (n, h, w), images of one frame
 * 'dst'  float32 (n, rows, cols)
 *
 * SC_BAD_VALUE also where the frame shows nothing of the scan. */
sc_status sc_images_restore(const float *src, int64_t n, int64_t h, int64_t w,
                            const sc_frame *frame, float *dst, int64_t rows,
                            int64_t cols, sc_error *err);

/* The way back for one coarse map that stretches over the whole h x w image of a
 * frame: bilinear; 0 outside the image.
 *
 * 'src'  float32 (map_h, map_w)
 * 'dst'  float32 (rows, cols) */
sc_status sc_map_restore(const float *src, int64_t map_h, int64_t map_w,
                         const sc_frame *frame, int64_t h, int64_t w, float *dst,
                         int64_t rows, int64_t cols, sc_error *err);

/* The slices of a mask (slice, row, column) that hold anything but 0.
 *
 * 'slices'  their numbers, ascending; room for extents[0]
 * 'boxes'   first row, last row, first column, last column of each; room likewise
 *
 * Returns their count. */
int64_t sc_mask_slices(const uint8_t *mask, const int64_t extents[3], int64_t *slices,
                       int64_t (*boxes)[4]);

/* The h x w window of the images of 'frame' for the lesion of one slice: centred on its
 * bounding box, so that whatever fits lies in it.  Where the box is larger than the
 * window, along rows first and then columns, it is cut to the part of the window's
 * extent that holds the most lesion, the first of equals.
 *
 * 'mask'  the slice (rows, cols)
 * 'box'   of its lesion, as from sc_mask_slices */
sc_frame sc_lesion_window(const uint8_t *mask, int64_t cols, const int64_t box[4],
                          const sc_frame *frame, int64_t h, int64_t w);

/* The classifiers' image of one slice: channels [t1c, t2, mask], the first two
 * resampled by area, the mask to the nearest voxel; zero beyond the scan.
 *
 * 't1c'              float32 (rows, cols), or NULL for a channel of zeros
 * 't2', 'mask'       (rows, cols)
 * 'filter'           of t1c and t2: SC_LINEAR or SC_AREA
 * 'dst'              float32 (3, h, w) */
sc_status sc_classifier_image(const float *t1c, const float *t2, const uint8_t *mask,
                              int64_t rows, int64_t cols, const sc_frame *frame,
                              sc_filter filter, float *dst, int64_t h, int64_t w,
                              sc_error *err);

/* Number the connected components of a mask (slice, row, column), largest first, equal
 * ones by their first voxel in C order.
 *
 * 'connectivity'  6, 18 or 26: neighbours share a face, an edge or a corner at least
 * 'min_voxels'    smaller components become background
 * 'labels'        int32, the extents of 'mask'; 0 is background
 * 'n'             count of components kept
 *
 * SC_BAD_SHAPE, SC_BAD_VALUE, SC_NOMEM. */
sc_status sc_components_label(const uint8_t *mask, const int64_t extents[3],
                              int connectivity, int64_t min_voxels, int32_t *labels,
                              int32_t *n, sc_error *err);

/* What is told of one lesion.  Extents run from outer edge to outer edge. */
typedef struct {
    int64_t n_voxels;
    double volume_mm3;
    double length_mm;              /* along the row axis, S-I */
    double width_mm;               /* along the column axis, A-P */
    double depth_mm;               /* along the slice axis, L-R */
    double max_diameter_mm;        /* between any two points, voxels taken as boxes */
    double centroid_mm[3];         /* of the voxel centres, RAS+ */
    double mean, sd;               /* of the intensities; population */
    double in_cord_fraction;       /* share of its voxels; NaN without a cord */
    double max_axial_damage_ratio; /* largest, over rows, of (lesion in cord) / cord */
} sc_lesion;

/* Measure the components of 'labels' (slice, row, column), numbered 1 to n.
 *
 * 'affine'  4 x 4, row by row: voxel (slice, row, column) to RAS+ millimetres
 * 'volume'  intensities, float32, the extents of 'labels'
 * 'cord'    uint8 of the same extents, or NULL
 * 'out'     n lesions, out[i] for label i + 1
 *
 * SC_BAD_SHAPE; SC_BAD_VALUE for a label outside 0 to n, one that does not occur or an
 * affine that is singular or not finite; SC_NOMEM. */
sc_status sc_lesions_measure(const int32_t *labels, const int64_t extents[3], int32_t n,
                             const float *volume, const double affine[16],
                             const uint8_t *cord, sc_lesion *out, sc_error *err);

/* Volume of one voxel in cubic millimetres; NaN unless the affine is finite and
 * regular. */
double sc_voxel_mm3(const double affine[16]);

/* The smallest number of voxels that has a volume, for 'min_voxels': a millionth of the
 * volume is forgiven to rounding in the affine.
 *
 * SC_BAD_VALUE for a volume that is negative or not finite, or a bad affine. */
sc_status sc_voxels_needed(const double affine[16], double volume_mm3,
                           int64_t *n_voxels, sc_error *err);

/* ---- Processor ------------------------------------------------------------- */

/* Instruction sets that have kernels of their own, each including those before. */
typedef enum {
    SC_ISA_AUTO = 0,   /* the best that the CPU has */
    SC_ISA_BASE = 1,   /* x86-64 */
    SC_ISA_AVX2 = 2,   /* with FMA */
    SC_ISA_AVX512 = 3, /* F, BW, VL, DQ */
    SC_ISA_AVX512_BF16 = 4,
    SC_ISA_AMX = 5, /* tiles, bfloat16 */
} sc_isa;

const char *sc_isa_name(sc_isa isa);
sc_isa sc_cpu_isa(void);    /* the best of this CPU */
bool sc_cpu_has_bf16(void); /* can networks run in bfloat16 here? */
int sc_cpu_usable(void);    /* processors: affinity, cgroup quota, OMP_NUM_THREADS */

/* Asked every 50 ms by calls that can take long, on the caller's own thread; nonzero
 * cancels the call, which then returns SC_CANCELLED. */
typedef int (*sc_poll_fn)(void *arg);

/* ---- Networks (csrc/nn, csrc/nets) ----------------------------------------- */

/* How a tensor's values are stored. */
typedef enum {
    SC_TENSOR_F32 = 0,
    SC_TENSOR_F16 = 1,
    SC_TENSOR_BF16 = 2
} sc_tensor_type;

/* One tensor of a model file.  Names and shapes are PyTorch's; the data may lie at
 * any address (a mapped file) and is read once, by sc_net_create. */
typedef struct {
    const char *name;
    sc_tensor_type type;
    int ndim; /* 1, 2 or 4 */
    int64_t shape[4];
    const void *data;
} sc_tensor;

typedef enum { SC_MULTIRESUNET = 1, SC_DENSENET121 = 2 } sc_net_kind;

/* What the arithmetic is done in; inputs and outputs are float32 in both. */
typedef enum { SC_PRECISION_F32 = 1, SC_PRECISION_BF16 = 2 } sc_precision;

typedef struct {
    sc_net_kind kind;
    int in_channels; /* 1 .. 16 */
    int outputs;     /* MultiResUNet: maps, 1 .. 16; DenseNet121: 2 classes */
    float norm_eps;  /* usual: MultiResUNet 1e-3; DenseNet121 1e-5, Keras' 1.001e-5 */
    bool final_norm; /* MultiResUNet: Norm before the sigmoid, else a bias */
    bool final_relu; /* DenseNet121: ReLU after norm5 */
    sc_precision precision;
    int threads; /* >= 1, for each call */
    sc_isa isa;  /* the best to use; SC_ISA_AUTO unless to compare */
} sc_net_config;

typedef struct sc_net sc_net;

/* Check, fold and pack the weights of one network.
 *
 * 'tensors'  every tensor of the architecture once, nothing else (names that end in
 *            num_batches_tracked are ignored); not needed after the call
 *
 * SC_BAD_MODEL names the tensor that is missing, extra, of the wrong shape or not
 * finite; SC_UNSUPPORTED where the CPU lacks what 'precision' needs. */
sc_status sc_net_create(const sc_net_config *config, const sc_tensor *tensors,
                        int64_t n_tensors, sc_net **out, sc_error *err);
void sc_net_destroy(sc_net *net); /* NULL is fine; no call may be under way */

int64_t sc_net_n_values(const sc_net *net); /* stored values, statistics included */

/* What a call computes besides the probabilities; every pointer may be NULL.
 *
 * 'features'  the last maps, (n, maps, fh, fw): sc_net_feature_shape
 * 'cam'       DenseNet121: the signed class-activation map of logit 'cam_index',
 *             (n, fh, fw): the maps weighted by the logit's gradient, summed, before
 *             any ReLU; the gradient is exact and the same at every position
 * 'profile'   sc_net_layer_count(net) seconds, added up over the images */
typedef struct {
    float *features;
    float *cam;
    int cam_index;
    double *profile;
} sc_net_extras;

/* Probabilities of 'n' >= 1 images.
 *
 * 'src'   (n, in_channels, h, w), finite; MultiResUNet: h and w multiples of 16 from
 *         16 to 4096; DenseNet121: from 32 to 4096
 * 'dst'   MultiResUNet (n, outputs, h, w), DenseNet121 (n, outputs)
 *
 * Any number of threads may call it at once; the result is the same, bit for bit,
 * whatever else runs and however many threads compute it.  SC_BAD_SHAPE,
 * SC_NOT_FINITE, SC_NOMEM, SC_BACKEND or SC_CANCELLED; dst is then undefined. */
sc_status sc_net_run(sc_net *net, int64_t n, int64_t h, int64_t w, const float *src,
                     float *dst, const sc_net_extras *extras, sc_poll_fn poll,
                     void *poll_arg, sc_error *err);

/* Extents (maps, fh, fw) of the last feature maps for images of h x w. */
void sc_net_feature_shape(const sc_net *net, int64_t h, int64_t w, int64_t shape[3]);

/* One step of the plan for images of h x w. */
typedef struct {
    char name[64];           /* the layer's tensors begin with it */
    char kind[24];           /* convolution, pooling, ... */
    char implementation[48]; /* own kernel and ISA, or oneDNN's own name */
    int64_t shape[3];        /* channels, rows, columns that it writes */
    double flops;            /* multiply-adds counted twice, padding not counted */
} sc_layer_info;

/* How many steps a plan has; the same for every size. */
int64_t sc_net_layer_count(const sc_net *net);

/* Describe the steps of the plan for h x w into 'layers' (sc_net_layer_count). */
sc_status sc_net_layers(sc_net *net, int64_t h, int64_t w, sc_layer_info *layers,
                        sc_error *err);

/* ---- Gradients ----------------------------------------------------------------- */

/* What a DenseNet121's gradient is taken with respect to: the image, what a dense block
 * puts out (all its channels, before the transition or norm5), or the last maps (after
 * norm5 and its ReLU). */
typedef enum {
    SC_LAYER_INPUT = 0,
    SC_LAYER_BLOCK1 = 1,
    SC_LAYER_BLOCK2 = 2,
    SC_LAYER_BLOCK3 = 3,
    SC_LAYER_BLOCK4 = 4,
    SC_LAYER_LAST = 5,
} sc_layer;

/* A backward pass: the gradient of
 *
 *     y = direction[0] * logit 0 + direction[1] * logit 1
 *
 * with respect to one layer's maps; with 'probability', of the two probabilities in
 * place of the logits.  (0, 1) is the positive class, (-1, 1) the difference.
 *
 * 'direction'       two finite numbers, and 'direction_step' floats on, for the next
 *                   image, the next two: 0 or 2
 * 'activations'     the layer's maps of each image, (n, channels, rows, columns): see
 *                   sc_net_layer_shape; of SC_LAYER_INPUT, the images
 * 'gradients'       of the same extents
 * 'profile'         NULL, or SC_MAX_STEPS seconds, added up over the images */
typedef struct {
    sc_layer layer;
    bool probability;
    const float *direction;
    int64_t direction_step;
    float *activations;
    float *gradients;
    double *profile;
} sc_backward;

enum { SC_MAX_STEPS = 256 };

/* Forward, and back from the head as far as 'what' asks and no further; DenseNet121
 * only.  'src' as for sc_net_run.
 *
 * All is computed in float32, also by a network opened in bf16, which becomes one in
 * float32 beside itself at the first call (sc_net_create keeps its tensors for that).
 * The first call to a layer, and the first of a size, allocate; no other does.  Where
 * maps are cut off at exactly 0, 0 comes back; of equal pixels in a max pooling, the
 * first gets it all.
 *
 * Threads, bits and errors as for sc_net_run; SC_BAD_VALUE for another network or
 * layer, SC_NOT_FINITE for a direction that is not. */
sc_status sc_net_backward(sc_net *net, int64_t n, int64_t h, int64_t w,
                          const float *src, const sc_backward *what, sc_poll_fn poll,
                          void *poll_arg, sc_error *err);

/* Channels, rows and columns of a layer of a DenseNet121 for images of h x w. */
sc_status sc_net_layer_shape(const sc_net *net, sc_layer layer, int64_t h, int64_t w,
                             int64_t shape[3], sc_error *err);

/* The *n steps of such a pass, as sc_net_layers; 'layers' has room for SC_MAX_STEPS.
 * What goes back bears the name of the layer that it goes back through. */
sc_status sc_net_backward_layers(sc_net *net, sc_layer layer, int64_t h, int64_t w,
                                 sc_layer_info *layers, int64_t *n, sc_error *err);

/* ---- Statistics --------------------------------------------------------------- */

/* Ranks, bootstraps and distances between masks know nothing of the above and are
 * declared in stats/stats.h. */

#endif
