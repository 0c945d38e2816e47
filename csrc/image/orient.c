/* Between the stored grid and the working orientation: copies through signed strides.
 *
 * Scans are mostly stored with the slice axis fastest, results are not, so that a plain
 * loop would touch a cache line per voxel.  Tiles of the source's fastest axis and the
 * destination's keep the lines of both in the first-level cache. */
#include "../base/memory.h"
#include "../base/status.h"
#include "../spinalcord.h"
#include "finite.h"

#include <inttypes.h>

enum { TILE_FAST = 32, TILE_ROW = 64 };

/* n items 'stride' bytes apart to n adjacent ones. */
typedef void (*row_copy)(const char *src, int64_t stride, void *dst, int64_t n);

#define ROW_COPY(name, src_type, dst_type)                                             \
    static void name(const char *src, int64_t stride, void *dst, int64_t n)            \
    {                                                                                  \
        dst_type *out = dst;                                                           \
        if (stride == (int64_t)sizeof(src_type)) {                                     \
            const src_type *in = (const void *)src;                                    \
            for (int64_t i = 0; i < n; i++) out[i] = (dst_type)in[i];                  \
        } else {                                                                       \
            for (int64_t i = 0; i < n; i++) {                                          \
                out[i] = (dst_type) *                                                  \
                         (const src_type *)(const void *)(src + i * stride);           \
            }                                                                          \
        }                                                                              \
    }

ROW_COPY(from_u8, uint8_t, float)
ROW_COPY(from_i8, int8_t, float)
ROW_COPY(from_u16, uint16_t, float)
ROW_COPY(from_i16, int16_t, float)
ROW_COPY(from_u32, uint32_t, float)
ROW_COPY(from_i32, int32_t, float)
ROW_COPY(from_u64, uint64_t, float)
ROW_COPY(from_i64, int64_t, float)
ROW_COPY(from_f32, float, float)
ROW_COPY(from_f64, double, float)
ROW_COPY(copy_1, uint8_t, uint8_t)
ROW_COPY(copy_4, uint32_t, uint32_t)

static const row_copy FROM[] = {
    [SC_U8] = from_u8,   [SC_I8] = from_i8,   [SC_U16] = from_u16, [SC_I16] = from_i16,
    [SC_U32] = from_u32, [SC_I32] = from_i32, [SC_U64] = from_u64, [SC_I64] = from_i64,
    [SC_F32] = from_f32, [SC_F64] = from_f64,
};

/* A box of a strided source, in the destination's order of axes. */
typedef struct {
    const char *data;
    int64_t extents[3];
    int64_t strides[3]; /* bytes, signed */
} box;

static int64_t magnitude(int64_t value) { return value < 0 ? -value : value; }

/* dst, C order, = the box; items of 'item' bytes there. */
static void copy_box(const box *src, row_copy copy, int64_t item, char *dst)
{
    const int64_t *n = src->extents, *stride = src->strides;
    const int fast = magnitude(stride[0]) < magnitude(stride[1]) ? 0 : 1;
    const int slow = 1 - fast;
    const int64_t dst_strides[2] = {n[1] * n[2] * item, n[2] * item};
    const bool tiled = magnitude(stride[fast]) < magnitude(stride[2]);
    const int64_t tile_fast = tiled ? TILE_FAST : 1, tile_row = tiled ? TILE_ROW : n[2];
    for (int64_t k = 0; k < n[slow]; k++) {
        for (int64_t i = 0; i < n[fast]; i += tile_fast) {
            const int64_t i_end = sc_min(i + tile_fast, n[fast]);
            for (int64_t c = 0; c < n[2]; c += tile_row) {
                const int64_t count = sc_min(tile_row, n[2] - c);
                for (int64_t f = i; f < i_end; f++) {
                    copy(src->data + k * stride[slow] + f * stride[fast] +
                             c * stride[2],
                         stride[2],
                         dst + k * dst_strides[slow] + f * dst_strides[fast] + c * item,
                         count);
                }
            }
        }
    }
}

static sc_status check_orientation(const sc_orientation *o, sc_error *err)
{
    int seen = 0;
    for (int k = 0; k < 3; k++) {
        if (o->axes[k] >= 0 && o->axes[k] < 3) seen |= 1 << o->axes[k];
    }
    if (seen == 7) return SC_OK;
    return sc_fail(err, SC_BAD_VALUE,
                   "axes (%d, %d, %d) given, expected a permutation of 0, 1, 2",
                   o->axes[0], o->axes[1], o->axes[2]);
}

static sc_status check_extents(const int64_t n[3], sc_error *err)
{
    size_t nbytes;
    if (n[0] < 1 || n[1] < 1 || n[2] < 1) {
        return sc_fail(err, SC_BAD_SHAPE,
                       "the volume is empty: (%" PRId64 ", %" PRId64 ", %" PRId64
                       ") voxels, expected at least one along every axis",
                       n[0], n[1], n[2]);
    }
    if (!sc_product(n, 3, sizeof(double), &nbytes) || nbytes > INT64_MAX) {
        return sc_fail(err, SC_BAD_SHAPE,
                       "(%" PRId64 ", %" PRId64 ", %" PRId64
                       ") voxels are more than memory can hold",
                       n[0], n[1], n[2]);
    }
    return SC_OK;
}

sc_status sc_scan_orient(const sc_scan *src, const sc_orientation *orientation,
                         float *dst, sc_error *err)
{
    sc_status status = check_orientation(orientation, err);
    if (status == SC_OK) status = check_extents(src->extents, err);
    if (status != SC_OK) return status;
    if ((unsigned)src->dtype > SC_F64) {
        return sc_fail(err, SC_BAD_VALUE, "dtype %d given, expected %d to %d",
                       (int)src->dtype, SC_U8, SC_F64);
    }
    box view = {.data = src->data};
    for (int k = 0; k < 3; k++) {
        const int axis = orientation->axes[k];
        view.extents[k] = src->extents[axis];
        view.strides[k] = src->strides_nbytes[axis];
        if (!orientation->flips[k]) continue;
        view.data += (view.extents[k] - 1) * view.strides[k];
        view.strides[k] = -view.strides[k];
    }
    copy_box(&view, FROM[src->dtype], sizeof(float), (char *)dst);
    if (src->dtype != SC_F32 && src->dtype != SC_F64) return SC_OK;
    const int64_t n = view.extents[0] * view.extents[1] * view.extents[2];
    return sc_finite_check(sc_not_finite(dst, n), n, "the voxels (as float32)", err);
}

sc_status sc_volume_unorient(const void *src, int64_t item_nbytes,
                             const int64_t stored[3], const sc_orientation *orientation,
                             void *dst, sc_error *err)
{
    sc_status status = check_orientation(orientation, err);
    if (status == SC_OK) status = check_extents(stored, err);
    if (status != SC_OK) return status;
    if (item_nbytes != 1 && item_nbytes != 4) {
        return sc_fail(err, SC_BAD_VALUE,
                       "items of %" PRId64 " bytes given, expected 1 or 4",
                       item_nbytes);
    }
    box view = {.data = src};
    int64_t stride = item_nbytes; /* of working axis k, C order */
    for (int k = 2; k >= 0; k--) {
        const int axis = orientation->axes[k];
        view.extents[axis] = stored[axis];
        view.strides[axis] = orientation->flips[k] ? -stride : stride;
        if (orientation->flips[k]) view.data += (stored[axis] - 1) * stride;
        stride *= stored[axis];
    }
    copy_box(&view, item_nbytes == 1 ? copy_1 : copy_4, item_nbytes, dst);
    return SC_OK;
}
