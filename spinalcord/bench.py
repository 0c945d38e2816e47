"""Time the networks on this machine, by precision, backend, threads and batch size.

Only the networks of this package; `benchmarks/` compares them with other libraries.
"""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import InputError

if TYPE_CHECKING:
    from .models.folder import ModelFolder
    from .models.model_file import Model
    from .models.network import Array, Network

ROLES = ("segmentation", "tumor_vs_demyelination")
"""One model of each network; the three classifiers differ in their weights alone."""

MIN_CALLS = 5

GOVERNOR = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
"""Where Linux tells how it chooses the CPU's frequency; virtual machines have none."""

COLUMNS = {
    "network": "network", "precision": "precision", "backend": "backend", "threads": "threads",
    "batch": "batch", "size": "size", "ms_per_image": "ms/image", "ms_per_image_p10": "p10",
    "ms_per_image_p90": "p90", "images_per_second": "images/s",
}  # fmt: skip
"""Columns of `format_table`, and their titles."""


def measure(
    *,
    models: str | os.PathLike[str] | None = None,
    precisions: Sequence[str] | None = None,
    backends: Sequence[str] = ("own",),
    threads: Sequence[int] | None = None,
    batches: Sequence[int] = (1,),
    size: int = 256,
    seconds: float = 1.0,
) -> Iterator[dict[str, Any]]:
    """Time one segmentation network and one classifier.

    Parameters
    ----------
    models : path-like, optional
        Folder with model files; those that come with the package if not given. Where that has
        none, random weights are timed, which take as long.
    precisions : sequence of {"f32", "bf16", "int8"}, optional
        What this CPU has if not given, int8 of models that have scales.
    backends : sequence of {"own", "onednn"}, default ("own",)
        Whose convolutions.
    threads : sequence of int, optional
        1, 2, 4 and so on up to the CPUs this process may use, these included, if not given.
    batches : sequence of int, default (1,)
        Images of a call.
    size : int, default 256
        Side of an image in pixels, a multiple of 16, at least 32.
    seconds : float, default 1.0
        Of each figure; at least five calls are made.

    Yields
    ------
    dict
        ``network``, ``model`` and its ``notice``; ``precision``, ``backend``, ``threads``,
        ``batch``, ``size``; ``images_per_second`` and ``ms_per_image`` by the median call, with
        ``ms_per_image_p10`` and ``_p90``; ``calls``; ``version``, ``onednn``, ``numpy``, ``cpu``,
        ``isa``, ``governor`` (None where the system tells none) and ``load`` (of the last minute,
        before this figure).

    Raises
    ------
    InputError
        An unknown precision or backend; a number below 1; a size that is no multiple of 16.
    ModelError
        A damaged model, or none of these networks in a folder that was given.
    BackendError
        This CPU lacks a precision that was asked for, or a model scales for int8.

    Examples
    --------
    >>> from spinalcord.bench import measure
    >>> rows = list(measure(precisions=["f32"], threads=[1], size=64, seconds=0.01))
    >>> sorted({row["network"] for row in rows})
    ['densenet121', 'multiresunet']
    """
    import numpy as np

    from . import __version__, _core
    from .models.ensemble import open_model
    from .models.folder import WEIGHTS_DIR, find_models, write_random

    if size < 32 or size % 16:
        raise InputError(f"size is {size} pixels, expected a multiple of 16 from 32")
    if min(batches, default=0) < 1:
        raise InputError(f"batches are {list(batches)}, expected numbers of at least 1")
    cpu = _core.cpu()
    asked = precisions is not None
    precisions = precisions if asked else cpu["precisions"]
    threads = _counts(int(cpu["threads"])) if threads is None else threads
    with tempfile.TemporaryDirectory() as scratch:
        folder = find_models(models)
        if not folder.models and folder.path == WEIGHTS_DIR:
            write_random(scratch)
            folder = find_models(scratch)
        for role, precision, backend, count in itertools.product(
            _roles(folder), precisions, backends, threads
        ):
            model = folder.model(role)
            if precision == "int8" and not asked and not _has_int8(model, backend):
                continue
            network = open_model(model, precision, count, backend=backend)
            for batch in batches:
                shape = (batch, network.model.in_channels, size, size)
                images = np.random.default_rng(0).random(shape, np.float32)
                load = os.getloadavg()[0]
                times = np.array(_time(network, images, seconds)) * 1e3 / batch
                low, median, high = np.percentile(times, (10, 50, 90))
                yield {
                    "network": network.kind,
                    "model": network.model.name,
                    "precision": network.precision,
                    "backend": network.backend,
                    "threads": network.threads,
                    "batch": batch,
                    "size": size,
                    "images_per_second": round(1e3 / median, 3),
                    "ms_per_image": round(float(median), 3),
                    "ms_per_image_p10": round(float(low), 3),
                    "ms_per_image_p90": round(float(high), 3),
                    "calls": len(times),
                    "version": __version__,
                    "onednn": cpu["onednn"],
                    "numpy": np.__version__,
                    "cpu": cpu["name"],
                    "isa": cpu["isa"],
                    "governor": _governor(),
                    "load": round(load, 2),
                    "notice": network.model.notice,
                }


def format_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Lay figures out as a table in plain text, with what they were measured on above it.

    Parameters
    ----------
    rows : sequence of mapping
        As `measure` yields them, at least one.

    Returns
    -------
    str
        Lines without an end of the last.

    Examples
    --------
    >>> row = dict.fromkeys(COLUMNS, 1) | {"cpu": "a CPU", "isa": "avx2", "governor": None}
    >>> row |= {"load": 0.1, "version": "0.2", "onednn": "3.2.0", "numpy": "2.0", "notice": ""}
    >>> print(format_table([row]).splitlines()[0])
    a CPU (avx2), governor unknown, load 0.1
    """
    first = rows[0]
    loads = sorted({row["load"] for row in rows})
    load = f"{loads[0]:g}" if len(loads) == 1 else f"{loads[0]:g} to {loads[-1]:g}"
    cells = [list(COLUMNS.values())]
    cells += [[str(row[name]) for name in COLUMNS] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(COLUMNS))]
    lines = [
        "  ".join(
            cell.ljust(width) if number < 3 else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    ]
    return "\n".join(
        [
            f"{first['cpu']} ({first['isa']}), governor {first['governor'] or 'unknown'}, "
            f"load {load}",
            f"spinalcord {first['version']}, oneDNN {first['onednn']}, NumPy {first['numpy']}",
            "",
            *lines,
        ]
    )


def _governor() -> str | None:
    try:
        return GOVERNOR.read_text(encoding="utf-8").strip()
    except OSError:
        return None


def _counts(most: int) -> list[int]:
    """1, 2, 4 and so on, and the most."""
    return sorted({*(2**power for power in range(most.bit_length())), most})


def _roles(folder: ModelFolder) -> list[str]:
    """Return which of ROLES the folder has, or raise what says that it has none."""
    roles = [role for role in ROLES if role in folder.models]
    if not roles:
        folder.model(ROLES[0])
    return roles


def _has_int8(model: Model, backend: str) -> bool:
    from .models.ensemble import files_of
    from .models.int8 import has_ranges

    return backend == "own" and all(has_ranges(one) for one in files_of(model))


def _time(network: Network, images: Array, seconds: float) -> list[float]:
    """Seconds of each call; the first call, which makes the plan, does not count."""
    network(images)
    times: list[float] = []
    begin = time.perf_counter()
    while len(times) < MIN_CALLS or time.perf_counter() - begin < seconds:
        before = time.perf_counter()
        network(images)
        times.append(time.perf_counter() - before)
    return times
