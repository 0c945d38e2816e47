"""A synthetic scan, and networks whose answers are known without computing them.

The stand-in for the core's networks reads its own model file, answers from a table, and lets a
bright voxel be lesion: what surrounds the networks can then be tested exactly.
"""

from __future__ import annotations

import json

import numpy as np
import pytest
from model_files import METADATA, SEGMENTATION, changed, write_raw

from spinalcord import _core
from spinalcord.scans.volume import Volume
from spinalcord.tasks import TASKS

POSITIVE = {"tumor_vs_demyelination": 0.7, "astrocytoma_vs_ependymoma": 0.2, "ms_vs_nmosd": 0.6}
SPACING = (3.0, 1.0, 1.0)


def cord_of(x):
    """The stand-in's cord: what is bright, held together by a thin column and by its rows."""
    bright = x > 0.3
    cord = bright.copy()
    cord[:, :, :, 36:37] = True
    middle = bright.any(axis=3, keepdims=True).repeat(x.shape[3], axis=3)
    middle[:, :, :, :36] = middle[:, :, :, 60:] = False
    return (cord | middle).astype(np.float32)


class StandInNetwork:
    """Answers in place of the C core; `opened` counts the instances."""

    opened = 0
    heat = 1.0

    def __init__(self, kind, tensors, buffer, *, precision, threads, outputs, backend, **_):
        type(self).opened += 1
        nbytes = int.from_bytes(buffer[:8], "little")
        text = json.loads(buffer[8 : 8 + nbytes])["__metadata__"]["spinalcord"]
        self.labels = json.loads(text)["labels"]
        self.kind, self.precision, self.threads, self.outputs = kind, precision, threads, outputs
        self.backend = backend
        self.n_values = sum(int(np.prod(t[2])) for t in tensors)

    def __call__(self, x):
        assert x.dtype == np.float32
        assert x.flags.c_contiguous
        if self.kind == "multiresunet":
            return np.concatenate([x, cord_of(x)], axis=1)[:, : self.outputs]
        return self._answers(x)

    def _answers(self, x):
        # The more lesion on a slice, the surer, so that slices differ.
        share = x[:, 2].mean(axis=(1, 2))
        positive = POSITIVE[self.labels["task"]] + share
        return np.stack([1 - positive, positive], axis=1).astype(np.float32)

    def gradcam(self, x, index):
        n, _, h, w = x.shape
        maps = np.linspace(-1, 1, n * (h // 32) * (w // 32), dtype=np.float32)
        maps = maps.reshape(n, h // 32, w // 32)
        both = self.heat * np.stack([-maps[::-1, ::-1], maps], axis=1)
        return both if index == -1 else both[:, index], self._answers(x)

    def features(self, x):
        return x * 2

    def profile(self, x):
        return [{"name": "conv0", "milliseconds": 1.0}]

    def layers(self, h, w):
        return [{"name": "conv0", "shape": (h, w)}]


def make_folder(folder, outputs=("lesion",)):
    """Write a model file for each role; their tensors are never looked at."""
    folder.mkdir(parents=True, exist_ok=True)
    physical = {"mode": "physical", "pixel_mm": 1.0, "clip": 5.0}
    metadata = changed(SEGMENTATION, "labels.outputs", list(outputs))
    metadata = changed(metadata, "preprocessing", physical)
    metadata = changed(metadata, "notice", "for tests of segmentation")
    write_raw(folder / "segmentation.safetensors", metadata=metadata)
    for task in TASKS.values():
        metadata = changed(METADATA, "labels.task", task.name)
        metadata = changed(metadata, "labels.negative", task.negative)
        metadata = changed(metadata, "labels.positive", task.positive)
        metadata = changed(metadata, "labels.threshold", 0.5)
        metadata = changed(metadata, "preprocessing.size", [64, 64])
        write_raw(folder / f"{task.name}.safetensors", metadata=metadata)
    return folder


@pytest.fixture
def stand_in(monkeypatch):
    """Let the core's networks be stood in for."""
    monkeypatch.setattr(_core, "Network", StandInNetwork, raising=False)
    monkeypatch.setattr(_core, "cpu", lambda: {"threads": 2, "precisions": ["f32"]}, raising=False)
    monkeypatch.setattr(StandInNetwork, "opened", 0)
    return StandInNetwork


@pytest.fixture
def model_folder(tmp_path, stand_in):
    """Four model files, with a segmentation network that knows lesions alone."""
    return make_folder(tmp_path / "models")


@pytest.fixture
def cord_folder(tmp_path, stand_in):
    """The same with a segmentation network that knows the cord too."""
    return make_folder(tmp_path / "cord-models", ("lesion", "cord"))


def working_array():
    """A cord (grey) with two bright lesions in it and a small one outside it."""
    rng = np.random.default_rng(7)
    array = rng.integers(0, 5, (7, 96, 80)).astype(np.float32)
    array[2:5, :, 30:42] += 30
    array[2:4, 20:32, 32:40] = 200
    array[3:5, 60:66, 33:37] = 200
    array[5:6, 70:72, 60:63] = 200
    return array


def lesion_of(array):
    """Where the stand-in sees lesion: the upper half of the intensities."""
    return (array >= 100).astype(np.uint8)


def stored(array, axes=(0, 1, 2), flips=(False, False, False), origin=(10.0, -20.0, 30.0)):
    """Store a working array in another axis order and direction, with the affine to match."""
    affine = np.eye(4)
    affine[:3, 3] = origin
    step = np.zeros((3, 3))
    step[0, 0], step[2, 1], step[1, 2] = SPACING[0], -SPACING[1], -SPACING[2]
    for axis in range(3):
        if flips[axis]:
            affine[:3, 3] += step[:, axis] * (array.shape[axis] - 1)
            step[:, axis] *= -1
            array = np.flip(array, axis)
    affine[:3, :3] = step[:, axes]
    return Volume(np.ascontiguousarray(array.transpose(axes)), affine)


@pytest.fixture
def scan():
    """The synthetic scan as a volume in memory."""
    return stored(working_array())
