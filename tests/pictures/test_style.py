"""Colours that print and eyes can tell apart; files that are the same each time."""

from __future__ import annotations

from itertools import combinations

import pytest

from spinalcord.pictures import style


def grey(colour: str) -> float:
    red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue


def test_tasks_differ_in_colour_and_line():
    looks = list(style.TASK_LOOKS.values())
    assert len({line for _, line in looks}) == len({colour for colour, _ in looks}) == 3


def test_diagnoses_differ_in_grey_too():
    shades = [grey(colour) for colour in style.DIAGNOSIS_COLOURS.values()]
    assert min(abs(a - b) for a, b in combinations(shades, 2)) > 0.04
    assert max(shades) < 0.8


def test_the_same_figure_is_the_same_file():
    pytest.importorskip("matplotlib", reason="figures need matplotlib, of the extra report")

    def draw() -> bytes:
        with style.style():
            figure = style.new_figure(2, 2)
            figure.add_subplot().plot([0, 1], [1, 0], label="text stays text")
            figure.axes[0].legend()
        return style.to_svg(figure)

    first = draw()
    assert first == draw()
    assert b"text stays text" in first
    assert b"<dc:date>" not in first


def test_settings_do_not_leak():
    matplotlib = pytest.importorskip("matplotlib", reason="needs the extra report")
    before = dict(matplotlib.rcParams)
    with style.style():
        assert matplotlib.rcParams["svg.fonttype"] == "none"
    assert dict(matplotlib.rcParams) == before


def test_neighbours_are_kept_apart():
    offsets = style.spread(100)
    assert offsets.min() >= -0.5
    assert offsets.max() < 0.5
    assert len({*offsets}) == 100
    assert abs(offsets[1:] - offsets[:-1]).min() > 0.3
