from __future__ import annotations

import numpy as np
import pytest

from spinalcord.errors import InputError
from spinalcord.phantom.lesion_geometry import (
    DIAGNOSES,
    HELD_OUT_STYLE,
    STYLES,
    Part,
    SyntheticLesion,
    check_visible,
    draw_style,
    sample_lesions,
)

SPAN = (0.0, 400.0)


def test_a_part_is_full_in_its_middle_and_gone_outside():
    part = Part("plaque", 50.0, 10.0, u=0.3, v=0.2, ru=0.3, rv=0.3, margin_mm=0.5, strength=0.8)
    s = np.array([50.0, 50.0, 63.0])
    share = part.share(s, np.array([0.3, 0.9, 0.3]), np.array([0.2, 0.2, 0.2]), np.full(3, 5.0))
    np.testing.assert_allclose(share, [0.8, 0, 0], atol=1e-6)


def test_a_shell_is_hollow():
    part = Part("acute", 0.0, 10.0, ru=1.0, rv=1.0, margin_mm=0.3, shell=0.3)
    share = part.share(np.zeros(2), np.array([0.0, 0.85]), np.zeros(2), np.full(2, 6.0))
    assert share[0] == 0
    assert share[1] > 0.9


def test_swelling_is_largest_in_the_middle_and_ends_beyond_the_lesion():
    lesion = SyntheticLesion("NMOSD", 100.0, 20.0, (Part("myelitis", 100.0, 20.0),), 1.3)
    np.testing.assert_allclose(lesion.widening(np.array([100.0, 140.0])), [1.3, 1.0])
    assert 1 < lesion.widening(np.array([115.0]))[0] < 1.3


@pytest.mark.parametrize("diagnosis", DIAGNOSES)
def test_the_same_seed_draws_the_same_lesions(diagnosis):
    one, two = (sample_lesions(np.random.default_rng(5), diagnosis, SPAN) for _ in range(2))
    assert [a.summary() for a in one] == [b.summary() for b in two]
    assert one


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(("glioma", SPAN, 0.5), "glioma"), (("MS", SPAN, 1.5), "1.5"), (("MS", (3, 3), 0.5), "room")],
)
def test_what_cannot_be_drawn_is_refused(arguments, words):
    diagnosis, span, difficulty = arguments
    with pytest.raises(InputError, match=words):
        sample_lesions(np.random.default_rng(0), diagnosis, span, difficulty=difficulty)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("diagnosis", DIAGNOSES)
def test_every_style_draws_lesions_of_the_diagnosis_along_the_span(style, diagnosis):
    one, two = (
        sample_lesions(np.random.default_rng(6), diagnosis, SPAN, style=style) for _ in range(2)
    )
    assert [a.summary() for a in one] == [b.summary() for b in two]
    for lesion in one:
        assert lesion.diagnosis == diagnosis
        assert SPAN[0] < lesion.s < SPAN[1]
        s = np.linspace(*SPAN, 4001)
        middle = np.zeros(len(s))
        inside = max(
            float(part.share(s, middle + part.u, middle + part.v, middle + 5.0).max())
            for part in lesion.parts
        )
        assert inside > 0.15
        far = np.array([lesion.extent[0] - 60, lesion.extent[1] + 60])
        for part in lesion.parts:
            np.testing.assert_allclose(part.share(far, far * 0, far * 0, far * 0 + 5), 0, atol=1e-3)
        np.testing.assert_allclose(lesion.widening(far), 1.0, atol=0.02)


def test_mixed_draws_every_style_but_the_one_held_out():
    rng = np.random.default_rng(1)
    drawn = {draw_style(rng, "mixed") for _ in range(50)}
    assert drawn == set(STYLES) - {HELD_OUT_STYLE}
    assert draw_style(rng, HELD_OUT_STYLE) == HELD_OUT_STYLE


def test_another_style_or_share_is_refused():
    with pytest.raises(InputError, match="cubist"):
        draw_style(np.random.default_rng(0), "cubist")
    for visible in (0.0, 1.5, float("nan")):
        with pytest.raises(InputError, match="visible"):
            check_visible(visible)
