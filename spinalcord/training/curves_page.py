"""Page with the learning curves of a training, which reloads itself until the training ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from .. import __version__
from ..pictures.document import document, titled

RELOADED_S = 10
"""Seconds after which a browser reloads the page."""

WIDTH, HEIGHT, LEFT, BELOW = 560, 240, 68, 26
"""Pixels; the numbers of the vertical axis, of up to eight characters, stand in `LEFT`."""
COLOURS = (
    "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#444444", "#8a6d00",
    "#882255", "#66a61e",
)  # fmt: skip
SHOWN_ROWS = 12

_STYLE = (
    ".charts{display:flex;flex-wrap:wrap;gap:1rem}figure{flex:1 1 24rem;margin:0}"
    "svg{width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:#333}"
    ".key{white-space:nowrap}"
)


@dataclass(frozen=True)
class Progress:
    """Progress of a training.

    Attributes
    ----------
    target : str
        Network that is trained.
    epoch, epochs : int
        Number of finished epochs, and the maximum.
    step, steps : int
        Likewise for steps.
    seconds : float
        Seconds since the start.
    loss : float or None
        Mean loss of the current epoch; None before its first step.
    ended : str
        Reason for the end; empty while the training runs.
    """

    target: str
    epoch: int
    epochs: int
    step: int
    steps: int
    seconds: float
    loss: float | None = None
    ended: str = ""

    def sentence(self) -> str:
        """Return the progress as a sentence."""
        said = f"{self.target}: epoch {self.epoch} of {self.epochs}, step {self.step} of "
        said += f"{self.steps}, {self.seconds / 60:.1f} minutes"
        if self.ended:
            return f"{said}; ended ({self.ended})."
        if self.loss is not None:
            said += f"; loss of the epoch that runs {self.loss:.4f}"
        if 0 < self.step < self.steps:
            left = self.seconds * (self.steps / self.step - 1) / 60
            said += f"; at most {left:.1f} minutes to go"
        return f"{said}. The page reloads itself every {RELOADED_S} seconds."


def make_curves_page(
    history: Sequence[Mapping[str, Any]], figures: Sequence[str], progress: Progress
) -> str:
    """Return the page: losses, metrics, learning rate, and a table of the last epochs.

    Parameters
    ----------
    history : sequence of mapping
        One row an epoch.
    figures : sequence of str
        Names of the metrics besides the losses.
    progress : Progress

    Returns
    -------
    str
        HTML document without external resources.
    """
    shares = [name for name in figures if not name.endswith("_mm3")]
    volumes = [name for name in figures if name.endswith("_mm3")]
    charts = [
        draw_chart(history, ["train_loss", "validation_loss"], "loss"),
        draw_chart(history, shares, "validation", top=1.0),
        draw_chart(history, volumes, "mm³"),
        draw_chart(history, ["learning_rate"], "learning rate"),
    ]
    parts = {"Curves": f'<div class="charts">{"".join(charts)}</div>'}
    if history:
        parts["Last epochs"] = _table(history[-SHOWN_ROWS:], figures)
    return document(
        f"Learning curves: {progress.target}",
        [progress.sentence()],
        "".join(titled(title, body) for title, body in parts.items()),
        sections=parts,
        footer=f"<p>spinalcord {escape(__version__)}. Research software: not for clinical use.</p>",
        style=_STYLE,
        reload_s=None if progress.ended else RELOADED_S,
    )


def draw_chart(
    history: Sequence[Mapping[str, Any]],
    names: Sequence[str],
    label: str,
    *,
    top: float | None = None,
) -> str:
    """Draw columns of the history over the epochs as SVG.

    Parameters
    ----------
    history : sequence of mapping
        Rows, which may lack some of the columns.
    names : sequence of str
    label : str
        Label of the vertical axis, which starts at 0.
    top : float, optional
        Upper end of that axis; the largest value if not given.

    Returns
    -------
    str
        Figure; empty if no row has any of the columns.
    """
    lines = {n: [(r["epoch"], float(r[n])) for r in history if n in r] for n in names}
    lines = {name: points for name, points in lines.items() if points}
    if not lines:
        return ""
    last = max(x for points in lines.values() for x, _ in points)
    largest = top or max(y for points in lines.values() for _, y in points) or 1.0
    first = min(x for points in lines.values() for x, _ in points)

    def at(x: float, y: float) -> tuple[float, float]:
        across = (x - first) / max(last - first, 1) * (WIDTH - LEFT - 12)
        return LEFT + across, (HEIGHT - BELOW) * (1 - y / largest) + 8

    drawn, key = [], []
    for number, (name, points) in enumerate(lines.items()):
        colour = COLOURS[number % len(COLOURS)]
        places = [at(x, y) for x, y in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        drawn.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        drawn += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{colour}"/>' for x, y in places]
        key.append(f'<span class="key"><span style="color:{colour}">■ {escape(name)}</span> '
                   f"{points[-1][1]:.4g}</span>")  # fmt: skip
    axes = []
    for share in (0, 0.5, 1):
        _, y = at(first, share * largest)
        axes.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - 12}" stroke="#ddd"/>')
        axes.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">'
                    f"{_short(share * largest)}</text>")  # fmt: skip
    axes += [f'<text x="{at(x, 0)[0]:.1f}" y="{HEIGHT}" text-anchor="{side}">{x:g}</text>'
             for x, side in {last: "end", first: "start"}.items()]  # fmt: skip
    return (
        f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT + 4}" role="img" aria-label="{escape(label)} '
        f'over epochs {first:g} to {last:g}">{"".join(axes + drawn)}</svg>'
        f"<figcaption>{escape(label)} over epochs: {', '.join(key)}</figcaption></figure>"
    )


def _last(epochs: int) -> str:
    return "The first epoch" if epochs == 1 else f"The last {epochs} epochs, newest first"


def _short(value: float) -> str:
    return f"{value:,.0f}" if 1000 <= value < 999_999 else f"{value:.3g}"


def _table(history: Sequence[Mapping[str, Any]], figures: Sequence[str]) -> str:
    names = ["epoch", "steps", "seconds", "learning_rate", "train_loss", "validation_loss"]
    names += list(figures)
    head = "".join(f'<th scope="col">{escape(name.replace("_", " "))}</th>' for name in names)
    rows = "".join(
        "<tr>" + "".join(f"<td>{row[n]:.4g}</td>" if n in row else "<td></td>" for n in names)
        + "</tr>"
        for row in reversed(history)
    )  # fmt: skip
    return (
        f'<div class="table"><table><caption>{_last(len(history))}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
