"""Draw what `bench_scaling.py` measured: two SVG pictures.

python benchmarks/plot_scaling.py benchmarks/results/mine.jsonl docs
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from spinalcord.pictures.style import BLUE, GREEN, RED, new_figure, style, to_svg

LOOKS = {"f32": (BLUE, "o"), "bf16": (RED, "s"), "int8": (GREEN, "^")}
MARKS = {"densenet121": (RED, "o", "right"), "multiresunet": (BLUE, "s", "left")}
"""Colour, mark, and the end of the label that is at the mark: layers of both lie close together."""
TIMES = ("ms_per_image", "s_per_case")
NETWORKS = {"densenet121": "DenseNet121", "multiresunet": "MultiResUNet"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Write benchmarks-scaling.svg and benchmarks-roofline.svg."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args(arguments)
    lines = [json.loads(line) for line in options.results.read_text("utf-8").splitlines()]
    points = medians([line for line in lines if line.get("bench") == "scaling"])
    roofs = [line for line in lines if line.get("bench") == "roofline"]
    if not points or not roofs:
        parser.error(f"{options.results} has no lines of bench_scaling.py")
    with style():
        for name, figure in (
            ("scaling", draw_scaling(points)), ("roofline", draw_roofline(roofs[-1])),
        ):  # fmt: skip
            picture = re.sub(rb"\n\s+", b"\n", to_svg(figure))  # indented, it is a third larger
            (options.folder / f"benchmarks-{name}.svg").write_bytes(picture)
    return 0


def medians(lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one line for each setting, with the median of what was measured in it."""
    found: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        setting = {k: v for k, v in line.items() if k not in (*TIMES, "machine")}
        found.setdefault(str(setting), []).append(line)
    return [
        {**same[0], **{k: median(line[k] for line in same) for k in TIMES if k in same[0]}}
        for same in found.values()
    ]


def draw_scaling(points: Sequence[dict[str, Any]]) -> Any:
    """Draw milliseconds per image against size, batch and threads, and seconds per case."""
    figure = new_figure(11.0, 5.6)
    axes = figure.subplots(2, 4)
    images = [point for point in points if "cases" not in point]
    most = max(point["threads"] for point in images)
    rest = {"size": 256, "batch": 1, "threads": most}
    for row, (network, title) in zip(axes[:, :3], NETWORKS.items(), strict=True):
        own = [point for point in images if point["network"] == network]
        for ax, key in zip(row, rest, strict=True):
            on = [p for p in own if all(p[k] == v for k, v in rest.items() if k != key)]
            _curves(ax, on, key, lambda point: point["ms_per_image"])
            ax.set_title(title)
            ax.set_ylabel("ms per image")
            ax.set_xlabel({"size": "pixels a side", "batch": "images per call"}.get(key, key))
    cases = [point for point in points if "cases" in point]
    _curves(axes[0, 3], cases, "cases", lambda point: point["s_per_case"])
    axes[0, 3].set(title="spinalcord run", ylabel="s per case", xlabel="cases")
    axes[1, 3].set_axis_off()
    handles, labels = axes[0, 0].get_legend_handles_labels()
    axes[1, 3].legend(handles, labels, loc="upper left")
    size, batch = "256 x 256", "one image per call"
    axes[1, 3].text(0, 0.45, f"else {size},\n{batch},\n{most} threads", fontsize=8)
    return figure


def _curves(
    ax: Any, points: Sequence[dict[str, Any]], key: str, value: Callable[[dict[str, Any]], float]
) -> None:
    for precision, (colour, mark) in LOOKS.items():
        found = sorted((p[key], value(p)) for p in points if p["precision"] == precision)
        if found:
            ax.plot(*zip(*found, strict=True), color=colour, marker=mark, ms=3.5, label=precision)
    ticks = sorted({point[key] for point in points})
    if len(ticks) > 2:
        ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.set_xticks(ticks, [str(tick) for tick in ticks], rotation=45 if key == "size" else 0)
    ax.minorticks_off()
    ax.yaxis.set_major_formatter(lambda y, _: f"{y:g}")
    low, high = ax.get_ylim()
    steps = [m * 10.0**e for e in range(-2, 5) for m in (1, 2, 5)]
    ax.set_yticks([step for step in steps if low <= step <= high])


def draw_roofline(found: dict[str, Any]) -> Any:
    """Draw the speed of each class of layer under the roof of its precision."""
    figure = new_figure(10.0, 3.6)
    precisions = [p for p in LOOKS if any(row["precision"] == p for row in found["layers"])]
    for ax, precision in zip(figure.subplots(1, len(precisions)), precisions, strict=True):
        peak, copied = found["peaks"][precision], found["memory_gb_s"]
        ends = [peak / copied / 40, peak / copied, 2000.0]
        ax.plot(ends, [peak / 40, peak, peak], color="black", lw=1)
        for row in found["layers"]:
            # Layers that a network keeps in a wider type belong under another roof.
            kind, _, used = row["class"].rpartition(" ")
            if row["precision"] == precision == used and row["flops_per_byte"]:
                place = row["flops_per_byte"], row["gflops"]
                colour, mark, end = MARKS[row["network"]]
                ax.plot(*place, color=colour, marker=mark, ms=4)
                ax.annotate(kind, place, xytext=(4 if end == "left" else -4, -3), ha=end,
                            color=colour, textcoords="offset points", fontsize=7)  # fmt: skip
        ax.set(xscale="log", yscale="log", xlim=(8, 2000), ylim=(peak / 15, 1.5 * peak),
               title=f"{precision}: {peak:,.0f} GFLOP/s", xlabel="operations per byte",
               ylabel="GFLOP/s")  # fmt: skip
    for name, (colour, mark, _) in MARKS.items():
        ax.plot([], [], color=colour, marker=mark, ls="none", ms=4, label=NETWORKS[name])
    ax.legend(loc="upper left")
    return figure


if __name__ == "__main__":
    sys.exit(main())
