/* How a network's pixels lie on a slice of the scan; see spinalcord.h. */
#include "../base/memory.h"
#include "../base/status.h"
#include "../spinalcord.h"

#include <inttypes.h>
#include <math.h>

enum { MULTIPLE = 16 }; /* four poolings of the segmentation network */

/* Less of a pixel than this at the end of a slice is rounding in a header. */
static const double SPARE_PIXEL = 0.01;

/* Less of a pixel than this decides no tie. */
static const double TIE_PIXEL = 1e-6;

static sc_status check_slice(int64_t rows, int64_t cols, sc_error *err)
{
    if (rows >= 1 && cols >= 1) return SC_OK;
    return sc_fail(err, SC_BAD_SHAPE,
                   "a slice of %" PRId64 " x %" PRId64
                   " voxels given, expected at least one along each axis",
                   rows, cols);
}

sc_status sc_frame_stretch(int64_t rows, int64_t cols, int64_t h, int64_t w,
                           sc_frame *out, sc_error *err)
{
    const sc_status status = check_slice(rows, cols, err);
    if (status != SC_OK) return status;
    if (h < 1 || w < 1 || h > SC_IMAGE_SIDE_MAX || w > SC_IMAGE_SIDE_MAX) {
        return sc_fail(err, SC_BAD_SHAPE,
                       "an image of %" PRId64 " x %" PRId64
                       " pixels given, expected sides of 1 to %d",
                       h, w, SC_IMAGE_SIDE_MAX);
    }
    out->row_step = (double)rows / (double)h;
    out->col_step = (double)cols / (double)w;
    out->row0 = 0.5 * out->row_step - 0.5;
    out->col0 = 0.5 * out->col_step - 0.5;
    return SC_OK;
}

static bool is_length(double mm) { return mm > 0.0 && isfinite(mm); }

/* Pixels that cover n voxels, or 0 where they are too many. */
static int64_t cover(int64_t n, double voxel_mm, double pixel_mm)
{
    const double count = ceil((double)n * voxel_mm / pixel_mm - SPARE_PIXEL);
    if (!(count <= (double)SC_IMAGE_SIDE_MAX)) return 0;
    return sc_max(1, (int64_t)count);
}

sc_status sc_frame_physical(int64_t rows, int64_t cols, double row_mm, double col_mm,
                            double pixel_mm, sc_frame *out, int64_t *h, int64_t *w,
                            sc_error *err)
{
    const sc_status status = check_slice(rows, cols, err);
    if (status != SC_OK) return status;
    if (!is_length(row_mm) || !is_length(col_mm) || !is_length(pixel_mm)) {
        return sc_fail(err, SC_BAD_VALUE,
                       "voxels of %g x %g mm and pixels of %g mm given, expected "
                       "positive lengths",
                       row_mm, col_mm, pixel_mm);
    }
    const int64_t used_h = cover(rows, row_mm, pixel_mm);
    const int64_t used_w = cover(cols, col_mm, pixel_mm);
    if (used_h == 0 || used_w == 0) {
        return sc_fail(err, SC_BAD_SHAPE,
                       "a slice of %g x %g mm needs more than %d pixels of %g mm along "
                       "an axis",
                       (double)rows * row_mm, (double)cols * col_mm, SC_IMAGE_SIDE_MAX,
                       pixel_mm);
    }
    out->row_step = pixel_mm / row_mm;
    out->col_step = pixel_mm / col_mm;
    out->row0 = 0.5 * (double)(rows - 1) - 0.5 * (double)(used_h - 1) * out->row_step;
    out->col0 = 0.5 * (double)(cols - 1) - 0.5 * (double)(used_w - 1) * out->col_step;
    *h = sc_round_up(used_h, MULTIPLE);
    *w = sc_round_up(used_w, MULTIPLE);
    return SC_OK;
}

/* First pixel of n whose middle is nearest to the middle of voxels first to last. */
static double window_start(double start, double step, int64_t first, int64_t last,
                           int64_t n)
{
    const double middle = (0.5 * (double)(first + last) - start) / step;
    return floor(middle - 0.5 * (double)(n - 1) + 0.5 + TIE_PIXEL);
}

sc_frame sc_frame_window(const sc_frame *frame, const int64_t box[4], int64_t h,
                         int64_t w)
{
    const double top = window_start(frame->row0, frame->row_step, box[0], box[1], h);
    const double left = window_start(frame->col0, frame->col_step, box[2], box[3], w);
    sc_frame window = *frame;
    window.row0 += top * frame->row_step;
    window.col0 += left * frame->col_step;
    return window;
}
