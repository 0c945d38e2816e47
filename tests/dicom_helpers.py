"""Small helpers that the tests of DICOM share."""

from __future__ import annotations

import numpy as np

from spinalcord.scans.reading import read


def equal(volume, want, *, atol=0.0):
    array, affine = want
    if atol:
        np.testing.assert_allclose(volume.array, array, atol=atol, rtol=0)
    else:
        np.testing.assert_array_equal(volume.array, array)
    np.testing.assert_allclose(volume.affine, affine, atol=1e-5)


def read_quietly(folder, maker, **options):
    maker.want = maker.classic(folder, **options)
    return read(folder)


def put(name, value, only=None):
    def edit(data, k):
        if only is None or k == only:
            setattr(data, name, value)

    return edit


def drop(name):
    return lambda data, k: delattr(data, name)


def leave_out(number):
    return lambda data, k: k != number
