"""The figures of a report: how each is put together, and what it is called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from ..errors import InputError
from ..extras import MissingExtraError
from ..pictures.style import new_figure, style, to_png, to_svg
from ..tasks import TASKS
from . import figures

if TYPE_CHECKING:
    from .cohort import Cohort

Draw: TypeAlias = Callable[..., Any]


@dataclass(frozen=True)
class Plate:
    """A figure of one panel or several.

    Parameters
    ----------
    name : str
        Names its file, such as ``"roc"``.
    title, caption : str
    draws : tuple of functions
        Each takes a cohort and `ax=`.
    rows : int
        In how many the panels are set.
    size : (float, float)
        Size of one panel, in inches.
    table : str
        Table with the same numbers; empty if there is none.
    """

    name: str
    title: str
    caption: str
    draws: tuple[Draw, ...]
    size: tuple[float, float]
    rows: int = 1
    table: str = ""

    def to_svg(self, cohort: Cohort) -> bytes:
        """Draw what can be drawn.

        Parameters
        ----------
        cohort : Cohort

        Returns
        -------
        bytes
            SVG.

        Raises
        ------
        ImportError
            Without matplotlib.
        InputError
            No panel can be drawn.
        """
        return self._draw(cohort, to_svg)

    def _draw(self, cohort: Cohort, save: Callable[[Any], bytes]) -> bytes:
        if len(self.draws) == 1:
            return save(_compose(cohort, self.draws, 1, self.size))
        panels, reasons = [], []
        for draw in self.draws:
            try:
                _on_new_axes(draw, cohort)
            except MissingExtraError:
                raise
            except InputError as error:
                reasons.append(error)
            else:
                panels.append(draw)
        if not panels:
            raise reasons[0]
        return save(_compose(cohort, panels, self.rows, self.size))

    def to_png(self, cohort: Cohort) -> bytes:
        """Draw what can be drawn, as PNG; otherwise as `to_svg`.

        Raises
        ------
        ImportError
            Without matplotlib.
        InputError
            No panel can be drawn.
        """
        return self._draw(cohort, to_png)

    @property
    def alternative(self) -> str:
        """Text alternative for readers who cannot see the picture."""
        where = f" The numbers are in the table {self.table}." if self.table else ""
        return f"{self.title}. {self.caption}{where}"


def _on_new_axes(draw: Draw, cohort: Cohort) -> None:
    with style():
        draw(cohort, ax=new_figure(4, 4).add_subplot())


def _compose(cohort: Cohort, panels: Sequence[Draw], rows: int, size: tuple[float, float]) -> Any:
    rows = min(rows, len(panels))
    columns = -(-len(panels) // rows)
    with style():
        figure = new_figure(size[0] * columns, size[1] * rows)
        axes = figure.subplots(rows, columns, squeeze=False).ravel()
        for ax in axes[len(panels) :]:
            ax.remove()
        for draw, ax in zip(panels, axes, strict=False):
            draw(cohort, ax=ax)
    return figure


def _by_task(draw: Draw) -> tuple[Draw, ...]:
    return tuple(partial(draw, task=name) for name in TASKS)


PLATES = (
    Plate(
        "flow",
        "Flow of patients",
        "Who came in, who left and why, and who was evaluated.",
        (figures.draw_flow,),
        (7.0, 5.4),
    ),
    Plate(
        "roc",
        "ROC curves",
        "One curve per task with its area and interval; bands are pointwise bootstrap intervals, "
        "approximate below 50 cases in a class. "
        "Filled circles: the model at its threshold; open marks: readers, in the task's colour.",
        (figures.draw_roc,),
        (9.2, 5.0),
        table="table2",
    ),
    Plate(
        "confusion",
        "Confusion matrices",
        "Rows: the reference; columns: the answer; percentages are of the row.",
        (figures.draw_confusion, *_by_task(figures.draw_confusion)),
        (4.2, 4.2),
        rows=2,
        table="table2",
    ),
    Plate(
        "reliability",
        "Reliability of the probabilities",
        "Observed shares with intervals in equally filled bins; ticks: every patient, above the "
        "positive and below the negative ones.",
        _by_task(figures.draw_reliability),
        (3.6, 3.8),
        table="calibration",
    ),
    Plate(
        "calibration_curve",
        "Smooth calibration curves",
        "Observed share by probability (loess) with its pointwise bootstrap band; the diagonal is "
        "perfect; ticks: every patient, above the positive and below the negative ones.",
        _by_task(figures.draw_calibration_curve),
        (3.6, 3.8),
        table="calibration",
    ),
    Plate(
        "decision_curve",
        "Decision curves",
        "Net benefit of acting where the probability exceeds a threshold, against acting on "
        "everyone and on nobody.",
        _by_task(figures.draw_decision_curve),
        (3.6, 3.4),
    ),
    Plate(
        "subgroups",
        "Accuracy in subgroups",
        "Squares with intervals; diamonds: all patients; p: interaction, not adjusted.",
        (figures.draw_subgroups,),
        (7.4, 6.8),
        table="subgroups",
    ),
    Plate(
        "agreement",
        "Agreement of reference, model and readers",
        "Cohen's kappa of every pair, with its interval where there is room.",
        (figures.draw_agreement,),
        (5.4, 5.0),
        table="agreement",
    ),
    Plate(
        "dice",
        "Dice scores by diagnosis",
        "Every patient is shown; bars: mean with bootstrap interval.",
        (figures.draw_dice,),
        (5.6, 4.2),
        table="segmentation",
    ),
    Plate(
        "recall",
        "Lesions found, by their size",
        "Share of the reference's lesions that were found, in equally filled bins; dots: every "
        "lesion, above if found and below if not.",
        (figures.draw_recall,),
        (5.6, 4.2),
        table="segmentation",
    ),
)
