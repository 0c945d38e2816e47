/* The slices that hold lesion, and the classifiers' images of them. */
#include "../base/memory.h"
#include "../base/status.h"
#include "../spinalcord.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* First and last item of a row that is not 0; false where there is none. */
static bool row_range(const uint8_t *row, int64_t n, int64_t *first, int64_t *last)
{
    int64_t i = 0, end = n;
    for (uint64_t word; i + 8 <= n; i += 8) {
        memcpy(&word, row + i, sizeof word);
        if (word != 0) break;
    }
    while (i < n && row[i] == 0) i++;
    if (i == n) return false;
    while (row[end - 1] == 0) end--;
    *first = i;
    *last = end - 1;
    return true;
}

int64_t sc_mask_slices(const uint8_t *mask, const int64_t extents[3], int64_t *slices,
                       int64_t (*boxes)[4])
{
    const int64_t rows = extents[1], cols = extents[2];
    int64_t count = 0;
    for (int64_t s = 0; s < extents[0]; s++) {
        int64_t box[4] = {rows, -1, cols, -1};
        for (int64_t r = 0; r < rows; r++, mask += cols) {
            int64_t first, last;
            if (!row_range(mask, cols, &first, &last)) continue;
            if (box[1] < 0) box[0] = r;
            box[1] = r;
            box[2] = sc_min(box[2], first);
            box[3] = sc_max(box[3], last);
        }
        if (box[1] < 0) continue;
        slices[count] = s;
        memcpy(boxes[count], box, sizeof box);
        count++;
    }
    return count;
}

/* Voxels of lesion in a box. */
static int64_t count(const uint8_t *mask, int64_t cols, const int64_t box[4])
{
    int64_t n = 0;
    for (int64_t r = box[0]; r <= box[1]; r++) {
        const uint8_t *row = mask + r * cols;
        for (int64_t c = box[2]; c <= box[3]; c++) n += row[c] != 0;
    }
    return n;
}

/* Voxels of lesion in one row (axis 0) or column (axis 1) of a box. */
static int64_t count_line(const uint8_t *mask, int64_t cols, const int64_t box[4],
                          int axis, int64_t at)
{
    int64_t line[4];
    memcpy(line, box, sizeof line);
    line[2 * axis] = line[2 * axis + 1] = at;
    return count(mask, cols, line);
}

/* Last of the 'size' rows (axis 0) or columns (axis 1) of a box with the most lesion. */
static int64_t best_end(const uint8_t *mask, int64_t cols, const int64_t box[4],
                        int axis, int64_t size)
{
    const int64_t first = box[2 * axis], last = box[2 * axis + 1];
    int64_t sum = 0, most = -1, end = last;
    for (int64_t i = first; i <= last; i++) {
        sum += count_line(mask, cols, box, axis, i);
        if (i - first >= size) sum -= count_line(mask, cols, box, axis, i - size);
        if (sum <= most || i - first < size - 1) continue;
        most = sum;
        end = i;
    }
    return end;
}

/* Cut a box that holds lesion to at most 'size' rows or columns, and to the first and
 * last that hold any: what is cut off along one axis may have been the other's end. */
static void narrow(const uint8_t *mask, int64_t cols, int64_t box[4], int axis,
                   int64_t size)
{
    const int64_t end = best_end(mask, cols, box, axis, size);
    int64_t low = sc_max(box[2 * axis], end - size + 1), high = end;
    while (count_line(mask, cols, box, axis, low) == 0) low++;
    while (count_line(mask, cols, box, axis, high) == 0) high--;
    box[2 * axis] = low;
    box[2 * axis + 1] = high;
}

/* Whole voxels under n pixels. */
static int64_t voxels_under(int64_t n, double step)
{
    const double voxels = floor((double)n * step + 1e-6);
    return voxels < 1.0 ? 1 : voxels < 1e9 ? (int64_t)voxels : 1000000000;
}

sc_frame sc_lesion_window(const uint8_t *mask, int64_t cols, const int64_t box[4],
                          const sc_frame *frame, int64_t h, int64_t w)
{
    int64_t part[4];
    memcpy(part, box, sizeof part);
    narrow(mask, cols, part, 0, voxels_under(h, frame->row_step));
    narrow(mask, cols, part, 1, voxels_under(w, frame->col_step));
    narrow(mask, cols, part, 0, voxels_under(h, frame->row_step));
    return sc_frame_window(frame, part, h, w);
}

sc_status sc_classifier_image(const float *t1c, const float *t2, const uint8_t *mask,
                              int64_t rows, int64_t cols, const sc_frame *frame,
                              sc_filter filter, float *dst, int64_t h, int64_t w,
                              sc_error *err)
{
    sc_status status = SC_OK;
    float *lesion = NULL;
    size_t image, slice_nbytes;
    if (h < 1 || w < 1 || !sc_product((int64_t[]){h, w}, 2, 1, &image) || rows < 1 ||
        cols < 1 ||
        !sc_product((int64_t[]){rows, cols}, 2, sizeof *lesion, &slice_nbytes)) {
        return sc_fail(err, SC_BAD_SHAPE,
                       "a slice of %" PRId64 " x %" PRId64
                       " voxels for an image of %" PRId64 " x %" PRId64 " pixels",
                       rows, cols, h, w);
    }
    if (t1c == NULL) {
        memset(dst, 0, image * sizeof *dst);
    } else {
        SC_TRY(sc_images_resample(t1c, 1, rows, cols, frame, filter, SC_OUTSIDE_ZERO,
                                  dst, h, w, err));
    }
    SC_TRY(sc_images_resample(t2, 1, rows, cols, frame, filter, SC_OUTSIDE_ZERO,
                              dst + image, h, w, err));
    lesion = sc_alloc(slice_nbytes);
    if (lesion == NULL) {
        SC_TRY(
            sc_fail(err, SC_NOMEM, "no memory for a slice of %zu bytes", slice_nbytes));
    }
    for (int64_t i = 0; i < rows * cols; i++) lesion[i] = mask[i] != 0 ? 1.0f : 0.0f;
    SC_TRY(sc_images_resample(lesion, 1, rows, cols, frame, SC_NEAREST, SC_OUTSIDE_ZERO,
                              dst + 2 * image, h, w, err));
done:
    sc_free(lesion);
    return status;
}
