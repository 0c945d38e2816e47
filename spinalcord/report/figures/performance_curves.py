"""ROC curves with readers, calibration and decision curves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import InputError
from ...pictures.style import BLACK, GREY, MANY, TASK_LOOKS, style, take_axes
from ...stats import auc, bands, decision_curve, reliability, roc_curve
from ...stats.estimate import decimal, percent_text
from ...tasks import TASKS
from ..cases import Question, ask
from ..performance import count, questions
from ..readers import count_reader, judge
from ..table import task_words

if TYPE_CHECKING:
    from ..cohort import Cohort

Float = NDArray[np.float64]
_GRID = np.linspace(0, 1, 101)
_MARKS = "sD^vPX<>"


def draw_roc(cohort: Cohort, *, ax: Any = None, replicates: int = 500, seed: int = 0) -> Any:
    """Draw the ROC curves of all tasks with bands, operating points and readers.

    Parameters
    ----------
    cohort : Cohort
    ax : matplotlib Axes, optional
    replicates, seed : int
        Number of replicates and seed of the bootstrap behind the pointwise bands; cases are drawn
        within the classes.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        Without matplotlib.
    InputError
        As `Cohort.table2`; no task has probabilities of both classes.
    """
    asked = [q for q in questions(cohort.cases) if _both(q)]
    if not asked:
        raise InputError("no task has probabilities for cases of both classes")
    ax = take_axes(ax, width=9.0, height=4.8)
    with style():
        ax.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":")
        for question in asked:
            _one_roc(ax, question, cohort.level, replicates, seed)
            _readers(ax, question, cohort)
        for mark, reader in zip(_MARKS, cohort.cases.readers, strict=False):
            ax.plot([], [], mark, color=BLACK, fillstyle="none", label=reader.replace("_", " "))
        ax.plot([], [], "o", color=BLACK, label="model, at its threshold")
        ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
        ax.set(xlabel="1 - specificity", ylabel="sensitivity")
        small = [q for q in asked if _smaller(q) < bands.ENOUGH]
        ends = f"AUC ({percent_text(cohort.level)} % CI)"
        if small:
            ends += f"\n* band approximate: fewer than\n{bands.ENOUGH} cases in a class"
        # Outside: with many readers it would hide the curves.
        place = {"loc": "upper left", "bbox_to_anchor": (1.0, 1.0)}
        ax.legend(title=ends, title_fontsize=8, alignment="left", **place)
    return ax


def draw_reliability(cohort: Cohort, task: str, *, ax: Any = None, bins: int | None = None) -> Any:
    """Draw observed shares against probabilities.

    Parameters
    ----------
    cohort : Cohort
    task : str
        As in `spinalcord.tasks`.
    ax : matplotlib Axes, optional
    bins : int, optional
        Equally filled ones; if not given, as many as have about 15 patients each, 3 to 10.

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        Without matplotlib.
    InputError
        Another task; no case of it has a probability.
    """
    question = _scored(cohort, task)
    truth, p = question.truth[question.scored], question.probability[question.scored]
    ax = take_axes(ax)
    colour, line = TASK_LOOKS[task]
    found = reliability(truth, p, bins=bins or min(10, max(3, p.size // 15)), level=cohort.level)
    x = np.array([b.predicted for b in found])
    y, low, high = (
        np.array([getattr(b.observed, end) for b in found]) for end in ("estimate", "low", "high")
    )
    with style():
        ax.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=":", label="perfect")
        ax.errorbar(
            x, y, [y - low, high - y], color=colour, linestyle=line, marker="o", capsize=2,
            linewidth=1.2, markersize=4, label="model",
        )  # fmt: skip
        ends = {True: (1.0, 1.05), False: (-0.05, 0.0)}
        for value, (bottom, top) in ends.items():
            own = p[truth == value]
            ax.vlines(own, bottom, top, color=GREY, linewidth=0.4, rasterized=own.size > MANY)
        ax.set(xlim=(-0.02, 1.02), ylim=(-0.07, 1.07), aspect="equal")
        ax.set(xlabel=f"probability of {TASKS[task].positive}", ylabel="observed share")
        ax.set_title(task_words(task))
        ax.legend(loc="upper left", bbox_to_anchor=(0.0, 0.93))
    return ax


def draw_decision_curve(cohort: Cohort, task: str, *, ax: Any = None) -> Any:
    """Draw the net benefit of acting on the probability, on everyone and on nobody.

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
        Another task; no case of it has a probability.
    """
    question = _scored(cohort, task)
    curve = decision_curve(question.truth[question.scored], question.probability[question.scored])
    ax = take_axes(ax)
    colour, _ = TASK_LOOKS[task]
    with style():
        ax.plot(curve.threshold, curve.model, color=colour, label="model")
        ax.plot(curve.threshold, curve.treat_all, color=GREY, linestyle="--", label="all")
        ax.axhline(0, color=BLACK, linewidth=0.8, linestyle=":", label="none")
        top = max(float(curve.model.max()), float(curve.treat_all.max()), 0.05)
        ax.set(xlim=(0, 1), ylim=(-0.3 * top, 1.1 * top))
        ax.set(xlabel="threshold probability", ylabel="net benefit per patient")
        ax.set_title(f"acting on {TASKS[task].positive}, n = {curve.n}")
        ax.legend(loc="upper right")
    return ax


def sensitivity_band(
    truth: NDArray[np.bool_], scores: Float, *, level: float, replicates: int, seed: int
) -> tuple[Float, Float]:
    """Bootstrap the sensitivity at each false positive rate of 0, 0.01 ... 1.

    Parameters
    ----------
    truth : (n,) bool
    scores : (n,) float64
    level : float
    replicates, seed : int

    Returns
    -------
    low, high : (101,) float64
        As `roc_band`; cases are drawn within the classes.
    """
    band = bands.roc_band(truth, scores, level=level, replicates=replicates, seed=seed)
    return band.low, band.high


def _one_roc(ax: Any, question: Question, level: float, replicates: int, seed: int) -> None:
    truth = question.truth[question.scored]
    p = question.probability[question.scored]
    colour, line = TASK_LOOKS[question.name]
    curve = roc_curve(truth, p)
    area = auc(truth, p, level=level)
    low, high = sensitivity_band(truth, p, level=level, replicates=replicates, seed=seed)
    ax.fill_between(_GRID, low, high, color=colour, alpha=0.13, linewidth=0)
    label = (
        f"{task_words(question.name)}: {decimal(area.estimate, 2)} "
        f"({decimal(area.low, 2)}, {decimal(area.high, 2)})"
    )
    if _smaller(question) < bands.ENOUGH:
        label += "*"
    ax.plot(curve.false_positive_rate, curve.sensitivity, color=colour, linestyle=line, label=label)
    summary = count(question).summary(level=level)
    point = 1 - summary["specificity"].estimate, summary["sensitivity"].estimate
    ax.plot(*point, "o", color=colour, markersize=6, markeredgecolor="white", zorder=4)


def _readers(ax: Any, question: Question, cohort: Cohort) -> None:
    colour, _ = TASK_LOOKS[question.name]
    for mark, reader in zip(_MARKS, cohort.cases.readers, strict=False):
        table = count_reader(question, *judge(cohort.cases, question, reader))
        if table.n_positive and table.n_negative:
            point = table.fp / table.n_negative, table.tp / table.n_positive
            ax.plot(*point, mark, color=colour, fillstyle="none", markersize=6, zorder=4)


def _smaller(question: Question) -> int:
    """Size of the smaller class of those with a probability."""
    truth = question.truth[question.scored]
    return min(int(truth.sum()), int((~truth).sum()))


def _both(question: Question) -> bool:
    return len({*question.truth[question.scored]}) == 2


def _scored(cohort: Cohort, task: str) -> Question:
    if task not in TASKS:
        raise InputError(f"no task {task!r}; expected one of {', '.join(TASKS)}")
    question = ask(cohort.cases, task)
    if not question.scored.any():
        raise InputError(f"no case with a reference_diagnosis has a probability of {task}")
    return question
