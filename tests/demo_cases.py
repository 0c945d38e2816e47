"""A demo on a small phantom, with networks that are stood in for."""

from __future__ import annotations

import numpy as np
import pytest
from stand_ins import make_folder

from spinalcord import _core
from spinalcord.analysis import segmentation
from spinalcord.demo import demo_run as running
from spinalcord.phantom import Case
from spinalcord.scans.volume import Volume

PARAMETERS = {
    "difficulty": 0.5,
    "anatomy": {"age": 40.0, "sex": "F"},
    "protocol": {"region": "thoracic", "field_t": 1.5, "n_slices": 7},
    "lesions": [{"level": "T5"}],
}


def small_case(diagnosis, seed, **options):
    """A cord with a lesion of 2 x 12 x 8 voxels in it, stored in another order than worked in."""
    assert options == {"difficulty": running.DIFFICULTY, "kind": running.KIND}
    rng = np.random.default_rng(seed)
    scan = rng.integers(0, 50, (7, 96, 80)).astype(np.int16)
    cord, lesion = np.zeros((2, *scan.shape), np.uint8)
    cord[2:5, :, 30:42] = 1
    scan[cord > 0] += 60
    if diagnosis is not None:
        lesion[2:4, 20:32, 32:40] = 1
        scan[lesion > 0] = 250
    affine = np.array([[-3.0, 0, 0, 18], [0, 0, -1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
    volumes = [Volume(np.ascontiguousarray(a[::-1]), affine) for a in (scan, lesion, cord)]
    parameters = PARAMETERS | {"diagnosis": diagnosis}
    parameters["lesions"] = PARAMETERS["lesions"] if diagnosis else []
    return Case(volumes[0], None, volumes[1], volumes[2], {}, parameters)


@pytest.fixture
def small_phantom(monkeypatch):
    monkeypatch.setattr(running, "make_case", small_case)


@pytest.fixture
def folder(tmp_path, stand_in, small_phantom, monkeypatch):
    monkeypatch.setattr(
        _core, "cpu", lambda: {"threads": 2, "isa": "stand-in", "precisions": ["f32"]}
    )
    return make_folder(tmp_path / "models", ("lesion", "cord"))


@pytest.fixture
def moved(monkeypatch):
    """Let the network find the lesion three rows further down, where there is one."""

    def probabilities(scan, *_):
        lesion = (scan.array >= 200).astype(np.float32)
        return {"lesion": np.roll(lesion, 3, axis=1), "cord": np.ones_like(lesion)}, {}

    monkeypatch.setattr(segmentation, "_probabilities", probabilities)
