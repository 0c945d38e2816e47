"""The three answers with their thresholds, and the four diagnoses that they lead to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import InputError
from ...tasks import DIAGNOSES, TASKS, deciding_tasks
from ..style import BLACK, DIAGNOSIS_COLOURS, GREY, TASK_LOOKS, spread, style, take_axes

if TYPE_CHECKING:
    from ...analysis.classification import Answer, Diagnosis

_TRACK = "#E6E6E6"


def draw_tasks(diagnosis: Diagnosis, *, ax: Any = None) -> Any:
    """Draw each question as a bar from its negative to its positive answer.

    The bar ends at the patient's probability of the positive answer, dots are the slices, a black
    line is the model's threshold, and the answer that was decided is in bold. A question that does
    not lead to the diagnosis is drawn pale, as not asked.

    Parameters
    ----------
    diagnosis : Diagnosis
        Diagnosis of a scan with lesion.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InputError
        Without matplotlib, or without a lesion.
    """
    _check_found(diagnosis)
    ax = take_axes(ax, 4.2, 2.6)
    with style():
        asked = deciding_tasks(diagnosis.diagnosis)
        for row, name in enumerate(TASKS):
            _draw_task(ax, row, name, diagnosis.tasks[name], name in asked)
        ax.set(ylim=(len(TASKS) - 0.4, -0.75), yticks=[])
        _draw_scale(ax, "probability of the right-hand answer; dots: slices")
        ax.set_title("Questions and thresholds", loc="left")
    return ax


def _draw_task(ax: Any, row: int, name: str, answer: Answer, asked: bool) -> None:
    task = TASKS[name]
    strength = 1.0 if asked else 0.35
    text = BLACK if asked else GREY
    ax.barh(row, 1, height=0.36, color=_TRACK, zorder=1)
    ax.barh(
        row, answer.probability, height=0.36, color=TASK_LOOKS[name][0], alpha=strength, zorder=2
    )
    ax.vlines(answer.threshold, row - 0.27, row + 0.27, color=text, linewidth=2.2, zorder=4)
    slices = np.array([one.probability for one in answer.slices])
    ax.scatter(
        slices, row + 0.22 * spread(slices.size), s=13, facecolor="white", edgecolor=text,
        linewidth=0.8, alpha=max(strength, 0.6), zorder=5,
    )  # fmt: skip
    for x, label, side in ((0.0, task.negative, "left"), (1.0, task.positive, "right")):
        weight = "bold" if label == answer.label else "normal"
        ax.text(x, row - 0.3, label, ha=side, va="bottom", color=text, fontweight=weight)
    small = {"color": text, "fontsize": 7}
    ax.text(answer.threshold, row + 0.28, f"{answer.threshold:.2f}", ha="center", va="top", **small)
    ax.text(1.03, row, f"{answer.probability:.2f}", va="center", color=text)
    if not asked:
        ax.text(1.03, row + 0.28, "not asked", va="top", **small)


def draw_diagnoses(diagnosis: Diagnosis, *, ax: Any = None) -> Any:
    """Draw the probabilities of the four diagnoses; the one decided is framed and in bold.

    Parameters
    ----------
    diagnosis : Diagnosis
        Diagnosis of a scan with lesion.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    InputError
        Without matplotlib, or without a lesion.
    """
    _check_found(diagnosis)
    ax = take_axes(ax, 4.2, 2.0)
    with style():
        values = [diagnosis.probabilities[name] for name in DIAGNOSES]
        chosen = [name == diagnosis.diagnosis for name in DIAGNOSES]
        ax.barh(
            range(len(DIAGNOSES)), values, height=0.62,
            color=[DIAGNOSIS_COLOURS[name] for name in DIAGNOSES],
            edgecolor=[BLACK if own else "none" for own in chosen], linewidth=2,
        )  # fmt: skip
        for row, (value, own) in enumerate(zip(values, chosen, strict=True)):
            ax.text(
                value + 0.015, row, f"{value:.2f}" + " decided" * own, va="center", fontsize=8,
                fontweight="bold" if own else "normal",
            )  # fmt: skip
        ax.set_yticks(range(len(DIAGNOSES)), DIAGNOSES)
        for label, own in zip(ax.get_yticklabels(), chosen, strict=True):
            label.set_fontweight("bold" if own else "normal")
        ax.set_ylim(len(DIAGNOSES) - 0.5, -0.5)
        ax.tick_params(axis="y", length=0)
        _draw_scale(ax, "probability: product along the questions")
        ax.set_title("Diagnoses", loc="left")
    return ax


def _draw_scale(ax: Any, label: str) -> None:
    """Set the x axis from 0 to 1, with space for text on the right."""
    ax.set_xlim(-0.01, 1.24)
    ax.set_xticks(np.linspace(0, 1, 5))
    ax.set_xlabel(label, loc="left")
    ax.spines["left"].set_visible(False)
    ax.spines["bottom"].set_bounds(0, 1)


def _check_found(diagnosis: Diagnosis) -> None:
    if not diagnosis.found:
        raise InputError("no lesion was found, so that nothing was classified: no bars to draw")
