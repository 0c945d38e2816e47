"""Time the networks on this machine, by precision, backend, threads and batch size.

Only the networks of this package; `benchmarks/` compares them with other libraries.
"""

from __future__ import annotations

import itertools
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from . import __version__, _core
from .errors import InputError
from .models.ensemble import files_of, open_model
from .models.folder import find_models, write_random
from .models.int8 import has_ranges
from .models.network import Network, check_settings

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
        Those of this CPU if not given; int8 only for models with scales.
    backends : sequence of {"own", "onednn"}, default ("own",)
        Implementation of the convolutions.
    threads : sequence of int, optional
        1, 2, 4 and so on up to the CPUs this process may use, these included, if not given.
    batches : sequence of int, default (1,)
        Images of a call.
    size : int, default 256
        Side of an image in pixels, a multiple of 16, at least 32.
    seconds : float, default 1.0
        Seconds per figure; at least five calls are made.

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
    if size < 32 or size % 16:
        raise InputError(f"size is {size} pixels, expected a multiple of 16 from 32")
    if min(batches, default=0) < 1:
        raise InputError(f"batches are {list(batches)}, expected numbers of at least 1")
    cpu = _core.cpu()
    asked = precisions is not None
    chosen: Sequence[str] = cpu["precisions"] if precisions is None else precisions
    threads = _counts(int(cpu["threads"])) if threads is None else threads
    with tempfile.TemporaryDirectory() as scratch:
        folder = find_models(models)
        if folder.shipped_empty:
            write_random(scratch)
            folder = find_models(scratch)
        for role, precision, backend, count in itertools.product(
            _roles(folder), chosen, backends, threads
        ):
            model = folder.model(role)
            if precision == "int8" and not asked and not _has_int8(model):
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


def measure_peaks(
    *,
    models: str | os.PathLike[str] | None = None,
    precisions: Sequence[str] | None = None,
    threads: int | None = None,
    size: int = 256,
    seconds: float = 1.0,
) -> dict[str, Any]:
    """Measure what this machine reaches at most, and which share of it each kind of layer does.

    Parameters
    ----------
    models, size
        As for `measure`.
    precisions : sequence of {"f32", "bf16", "int8"}, optional
        As for `measure`.
    threads : int, optional
        The CPUs that this process may use if not given.
    seconds : float, default 1.0
        Seconds per peak and per profile of a network; at least five profiles are made.

    Returns
    -------
    dict
        ``peaks``, GFLOP/s of all threads by precision (two for a multiply-add), and
        ``memory_gb_s``, GB/s read and written by copying; ``layers``, a list of dicts by network,
        precision and class of layer: ``ms``, ``gflops`` a second, ``share`` of the peak (above 1
        where Winograd saves products; None for what is no product); ``cpu``, ``isa``,
        ``threads``, ``size`` and ``load``.

    Raises
    ------
    InputError, ModelError, BackendError
        As for `measure`.

    Examples
    --------
    >>> from spinalcord.bench import measure_peaks
    >>> found = measure_peaks(precisions=["f32"], threads=1, size=64, seconds=0.01)
    >>> sorted({row["network"] for row in found["layers"]})
    ['densenet121', 'multiresunet']
    """
    if size < 32 or size % 16:
        raise InputError(f"size is {size} pixels, expected a multiple of 16 from 32")
    cpu = _core.cpu()
    threads = check_settings("f32", threads)
    folder = find_models(models)
    load = os.getloadavg()[0]
    peaks = {p: 2e-9 * sum(_together(threads, _core.peak, p, seconds)) for p in cpu["precisions"]}
    layers: list[dict[str, Any]] = []
    for role, precision in itertools.product(
        _roles(folder), cpu["precisions"] if precisions is None else precisions
    ):
        model = folder.model(role)
        if precision == "int8" and precisions is None and not _has_int8(model):
            continue
        network = Network.open(files_of(model)[0].path, precision, threads)
        image = np.random.default_rng(0).random((1, model.in_channels, size, size), np.float32)
        layers += _classes(network, image, seconds, peaks)
    return {
        "peaks": {name: round(value, 1) for name, value in peaks.items()},
        "memory_gb_s": round(sum(_together(threads, _copy_speed, seconds)), 1),
        "layers": layers,
        "cpu": cpu["name"],
        "isa": cpu["isa"],
        "threads": threads,
        "size": size,
        "load": round(load, 2),
    }


def format_peaks(found: Mapping[str, Any]) -> str:
    """Lay out what `measure_peaks` found as plain text.

    Parameters
    ----------
    found : mapping
        As `measure_peaks` returns it.

    Returns
    -------
    str
        Lines without an end of the last.

    Examples
    --------
    >>> found = {"cpu": "a CPU", "isa": "avx2", "threads": 1, "load": 0.1, "size": 256}
    >>> found |= {"peaks": {"f32": 100.0}, "memory_gb_s": 10.0, "layers": []}
    >>> print(format_peaks(found).splitlines()[1])
    peak: f32 100.0 GFLOP/s, copying 10.0 GB/s
    """
    peaks = ", ".join(f"{name} {value} GFLOP/s" for name, value in found["peaks"].items())
    lines = [
        f"{found['cpu']} ({found['isa']}), {found['threads']} threads, load {found['load']}",
        f"peak: {peaks}, copying {found['memory_gb_s']} GB/s",
        "",
        f"{'network':13}{'precision':11}{'layers':16}{'ms':>8}{'GFLOP/s':>10}{'share':>7}",
    ]
    for row in found["layers"]:
        share = "" if row["share"] is None else f"{row['share']:.2f}"
        lines.append(
            f"{row['network']:13}{row['precision']:11}{row['class']:16}{row['ms']:8.2f}"
            f"{row['gflops']:10.0f}{share:>7}"
        )
    return "\n".join(lines)


def _together(n: int, function: Callable[..., float], *arguments: Any) -> list[float]:
    """Call a function in n threads at once."""
    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(lambda _: function(*arguments), range(n)))


def _copy_speed(seconds: float) -> float:
    """GB a second that one thread reads and writes by copying 64 MiB, at its fastest."""
    src = np.ones(1 << 24, np.float32)
    dst = np.zeros_like(src)
    best, begin = 0.0, time.perf_counter()
    while best == 0.0 or time.perf_counter() - begin < seconds:
        before = time.perf_counter()
        np.copyto(dst, src)
        best = max(best, 2e-9 * src.nbytes / (time.perf_counter() - before))
    return best


def _classes(
    network: Network, image: Array, seconds: float, peaks: Mapping[str, float]
) -> list[dict[str, Any]]:
    """Sum up the median profile of a network by class of layer and what computes it."""
    network(image)
    profiles: list[list[dict[str, Any]]] = []
    begin = time.perf_counter()
    while len(profiles) < MIN_CALLS or time.perf_counter() - begin < seconds:
        profiles.append(network.profile(image))
    sums: dict[tuple[str, str], list[float]] = {}
    for steps in zip(*profiles, strict=True):
        one = steps[0]
        kind = layer_class(one["name"], one["kind"])
        ms = float(np.median([step["milliseconds"] for step in steps]))
        name = one["implementation"].split(":")[-1].split("_")[0]
        used = "" if kind == "other" else {"u8": "int8"}.get(name, name)
        total = sums.setdefault((kind, used), [0.0, 0.0])
        total[0] += ms
        total[1] += one["flops"]
    rows = []
    for (kind, used), (ms, flops) in sums.items():
        speed = flops / ms * 1e-6 if ms > 0 else 0.0
        share = round(speed / peaks[used], 3) if peaks.get(used) else None
        rows.append(
            {
                "network": network.kind,
                "precision": network.precision,
                "class": f"{kind} {used}".rstrip(),
                "ms": round(ms, 3),
                "gflops": round(speed, 1),
                "share": share,
            }
        )
    return sorted(rows, key=lambda row: -row["ms"])


def layer_class(name: str, kind: str) -> str:
    """Return the class of a layer by its name, which both architectures fix.

    Parameters
    ----------
    name, kind : str
        As `Network.layers` gives them.

    Returns
    -------
    str

    Examples
    --------
    >>> layer_class("encoder.0.a", "convolution"), layer_class("pool0", "pooling")
    ('3x3', 'other')
    """
    if kind != "convolution":
        return "other"
    if name.startswith("path."):
        return "3x3 + 1x1"
    if name.endswith((".a", ".b", ".c", ".conv2")):
        return "3x3"
    if name.startswith("up."):
        return "2x2 up"
    return "7x7" if name.endswith("conv0") else "1x1"


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


def _has_int8(model: Model) -> bool:
    return all(has_ranges(one) for one in files_of(model))


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
