/* Between volumes and the networks' images; documented in _core.pyi. */
#include "core.h"

#include "convert.h"
#include "module.h"

enum { STRETCH, PHYSICAL };

static const sc_py_choice MODES[] = {
    {"stretch", STRETCH},
    {"letter", STRETCH}, /* the same, as older model files call it */
    {"physical", PHYSICAL},
    {NULL, 0},
};
static const sc_py_choice FILTERS[] = {
    {"linear", SC_LINEAR}, {"area", SC_AREA}, {"nearest", SC_NEAREST}, {NULL, 0}};
static const sc_py_choice OUTSIDES[] = {
    {"zero", SC_OUTSIDE_ZERO}, {"edge", SC_OUTSIDE_EDGE}, {NULL, 0}};

/* How images are to be made, from keyword arguments. */
typedef struct {
    double spacing_mm[3];
    int64_t size[2]; /* h, w */
    double pixel_mm;
    int mode;
} preparation;

/* Sides that the core takes, checked before anything is allocated. */
static int parse_sides(const sc_py_state *state, PyObject *obj, int n, int64_t *out,
                       const char *name)
{
    if (sc_py_int64s(state, obj, n, out, name) < 0) return -1;
    for (int i = 0; i < n; i++) {
        if (out[i] >= 1 && out[i] <= SC_SIDE_MAX) continue;
        PyErr_Format(state->InputError, "%s contains %lld, expected 1 to %d", name,
                     (long long)out[i], (int)SC_SIDE_MAX);
        return -1;
    }
    return 0;
}

static int parse_preparation(const sc_py_state *state, PyObject *spacing,
                             const char *mode, PyObject *size, preparation *out)
{
    out->size[0] = out->size[1] = 256;
    if (mode == NULL) { /* the parser knows no required keywords */
        PyErr_SetString(PyExc_TypeError, "missing required keyword argument 'mode'");
        return -1;
    }
    if (sc_py_doubles(state, spacing, 3, out->spacing_mm, "spacing_mm") < 0) return -1;
    if (size != NULL && parse_sides(state, size, 2, out->size, "size") < 0) return -1;
    return sc_py_choose(state, mode, MODES, "mode", &out->mode);
}

static sc_filter filter_of(const preparation *p)
{
    return p->mode == STRETCH ? SC_LINEAR : SC_AREA;
}

/* The frame of a whole slice; h and w are those of its image. */
static sc_status whole_frame(const preparation *p, int64_t rows, int64_t cols,
                             sc_frame *frame, int64_t *h, int64_t *w, sc_error *err)
{
    if (p->mode == PHYSICAL) {
        return sc_frame_physical(rows, cols, p->spacing_mm[1], p->spacing_mm[2],
                                 p->pixel_mm, frame, h, w, err);
    }
    *h = p->size[0];
    *w = p->size[1];
    return sc_frame_stretch(rows, cols, *h, *w, frame, err);
}

/* Frames are float64 (..., 4) in Python. */
static sc_frame frame_at(PyArrayObject *frames, int64_t i)
{
    const double *f = (const double *)PyArray_DATA(frames) + 4 * i;
    return (sc_frame){f[0], f[1], f[2], f[3]};
}

static void put_frame(PyArrayObject *frames, int64_t i, const sc_frame *frame)
{
    double *f = (double *)PyArray_DATA(frames) + 4 * i;
    f[0] = frame->row0;
    f[1] = frame->row_step;
    f[2] = frame->col0;
    f[3] = frame->col_step;
}

static PyObject *prepare_segmentation(PyObject *module, PyObject *args,
                                      PyObject *kwargs)
{
    static char *names[] = {"", "", "mode", "size", "pixel_mm", NULL};
    const sc_py_state *state = sc_py_state_of(module);
    PyObject *obj, *spacing, *size = NULL, *result = NULL;
    PyArrayObject *src = NULL, *dst = NULL, *frames = NULL;
    const char *mode = NULL;
    preparation p = {.pixel_mm = 1.0};
    sc_frame frame;
    int64_t h, w;
    sc_error err = {0};

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|$sOd:prepare_segmentation",
                                     names, &obj, &spacing, &mode, &size,
                                     &p.pixel_mm) ||
        parse_preparation(state, spacing, mode, size, &p) < 0) {
        return NULL;
    }
    src = sc_py_array(obj, NPY_FLOAT32, 3, "volume");
    if (src == NULL) goto done;
    const int64_t n = PyArray_DIM(src, 0);
    const int64_t rows = PyArray_DIM(src, 1), cols = PyArray_DIM(src, 2);
    if (whole_frame(&p, rows, cols, &frame, &h, &w, &err) != SC_OK) {
        sc_py_raise(state, &err);
        goto done;
    }
    dst = sc_py_new(state, NPY_FLOAT32, 4, (int64_t[]){n, 1, h, w});
    frames = sc_py_new(state, NPY_FLOAT64, 1, (int64_t[]){4});
    if (dst == NULL || frames == NULL) goto done;
    sc_py_work work = sc_py_begin(state);
    work.status = sc_images_resample(PyArray_DATA(src), n, rows, cols, &frame,
                                     filter_of(&p), SC_OUTSIDE_ZERO, PyArray_DATA(dst),
                                     h, w, &work.err);
    if (sc_py_end(&work) < 0) goto done;
    put_frame(frames, 0, &frame);
    result = PyTuple_Pack(2, dst, frames);
done:
    Py_XDECREF(frames);
    Py_XDECREF(dst);
    Py_XDECREF(src);
    return result;
}

static PyObject *with_context(PyObject *module, PyObject *args)
{
    const sc_py_state *state = sc_py_state_of(module);
    PyObject *obj;
    double step;

    if (!PyArg_ParseTuple(args, "Od:with_context", &obj, &step)) return NULL;
    PyArrayObject *dst = NULL, *src = sc_py_array(obj, NPY_FLOAT32, 3, "images");
    if (src == NULL) goto done;
    int64_t n[3];
    sc_py_extents(src, n);
    dst = sc_py_new(state, NPY_FLOAT32, 4, (int64_t[]){n[0], 3, n[1], n[2]});
    if (dst == NULL) goto done;
    sc_py_work work = sc_py_begin(state);
    work.status = sc_images_context(PyArray_DATA(src), n[0], n[1] * n[2], step,
                                    PyArray_DATA(dst), &work.err);
    if (sc_py_end(&work) < 0) Py_CLEAR(dst);
done:
    Py_XDECREF(src);
    return (PyObject *)dst;
}

/* How images get from one grid to another. */
typedef struct {
    bool restore; /* sc_images_restore, else sc_images_resample with the two below */
    int filter, outside;
} way;

/* New reference: 'obj', float32 (n, rows, columns) by the name of 'name', on pixels of
 * 'frame_obj' or, restored, from them to 'size' rows and columns. */
static PyObject *to_grid(const sc_py_state *state, PyObject *obj, const char *name,
                         PyObject *frame_obj, const int64_t size[2], const way *how)
{
    PyArrayObject *dst = NULL, *src = sc_py_array(obj, NPY_FLOAT32, 3, name);
    PyArrayObject *frames =
        sc_py_array_like(state, frame_obj, NPY_FLOAT64, 1, (int64_t[]){4}, "frame");
    if (src == NULL || frames == NULL) goto done;
    int64_t n[3];
    sc_py_extents(src, n);
    dst = sc_py_new(state, NPY_FLOAT32, 3, (int64_t[]){n[0], size[0], size[1]});
    if (dst == NULL) goto done;
    const sc_frame frame = frame_at(frames, 0);
    sc_py_work work = sc_py_begin(state);
    work.status =
        how->restore
            ? sc_images_restore(PyArray_DATA(src), n[0], n[1], n[2], &frame,
                                PyArray_DATA(dst), size[0], size[1], &work.err)
            : sc_images_resample(PyArray_DATA(src), n[0], n[1], n[2], &frame,
                                 (sc_filter)how->filter, (sc_outside)how->outside,
                                 PyArray_DATA(dst), size[0], size[1], &work.err);
    if (sc_py_end(&work) < 0) Py_CLEAR(dst);
done:
    Py_XDECREF(frames);
    Py_XDECREF(src);
    return (PyObject *)dst;
}

static PyObject *restore(PyObject *module, PyObject *args)
{
    const sc_py_state *state = sc_py_state_of(module);
    PyObject *obj, *frame, *shape;
    int64_t size[2];
    const way how = {.restore = true};
    if (!PyArg_ParseTuple(args, "OOO:restore", &obj, &frame, &shape) ||
        parse_sides(state, shape, 2, size, "shape") < 0) {
        return NULL;
    }
    return to_grid(state, obj, "probability", frame, size, &how);
}

static PyObject *resample(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *names[] = {"", "", "", "filter", "outside", NULL};
    const sc_py_state *state = sc_py_state_of(module);
    PyObject *obj, *size_obj, *frame;
    const char *filter = "area", *outside = "zero";
    int64_t size[2];
    way how = {.restore = false};
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOO|$ss:resample", names, &obj,
                                     &size_obj, &frame, &filter, &outside) ||
        parse_sides(state, size_obj, 2, size, "size") < 0 ||
        sc_py_choose(state, filter, FILTERS, "filter", &how.filter) < 0 ||
        sc_py_choose(state, outside, OUTSIDES, "outside", &how.outside) < 0) {
        return NULL;
    }
    return to_grid(state, obj, "images", frame, size, &how);
}

/* The volumes of a case, one grid. */
typedef struct {
    PyArrayObject *t2, *mask, *t1c; /* t1c may be NULL */
    int64_t extents[3];
} channels;

static int parse_channels(const sc_py_state *state, PyObject *t2, PyObject *mask,
                          PyObject *t1c, channels *out)
{
    out->t2 = sc_py_array(t2, NPY_FLOAT32, 3, "t2");
    if (out->t2 == NULL) return -1;
    sc_py_extents(out->t2, out->extents);
    out->mask = sc_py_array_like(state, mask, NPY_UINT8, 3, out->extents, "mask");
    if (out->mask == NULL) return -1;
    return sc_py_optional(state, t1c, NPY_FLOAT32, 3, out->extents, "t1c", &out->t1c);
}

static void release_channels(channels *c)
{
    Py_CLEAR(c->t2);
    Py_CLEAR(c->mask);
    Py_CLEAR(c->t1c);
}

/* Every image's frame; without the GIL. */
static sc_status find_frames(const preparation *p, const channels *c,
                             const int64_t *slices, int64_t (*boxes)[4], int64_t n,
                             sc_frame *frames, sc_error *err)
{
    const int64_t rows = c->extents[1], cols = c->extents[2];
    const uint8_t *mask = PyArray_DATA(c->mask);
    sc_frame whole;
    int64_t h, w;
    const sc_status status = whole_frame(p, rows, cols, &whole, &h, &w, err);
    if (status != SC_OK) return status;
    for (int64_t i = 0; i < n; i++) {
        frames[i] = p->mode == STRETCH
                        ? whole
                        : sc_lesion_window(mask + slices[i] * rows * cols, cols,
                                           boxes[i], &whole, p->size[0], p->size[1]);
    }
    return SC_OK;
}

/* Every image; without the GIL. */
static sc_status make_images(const preparation *p, const channels *c,
                             const int64_t *slices, int64_t n, const sc_frame *frames,
                             float *dst, sc_error *err)
{
    const int64_t rows = c->extents[1], cols = c->extents[2];
    const float *t2 = PyArray_DATA(c->t2);
    const float *t1c = sc_py_data(c->t1c);
    const uint8_t *mask = PyArray_DATA(c->mask);
    for (int64_t i = 0; i < n; i++) {
        const int64_t at = slices[i] * rows * cols;
        const sc_status status = sc_classifier_image(
            t1c == NULL ? NULL : t1c + at, t2 + at, mask + at, rows, cols, &frames[i],
            filter_of(p), dst, p->size[0], p->size[1], err);
        if (status != SC_OK) return status;
        dst += 3 * p->size[0] * p->size[1];
    }
    return SC_OK;
}

/* New reference: (images, slices, frames). */
static PyObject *classifier_result(const sc_py_state *state, const preparation *p,
                                   const channels *c, const int64_t *slices,
                                   int64_t (*boxes)[4], int64_t n, sc_frame *frames)
{
    PyObject *result = NULL;
    PyArrayObject *dst =
        sc_py_new(state, NPY_FLOAT32, 4, (int64_t[]){n, 3, p->size[0], p->size[1]});
    PyArrayObject *slices_out = sc_py_new(state, NPY_INT64, 1, &n);
    PyArrayObject *frames_out = sc_py_new(state, NPY_FLOAT64, 2, (int64_t[]){n, 4});
    if (dst == NULL || slices_out == NULL || frames_out == NULL) goto done;
    sc_py_work work = sc_py_begin(state);
    work.status = find_frames(p, c, slices, boxes, n, frames, &work.err);
    if (work.status == SC_OK) {
        work.status =
            make_images(p, c, slices, n, frames, PyArray_DATA(dst), &work.err);
    }
    if (sc_py_end(&work) < 0) goto done;
    memcpy(PyArray_DATA(slices_out), slices, (size_t)n * sizeof *slices);
    for (int64_t i = 0; i < n; i++) put_frame(frames_out, i, &frames[i]);
    result = PyTuple_Pack(3, dst, slices_out, frames_out);
done:
    Py_XDECREF(frames_out);
    Py_XDECREF(slices_out);
    Py_XDECREF(dst);
    return result;
}

static PyObject *prepare_classification(PyObject *module, PyObject *args,
                                        PyObject *kwargs)
{
    static char *names[] = {"", "", "", "", "mode", "size", "pixel_mm", NULL};
    const sc_py_state *state = sc_py_state_of(module);
    PyObject *t2, *mask, *t1c, *spacing, *size = NULL, *result = NULL;
    const char *mode = NULL;
    preparation p = {.pixel_mm = 1.0};
    channels c = {0};
    int64_t *slices = NULL, (*boxes)[4] = NULL, n;
    sc_frame *frames = NULL;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOOO|$sOd:prepare_classification",
                                     names, &t2, &mask, &t1c, &spacing, &mode, &size,
                                     &p.pixel_mm) ||
        parse_preparation(state, spacing, mode, size, &p) < 0) {
        return NULL;
    }
    if (parse_channels(state, t2, mask, t1c, &c) < 0) goto done;
    const size_t n_slices = (size_t)c.extents[0];
    slices = PyMem_Calloc(n_slices, sizeof *slices);
    boxes = PyMem_Calloc(n_slices, sizeof *boxes);
    frames = PyMem_Calloc(n_slices, sizeof *frames);
    if (slices == NULL || boxes == NULL || frames == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    sc_py_work work = sc_py_begin(state);
    n = sc_mask_slices(PyArray_DATA(c.mask), c.extents, slices, boxes);
    if (sc_py_end(&work) < 0) goto done;
    result = classifier_result(state, &p, &c, slices, boxes, n, frames);
done:
    PyMem_Free(frames);
    PyMem_Free(boxes);
    PyMem_Free(slices);
    release_channels(&c);
    return result;
}

/* Every map into its slice of dst, which is zeroed; without the GIL. */
static sc_status restore_maps(PyArrayObject *maps, PyArrayObject *slices,
                              PyArrayObject *frames, const int64_t size[2],
                              const int64_t shape[3], float *dst, sc_error *err)
{
    const int64_t map_h = PyArray_DIM(maps, 1), map_w = PyArray_DIM(maps, 2);
    const int64_t *slice = PyArray_DATA(slices);
    const float *src = PyArray_DATA(maps);
    sc_status status = SC_OK;
    for (int64_t i = 0; i < PyArray_DIM(maps, 0) && status == SC_OK; i++) {
        const sc_frame frame = frame_at(frames, i);
        status = sc_map_restore(src + i * map_h * map_w, map_h, map_w, &frame, size[0],
                                size[1], dst + slice[i] * shape[1] * shape[2], shape[1],
                                shape[2], err);
    }
    return status;
}

static int check_slices(const sc_py_state *state, PyArrayObject *slices,
                        int64_t n_slices)
{
    const int64_t *slice = PyArray_DATA(slices);
    for (npy_intp i = 0; i < PyArray_DIM(slices, 0); i++) {
        if (slice[i] >= 0 && slice[i] < n_slices) continue;
        PyErr_Format(state->InputError, "slices contains %lld, expected 0 to %lld",
                     (long long)slice[i], (long long)n_slices - 1);
        return -1;
    }
    return 0;
}

static PyObject *restore_map(PyObject *module, PyObject *args)
{
    const sc_py_state *state = sc_py_state_of(module);
    PyObject *obj, *slices_obj, *frames_obj, *size_obj, *shape_obj;
    PyArrayObject *maps = NULL, *slices = NULL, *frames = NULL, *dst = NULL;
    int64_t size[2], shape[3];

    if (!PyArg_ParseTuple(args, "OOOOO:restore_map", &obj, &slices_obj, &frames_obj,
                          &size_obj, &shape_obj) ||
        parse_sides(state, size_obj, 2, size, "size") < 0 ||
        parse_sides(state, shape_obj, 3, shape, "shape") < 0) {
        return NULL;
    }
    maps = sc_py_array(obj, NPY_FLOAT32, 3, "maps");
    if (maps == NULL) goto done;
    const int64_t n = PyArray_DIM(maps, 0);
    slices = sc_py_array_like(state, slices_obj, NPY_INT64, 1, &n, "slices");
    if (slices == NULL || check_slices(state, slices, shape[0]) < 0) goto done;
    frames = sc_py_array_like(state, frames_obj, NPY_FLOAT64, 2, (int64_t[]){n, 4},
                              "frames");
    if (frames == NULL) goto done;
    dst = (PyArrayObject *)PyArray_ZEROS(
        3, ((npy_intp[]){shape[0], shape[1], shape[2]}), NPY_FLOAT32, 0);
    if (dst == NULL) goto done;
    sc_py_work work = sc_py_begin(state);
    work.status =
        restore_maps(maps, slices, frames, size, shape, PyArray_DATA(dst), &work.err);
    if (sc_py_end(&work) < 0) Py_CLEAR(dst);
done:
    Py_XDECREF(frames);
    Py_XDECREF(slices);
    Py_XDECREF(maps);
    return (PyObject *)dst;
}

static PyMethodDef functions[] = {
    {"prepare_segmentation", SC_PY_KEYWORDS(prepare_segmentation),
     "prepare_segmentation(volume, spacing_mm, /, *, mode, size=(256, 256), "
     "pixel_mm=1.0)\n--\n\n"
     "Resample every slice to the segmentation network's pixels."},
    {"with_context", with_context, METH_VARARGS,
     "with_context(images, step, /)\n--\n\n"
     "Stack each slice's neighbours, linearly between slices, as channels around it."},
    {"restore", restore, METH_VARARGS,
     "restore(probability, frame, shape, /)\n--\n\n"
     "Bring probability maps back to the scan's own grid, bilinearly."},
    {"prepare_classification", SC_PY_KEYWORDS(prepare_classification),
     "prepare_classification(t2, mask, t1c, spacing_mm, /, *, mode, size=(256, 256), "
     "pixel_mm=1.0)\n--\n\n"
     "Make the classifiers' images of the slices with lesion."},
    {"restore_map", restore_map, METH_VARARGS,
     "restore_map(maps, slices, frames, size, shape, /)\n--\n\n"
     "Bring class-activation maps back to the scan's grid, bilinearly."},
    {"resample", SC_PY_KEYWORDS(resample),
     "resample(images, size, frame, /, *, filter='area', outside='zero')\n--\n\n"
     "Resample images."},
    {NULL, NULL, 0, NULL},
};

int sc_py_add_image_network(PyObject *module)
{
    return PyModule_AddFunctions(module, functions);
}
