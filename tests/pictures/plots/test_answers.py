"""Bars: as long as the probabilities, thresholds where they are, decisions in bold."""

from __future__ import annotations

import pytest

from spinalcord.errors import InputError
from spinalcord.pictures.plots import draw_diagnoses, draw_tasks
from spinalcord.tasks import deciding_tasks


def weights(ax):
    return {t.get_text(): t.get_fontweight() for t in ax.texts}


def test_tasks(figure, diagnosis):
    ax = draw_tasks(diagnosis, ax=figure.add_subplot())
    widths = [bar.get_width() for bar in ax.patches]
    assert widths == [1, 0.8, 1, 0.3, 1, 0.45]
    cuts = [c.get_segments()[0][0, 0] for c in ax.collections if hasattr(c, "get_segments")]
    assert cuts == [0.5, 0.5, 0.4]
    dots = [c.get_offsets()[:, 0].tolist() for c in ax.collections[1::2]]
    assert dots[0] == pytest.approx([0.7, 0.9])
    bold = {text for text, weight in weights(ax).items() if weight == "bold"}
    assert bold == {"demyelination", "astrocytoma", "NMOSD"}
    assert {"0.80", "0.30", "0.45", "0.40", "not asked"} <= set(weights(ax))
    # At 0.45 of a threshold of 0.40 the answer is NMOSD, though below a half.
    assert diagnosis.diagnosis == "NMOSD"


def test_the_question_that_was_not_asked_is_pale(figure, diagnosis):
    assert deciding_tasks(diagnosis.diagnosis) == ("tumor_vs_demyelination", "ms_vs_nmosd")
    ax = draw_tasks(diagnosis, ax=figure.add_subplot())
    assert [bar.get_alpha() for bar in ax.patches[1::2]] == [1, 0.35, 1]


def test_diagnoses(figure, diagnosis):
    ax = draw_diagnoses(diagnosis, ax=figure.add_subplot())
    assert [bar.get_width() for bar in ax.patches] == pytest.approx(
        [0.2 * 0.7, 0.2 * 0.3, 0.8 * 0.55, 0.8 * 0.45]
    )
    assert weights(ax) == {
        "0.14": "normal", "0.06": "normal", "0.44": "normal", "0.36 decided": "bold"
    }  # fmt: skip
    labels = {t.get_text(): t.get_fontweight() for t in ax.get_yticklabels()}
    assert [name for name, weight in labels.items() if weight == "bold"] == ["NMOSD"]


@pytest.mark.parametrize("draw", [draw_tasks, draw_diagnoses])
def test_nothing_to_draw(figure, nothing_found, draw):
    with pytest.raises(InputError, match="nothing was classified"):
        draw(nothing_found[1], ax=figure.add_subplot())
