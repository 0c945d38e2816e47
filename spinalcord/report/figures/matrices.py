"""Tables as pictures: confusion of diagnoses, and agreement of model and readers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import InputError
from ...pictures.style import style, take_axes
from ...stats.estimate import decimal
from ...tasks import TASKS
from ..cases import ask
from ..diagnoses import confusion
from ..performance import count
from ..readers import agreement, named_voices
from ..table import task_words

if TYPE_CHECKING:
    from ..cohort import Cohort

_ROOMY = 5  # with more rows and columns a cell has no room for an interval


def draw_confusion(cohort: Cohort, task: str | None = None, *, ax: Any = None) -> Any:
    """Draw reference against answer, with counts and the share of each row.

    Parameters
    ----------
    cohort : Cohort
    task : str, optional
        As in `spinalcord.tasks`; the four diagnoses if not given.
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        Without matplotlib.
    InputError
        Another task; no case has both reference and answer.
    """
    if task is None:
        table = confusion(cohort.cases)[0]
        names, counts = list(table.classes), np.array(table.counts)
        title = "four diagnoses"
    elif task in TASKS:
        two = count(ask(cohort.cases, task))
        names = [TASKS[task].negative, TASKS[task].positive]
        counts = np.array([[two.tn, two.fp], [two.fn, two.tp]])
        title = task_words(task)
    else:
        raise InputError(f"no task {task!r}; expected one of {', '.join(TASKS)}")
    if not counts.sum():
        raise InputError(f"no case with a reference_diagnosis has an answer to {task}")
    totals = counts.sum(1, keepdims=True)
    share = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
    words = [
        [
            f"{k}\n{decimal(100 * s, 0)} %" if total else f"{k}"
            for k, s in zip(row, shares, strict=True)
        ]
        for row, shares, total in zip(counts, share, totals[:, 0], strict=True)
    ]
    ax = take_axes(ax)
    with style():
        _heat(ax, share, words, names, names, "Blues")
        ax.set(xlabel="answer", ylabel="reference")
        ax.set_title(f"{title}, n = {counts.sum()}")
    return ax


def draw_agreement(cohort: Cohort, *, ax: Any = None) -> Any:
    """Draw Cohen's kappa of every pair of reference, model and readers.

    With its interval, unless there are so many that it would not fit.

    Parameters
    ----------
    cohort : Cohort
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        Without matplotlib.
    InputError
        Fewer than two of them gave diagnoses.
    """
    table = agreement(cohort.cases, level=cohort.level)
    names = list(named_voices(cohort.cases))
    values = np.full((len(names), len(names)), math.nan)
    words = [["" for _ in names] for _ in names]
    for row in table.rows:
        if row["second"]:
            i, j = names.index(row["first"]), names.index(row["second"])
            values[j, i] = row["estimate"]
            ends = ", ".join(decimal(row[end], 2) for end in ("low", "high"))
            roomy = len(names) <= _ROOMY and not math.isnan(row["low"])
            words[j][i] = decimal(row["estimate"], 2) + (f"\n({ends})" if roomy else "")
    ax = take_axes(ax)
    with style():
        # The first has nobody to its left, the last nobody below.
        _heat(ax, values[1:, :-1], [w[:-1] for w in words[1:]], names[1:], names[:-1], "cividis")
        ax.set_title("Cohen's kappa, four diagnoses")
    return ax


def _heat(
    ax: Any,
    values: Any,
    words: list[list[str]],
    rows: list[str],
    columns: list[str],
    colours: str,
) -> None:
    image = ax.imshow(values, cmap=colours, vmin=0, vmax=1, aspect="equal")
    below, beside = ([name.replace("_", " ") for name in names] for names in (columns, rows))
    ax.set_xticks(range(len(columns)), below, rotation=30, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(rows)), beside)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    for i, line in enumerate(words):
        for j, word in enumerate(line):
            if word:
                red, green, blue, _ = image.cmap(image.norm(values[i, j]))
                dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
                ax.text(j, i, word, ha="center", va="center", color="white" if dark else "black")
