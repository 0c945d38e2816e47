"""The flow of patients as boxes."""

from __future__ import annotations

from textwrap import fill
from typing import TYPE_CHECKING, Any

from ...pictures.style import BLACK, GREY, style, take_axes
from ..flow import diagnosis_counts, evaluated_counts
from ..table import task_words

if TYPE_CHECKING:
    from ..cohort import Cohort


def draw_flow(cohort: Cohort, *, ax: Any = None) -> Any:
    """Draw who came in, who left and why, and who was evaluated.

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
    """
    steps = cohort.flow
    ax = take_axes(ax, width=6.5, height=5.2)
    last = len(steps)
    box = {"boxstyle": "round,pad=0.45", "facecolor": "white", "edgecolor": BLACK}
    side = {**box, "edgecolor": GREY, "linestyle": "--"}
    arrow = {"arrowstyle": "-|>", "color": BLACK, "shrinkA": 12, "shrinkB": 14}
    out = {**arrow, "color": GREY, "shrinkA": 0, "shrinkB": 2}
    with style():
        for i, step in enumerate(steps):
            y = -i
            ax.text(
                0, y, f"{fill(step.label, 48)}\nn = {step.n}", ha="center", va="center", bbox=box
            )
            ax.annotate("", (0, y - 1), (0, y), arrowprops=arrow, zorder=0)
            if step.left:
                words = "\n".join(f"{why}: {n}" for why, n in step.left)
                ax.annotate("", (0.82, y - 0.5), (0, y - 0.5), arrowprops=out, zorder=0)
                ax.text(0.88, y - 0.5, words, ha="left", va="center", bbox=side, fontsize=8)
        # A space that does not break keeps each name with its number.
        groups = [f"{name}:\N{NO-BREAK SPACE}{n}" for name, n in diagnosis_counts(cohort).items()]
        words = fill(", ".join(groups), 60, break_long_words=False) or "none is known"
        words = f"reference among the patients\n{words}"
        for name, n in evaluated_counts(cohort).items():
            words += f"\n{task_words(name)}, evaluated: {n}"
        ax.text(0, -last, words, ha="center", va="center", bbox=box)
        ax.set(xlim=(-1.0, 2.0), ylim=(-last - 0.5, 0.5))
        ax.set_axis_off()
    return ax
