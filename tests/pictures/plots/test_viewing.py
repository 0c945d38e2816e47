"""The slice slider: each control changes the picture."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from spinalcord.errors import InputError
from spinalcord.pictures.plots import view_scene
from spinalcord.pictures.scene import Scene


@pytest.fixture
def widgets():
    return pytest.importorskip("ipywidgets", reason="view() needs the extra notebook")


@pytest.mark.usefixtures("widgets")
def test_controls_change_the_picture(scene):
    values = np.zeros(scene.scan.shape, np.float32)
    values[2] = 1
    shown = Scene(scene.scan, scene.lesion, heat=scene.scan.like(values), heat_label="attribution")
    slider, outline, opacity, picture = view_scene(shown).children
    assert (slider.min, slider.max, slider.value) == (0, 5, 3)  # counted from the left
    assert "slice 2" in picture.value
    assert picture.value.count("data:image/png") == 1
    seen = {picture.value}
    for control, value in ((opacity, 0.0), (outline, False), (slider, 0), (slider, 5)):
        control.value = value
        seen.add(picture.value)
    assert len(seen) == 5
    assert "slice 0" in picture.value


@pytest.mark.usefixtures("widgets")
def test_results_can_be_viewed(segmentation):
    assert len(segmentation.view().children) == 3
    assert len(segmentation.view(probability=True, margin_mm=10).children) == 4
    with pytest.raises(InputError, match="margin_mm"):
        segmentation.view(margin_mm=-2)


def test_missing_widgets_are_named_with_the_command(segmentation, monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(InputError, match=r"pip install 'spinalcord\[notebook\]'"):
        segmentation.view()
