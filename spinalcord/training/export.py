"""Export a trained network in half precision, checked against the core, with its threshold.

The threshold is chosen on the validation split with the file as opened by the C core, which is what
users run.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ..errors import ModelError, SpinalcordWarning
from ..models.architectures import DENSENET121, MULTIRESUNET, NORM_EPS
from ..models.model_file import stored_tensors, write_model
from ..models.network import Network
from ..stats.roc import auc_value
from ..stats.thresholds import choose_threshold
from ..tasks import TASKS
from .augmentation import crop
from .cache import Entry
from .settings import SEGMENTATION, classes_of
from .torch_networks import build, copy_tensors, load_tensors
from .whole_scans import FREE, ScanFigures, measure_scan, pixel_of, probabilities, summarise

PARITY = 1e-3
"""Largest allowed difference of a probability between torch and core with the weights of the
file."""

GRID = (*(round(0.1 * k, 1) for k in range(1, 10)), 0.95, 0.98)
"""Lesion thresholds that are tried on the validation split."""

MOST_SLICES = 600
"""Maximum number of slices on which a segmentation model is measured, as whole scans."""


def describe(
    target: str, outputs: Sequence[str], name: str, preprocessing: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the metadata of a new model file, with a threshold of one half.

    Parameters
    ----------
    target : str
        "segmentation" or a task; the four-class start is described like a task.
    outputs : sequence of str
        Names of the outputs of segmentation.
    name : str
    preprocessing : mapping
        As in the model file.

    Returns
    -------
    dict
    """
    common: dict[str, Any] = {
        "name": name,
        "version": "1",
        "preprocessing": dict(preprocessing),
        "notice": "",
    }
    if target == SEGMENTATION:
        return common | {
            "network": MULTIRESUNET,
            "in_channels": 3 if "context_mm" in preprocessing else 1,
            "norm_eps": NORM_EPS[MULTIRESUNET],
            "final_norm": False,
            "labels": {"kind": "segmentation", "outputs": list(outputs), "threshold": 0.5},
        }
    task = TASKS.get(target, TASKS["tumor_vs_demyelination"])
    return common | {
        "network": DENSENET121,
        "in_channels": 3,
        "norm_eps": NORM_EPS[DENSENET121],
        "final_relu": True,
        "labels": {
            "kind": "classification",
            "task": task.name,
            "negative": task.negative,
            "positive": task.positive,
            "threshold": 0.5,
        },
    }


def export_model(
    network: nn.Module,
    metadata: Mapping[str, Any],
    validation: Sequence[Entry],
    path: str | os.PathLike[str],
) -> dict[str, Any]:
    """Write a model file, compare it with the network, evaluate it and store its threshold.

    Parameters
    ----------
    network : module
        Trained.
    metadata : mapping
        As from `describe`, with training and notice.
    validation : sequence of Entry
        The validation split.
    path : path
        Path ending in ``.safetensors``; written only after all checks have passed.

    Returns
    -------
    dict
        Figures on the validation split, as in the file's ``training``.

    Raises
    ------
    ModelError
        Weights that are not finite; core and torch that differ by more than `PARITY`.
    """
    path = Path(path)
    draft = path.with_name(f".{path.stem}.draft.safetensors")
    tensors = copy_tensors(network)
    try:
        write_model(draft, tensors, metadata)
        opened = Network.open(draft)
        parity = compare(draft, _example(validation, opened))
        if not parity <= PARITY:
            raise ModelError(f"{path.name}: core and torch differ by {parity:.2g}, over {PARITY}")
        measure = _measure_masks if opened.kind == MULTIRESUNET else _measure_answers
        labels, figures = measure(opened, validation)
    finally:
        draft.unlink(missing_ok=True)
    figures["core_against_torch"] = parity
    whole = {
        **metadata,
        "labels": {**metadata["labels"], **labels},
        "training": {**metadata.get("training", {}), "validation": figures},
    }
    write_model(path, tensors, whole)
    return figures


def compare(path: str | os.PathLike[str], images: np.ndarray) -> float:
    """Return the largest difference between core and torch for a model file, both in float32.

    Parameters
    ----------
    path : path
        A model file; both use its stored weights.
    images : float32 (n, c, h, w)

    Raises
    ------
    ModelError
        A damaged file.
    """
    opened = Network.open(path)
    model = opened.model
    options: dict[str, Any] = {"final_relu": bool(model.metadata.get("final_relu", True))}
    if opened.kind == MULTIRESUNET:
        options = {
            "outputs": len(model.outputs),
            "final_norm": bool(model.metadata.get("final_norm", True)),
        }
    twin = build(
        opened.kind,
        in_channels=model.in_channels,
        norm_eps=float(model.metadata.get("norm_eps", NORM_EPS[opened.kind])),
        **options,
    )
    load_tensors(twin, stored_tensors(path))
    twin.eval()
    with torch.inference_mode():
        want = twin(torch.from_numpy(np.ascontiguousarray(images))).numpy()
    return float(np.abs(opened(images) - want).max())


def _example(validation: Sequence[Entry], network: Network) -> np.ndarray:
    """Return one or two images for the comparison; for segmentation, part of a slice."""
    whole = network.kind == MULTIRESUNET
    entry = next(e for e in validation if e.shape[0] and (e.lesion or whole))
    if whole:
        index = entry.lesion[0] if entry.lesion else entry.shape[0] // 2
        return np.ascontiguousarray(entry.image(index)[None, :, :256, :256])
    return _windows(network, entry)[:2]


def _windows(network: Network, entry: Entry) -> np.ndarray:
    """Return the windows of a case, cut as the model file specifies."""
    height, width = network.model.preprocessing["size"]
    return crop(torch.from_numpy(entry.images()), (height, width)).numpy()


def _measure_answers(
    network: Network, validation: Sequence[Entry]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Evaluate a classifier at Youden's threshold of the mean probabilities of patients."""
    positive, p = answers(network, validation)
    threshold, origin = youden(positive, p, "validation")
    if threshold is None:
        threshold = 0.5
        warnings.warn(f"{network.model.name}: {origin}", SpinalcordWarning, stacklevel=3)
    called = p >= threshold
    figures = {
        "cases": len(p),
        "auc": auc_value(positive, p),
        "accuracy": float((called == positive).mean()),
        "sensitivity": float(called[positive].mean()),
        "specificity": float((~called[~positive]).mean()),
        "remark": "at the threshold chosen on these cases: too good",
    }
    return {"threshold": threshold, "threshold_from": origin}, figures


def answers(network: Network, validation: Sequence[Entry]) -> tuple[np.ndarray, np.ndarray]:
    """Return the answers of a classifier for cases.

    Parameters
    ----------
    network : Network
    validation : sequence of Entry
        Those without lesion are excluded.

    Returns
    -------
    positive : (cases,) bool array
        Whether the diagnosis is of the positive class.
    probability : (cases,) float64 array
        Probability of that class, mean over the slices with lesion, as in use.
    """
    classes = classes_of(network.model.role)
    scores, truth = [], []
    for entry in validation:
        if entry.lesion:
            images = _windows(network, entry)
            parts = [network(images[i : i + 8])[:, 1] for i in range(0, len(images), 8)]
            scores.append(float(np.concatenate(parts).astype(np.float64).mean()))
            truth.append(entry.case.diagnosis in classes[1])
    return np.array(truth, bool), np.array(scores)


def youden(positive: np.ndarray, p: np.ndarray, split: str) -> tuple[float | None, str]:
    """Choose Youden's threshold and return its origin.

    Returns
    -------
    float or None
        None if all or no case would be called positive: use one half.
    str
        For ``threshold_from``.
    """
    chosen = choose_threshold(positive, p, split=split)
    threshold = between(chosen.value, p)
    if threshold is None:
        return None, f"one half: no threshold separates {len(p)} {split} cases"
    return threshold, f"{split}, Youden, {len(p)} cases"


def between(value: float, scores: np.ndarray) -> float | None:
    """Move a threshold from the score of a case half-way to the next lower score.

    The labels stay the same, also with the rounding of another precision.

    Returns
    -------
    float or None
        Within (0, 1]; None if all or no case would be called positive.
    """
    below = scores[scores < value]
    if not np.isfinite(value) or not below.size:
        return None
    return float((value + below.max()) / 2)


def _measure_masks(
    network: Network, validation: Sequence[Entry]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Evaluate whole scans at the threshold with the largest mean Dice."""
    pixel_mm = pixel_of(network.metadata)
    scans: list[list[ScanFigures]] = []
    slices = 0
    for entry in _first(validation):
        maps = probabilities(network, entry)
        slices += len(maps)
        scans.append([measure_scan(entry, maps, pixel_mm, t) for t in GRID])
    ill = [[scan.dice for scan in row] for row in scans if row[0].group != FREE]
    labels: dict[str, Any] = {"threshold": 0.5, "threshold_from": "one half"}
    best = GRID.index(0.5)
    if ill:
        best = int(np.mean(ill, 0).argmax())
        labels = {
            "threshold": GRID[best],
            "threshold_from": f"validation, largest mean Dice of {len(ill)} cases, {GRID}",
        }
    figures: dict[str, Any] = {
        "slices": slices,
        "scans": len(scans),
        "lesion_free_cases": len(scans) - len(ill),
        **summarise([row[best] for row in scans]),
        "remark": "on prepared slices, at the threshold chosen on these cases: too good",
    }
    return labels, figures


def _first(validation: Sequence[Entry]) -> list[Entry]:
    """Return whole scans in a fixed random order: up to `MOST_SLICES` slices, at least one scan."""
    order = np.random.default_rng(0).permutation(len(validation))
    taken: list[Entry] = []
    for entry in (validation[k] for k in order):
        if taken and sum(e.shape[0] for e in taken) + entry.shape[0] > MOST_SLICES:
            break
        taken.append(entry)
    return taken
