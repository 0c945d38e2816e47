/* Images: from the slices of a volume to the pixels of a network, and back. */
#ifndef SC_API_IMAGES_H
#define SC_API_IMAGES_H

#include "status.h"

#include <stdint.h>

enum {
    SC_IMAGE_SIDE_MAX = 4096, /* pixels of a network's image along one axis */
    SC_SIDE_MAX = 32768,      /* pixels along one axis of whatever is resampled */
};

/* ---- Frames ----------------------------------------------------------------------- */

/* The position of an image on a slice of the scan.  Row i of the image shows row
 * row0 + i * row_step of the scan and column j its column col0 + j * col_step, counted in
 * voxels from the centre of the first one.  Steps are positive. */
typedef struct {
    double row0, row_step;
    double col0, col_step;
} sc_frame;

/* Stretch an image of h x w pixels over a whole slice of rows x cols voxels, so that their
 * outer edges coincide (half-pixel centres).
 *
 * Returns SC_BAD_SHAPE for an empty slice or sides outside 1 to SC_IMAGE_SIDE_MAX. */
sc_status sc_frame_stretch(int64_t rows, int64_t cols, int64_t h, int64_t w,
                           sc_frame *out, sc_error *err);

/* Place an image with pixels of 'pixel_mm' squared on a whole slice.
 *
 * Along an axis of n voxels that are 'voxel_mm' apart (row_mm or col_mm), the scan fills
 * the first ceil(n * voxel_mm / pixel_mm - 0.01) pixels; less than a hundredth of a pixel
 * is attributed to rounding in the header.  These pixels are centred on the scan and are
 * exactly pixel_mm apart.  They are followed by padding up to the multiple of 16 that 'h'
 * and 'w' receive.
 *
 * Returns SC_BAD_VALUE for lengths that are not positive and finite, and SC_BAD_SHAPE for
 * an empty slice or an image of more than SC_IMAGE_SIDE_MAX pixels along an axis. */
sc_status sc_frame_physical(int64_t rows, int64_t cols, double row_mm, double col_mm,
                            double pixel_mm, sc_frame *out, int64_t *h, int64_t *w,
                            sc_error *err);

/* Return the frame of the h x w pixels of 'frame' whose middle is nearest to the middle of
 * a box of the scan: its first row, last row, first column and last column, in voxels.
 * The window may reach beyond the scan. */
sc_frame sc_frame_window(const sc_frame *frame, const int64_t box[4], int64_t h,
                         int64_t w);

/* ---- Resampling ------------------------------------------------------------------- */

/* SC_AREA takes the mean over a destination pixel along axes with a step above 1, and
 * interpolates linearly along others.  Of two equally near
 * pixels, SC_NEAREST takes the later one. */
typedef enum { SC_LINEAR = 0, SC_AREA = 1, SC_NEAREST = 2 } sc_filter;

/* The values of pixels with centres outside the source: 0, or those of the nearest edge.
 * The source ends half a pixel beyond the centres of its outer pixels. */
typedef enum { SC_OUTSIDE_ZERO = 0, SC_OUTSIDE_EDGE = 1 } sc_outside;

/* Resample n images, 'src' float32 (n, rows, cols), to the pixels of a frame, 'dst'
 * float32 (n, h, w).
 *
 * This and the next two functions return SC_BAD_SHAPE for sides outside 1 to SC_SIDE_MAX,
 * SC_BAD_VALUE for a frame that is not finite or has a step that is not positive, and
 * SC_NOT_FINITE for NaN or infinity in 'src'. */
sc_status sc_images_resample(const float *src, int64_t n, int64_t rows, int64_t cols,
                             const sc_frame *frame, sc_filter filter,
                             sc_outside outside, float *dst, int64_t h, int64_t w,
                             sc_error *err);

/* Give each image its neighbours as channels: 'src' float32 (n, pixels), the slices of a
 * stack in order, to 'dst' float32 (n, 3, pixels): before, itself, after.
 *
 * The neighbours lie 'step' slices away and are interpolated linearly; the first and last
 * slices are repeated beyond the ends.
 *
 * Returns SC_BAD_SHAPE without images or pixels, and SC_BAD_VALUE for a step that is not
 * positive and finite. */
sc_status sc_images_context(const float *src, int64_t n, int64_t pixels, double step,
                            float *dst, sc_error *err);

/* Resample probabilities to the scan: 'src' float32 (n, h, w), images of one frame, to
 * 'dst' float32 (n, rows, cols).
 *
 * Interpolation is bilinear and uses only pixels on the scan, the outermost of which are
 * repeated.  Also returns SC_BAD_VALUE if the frame does not overlap the scan. */
sc_status sc_images_restore(const float *src, int64_t n, int64_t h, int64_t w,
                            const sc_frame *frame, float *dst, int64_t rows,
                            int64_t cols, sc_error *err);

/* Resample one coarse map to the scan: 'src' float32 (map_h, map_w), which stretches
 * over the whole h x w image of a frame, to 'dst' float32 (rows, cols).  Interpolation is
 * bilinear; outside the image 'dst' is 0. */
sc_status sc_map_restore(const float *src, int64_t map_h, int64_t map_w,
                         const sc_frame *frame, int64_t h, int64_t w, float *dst,
                         int64_t rows, int64_t cols, sc_error *err);

/* ---- The classifiers' images ------------------------------------------------------ */

/* Find the slices of a mask (slice, row, column) that are not empty, and return their
 * number.
 *
 * 'slices' receives their numbers, ascending, and 'boxes' for each its first row, last
 * row, first column and last column of lesion.  Both need room for extents[0]. */
int64_t sc_mask_slices(const uint8_t *mask, const int64_t extents[3], int64_t *slices,
                       int64_t (*boxes)[4]);

/* Return the frame of the h x w pixels of 'frame' that show the lesion of one slice:
 * centred on its bounding box, so that whatever fits lies in it.
 *
 * A box that is larger than the window, along rows first and then along columns, is cut
 * to the part of the window's extent with the most lesion, the first of equals.  'mask' is
 * the slice, rows of 'cols' voxels, and 'box' that of its lesion from sc_mask_slices. */
sc_frame sc_lesion_window(const uint8_t *mask, int64_t cols, const int64_t box[4],
                          const sc_frame *frame, int64_t h, int64_t w);

/* Make the classifiers' image of one slice: 'dst' float32 (3, h, w) with the channels t1c,
 * t2 and mask.
 *
 * 't1c' (NULL for a channel of zeros) and 't2' are (rows, cols) and resampled by 'filter',
 * SC_LINEAR or SC_AREA; 'mask' is taken from the nearest voxel.  Beyond the scan all
 * channels are 0.  Fails as sc_images_resample does. */
sc_status sc_classifier_image(const float *t1c, const float *t2, const uint8_t *mask,
                              int64_t rows, int64_t cols, const sc_frame *frame,
                              sc_filter filter, float *dst, int64_t h, int64_t w,
                              sc_error *err);

#endif
