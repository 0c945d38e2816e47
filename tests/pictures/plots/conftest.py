from __future__ import annotations

import numpy as np
import pytest

from spinalcord.analysis.classification import Answer, Diagnosis, SliceAnswer
from spinalcord.analysis.results import Record
from spinalcord.analysis.segmentation import Lesion, Segmentation
from spinalcord.pictures.scene import Scene
from spinalcord.scans.volume import Volume
from spinalcord.tasks import chain_diagnosis, chain_probabilities

RECORD = Record(
    stem="sub-01", sources=(), models=({"notice": "only a test"},), settings={}, precision="f32",
    threads=1, seconds={},
)  # fmt: skip
LESION = Lesion(1, 12.0, 4.0, 1.0, 3.0, 5.0, (0.0, 0.0, 0.0), 12, 1.0, 0.0)
SPACING = (3.0, 0.5, 1.0)


@pytest.fixture
def figure():
    """A figure that pyplot does not know."""
    module = pytest.importorskip("matplotlib.figure", reason="plots need the extra report")
    return module.Figure(figsize=(6, 5), layout="constrained")


@pytest.fixture
def pyplot():
    matplotlib = pytest.importorskip("matplotlib", reason="plots need the extra report")
    matplotlib.use("Agg")
    pyplot = pytest.importorskip("matplotlib.pyplot")
    yield pyplot
    pyplot.close("all")


def volumes(lesion):
    """A scan and a mask with pixels that are not square; slices are stored from right to left."""
    affine = np.zeros((4, 4))
    affine[0, 0], affine[2, 1], affine[1, 2], affine[3, 3] = (
        -SPACING[0],
        -SPACING[1],
        -SPACING[2],
        1,
    )
    scan = np.random.default_rng(0).integers(0, 100, lesion.shape).astype(np.int16)
    return Volume(scan, affine), Volume(lesion, affine)


@pytest.fixture
def lesion():
    """Lesion in the stored slices 1 to 3 of 6."""
    mask = np.zeros((6, 60, 40), np.uint8)
    mask[1:4, 20:26, 10:13] = 1
    mask[2, 18:20, 11] = 1
    return mask


@pytest.fixture
def scene(lesion):
    return Scene(*volumes(lesion))


def make_segmentation(lesion, cord=None):
    scan, mask = volumes(lesion)
    probability = mask.like((0.9 * lesion).astype(np.float32))
    lesions = (LESION,) if lesion.any() else ()
    return Segmentation(mask, probability, cord and mask, lesions, (), RECORD, scan)


def slices(probability):
    return [SliceAnswer(3, probability - 0.1), SliceAnswer(1, probability + 0.1)]


def make_diagnosis(lesion, positive=(0.8, 0.3, 0.45), thresholds=(0.5, 0.5, 0.4)):
    scan, mask = volumes(lesion)
    if not lesion.any():
        return Diagnosis(False, None, {}, {}, None, RECORD, scan, mask)
    names = {
        "tumor_vs_demyelination": ("tumor", "demyelination"),
        "astrocytoma_vs_ependymoma": ("astrocytoma", "ependymoma"),
        "ms_vs_nmosd": ("MS", "NMOSD"),
    }
    answers = {
        name: Answer(
            p, words[p >= limit], limit, (SliceAnswer(3, p - 0.1), SliceAnswer(1, p + 0.1))
        )
        for (name, words), p, limit in zip(names.items(), positive, thresholds, strict=True)
    }
    return Diagnosis(
        found=True,
        diagnosis=chain_diagnosis({n: a.label for n, a in answers.items()}),
        probabilities=chain_probabilities({n: a.probability for n, a in answers.items()}),
        tasks=answers,
        segmentation=None,
        record=RECORD,
        scan=scan,
        mask=mask,
    )


@pytest.fixture
def segmentation(lesion):
    return make_segmentation(lesion, cord=True)


@pytest.fixture
def nothing_found(lesion):
    return make_segmentation(np.zeros_like(lesion)), make_diagnosis(np.zeros_like(lesion))


@pytest.fixture
def diagnosis(lesion):
    return make_diagnosis(lesion)
