"""Write learning curves: a CSV file, a page that reloads itself, and a picture."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..scans.writing import write_bytes, write_text
from .curves_page import Progress, make_curves_page

FIXED = ("epoch", "steps", "seconds", "learning_rate", "train_loss", "validation_loss")


def write_curves(
    stem: str | os.PathLike[str],
    history: Sequence[Mapping[str, Any]],
    figures: Sequence[str],
    progress: Progress,
) -> list[Path]:
    """Write ``STEM.html`` and ``STEM.csv``, and ``STEM.png`` where matplotlib is installed.

    The picture is drawn once per epoch, the other files at each call.

    Parameters
    ----------
    stem : path
        Without an ending.
    history : sequence of mapping
        One row per epoch, with the columns `FIXED` and `figures`; a row may lack some of the
        latter.
    figures : sequence of str
        Names of what was measured besides the losses.
    progress : Progress
        Progress of the training, shown on the page, which reloads itself until the training ends.

    Returns
    -------
    list of Path
        Files that were written.

    Raises
    ------
    InputError
        A place that cannot be written.
    """
    stem = Path(stem)
    text = io.StringIO()
    columns = (*FIXED, *figures)
    writer = csv.DictWriter(text, columns, "", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    files = [
        write_bytes(stem.with_name(f"{stem.name}.csv"), text.getvalue().encode()),
        write_text(
            stem.with_name(f"{stem.name}.html"), make_curves_page(history, figures, progress)
        ),
    ]
    if progress.loss is not None or not history:
        return files
    picture = _draw(history, figures)
    if picture is not None:
        files.append(write_bytes(stem.with_name(f"{stem.name}.png"), picture))
    return files


def _draw(history: Sequence[Mapping[str, Any]], figures: Sequence[str]) -> bytes | None:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return None
    figure = Figure(figsize=(8, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2)
    shares = [name for name in figures if not name.endswith("_mm3")]
    for axes, names, label in (
        (left, ("train_loss", "validation_loss"), "loss"),
        (right, shares, "validation"),
    ):
        for name in names:
            known = [(row["epoch"], row[name]) for row in history if name in row]
            axes.plot(*zip(*known, strict=True), marker=".", label=name)
        axes.set_xlabel("epoch")
        axes.set_ylabel(label)
        axes.legend()
    right.set_ylim(0, 1)
    buffer = io.BytesIO()
    FigureCanvasAgg(figure).print_png(buffer)
    return buffer.getvalue()
