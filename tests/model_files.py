"""Model files for tests: valid settings, and files written byte by byte."""

from __future__ import annotations

import copy
import json
import struct

METADATA = {
    "format": 1,
    "name": "test-ms-vs-nmosd",
    "version": "1",
    "network": "densenet121",
    "in_channels": 3,
    "norm_eps": 1e-5,
    "final_relu": True,
    "preprocessing": {"mode": "physical", "pixel_mm": 1.0, "size": [256, 256], "clip": 5.0},
    "labels": {
        "kind": "classification",
        "task": "ms_vs_nmosd",
        "negative": "MS",
        "positive": "NMOSD",
        "threshold": 0.4,
        "threshold_from": "validation, Youden",
    },
    "notice": "for tests",
    "of_the_future": [1, 2],
}
SEGMENTATION = {
    "format": 1,
    "name": "test-segmentation",
    "version": "2",
    "network": "multiresunet",
    "in_channels": 1,
    "final_norm": False,
    "preprocessing": {"mode": "letter", "size": [256, 256], "clip": 5.0},
    "labels": {"kind": "segmentation", "outputs": ["lesion", "cord"], "threshold": 0.5},
    "notice": "",
}
TENSORS = {
    "b": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
    "a": {"dtype": "F16", "shape": [2, 3], "data_offsets": [8, 20]},
}
DATA = bytes(range(20))


def write_raw(path, tensors=TENSORS, data=DATA, metadata=METADATA, header=None):
    """Write a file byte by byte, so that it may break any rule."""
    if header is None:
        header = dict(tensors)
        if metadata is not None:
            text = metadata if isinstance(metadata, str) else json.dumps(metadata)
            header["__metadata__"] = {"spinalcord": text}
        header = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)
    return path


def changed(metadata, keys, value):
    """Return a copy with the value at 'a.b' replaced, or removed where it is `...`."""
    metadata = copy.deepcopy(metadata)
    *outer, last = keys.split(".")
    inner = metadata
    for key in outer:
        inner = inner[key]
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    return metadata
