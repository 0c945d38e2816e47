/* The functions of image*.c, which image.c adds to the module.  Include core.h first. */
#ifndef SC_PYTHON_IMAGE_H
#define SC_PYTHON_IMAGE_H

#include "core.h"

extern PyMethodDef sc_py_image_methods[];  /* image_network.c */
extern PyMethodDef sc_py_lesion_methods[]; /* image_lesions.c */

#endif
