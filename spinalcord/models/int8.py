"""Scales of networks in 8-bit integers: the range of values of each map.

They are stored beside the model files, in ``int8-scales.json``, each with the sha256 of its model
file: other weights have no scales. If the folder has a ``SHA256SUMS`` that lists the file, its
checksum must agree.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import BackendError, InputError, ModelError
from ..scans.writing import write_bytes
from .checksums import SCALES, SUMS, read_sums, relist

if TYPE_CHECKING:
    from .model_file import Model
    from .network import Array, Network

SHARE = 0.9
"""Of the images, how many a range holds whole: the rare extremes of the others are cut off, which
costs less than coarser steps for all."""

Ranges = dict[str, tuple[float, float]]


def measure_ranges(network: Network, images: Iterable[Array], *, share: float = SHARE) -> Ranges:
    """Measure the range of values of each map of a network.

    Parameters
    ----------
    network : Network
        Opened in f32.
    images : iterable of float32 (n, c, h, w) array
        Images prepared for the network.
    share : float, default 0.9
        Quantile, in (0, 1], of the extreme values of the images that a range contains.

    Returns
    -------
    dict of str to (float, float)
        The smallest and the largest value by the name of a layer, with ``:in`` behind it for what
        it reads where a batch normalisation comes first; in the network's own units.

    Raises
    ------
    InputError
        A network in another precision; no images; an invalid share.

    Examples
    --------
    >>> import spinalcord as sc
    >>> network = sc.Pipeline(precision="f32").network("ms_vs_nmosd")
    >>> ranges = measure_ranges(network, [np.zeros((1, 3, 64, 64), np.float32)])
    >>> ranges["features.transition1.conv:in"][0]
    0.0
    """
    if network.precision != "f32":
        raise InputError(f"ranges are measured in f32, got a network in {network.precision}")
    if not 0 < share <= 1:
        raise InputError(f"share is in (0, 1], got {share!r}")
    seen: dict[str, list[tuple[float, float]]] = {}
    for image in images:
        for one in image:
            for name, pair in _of_image(network, one[np.newaxis]).items():
                seen.setdefault(name, []).append(pair)
    if not seen:
        raise InputError("there are no images to measure ranges with")
    return {name: _range(np.array(pairs), share) for name, pairs in seen.items()}


def write_ranges(model: Model, ranges: Ranges, about: Mapping[str, Any]) -> Path:
    """Store the ranges of a model in the file beside it, replacing earlier ones.

    A list of checksums beside it that names that file gets its new checksum.

    Parameters
    ----------
    model : Model
    ranges : dict
        As from `measure_ranges`.
    about : mapping
        Description of the measurement, stored with them as JSON.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    ModelError
        The existing file is of another kind or damaged.
    InputError
        A place that cannot be written.
    """
    path = model.path.with_name(SCALES)
    stored = _read(path) if path.exists() else {}
    stored[model.path.name] = {
        "sha256": model.sha256,
        **about,
        "ranges": {name: [float(f"{v:.5g}") for v in pair] for name, pair in ranges.items()},
    }
    lines = ",\n".join(f" {json.dumps(n)}: {json.dumps(stored[n])}" for n in sorted(stored))
    content = f"{{\n{lines}\n}}\n".encode()
    written = write_bytes(path, content)
    relist(path.parent, path.name, content)
    return written


def stored_ranges(model: Model) -> list[tuple[str, float, float]]:
    """Return the ranges of a model, for the core.

    Parameters
    ----------
    model : Model

    Returns
    -------
    list of (str, float, float)
        Name, smallest and largest value.

    Raises
    ------
    BackendError
        It has none, or only those of other weights.
    ModelError
        The file is damaged, or differs from the folder's checksum.
    """
    advice = (
        f"; make them with 'spinalcord models quantize {model.path.name} --data COHORT', "
        "or use precision f32 or bf16"
    )
    path = model.path.with_name(SCALES)
    known = _read(path).get(model.path.name) if path.exists() else None
    if known is None:
        raise BackendError(f"{model.path} has no scales for int8 beside it{advice}")
    if known.get("sha256") != model.sha256:
        raise BackendError(f"the scales for int8 beside {model.path} are of another file{advice}")
    try:
        return [(name, float(low), float(high)) for name, (low, high) in known["ranges"].items()]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: damaged scales of {model.path.name}: {error!r}") from error


def has_ranges(model: Model) -> bool:
    """Return whether a model has the scales for int8.

    Raises
    ------
    ModelError
        As for `stored_ranges`: damaged scales are not the same as none.
    """
    try:
        stored_ranges(model)
    except BackendError:
        return False
    return True


def _of_image(network: Network, image: Array) -> Ranges:
    """Return the ranges of the layers that int8 needs, for one image."""
    found: Ranges = {}
    for step, low_in, high_in, low_out, high_out in network._core.ranges(image):
        for name, low, high in ((f"{step}:in", low_in, high_in), (step, low_out, high_out)):
            if not _is_needed(name) or (name.endswith(":in") and low == high):
                continue
            before = found.get(name, (0.0, 0.0))  # up.0 to up.3 are four steps each
            found[name] = min(before[0], low), max(before[1], high)
    return found


def _is_needed(name: str) -> bool:
    ends = (":in", ".conv1", ".a", ".b", ".c", ".shortcut")
    return name.endswith(ends) or name.startswith(("path.", "up."))


def _range(pairs: np.ndarray, share: float) -> tuple[float, float]:
    low, high = np.quantile(pairs[:, 0], 1 - share), np.quantile(pairs[:, 1], share)
    return float(low), float(high)


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_bytes()
        stored = json.loads(text)
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot read {path}: {error}") from error
    if not isinstance(stored, dict) or not all(isinstance(v, dict) for v in stored.values()):
        raise ModelError(f"{path} is not a JSON object of model scales")
    expected = (read_sums(path.parent) or {}).get(path.name)
    if expected is not None and hashlib.sha256(text).hexdigest() != expected:
        raise ModelError(f"{path} is damaged or another file than {SUMS} beside it lists")
    return stored
