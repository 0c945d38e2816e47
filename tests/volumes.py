"""Volumes whose anatomy is known, stored in every way there is."""

from __future__ import annotations

import itertools

import numpy as np

ALL_48 = [
    (order, flips)
    for order in itertools.permutations(range(3))
    for flips in itertools.product((False, True), repeat=3)
]


def numbered(shape=(4, 6, 5)):
    return np.arange(np.prod(shape), dtype=np.int16).reshape(shape)


def base_affine(oblique_deg=0.0, spacing=(3.3, 0.7, 0.9)):
    """Working orientation to RAS+, turned about an oblique axis."""
    working = np.zeros((3, 3))
    working[0, 0], working[2, 1], working[1, 2] = 1, -1, -1
    axis = np.array([1.0, 2.0, -0.5]) / np.linalg.norm([1.0, 2.0, -0.5])
    k = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    angle = np.radians(oblique_deg)
    turn = np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * k @ k
    affine = np.eye(4)
    affine[:3, :3] = turn @ working * np.array(spacing)
    affine[:3, 3] = [-20.5, 31.25, 7.0]
    return affine


def restored(array, affine, order, flips):
    """Store the same volume with other axes: stored axis n is axis order[n] of the given one."""
    stored = np.transpose(array, order)
    step = np.eye(4)[:, [*order, 3]]
    for axis, flip in enumerate(flips):
        if flip:
            stored = np.flip(stored, axis)
            change = np.eye(4)
            change[axis, axis] = -1
            change[axis, 3] = stored.shape[axis] - 1
            step = step @ change
    return stored, affine @ step
