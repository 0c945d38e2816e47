"""Calibration as a smooth curve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...pictures.style import GREY, MANY, TASK_LOOKS, style, take_axes
from ...stats import calibration_curve
from ...tasks import TASKS
from ..table import task_words
from .performance_curves import _scored

if TYPE_CHECKING:
    from ..cohort import Cohort


def draw_calibration_curve(cohort: Cohort, task: str, *, ax: Any = None) -> Any:
    """Draw the observed share as a smooth function of the probability, with its band.

    Parameters
    ----------
    cohort : Cohort
    task : str
        As in `spinalcord.tasks`.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        Without matplotlib.
    InputError
        Another task; fewer than 20 cases with a probability, or four distinct probabilities.
    """
    question = _scored(cohort, task)
    truth, p = question.truth[question.scored], question.probability[question.scored]
    curve = calibration_curve(truth, p, level=cohort.level)
    ax = take_axes(ax)
    colour, line = TASK_LOOKS[task]
    with style():
        ax.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":", label="perfect")
        label = f"band {curve.reason}" if curve.reason else None
        ax.fill_between(curve.probability, curve.low, curve.high, color=colour, alpha=0.15,
                        linewidth=0, label=label)  # fmt: skip
        ax.plot(curve.probability, curve.observed, color=colour, linestyle=line, label="loess")
        for value, (bottom, top) in {True: (1.0, 1.05), False: (-0.05, 0.0)}.items():
            own = p[truth == value]
            ax.vlines(own, bottom, top, color=GREY, linewidth=0.4, rasterized=own.size > MANY)
        ax.set(xlim=(-0.02, 1.02), ylim=(-0.07, 1.07), aspect="equal")
        ax.set(xlabel=f"probability of {TASKS[task].positive}", ylabel="observed share")
        ax.set_title(task_words(task))
        # Below: the band leaves no room for it.
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.14))
    return ax
