"""A figure by subgroup, task by task."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from ...errors import InputError
from ...pictures.style import BLACK, GREY, TASK_LOOKS, style, take_axes
from ...stats.estimate import p_text
from ..factors import FIGURES, subgroups
from ..performance import table2
from ..table import task_words

if TYPE_CHECKING:
    from ..cohort import Cohort


def draw_subgroups(cohort: Cohort, figure: str = "accuracy", *, ax: Any = None) -> Any:
    """Draw a forest of one figure in all subgroups, with the p-value of each interaction.

    Parameters
    ----------
    cohort : Cohort
    figure : {"accuracy", "sensitivity", "specificity", "auc"}
    ax : matplotlib Axes, optional

    Returns
    -------
    matplotlib Axes

    Raises
    ------
    ImportError
        Without matplotlib.
    InputError
        Another figure; as `Cohort.subgroups`.
    """
    if figure not in FIGURES:
        raise InputError(f"no figure {figure!r}; expected one of {', '.join(FIGURES)}")
    label = "AUC" if figure == "auc" else figure
    lines = _lines(cohort, label)
    ax = take_axes(ax, width=6.5, height=1 + 0.21 * len(lines))
    with style():
        for y, line in enumerate(lines):
            _draw_line(ax, y, line)
        ax.set(ylim=(len(lines) - 0.4, -0.6), xlim=(-0.02, 1.5))
        ax.set_xticks([0, 0.2, 0.4, 0.6, 0.8, 1])
        ax.set_xlabel(label, x=0.5 / 1.52)
        ax.spines["bottom"].set_bounds(0, 1)
        ax.set_yticks(range(len(lines)), [line["label"] for line in lines])
        for tick, line in zip(ax.get_yticklabels(), lines, strict=True):
            tick.set_fontweight("bold" if line["whole"] else "normal")
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
    return ax


def _draw_line(ax: Any, y: int, line: dict[str, Any]) -> None:
    colour, _ = TASK_LOOKS[line["task"]]
    if not math.isnan(line["estimate"]):
        x = line["estimate"]
        if not math.isnan(line["low"]):
            ax.plot([line["low"], line["high"]], [y, y], color=colour, linewidth=1.4)
        mark = "D" if line["whole"] else "s"
        ax.plot(x, y, mark, color=BLACK if line["whole"] else colour, markersize=5)
    ax.text(1.04, y, line["counts"], va="center", fontsize=8)
    ax.text(1.31, y, line["p"], va="center", fontsize=8, color=GREY)
    if line["whole"] and y:
        ax.axhline(y - 0.5, color=GREY, linewidth=0.5)


def _lines(cohort: Cohort, label: str) -> list[dict[str, Any]]:
    whole = {
        row["task"]: row
        for row in table2(cohort.cases, lost=cohort.lost, level=cohort.level).rows
        if row["cases"] == "all" and row["figure"] == label
    }
    rows = subgroups(cohort.cases, level=cohort.level).rows
    lines = []
    for task, overall in whole.items():
        lines.append(_line(overall, task_words(task), whole=True))
        # An interaction's row is told from a subgroup's by its figure, which names both.
        own = [r for r in rows if r["task"] == task and r["figure"].split(",")[0] == label]
        tests = {r["factor"]: r for r in rows if r["task"] == task and _is_test(r, label)}
        seen: set[str] = set()
        for row in own:
            if row["subgroup"] == "interaction":
                continue
            test = tests.get(row["factor"])
            first = row["factor"] not in seen
            seen.add(row["factor"])
            known = test is not None and not math.isnan(test["p"])
            words = p_text(test["p"]) if test is not None and known and first else ""
            lines.append(_line(row, f"{row['subgroup']}", words=words))
    return lines


def _is_test(row: Any, label: str) -> bool:
    return bool(row["subgroup"] == "interaction" and row["figure"].split(",")[0] == label)


def _line(row: Any, name: str, *, whole: bool = False, words: str = "") -> dict[str, Any]:
    counts = f"{row['k']} of {row['n']}" if row["k"] is not None else f"n = {row['n']}"
    return {
        "task": row["task"],
        "label": name,
        "estimate": row["estimate"],
        "low": row["low"],
        "high": row["high"],
        "counts": counts,
        "p": words,
        "whole": whole,
    }
