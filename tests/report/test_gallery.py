"""Figures of the report: all that a cohort allows, and none that it does not."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest
from report import cohorts

from spinalcord import Cohort
from spinalcord.errors import InputError
from spinalcord.report.gallery import PLATES

pytest.importorskip("matplotlib", reason="figures need matplotlib, of the extra report")
BY_NAME = {plate.name: plate for plate in PLATES}


@pytest.mark.slow
@pytest.mark.parametrize("plate", PLATES, ids=lambda plate: plate.name)
def test_every_plate_is_an_image_with_a_text(plate):
    cohort = Cohort(cohorts.drawn(60))
    cohort.lesions = cohorts.lesions(60)
    svg = plate.to_svg(cohort)
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert len(plate.alternative) > 30
    assert b"<script" not in svg


def test_panels_that_cannot_be_drawn_are_left_out():
    cohort = Cohort(cohorts.of_letter())
    svg = BY_NAME["confusion"].to_svg(cohort).decode()
    assert "four diagnoses" not in svg
    assert "MS or NMOSD, n = 78" in svg
    with pytest.raises(InputError, match="has a probability"):
        BY_NAME["reliability"].to_svg(cohort)


@pytest.mark.slow
def test_points_of_many_patients_become_pixels():
    few, many = (BY_NAME["dice"].to_svg(Cohort(cohorts.drawn(n))).decode() for n in (400, 8000))
    assert len(re.findall("<use", few)) > 400
    assert "<image" in many
    assert len(many) < len(few) + 200_000
