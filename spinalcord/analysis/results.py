"""What all results have in common: how they were made, and how they show themselves."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import __version__
from ..errors import InputError
from ..scans.writing import result_path, result_stem

if TYPE_CHECKING:
    from ..models.network import Network
    from ..pictures.mosaic import Mosaic
    from ..scans.preparation import WorkingScan

_FILE_ENDINGS = frozenset((".nii", ".gz", ".json", ".nrrd", ".mha", ".mhd", ".dcm", ".png", ".tsv"))


@dataclass(frozen=True)
class Record:
    """How a result was made, as its sidecar tells.

    Attributes
    ----------
    stem : str
        How files about the scan begin, such as ``"sub-01"``.
    sources : tuple of dict
        Scans that were read, as `spinalcord.scans.writing.describe_source` tells them.
    models : tuple of dict
        Models used: name, version, file, sha256, role, network, notice.
    settings : mapping
        Options in force, those that the model file sets included.
    precision : str
        Arithmetic of the networks.
    threads : int
        Threads per call.
    seconds : mapping of str to float
        Per stage.
    warnings : tuple of str
        Reservations with which the result can be used.
    """

    stem: str
    sources: tuple[Mapping[str, Any], ...]
    models: tuple[Mapping[str, Any], ...]
    settings: Mapping[str, Any]
    precision: str
    threads: int
    seconds: Mapping[str, float]
    warnings: tuple[str, ...] = ()

    @property
    def notice(self) -> str:
        """The notices of all models, each once."""
        notices = dict.fromkeys(str(model["notice"]) for model in self.models)
        return "; ".join(notice for notice in notices if notice)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "notice": self.notice,
            "warnings": list(self.warnings),
            "settings": dict(self.settings),
            "models": [dict(model) for model in self.models],
            "sources": [dict(source) for source in self.sources],
            "versions": {"spinalcord": __version__, "numpy": np.__version__},
            "precision": self.precision,
            "threads": self.threads,
            "seconds": {stage: round(value, 4) for stage, value in self.seconds.items()},
        }


class Recorded:
    """What every result says of how it was made, whatever else it holds."""

    record: Record

    @property
    def seconds(self) -> Mapping[str, float]:
        """Seconds per stage."""
        return self.record.seconds

    @property
    def notice(self) -> str:
        """What the models' makers want repeated with every result."""
        return self.record.notice

    @property
    def warnings(self) -> tuple[str, ...]:
        """Reservations with which the result can be used."""
        return self.record.warnings


def make_record(
    scans: Sequence[WorkingScan],
    networks: Sequence[Network],
    *,
    settings: Mapping[str, Any],
    seconds: Mapping[str, float],
    warnings: Iterable[str] = (),
    after: Record | None = None,
) -> Record:
    """Put a record together.

    Parameters
    ----------
    scans : sequence of WorkingScan
        The scan, and others on its grid.
    networks : sequence of Network
        At least one; they share precision and threads.
    settings, seconds
        As in `Record`.
    warnings : iterable of str, optional
        Beyond those of the scan.
    after : Record, optional
        Of the step before, whose models, settings and warnings come first.

    Returns
    -------
    Record

    Raises
    ------
    ModelError
        A model file has gone or changed since it was opened, and was not described before.
    """
    sources = tuple(scan.source for scan in scans)  # may add to their warnings
    noted = [warning for scan in scans for warning in scan.warnings]
    models: tuple[Mapping[str, Any], ...] = tuple(n.model.to_dict() for n in networks)
    settings = dict(settings)
    earlier: tuple[str, ...] = ()
    if after is not None:
        models = after.models + models
        settings["segmentation"] = dict(after.settings)
        earlier = after.warnings
    return Record(
        stem=result_stem(scans[0].volume),
        sources=sources,
        models=models,
        settings=settings,
        precision=networks[0].precision,
        threads=networks[0].threads,
        seconds=dict(seconds),
        warnings=tuple(dict.fromkeys([*earlier, *noted, *warnings])),
    )


def output_path(out: str | os.PathLike[str], stem: str, label: str, ending: str) -> Path:
    """Say where a result is written: into a folder, or under the file name that is given.

    Parameters
    ----------
    out : path-like
        A folder, made when it is written to, or a file name that ends in `ending`.
    stem, label : str
        Make the name within a folder.
    ending : str
        ``".nii.gz"`` (``".nii"`` serves too) or ``".json"``.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    InputError
        A file name with the ending of another kind of file.
    """
    path = result_path(out, stem, label, ending)
    out = Path(out)
    if path != out and not out.is_dir() and out.suffix.lower() in _FILE_ENDINGS:
        raise InputError(f"{out}: expected a folder, or a file name that ends in {ending}")
    return path


def check_number(name: str, value: Any, least: float, most: float) -> float:
    """Return an option as a float.

    Raises
    ------
    InputError
        No number, NaN, or not between `least` and `most`.
    """
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not least <= number <= most:
        raise InputError(f"{name} is {value!r}, expected a number from {least:g} to {most:g}")
    return number


def table_html(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> str:
    """Return rows as an HTML table; numbers are rounded to four digits."""

    def cell(value: Any) -> str:
        return escape(f"{value:.4g}" if isinstance(value, float) else str(value))

    if not rows:
        return ""
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(
        "<tr>" + "".join(f"<td>{cell(row[column])}</td>" for column in columns) + "</tr>"
        for row in rows
    )
    return f"<table><tr>{head}</tr>{body}</table>"


def result_html(title: str, mosaic: Mosaic | None, table: str, record: Record) -> str:
    """Put a result's notice, pictures, table and warnings together for a notebook."""
    remarks = "".join(f"<p>{escape(text)}</p>" for text in record.warnings)
    notice = f"<p><b>{escape(record.notice)}</b></p>" if record.notice else ""
    drawn = mosaic.to_html() if mosaic is not None else ""
    return (
        f'<div class="spinalcord"><p><b>{escape(title)}</b></p>{notice}'
        f'<div style="display:flex;flex-wrap:wrap;gap:1em">{drawn}<div>{table}</div></div>'
        f"{remarks}</div>"
    )
