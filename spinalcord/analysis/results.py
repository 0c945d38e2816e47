"""Base of all results: their record, and how they are shown."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from .. import __version__
from .._moved import old_names
from ..errors import InputError
from ..pictures.mosaic import Mosaic, draw_mosaic
from ..pictures.scene import MARGIN_MM, Scene
from ..scans.writing import result_path, result_stem

if TYPE_CHECKING:
    from ..models.network import Network
    from ..scans.preparation import WorkingScan
    from ..scans.volume import Volume

Kind = TypeVar("Kind", bound="Result")

_FILE_ENDINGS = frozenset((".nii", ".gz", ".json", ".nrrd", ".mha", ".mhd", ".dcm", ".png", ".tsv"))


@dataclass(frozen=True)
class Record:
    """Record of how a result was made, as in its sidecar.

    Attributes
    ----------
    stem : str
        Beginning of the names of files about the scan, such as ``"sub-01"``.
    sources : tuple of dict
        Scans that were read, as described by `spinalcord.scans.writing.describe_source`.
    models : tuple of dict
        Models used: name, version, file, sha256, role, network, notice.
    settings : mapping
        Options in force, including those set by the model file.
    precision : str
        Arithmetic of the networks.
    threads : int
        Threads per call.
    seconds : mapping of str to float
        Per stage.
    warnings : tuple of str
        Warnings about the result.
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


class Result:
    """Base class of all results: the scan, the record, and how they are shown and saved."""

    record: Record
    scan: Volume

    @property
    def seconds(self) -> Mapping[str, float]:
        """Seconds per stage."""
        return self.record.seconds

    @property
    def notice(self) -> str:
        """Notices of the models, to be repeated with every result."""
        return self.record.notice

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings about the result."""
        return self.record.warnings

    @property
    def headline(self) -> str:
        """The result in a sentence."""
        raise NotImplementedError

    def renamed(self: Kind, stem: str) -> Kind:
        """Return a copy of the result whose files begin with `stem`."""
        return replace(self, record=replace(self.record, stem=stem))  # type: ignore[type-var]

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the images as plain values for JSON."""
        raise NotImplementedError

    def save(self, path: str | os.PathLike[str]) -> list[Path]:
        """Write the result; see the subclasses for the files."""
        raise NotImplementedError

    def scene(self) -> Scene:
        """Return the contents of pictures: the scan and its overlays."""
        raise NotImplementedError

    def plot(
        self,
        *,
        slices: Sequence[int] | None = None,
        margin_mm: float | None = MARGIN_MM,
        figure: Any = None,
        ax: Any = None,
    ) -> Any:
        """Plot the slices that hold lesion, left to right.

        Needs the extra `report`.

        Parameters
        ----------
        slices, margin_mm, figure, ax
            As for `spinalcord.pictures.plots.plot_scene`.

        Returns
        -------
        matplotlib Figure, or Axes where `ax` is given

        Raises
        ------
        MissingExtraError
            Without matplotlib.
        InputError
            As for `spinalcord.pictures.plots.plot_scene`.
        """
        from ..pictures import plots

        return plots.plot_result(self, slices=slices, margin_mm=margin_mm, figure=figure, ax=ax)

    def view(self, *, margin_mm: float | None = None) -> Any:
        """Show one slice at a time in a notebook, with a slider.

        Needs the extra `notebook`.

        Parameters
        ----------
        margin_mm : float, optional
            Margin around the lesions; whole slices if not given.

        Returns
        -------
        ipywidgets VBox

        Raises
        ------
        MissingExtraError
            Without ipywidgets.
        InputError
            As for `spinalcord.pictures.plots.view_scene`.
        """
        from ..pictures import plots

        return plots.view_scene(self.scene(), margin_mm=margin_mm)

    def _tables_html(self) -> str:
        """Return the tables that a notebook shows beside the pictures."""
        return ""

    def _repr_html_(self) -> str:
        return result_html(
            self.headline, draw_mosaic(self.scene()), self._tables_html(), self.record
        )


def make_record(
    scans: Sequence[WorkingScan],
    networks: Sequence[Network],
    *,
    settings: Mapping[str, Any],
    seconds: Mapping[str, float],
    warnings: Iterable[str] = (),
    after: Record | None = None,
) -> Record:
    """Create a record.

    Parameters
    ----------
    scans : sequence of WorkingScan
        The scan, and others on its grid.
    networks : sequence of Network
        At least one; they share precision and threads.
    settings, seconds
        As in `Record`.
    warnings : iterable of str, optional
        Warnings in addition to those of the scan.
    after : Record, optional
        Record of the previous step, whose models, settings and warnings come first.

    Returns
    -------
    Record

    Raises
    ------
    ModelError
        A model file was removed or changed since it was opened, before it was first described.
    """
    sources = tuple(scan.source for scan in scans)  # may add warnings to the scans
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
    """Return the path of a result: in a folder, or the file name that is given.

    Parameters
    ----------
    out : path-like
        A folder, made when it is written to, or a file name that ends in `ending`.
    stem, label : str
        Parts of the name within a folder.
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
    """Return the notice, pictures, table and warnings of a result as HTML for a notebook."""
    remarks = "".join(f"<p>{escape(text)}</p>" for text in record.warnings)
    notice = f"<p><b>{escape(record.notice)}</b></p>" if record.notice else ""
    drawn = mosaic.to_html() if mosaic is not None else ""
    return (
        f'<div class="spinalcord"><p><b>{escape(title)}</b></p>{notice}'
        f'<div style="display:flex;flex-wrap:wrap;gap:1em">{drawn}<div>{table}</div></div>'
        f"{remarks}</div>"
    )


__getattr__ = old_names(__name__)
